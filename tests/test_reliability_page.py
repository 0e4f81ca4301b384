"""The page of results about reliability says what the reports of the fault tests say."""

import json

from benchmarks import reliability

FAULTS = {
    "accepted": 94,
    "ended": {"succeeded": 76, "failed": 18},
    "lost": 1,
    "refused": {"503": 3},
    "unanswered": 2,
    "faults": {"machine lost": {"injected": 1, "recovered_median_s": 75.6, "recovered_worst_s": 75.6}},
    "violations": ["job 1 is gone", "job 1 is gone"],
    "load": [18.0, 15.0, 8.0],
    "commit": "abc",
    "date": "2026-11-29",
}


def test_a_cluster_report_states_lost_and_doubled_jobs_and_each_violation_once():
    text = reliability.format_cluster(FAULTS | {"counted_ends": 96})
    assert text.startswith("2 jobs ended twice. 94 jobs accepted, 18 failed, 76 succeeded; 1 lost.")
    assert "Measured at commit abc on 2026-11-29; load average 18.0, 15.0, 8.0." in text
    assert "refused, each with `Retry-After`: 3 with 503; without an answer: 2." in text
    assert "| machine lost | 1 | 75.6 | 75.6 |" in text
    assert text.endswith("Violations: 1\n\n- job 1 is gone")


def test_a_run_without_violations_says_so():
    assert reliability.format_faults(FAULTS | {"violations": []}).endswith("Violations: none.")


def test_what_did_not_hold_stands_out():
    text = reliability.format_composed(FAULTS | {"held": {"a job succeeds": False}, "ready_s": 21.3})
    assert "| a job succeeds | **no** |" in text


def test_a_missing_report_is_named_as_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(reliability, "BUILD", tmp_path)
    assert reliability.describe_report("fuzz/report.json", reliability.format_fuzz).startswith("No report")
    (tmp_path / "report.json").write_text(json.dumps({"executions": 1_000_000, "findings": [], "corpus": 300}))
    assert (
        reliability.describe_report("report.json", reliability.format_fuzz) == "1,000,000 executions, 0 findings, 300 files in the corpus."
    )
