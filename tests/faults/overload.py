"""
`python -m tests.faults.overload --seconds 120`: submissions at ten times the capacity of two workers, and their answers.

First the capacity is measured, then ten owners with keys submit at `--factor` times that rate, at fixed times independent of
the answers, while another process requests /health/live four times a second. Finally all accepted jobs and one new job are
waited for. The report is build/overload/report.json. Exit status: 0 if every submission was answered with 202, or with 429 or
503 and Retry-After, and 99 % of the requests of /health/live within 100 ms.
"""

import argparse
import asyncio
import json
import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import httpx

from app.auth.keys import Scope, add_key, keys_path, new_key
from tests.faults import processes
from tests.faults.bundles import event
from tests.faults.service import ROOT, Service
from tests.support import toy_models
from workers.settings import Settings

FOLDER = ROOT / "build" / "overload"
HEALTH_EVERY_S, HEALTH_WITHIN_S = 0.25, 0.1
OWNERS, MAX_QUEUED, MEASURED_JOBS = 10, 100, 20
MAX_CONNECTIONS = 200
"""Of the owners, who share one address: the service closes waiting connections where one address has more than 250."""
UPLOAD = httpx.Request("POST", "http://any", files=[("bundle", part) for part in event(1, stations=3, seconds=600)])
BODY, CONTENT_TYPE = UPLOAD.read(), UPLOAD.headers["content-type"]


class Answer(NamedTuple):
    """Answer to one submission; status 0 if there was none."""

    status: int
    retry_after: str | None
    seconds: float
    job: str | None = None
    key: str = ""


