"""Bundles that take down whoever reads them, every time: each must end as failed, say so, and name itself."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from tests.faults.bundles import Case, Files, event
from tests.faults.client import Client
from tests.faults.history import History
from tests.faults.injector import Injector, NoVictim
from workers.settings import Settings

Poison = Callable[[Client, Injector, History], None]


@cache
def files() -> Files:
    """One part, long enough to be caught at it."""
    return event(7, stations=40, seconds=20_000)[:1]


def kill_its_worker(client: Client, injector: Injector, history: History) -> None:
    """At each attempt."""
    job = _submitted(client, history, "kills its worker", failed("/problems/worker-lost", 500))
    for _ in range(Settings().max_attempts if job else 0):
        with suppress(ProcessLookupError, NoVictim):
            hit = injector.running()
            os.kill(hit.worker_pid, signal.SIGKILL)
            injector.picked_up(hit, time.monotonic())
    if job:
        client.ended(job)


def crash_its_parser(client: Client, injector: Injector, history: History) -> None:
    """By a signal as a broken library sends it."""
    job = _submitted(client, history, "crashes its parser", failed("/problems/unreadable-waveform", 422))
    with suppress(NoVictim):
        injector.hit_parser(signal.SIGSEGV)
    if job:
        client.ended(job)


def _submitted(client: Client, history: History, name: str, expected: dict) -> str | None:
    history.add("reference", case=name, answer=expected)
    return client.submitted(f"poison that {name}", Case(name, "classify", files()))


def failed(kind: str, status: int) -> dict:
    """The answer that is expected."""
    problem = {"type": kind, "status": status, "parts": [name for name, _ in files()]}
    return {"status": "failed", "result": None, "problem": problem, "warnings": [], "formats": [], "figures": []}
