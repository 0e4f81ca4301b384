"""Bundles that kill their worker or parser at every attempt: their jobs must fail and name the bundle's parts."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache

from tests.faults.bundles import Case, Files, event
from tests.faults.client import Client
from tests.faults.history import History
from tests.faults.injector import Injector, NoTarget
from workers.settings import Settings

Poison = Callable[[Client, Injector, History], None]


@cache
def files() -> Files:
    """Return one part that is large enough to be parsed for a while."""
    return event(7, stations=40, seconds=20_000)[:1]


def kill_its_worker(client: Client, injector: Injector, history: History) -> None:
    """Kill the worker at each attempt."""
    job = _submit(client, history, "kills its worker", expected_failure("/problems/worker-lost", 500))
    for _ in range(Settings().max_attempts if job else 0):
        with suppress(ProcessLookupError, NoTarget):
            hit = injector.find_running(last=True)
            os.kill(hit.worker_pid, signal.SIGKILL)
            injector.wait_for_pickup(hit, time.monotonic())
    if job:
        client.wait_for_end(job)


def crash_its_parser(client: Client, injector: Injector, history: History) -> None:
    """Crash the parser by SIGSEGV, as a faulty native library does."""
    job = _submit(client, history, "crashes its parser", expected_failure("/problems/unreadable-waveform", 422))
    with suppress(NoTarget):
        injector.hit_parser(signal.SIGSEGV)
    if job:
        client.wait_for_end(job)


def _submit(client: Client, history: History, name: str, expected: dict) -> str | None:
    history.add("reference", case=name, answer=expected)
    return client.submit(f"poison that {name}", Case(name, "classify", files()))


def expected_failure(kind: str, status: int) -> dict:
    """Return the expected answer."""
    problem = {"type": kind, "status": status, "parts": [name for name, _ in files()]}
    return {"status": "failed", "result": None, "problem": problem, "warnings": [], "formats": [], "figures": []}
