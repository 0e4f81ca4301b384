"""
`python -m tests.faults.soak --jobs 10000`: so many classify jobs through two workers, and what the service holds meanwhile.

Memory of each process (its own and its share of what is shared), files, processes, keys in the queue server and blobs are
sampled; build/soak/samples.jsonl grows and build/soak/report.json is written anew with each sample, so that a run that is
broken off has said what it saw. Results live for `--ttl` seconds here; in the end it is waited until all of them have gone.
Exit status: 0 where memory stayed flat within 5 % after the warm-up, nothing leaked and everything expired.
"""

import argparse
import itertools
import json
import math
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from tests.faults import processes
from tests.faults.bundles import event
from tests.faults.service import ROOT, Service
from tests.support import toy_models
from workers.runtime.supervisor import CLEANING_S

FOLDER = ROOT / "build" / "soak"
FLAT, WARM_UP, WARM_UP_JOBS = 0.05, 0.1, 100
DISTINCT = 20
"""Bundles that take turns, so that uploads are not all the same."""

Sample = dict[str, Any]


def main(arguments: list[str]) -> int:
    """Exit status: 0 where nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no more jobs after so long (default: no end)")
    parser.add_argument("--clients", type=int, default=4, help="jobs waiting or running at once (default: 4)")
    parser.add_argument("--ttl", type=int, default=300, help="seconds that results and idempotency keys live (default: 300)")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between samples (default: 10)")
    parser.add_argument("--models", type=Path, help="folder of artifacts (default: toy models)")
    given = parser.parse_args(arguments)
    FOLDER.mkdir(parents=True, exist_ok=True)
    lifetimes = {"ATLAS_RESULT_TTL_S": str(given.ttl), "ATLAS_IDEMPOTENCY_TTL_S": str(given.ttl)}
    with tempfile.TemporaryDirectory() as place:
        artifacts = given.models.resolve() if given.models else toy_models.write_artifacts(Path(place) / "artifacts")
        with Service(Path(place) / "data", artifacts, workers=2, settings=lifetimes) as service:
            report = _soak(service, given)
    print(json.dumps(report, indent=2))
    return 1 if report["violations"] else 0


def _soak(service: Service, given: argparse.Namespace) -> dict[str, Any]:
    ended: Counter[str] = Counter()
    jobs, began = given.jobs, time.monotonic()
    shared = _shared(jobs, given.clients, began + given.seconds)
    threads = [threading.Thread(target=_client, args=(service.url, turns, ended), daemon=True) for turns in shared]
    for thread in threads:
        thread.start()
    samples: list[Sample] = []
    with (FOLDER / "samples.jsonl").open("w") as log:

        def look(phase: str) -> Sample:
            samples.append({"t": round(time.monotonic() - began, 1), "phase": phase, "jobs": ended.total(), **held(service)})
            log.write(json.dumps(samples[-1]) + "\n")
            log.flush()
            write_report(samples, jobs, ended)
            return samples[-1]

        while any(thread.is_alive() for thread in threads):
            look("work")
            time.sleep(given.every)
        _until_gone(look, given.ttl, given.every)
    return write_report(samples, jobs, ended)


def _until_gone(look: Callable[[str], Sample], ttl_s: int, every_s: float) -> None:
    """Results go with the first cleaning after their lifetime."""
    deadline = time.monotonic() + ttl_s + CLEANING_S + 60
    while time.monotonic() < deadline and any(look("rest")[name] for name in ("results", "job_keys", "other_keys")):
        time.sleep(every_s)


def _shared(jobs: int, clients: int, until: float) -> Iterator[Iterator[int]]:
    """The numbers of all jobs, of which each client takes the next; no more after that time."""
    for client in range(clients):
        yield itertools.takewhile(lambda _: time.monotonic() < until, range(client, jobs, clients))


def _client(url: str, turns: Iterator[int], ended: Counter[str]) -> None:
    bundles = [[("bundle", part) for part in event(seed, stations=3, seconds=600)] for seed in range(DISTINCT)]
    with httpx.Client(base_url=url, timeout=600) as client:
        for number in turns:
            key = {"Idempotency-Key": f"soak-{number}"}
            job = client.post("/events/classify", files=bundles[number % DISTINCT], headers=key | {"Prefer": "wait=110"}).json()
            while job["status"] not in ("succeeded", "failed", "canceled"):
                job = client.get(f"/jobs/{job['id']}", params={"wait": 110}).json()
            ended[job["status"]] += 1


def held(service: Service) -> Sample:
    """What the service holds at this moment."""
    memory, files, counted = defaultdict(list), Counter[str](), Counter[str]()
    for pid in service.pids():
        role = processes.role(pid)
        if role in ("api", "worker", "queue", "parser server"):  # children that parse come and go
            memory[role].append(processes.resident_mib(pid))
            files[role] += processes.open_files(pid)
            counted[role] += 1
    names = [name.decode() for name in service.redis.scan_iter(count=1000)]
    blobs = service.data / "blobs"
    return {
        "memory_mib": {role: round(max(found), 1) for role, found in memory.items()},
        "open_files": dict(files),
        "processes": dict(counted),
        "job_keys": sum(name.startswith(("atlas:job:", "rq:job:", "atlas:task:")) for name in names) + service.redis.zcard("atlas:jobs"),
        "other_keys": sum(name.startswith(("atlas:idempotency:", "atlas:unfinished", "atlas:queued", "atlas:running")) for name in names),
        "keys": len(names),
        "results": _count(blobs / "results"),
        "uploads": _count(blobs / "uploads"),
        "incoming": _count(blobs / "incoming"),
        "queue_mib": round(sum(path.stat().st_size for path in (service.data / "queue").rglob("*.aof")) / 2**20, 1),
    }


def _count(folder: Path) -> int:
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def write_report(samples: Sequence[Sample], jobs: int, ended: Mapping[str, int]) -> dict[str, Any]:
    """What has been seen until now, to the file."""
    done, last = sum(ended.values()), samples[-1]
    report = {
        "jobs": done,
        "jobs_wanted": jobs,
        "ended": dict(ended),
        "seconds": last["t"],
        "jobs_per_s": round(done / max(last["t"], 1e-9), 2) if last["phase"] == "work" else None,
        "memory_mib": {role: dict(zip(("before", "after"), pair, strict=True)) for role, pair in before_and_after(samples).items()},
        "last": last,
        "violations": verdict(samples, jobs, ended),
    }
    (FOLDER / "report.json").write_text(json.dumps(report, indent=2))
    return report


def verdict(samples: Sequence[Sample], jobs: int, ended: Mapping[str, int]) -> list[str]:
    """Everything that is not as it should be at the end of a soak."""
    found = [f"{count} jobs ended {status}" for status, count in ended.items() if status != "succeeded" and count]
    if sum(ended.values()) < jobs:
        found.append(f"{sum(ended.values())} jobs of {jobs} were done")
    pairs = before_and_after(samples)
    if not pairs:
        found.append("too few samples after the warm-up")
    found += [f"{role}: {old} MiB became {new} MiB" for role, (old, new) in pairs.items() if new > old * (1 + FLAT)]
    working = warm(samples)
    for what in ("open_files", "processes"):
        for role in {role for sample in working for role in sample[what]}:
            numbers = [sample[what].get(role, 0) for sample in working]
            half = len(numbers) // 2
            if half and min(numbers[half:]) > max(numbers[:half]):
                found.append(f"{what} of {role}: {max(numbers[:half])} became {min(numbers[half:])} and more")
    last = samples[-1]
    for what in ("results", "incoming", "job_keys", "other_keys"):
        if last[what]:
            found.append(f"{last[what]} {what} are left")
    return found


def warm(samples: Sequence[Sample]) -> list[Sample]:
    """Samples from work after the first tenth of the jobs, and after the first hundred."""
    most = max((sample["jobs"] for sample in samples), default=0)
    return [sample for sample in samples if sample["phase"] == "work" and sample["jobs"] >= max(WARM_UP * most, WARM_UP_JOBS)]


def before_and_after(samples: Sequence[Sample]) -> dict[str, tuple[float, float]]:
    """By role the median memory in the first and in the last quarter of the samples after the warm-up, MiB; empty for too few."""
    working = warm(samples)
    quarter = len(working) // 4
    if not quarter:
        return {}
    roles = set(itertools.chain.from_iterable(sample["memory_mib"] for sample in working))

    def middle(part: Sequence[Sample], role: str) -> float:
        return round(median(sample["memory_mib"].get(role, 0.0) for sample in part), 1)

    return {role: (middle(working[:quarter], role), middle(working[-quarter:], role)) for role in sorted(roles)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
