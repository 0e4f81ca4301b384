"""Supervision continues after an exception in one of its steps; restarts of workers are tested in tests/end_to_end and tests/faults."""

import errno
import os
import stat
import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from workers.queue.connection import QueueUnreachable
from workers.runtime.embedded_queue import EmbeddedQueueFailed
from workers.runtime.supervisor import Supervisor, choose_kernel_folder
from workers.settings import Settings


def test_an_exception_in_one_step_does_not_end_supervision(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    """On a full disk the queue server cannot start (OSError): jobs are swept all the same, and the start is repeated."""
    supervisor, sweep, attempts = Supervisor(settings.model_copy(update={"workers": 0}), embedded=False), threading.Event(), []
    again = threading.Event()

    def failing() -> None:
        attempts.append(1)
        if len(attempts) > 1:
            again.set()
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(supervisor, "_check_queue", failing)
    monkeypatch.setattr(supervisor, "_sweep", sweep.set)
    with supervisor:
        assert again.wait(20)
        assert sweep.wait(20)


def test_a_queue_server_that_ends_whenever_it_is_started_is_logged_once_with_the_free_space(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    """On a full disk it does so every second, and cannot write its own log there."""
    supervisor = Supervisor(settings.model_copy(update={"workers": 0}))
    answers = iter([False, EmbeddedQueueFailed("no"), False, EmbeddedQueueFailed("no"), False, None, True, True])

    def answer() -> object:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr("workers.runtime.supervisor.QUEUE_PAUSE_S", -1.0)
    monkeypatch.setattr(supervisor._queue, "is_running", answer)
    monkeypatch.setattr(supervisor._queue, "start", answer)
    with capture_logs() as lines:
        for _ in range(5):
            supervisor._check_queue()
    assert [(line["log_level"], line["event"]) for line in lines] == [
        ("error", "the queue server ended, starting it again and again"),
        ("error", "the queue server did not start"),
        ("info", "the queue server was started"),
        ("info", "the queue server runs again"),
    ]
    assert lines[0]["free_bytes"] > 0


def test_kernels_are_kept_in_the_data_folder_where_the_installation_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As under ProtectSystem=strict in the unit of docs/how-to/deploy.md: numba would find no place, and no worker would start."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    settings = Settings(data_dir=tmp_path / "data")
    assert choose_kernel_folder(settings, tmp_path) == {}
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (tmp_path, os.W_OK))  # root may write everywhere else
    assert choose_kernel_folder(settings, tmp_path) == {"NUMBA_CACHE_DIR": str(tmp_path / "data" / "kernels")}
    assert stat.S_IMODE((tmp_path / "data" / "kernels").stat().st_mode) == 0o700
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/somewhere")
    assert choose_kernel_folder(settings, tmp_path) == {}


def test_sweeps_that_fail_are_logged_once(settings: Settings, monkeypatch: pytest.MonkeyPatch):
    supervisor = Supervisor(settings.model_copy(update={"workers": 0}), embedded=False)
    answers = iter([[], QueueUnreachable("away"), QueueUnreachable("away"), []])

    def answer() -> list[str]:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(supervisor._recovery, "sweep", answer)
    with capture_logs() as lines:
        for _ in range(4):
            supervisor._sweep()
    assert [line["event"] for line in lines] == ["sweeps for abandoned jobs fail", "sweeps for abandoned jobs succeed again"]
