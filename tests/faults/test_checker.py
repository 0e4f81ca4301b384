"""The checker finds each violation of a guarantee in a history."""

import pytest

from tests.faults import checker

GOOD = {"status": "succeeded", "result": {"event_type": "glacial"}}
OTHER = {"status": "succeeded", "result": {"event_type": "earthquake"}}
FAILED = {"status": "failed", "result": None}


def event(kind: str, /, t: float = 1.0, **facts: object) -> dict:
    return {"t": t, "event": kind, **facts}


def accepted(key: str = "k", job: str = "j") -> dict:
    return event("accepted", key=key, case="c", job=job)


def seen(answer: dict | None = GOOD, job: str = "j", status: str | None = "succeeded") -> dict:
    return event("seen", job=job, status=status, answer=answer)


def fault(recovered_s: float | None = 3.0) -> dict:
    return event("fault", name="worker killed", recovered_s=recovered_s, within_s=30.0)


REFERENCE, FAULT, EXISTING = event("reference", case="c", answer=GOOD), fault(), ["j"]
FRAME = (REFERENCE, FAULT, event("offered", key="k"), event("existing", jobs=EXISTING))


def test_a_history_without_violations_passes():
    events = [
        event("refused", key="k", status=503, retry_after="5"),
        event("unanswered", key="k", error="ReadError"),
        accepted(),
        accepted(),  # the same key again
        seen(None, status="queued"),
        seen(),
        seen(),
    ]
    assert checker.violations([*FRAME, *events]) == []


BROKEN = {
    "has 2 jobs": [accepted(), seen(), accepted(job="j2"), seen(job="j2"), event("existing", jobs=["j", "j2"])],
    "stands for 2 keys": [accepted(), accepted(key="k2"), seen()],
    "gave up waiting": [accepted(), seen(), event("gave-up", key="k2")],
    "refused with 500": [accepted(), seen(), event("refused", key="k", status=500, retry_after=None)],
    "refused with 503, Retry-After None": [accepted(), seen(), event("refused", key="k", status=503, retry_after=None)],
    "job j was refused with 500": [accepted(), seen(), event("refused", job="j", status=500, retry_after=None)],
    "key k2 was never accepted": [accepted(), seen(), event("offered", key="k2")],
    "was unknown": [accepted(), seen(), seen(None, status=None)],
    "job j2 was never accepted": [accepted(), seen(), event("existing", jobs=["j", "j2"])],
    "job j is gone": [accepted(), seen(), event("existing", jobs=[])],
    "never ended": [accepted(), seen(None, status="running")],
    "and is failed": [accepted(), seen(), seen(FAILED, status="failed")],
    "and is running": [accepted(), seen(), seen(None, status="running")],
    "or answers otherwise": [accepted(), seen(), seen(OTHER)],
    "another answer than without faults": [accepted(), seen(OTHER)],
    "recovered after 31.0 s": [accepted(), seen(), fault(31.0)],
    "recovered after None s": [accepted(), seen(), fault(None)],
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_violation_is_found(text):
    found = checker.violations([*FRAME, *BROKEN[text]])
    assert any(text in violation for violation in found), found


@pytest.mark.parametrize("missing", checker.ESSENTIAL)
def test_a_history_without_an_essential_event_is_incomplete(missing):
    history = [found for found in (*FRAME, accepted(), seen()) if found["event"] != missing]
    assert f"the history has no event {missing!r}" in checker.violations(history)


def test_the_report_counts_jobs_and_faults():
    history = [
        *FRAME,
        fault(5.0),
        accepted(),
        seen(),
        accepted("k2", "j2"),
        seen(None, "j2", "running"),
    ]
    report = checker.summary(history)
    assert (report["accepted"], report["lost"], report["faults_injected"]) == (2, 1, 2)
    assert report["faults"]["worker killed"] == {"injected": 2, "recovered_median_s": 4.0, "recovered_worst_s": 5.0}
