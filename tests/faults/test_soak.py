"""The checks of soak and overload tests find each violation."""

import pytest

from tests.faults import overload, soak

pytestmark = pytest.mark.slow

DONE = {"succeeded": 1000}
NOTHING_LEFT = {"results": 0, "incoming": 0, "job_keys": 0, "other_keys": 0}


def samples(worker_mib=lambda _: 300.0, files=lambda _: 40, **last: int) -> list[dict]:
    """Samples of a soak test of 1,000 jobs: 101 during the work, then one at rest."""
    series = []
    for jobs in range(0, 1001, 10):
        fraction = jobs / 1000
        sizes = {
            "memory_mib": {"worker": worker_mib(fraction), "api": 80.0},
            "open_files": {"worker": files(fraction)},
            "processes": {"worker": 2},
        }
        series.append(
            {"t": fraction * 100, "phase": "work", "jobs": jobs, **sizes, "results": 50, "incoming": 0, "job_keys": 9, "other_keys": 9}
        )
    return [*series, {**series[-1], "phase": "rest", **NOTHING_LEFT, **last}]


def test_a_soak_without_growth_passes():
    assert soak.find_violations(samples(lambda fraction: 200.0 if fraction < 0.05 else 300.0), 1000, DONE) == []


@pytest.mark.parametrize(
    ("text", "series", "ended"),
    [
        ("worker: 2", samples(lambda fraction: 200.0 * (1 + 0.2 * fraction)), DONE),
        ("open_files of worker", samples(files=lambda fraction: 40 + int(20 * fraction)), DONE),
        ("3 results are left", samples(results=3), DONE),
        ("1 job_keys are left", samples(job_keys=1), DONE),
        ("999 jobs of 1000", samples(), {"succeeded": 999}),
        ("1 jobs ended failed", samples(), {"succeeded": 999, "failed": 1}),
        ("too few samples", samples()[:3], DONE),
    ],
)
def test_a_leak_is_found(text, series, ended):
    violations = soak.find_violations(series, 1000, ended)
    assert any(text in violation for violation in violations), violations


ACCEPTED, REFUSED = overload.Answer(202, None, 0.1, "j"), overload.Answer(503, "5", 0.1)
FAST = [0.002] * 100


def test_an_overload_with_proper_answers_passes():
    assert overload.find_violations([ACCEPTED, REFUSED], FAST, {"succeeded": 1}, {"succeeded": 1}) == []


@pytest.mark.parametrize(
    ("text", "answers", "health", "ended", "after"),
    [
        ("0 after", [ACCEPTED, REFUSED, overload.Answer(0, None, 9.0)], FAST, 1, 1),
        ("500 after", [ACCEPTED, REFUSED, overload.Answer(500, None, 9.0)], FAST, 1, 1),
        ("429 without Retry-After", [ACCEPTED, overload.Answer(429, None, 0.1)], FAST, 1, 1),
        ("not overloaded", [ACCEPTED], FAST, 1, 1),
        ("/health/live", [ACCEPTED, REFUSED], [*FAST, 0.2, float("inf")], 1, 1),
        ("were accepted and ended", [ACCEPTED, REFUSED], FAST, 0, 1),
        ("a job afterwards", [ACCEPTED, REFUSED], FAST, 1, 0),
    ],
)
def test_an_improper_answer_to_an_overload_is_found(text, answers, health, ended, after):
    violations = overload.find_violations(answers, health, {"succeeded": ended}, {"succeeded": after})
    assert any(text in violation for violation in violations), violations
