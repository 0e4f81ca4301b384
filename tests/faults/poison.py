"""Bundles that take down whoever reads them, every time: each must end as failed, say so, and name itself."""

import os
import signal
import time
from contextlib import suppress

from tests.faults.bundles import Case, event
from tests.faults.client import Client
from tests.faults.history import History
from tests.faults.injector import Injector, NoVictim
from workers.settings import Settings


def inject(client: Client, injector: Injector, history: History) -> None:
    """One that kills its worker at each attempt, and one on which its parser crashes; one part each, long enough to be caught."""
    files = event(7, stations=40, seconds=20_000)[:1]
    names = [name for name, _ in files]
    case = Case("kills its worker", "classify", files)
    history.add("reference", case=case.name, answer=failed("/problems/worker-lost", 500, names))
    job = client.submitted("poison-worker", case)
    for _ in range(Settings().max_attempts if job else 0):
        with suppress(ProcessLookupError, NoVictim):
            hit = injector.running()
            os.kill(hit.worker_pid, signal.SIGKILL)
            injector.picked_up(hit, time.monotonic())
    if job:
        client.ended(job)
    case = Case("crashes its parser", "classify", files)
    history.add("reference", case=case.name, answer=failed("/problems/unreadable-waveform", 422, names))
    job = client.submitted("poison-parser", case)
    with suppress(NoVictim):
        injector.hit_parser(signal.SIGSEGV)
    if job:
        client.ended(job)


def failed(kind: str, status: int, parts: list[str]) -> dict:
    """The answer that is expected."""
    problem = {"type": kind, "status": status, "parts": parts}
    return {"status": "failed", "result": None, "problem": problem, "warnings": [], "formats": [], "figures": []}
