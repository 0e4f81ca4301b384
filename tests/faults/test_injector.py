"""Faults are injected only into jobs that have an attempt to spare, because the service rightly fails others."""

from types import SimpleNamespace
from typing import cast

import pytest

from tests.faults import injector as injector_module
from tests.faults.history import History, read
from tests.faults.injector import Injector, NoTarget, Running
from tests.faults.service import Service
from workers.contracts import Status

WORKER = SimpleNamespace(id="w", pid=7, job="j")


class FakeRecords:
    """One job at its `attempt`, which its worker runs or, where it is lost, names in no heartbeat."""

    def __init__(self, attempt: int, *, lost: bool = False) -> None:
        self.record = SimpleNamespace(id="j", status=Status.RUNNING, attempt=attempt, worker="w")
        self.lost = lost

    def list_running(self) -> dict[str, str]:
        """Return the job with its worker."""
        return {"j": "w"}

    def list_queued(self) -> dict[str, float]:
        """Return none."""
        return {}

    def list_workers(self) -> list[SimpleNamespace]:
        """Return the heartbeat of the worker."""
        return [WORKER]

    def current_job(self, _worker: str) -> str | None:
        """Return the job that the heartbeat names."""
        return None if self.lost else "j"

    def get(self, _job: str) -> SimpleNamespace:
        """Return the record."""
        return self.record


def make_injector(records: FakeRecords, history: History) -> Injector:
    return Injector(cast(Service, SimpleNamespace(records=records)), history)


@pytest.mark.parametrize("attempt", [1, 2])
def test_an_attempt_that_is_not_the_last_is_a_target(tmp_path, attempt):
    with History(tmp_path / "h") as history:
        assert make_injector(FakeRecords(attempt), history).find_running(within_s=0.1) == Running("j", attempt, 7)


def test_a_last_attempt_is_a_target_only_of_what_fails_its_job(tmp_path):
    """A job of which an earlier fault ended one attempt more, while the next fault waited for its target, ended as worker-lost."""
    with History(tmp_path / "h") as history:
        injector = make_injector(FakeRecords(3), history)
        with pytest.raises(NoTarget):
            injector.find_running(within_s=0.1)
        assert injector.find_running(within_s=0.1, last=True).attempt == 3


@pytest.mark.parametrize(("attempt", "lost", "injected"), [(1, True, True), (2, False, True), (2, True, False), (3, False, False)])
def test_an_attempt_whose_worker_is_gone_counts_as_the_next(tmp_path, monkeypatch, attempt, lost, injected):
    monkeypatch.setattr(injector_module, "READY_WITHIN_S", 0.1)
    with History(tmp_path / "h") as history:
        injector = make_injector(FakeRecords(attempt, lost=lost), history)
        injector.faults["nothing"] = lambda: 0.0
        injector.inject("nothing")
    assert [event["event"] for event in read(tmp_path / "h")] == ["fault" if injected else "left-out"]
