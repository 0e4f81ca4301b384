"""The short form of `python -m tests.faults`: every fault once that this machine permits."""

import time

import pytest

from tests.faults import __main__ as faults
from tests.faults import poison

SHORT = (
    "worker killed",
    "queue killed",
    "parser killed",
    "store away",
    "worker's machine lost",
    "queue paused",
    "API killed",
    "parser server killed",
    "disk full",
)
NEEDS_PERMISSION = {"disk full"}
MIN_CORE_FRACTION = 0.2

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_no_accepted_job_is_lost_whatever_is_killed(tmp_path):
    """With real processes and signals, every job ends once, with the answer that it has without faults."""
    if core_fraction() < MIN_CORE_FRACTION:
        pytest.skip("this machine is too busy for workers to send heartbeats in time")
    plan = faults.Plan(jobs=12, seed=3407, clients=4, scale=0.2, only=SHORT, variety=1, poisons=[poison.crash_its_parser])
    report = faults.run(tmp_path, plan)
    assert report["violations"] == []
    assert report["lost"] == 0
    assert set(report["left_out"]) <= NEEDS_PERMISSION


def core_fraction(work_s: float = 0.3) -> float:
    """Fraction of a core that this process gets."""
    start_s, until = time.monotonic(), time.process_time() + work_s
    while time.process_time() < until:
        pass
    return work_s / (time.monotonic() - start_s)