def main(arguments: list[str]) -> int:
    """Run the test and return the exit status: 0 without violations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--factor", type=float, default=10.0)
    parser.add_argument("--models", type=Path, help="folder of artifacts (default: toy models)")
    options = parser.parse_args(arguments)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        artifacts = options.models.resolve() if options.models else toy_models.write_artifacts(Path(temporary) / "artifacts")
        data = Path(temporary) / "data"
        keys = create_owners(data)
        # The probes are sent by another process: this one is busy with submissions, and would count its own delays.
        with (
            Service(data, artifacts, workers=2, settings={"ATLAS_MAX_QUEUED": str(MAX_QUEUED)}) as service,
            ProcessPoolExecutor(1, get_context("spawn")) as prober,
        ):
            report = asyncio.run(_overload(service.url, keys, options.seconds, options.factor, prober))
    (FOLDER / "report.json").write_text(json.dumps(report, indent=2))
    print(json.dumps(report, indent=2))
    return 1 if report["violations"] else 0


def create_owners(data: Path) -> list[str]:
    """Create a key for each owner."""
    made = [new_key(f"owner-{number}", [Scope.SUBMIT, Scope.READ], 1.0) for number in range(OWNERS)]
    for key, _ in made:
        add_key(keys_path(Settings(data_dir=data)), key)
    return [text for _, text in made]


async def _overload(url: str, keys: Sequence[str], seconds: float, factor: float, prober: Executor) -> dict[str, Any]:
    limits = httpx.Limits(max_connections=MAX_CONNECTIONS)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:
        await asyncio.get_running_loop().run_in_executor(prober, poll_health, url, 0.0)
        start_s = time.monotonic()
        await _wait_for_end(client, [await _submit(client, keys[number % OWNERS]) for number in range(MEASURED_JOBS)])
        capacity = MEASURED_JOBS / (time.monotonic() - start_s)
        polling = asyncio.get_running_loop().run_in_executor(prober, poll_health, url, seconds)
        answers = await _submit_at_rate(client, keys, factor * capacity, seconds)
        over = time.monotonic()
        health = await polling
        statuses = await _wait_for_end(client, answers)
        drained_s = time.monotonic() - over
        last = await _submit(client, keys[0])
        while last.status != httpx.codes.ACCEPTED and time.monotonic() < over + 300:
            await asyncio.sleep(float(last.retry_after or 1))
            last = await _submit(client, keys[0])
        after = await _wait_for_end(client, [last])
    report = {
        "capacity_jobs_per_s": round(capacity, 2),
        "offered_per_s": round(factor * capacity, 2),
        "seconds": seconds,
        "offered": len(answers),
        "answered": dict(sorted(Counter(str(answer.status) for answer in answers).items())),
        "answer_s": summarize([answer.seconds for answer in answers]),
        "health_live_s": summarize(health),
        "accepted_jobs_ended": statuses,
        "drained_after_s": round(drained_s, 1),
        "recovered_after_s": round(time.monotonic() - over, 1),
        "job_afterwards": after,
    }
    return report | {**processes.describe_run(), "violations": find_violations(answers, health, statuses, after)}


async def _submit(client: httpx.AsyncClient, key: str) -> Answer:
    start_s = time.monotonic()
    try:
        answer = await client.post("/events/classify", content=BODY, headers={"Content-Type": CONTENT_TYPE, "X-API-Key": key})
    except httpx.TransportError:
        return Answer(0, None, time.monotonic() - start_s)
    job = answer.json()["id"] if answer.is_success else None
    return Answer(answer.status_code, answer.headers.get("retry-after"), time.monotonic() - start_s, job, key)


async def _submit_at_rate(client: httpx.AsyncClient, keys: Sequence[str], rate: float, seconds: float) -> list[Answer]:
    """Submit at fixed times, by the owners in turn."""
    start_s, tasks = time.monotonic(), []
    for number in range(math.ceil(rate * seconds)):
        await asyncio.sleep(max(0.0, start_s + number / rate - time.monotonic()))
        tasks.append(asyncio.create_task(_submit(client, keys[number % len(keys)])))
    return list(await asyncio.gather(*tasks))


def poll_health(url: str, seconds: float) -> list[float]:
    """Request /health/live four times a second and return the seconds of each answer, infinite for a failed request."""
    measured = []
    with httpx.Client(base_url=url, timeout=30) as client:
        end_s = time.monotonic() + seconds
        while (start_s := time.monotonic()) < end_s:
            try:
                good = client.get("/health/live").is_success
            except httpx.TransportError:
                good = False
            measured.append(time.monotonic() - start_s if good else math.inf)
            time.sleep(HEALTH_EVERY_S)
    return measured


async def _wait_for_end(client: httpx.AsyncClient, answers: Sequence[Answer]) -> dict[str, int]:
    """Wait for the accepted jobs and count their statuses, observing Retry-After."""
    counted: Counter[str] = Counter()
    for answer in answers:
        status = "" if answer.job else "not accepted"
        while not status:
            response = await client.get(f"/jobs/{answer.job}", params={"wait": 30}, headers={"X-API-Key": answer.key})
            if not response.is_success:
                await asyncio.sleep(float(response.headers.get("retry-after", 1)))
            elif response.json()["status"] in ("succeeded", "failed", "canceled"):
                status = response.json()["status"]
        counted[status] += status != "not accepted"
    return {status: count for status, count in counted.items() if count}


def summarize(seconds: Sequence[float]) -> dict[str, float]:
    """Return number, median, 99th percentile and maximum."""
    ordered = sorted(seconds)
    return {"n": len(ordered), "median": round(median(ordered), 4), "p99": round(_p99(ordered), 4), "worst": round(ordered[-1], 4)}


def _p99(seconds: Sequence[float]) -> float:
    ordered = sorted(seconds)
    return ordered[math.ceil(0.99 * len(ordered)) - 1]


def find_violations(answers: Sequence[Answer], health: Sequence[float], ended: dict[str, int], after: dict[str, int]) -> list[str]:
    """Return all violations."""
    found = [f"{answer.status} after {answer.seconds:.1f} s" for answer in answers if answer.status not in (200, 202, 429, 503)]
    found += [f"{answer.status} without Retry-After" for answer in answers if answer.status in (429, 503) and answer.retry_after is None]
    if not any(answer.status in (429, 503) for answer in answers):
        found.append("nothing was refused: the service was not overloaded")
    if not health or _p99(health) > HEALTH_WITHIN_S:
        found.append(f"/health/live took {_p99(health) if health else math.inf:.3f} s (99 of 100 were faster)")
    accepted = sum(answer.job is not None for answer in answers)
    if ended.get("succeeded", 0) != accepted:
        found.append(f"{accepted} jobs were accepted and ended {ended}")
    if after != {"succeeded": 1}:
        found.append(f"a job afterwards ended {after}")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
