"""
`python -m tests.faults.soak --jobs 10000`: many classify jobs through two workers, and the service's use of resources.

Memory of each process (PSS), open files, processes, keys in the queue server and blobs are sampled. Each sample is appended to
build/soak/samples.jsonl and build/soak/report.json is rewritten, so that an interrupted run has a report. Results are kept for
`--ttl` seconds; at the end the test waits until all have expired. Exit status: 0 if memory grew by at most 5 % after the
warm-up, nothing leaked and everything expired.
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
MAX_GROWTH, WARM_UP_FRACTION, WARM_UP_JOBS = 0.05, 0.1, 100
DISTINCT = 20
"""Number of different bundles, so that uploads differ."""

Sample = dict[str, Any]


def main(arguments: list[str]) -> int:
    """Run the soak test and return the exit status: 0 without violations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=math.inf, help="submit no more jobs after this time (default: no limit)")
    parser.add_argument("--clients", type=int, default=4, help="concurrent jobs (default: 4)")
    parser.add_argument("--ttl", type=int, default=300, help="lifetime of results and idempotency keys, seconds (default: 300)")
    parser.add_argument("--every", type=float, default=10.0, help="seconds between samples (default: 10)")
    parser.add_argument("--models", type=Path, help="folder of artifacts (default: toy models)")
    options = parser.parse_args(arguments)
    FOLDER.mkdir(parents=True, exist_ok=True)
    lifetimes = {"ATLAS_RESULT_TTL_S": str(options.ttl), "ATLAS_IDEMPOTENCY_TTL_S": str(options.ttl)}
    with tempfile.TemporaryDirectory() as temporary:
        artifacts = options.models.resolve() if options.models else toy_models.write_artifacts(Path(temporary) / "artifacts")
        with Service(Path(temporary) / "data", artifacts, workers=2, settings=lifetimes) as service:
            report = _soak(service, options)
    print(json.dumps(report, indent=2))
    return 1 if report["violations"] else 0


def _soak(service: Service, options: argparse.Namespace) -> dict[str, Any]:
    ended: Counter[str] = Counter()
    jobs, start_s = options.jobs, time.monotonic()
    turns_of_clients = _split_jobs(jobs, options.clients, start_s + options.seconds)
    threads = [threading.Thread(target=_run_client, args=(service.url, turns, ended), daemon=True) for turns in turns_of_clients]
    for thread in threads:
        thread.start()
    samples: list[Sample] = []
    with (FOLDER / "samples.jsonl").open("w") as log:

        def take_sample(phase: str) -> Sample:
            samples.append({"t": round(time.monotonic() - start_s, 1), "phase": phase, "jobs": ended.total(), **measure(service)})
            log.write(json.dumps(samples[-1]) + "\n")
            log.flush()
            write_report(samples, jobs, ended)
            return samples[-1]

        while any(thread.is_alive() for thread in threads):
            take_sample("work")
            time.sleep(options.every)
        _wait_for_expiry(take_sample, options.ttl, options.every)
    return write_report(samples, jobs, ended)


def _wait_for_expiry(take_sample: Callable[[str], Sample], ttl_s: int, every_s: float) -> None:
    """Take samples until all results have expired, at the latest with the first cleanup after their lifetime."""
    deadline = time.monotonic() + ttl_s + CLEANING_S + 60
    while time.monotonic() < deadline and any(take_sample("rest")[name] for name in ("results", "job_keys", "other_keys")):
        time.sleep(every_s)


def _split_jobs(jobs: int, clients: int, until: float) -> Iterator[Iterator[int]]:
    """Yield for each client the numbers of its jobs, which end at that time (monotonic seconds)."""
    for client in range(clients):
        yield itertools.takewhile(lambda _: time.monotonic() < until, range(client, jobs, clients))


def _run_client(url: str, turns: Iterator[int], ended: Counter[str]) -> None:
    bundles = [[("bundle", part) for part in event(seed, stations=3, seconds=600)] for seed in range(DISTINCT)]
    with httpx.Client(base_url=url, timeout=600) as client:
        for number in turns:
            key = {"Idempotency-Key": f"soak-{number}"}
            job = client.post("/events/classify", files=bundles[number % DISTINCT], headers=key | {"Prefer": "wait=110"}).json()
            while job["status"] not in ("succeeded", "failed", "canceled"):
                job = client.get(f"/jobs/{job['id']}", params={"wait": 110}).json()
            ended[job["status"]] += 1


def measure(service: Service) -> Sample:
    """Measure the service's use of resources."""
    memory, files, counted = defaultdict(list), Counter[str](), Counter[str]()
    for pid in service.pids():
        role = processes.role(pid)
        if role in ("api", "worker", "queue", "parser server"):  # parsing children are short-lived
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
    """Write the report of all samples until now."""
    done, last = sum(ended.values()), samples[-1]
    report = {
        "jobs": done,
        "jobs_wanted": jobs,
        "ended": dict(ended),
        "seconds": last["t"],
        "jobs_per_s": round(done / max(last["t"], 1e-9), 2) if last["phase"] == "work" else None,
        "memory_mib": {role: dict(zip(("before", "after"), pair, strict=True)) for role, pair in before_and_after(samples).items()},
        "last": last,
        "violations": find_violations(samples, jobs, ended),
    }
    (FOLDER / "report.json").write_text(json.dumps(report, indent=2))
    return report


def find_violations(samples: Sequence[Sample], jobs: int, ended: Mapping[str, int]) -> list[str]:
    """Return all violations at the end of a soak test."""
    found = [f"{count} jobs ended {status}" for status, count in ended.items() if status != "succeeded" and count]
    if sum(ended.values()) < jobs:
        found.append(f"{sum(ended.values())} jobs of {jobs} were done")
    pairs = before_and_after(samples)
    if not pairs:
        found.append("too few samples after the warm-up")
    found += [f"{role}: {old} MiB became {new} MiB" for role, (old, new) in pairs.items() if new > old * (1 + MAX_GROWTH)]
    working = samples_after_warm_up(samples)
    for kind in ("open_files", "processes"):
        for role in {role for sample in working for role in sample[kind]}:
            numbers = [sample[kind].get(role, 0) for sample in working]
            half = len(numbers) // 2
            if half and min(numbers[half:]) > max(numbers[:half]):
                found.append(f"{kind} of {role}: {max(numbers[:half])} became {min(numbers[half:])} and more")
    last = samples[-1]
    for kind in ("results", "incoming", "job_keys", "other_keys"):
        if last[kind]:
            found.append(f"{last[kind]} {kind} are left")
    return found


def samples_after_warm_up(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples during the work after the first tenth, and the first hundred, of the jobs."""
    last_jobs = max((sample["jobs"] for sample in samples), default=0)
    return [sample for sample in samples if sample["phase"] == "work" and sample["jobs"] >= max(WARM_UP_FRACTION * last_jobs, WARM_UP_JOBS)]


def before_and_after(samples: Sequence[Sample]) -> dict[str, tuple[float, float]]:
    """Return by role the median memory in the first and last quarter of the samples after warm-up, MiB; empty for too few."""
    working = samples_after_warm_up(samples)
    quarter = len(working) // 4
    if not quarter:
        return {}
    roles = set(itertools.chain.from_iterable(sample["memory_mib"] for sample in working))

    def median_mib(section: Sequence[Sample], role: str) -> float:
        return round(median(sample["memory_mib"].get(role, 0.0) for sample in section), 1)

    return {role: (median_mib(working[:quarter], role), median_mib(working[-quarter:], role)) for role in sorted(roles)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
