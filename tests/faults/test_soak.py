"""The verdicts on a soak and on an overload blame what they should."""

import pytest

from tests.faults import overload, soak

DONE = {"succeeded": 1000}
NOTHING_LEFT = {"results": 0, "incoming": 0, "job_keys": 0, "other_keys": 0}


def samples(worker_mib=lambda _: 300.0, files=lambda _: 40, **last: int) -> list[dict]:
    """A soak of 1,000 jobs in 101 looks, then one when all is quiet."""
    found = []
    for jobs in range(0, 1001, 10):
        share = jobs / 1000
        sizes = {
            "memory_mib": {"worker": worker_mib(share), "api": 80.0},
            "open_files": {"worker": files(share)},
            "processes": {"worker": 2},
        }
        found.append(
            {"t": share * 100, "phase": "work", "jobs": jobs, **sizes, "results": 50, "incoming": 0, "job_keys": 9, "other_keys": 9}
        )
    return [*found, {**found[-1], "phase": "rest", **NOTHING_LEFT, **last}]


def test_a_flat_soak_is_not_blamed():
    assert soak.verdict(samples(lambda share: 200.0 if share < 0.05 else 300.0), 1000, DONE) == []


@pytest.mark.parametrize(
    ("said", "found", "ended"),
    [
        ("worker: 2", samples(lambda share: 200.0 * (1 + 0.2 * share)), DONE),
        ("open_files of worker", samples(files=lambda share: 40 + int(20 * share)), DONE),
        ("3 results are left", samples(results=3), DONE),
        ("1 job_keys are left", samples(job_keys=1), DONE),
        ("999 jobs of 1000", samples(), {"succeeded": 999}),
        ("1 jobs ended failed", samples(), {"succeeded": 999, "failed": 1}),
        ("too few samples", samples()[:3], DONE),
    ],
)
def test_a_leak_is_found(said, found, ended):
    blamed = soak.verdict(found, 1000, ended)
    assert any(said in violation for violation in blamed), blamed


ACCEPTED, REFUSED = overload.Answer(202, None, 0.1, "j"), overload.Answer(503, "5", 0.1)
FAST = [0.002] * 100


def test_an_overload_that_was_answered_is_not_blamed():
    assert overload.verdict([ACCEPTED, REFUSED], FAST, {"succeeded": 1}, {"succeeded": 1}) == []


@pytest.mark.parametrize(
    ("said", "answers", "health", "ended", "after"),
    [
        ("0 after", [ACCEPTED, REFUSED, overload.Answer(0, None, 9.0)], FAST, 1, 1),
        ("500 after", [ACCEPTED, REFUSED, overload.Answer(500, None, 9.0)], FAST, 1, 1),
        ("429 without Retry-After", [ACCEPTED, overload.Answer(429, None, 0.1)], FAST, 1, 1),
        ("no overload", [ACCEPTED], FAST, 1, 1),
        ("/health/live", [ACCEPTED, REFUSED], [*FAST, 0.2, float("inf")], 1, 1),
        ("were accepted and ended", [ACCEPTED, REFUSED], FAST, 0, 1),
        ("a job afterwards", [ACCEPTED, REFUSED], FAST, 1, 0),
    ],
)
def test_an_overload_that_was_not_is_blamed(said, answers, health, ended, after):
    blamed = overload.verdict(answers, health, {"succeeded": ended}, {"succeeded": after})
    assert any(said in violation for violation in blamed), blamed
