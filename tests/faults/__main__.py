"""
`python -m tests.faults --jobs 200 --seed 3407`: the real service under a stream of mixed jobs while its parts are killed.

Toy models; two workers, one with a supervisor of its own as on another machine; the data folder is a small file system of its
own where mounting is permitted. The history is recorded to build/faults/history.jsonl, checked by `checker`, and the report
recorded to build/faults/report.json. Exit status: 0 without violations.
"""

import argparse
import itertools
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.faults import checker, history, poison, processes
from tests.faults.bundles import mixed
from tests.faults.client import Client, Crowd
from tests.faults.history import History
from tests.faults.injector import Injector
from tests.faults.service import ROOT, Service
from tests.support import toy_models

FOLDER = ROOT / "build" / "faults"
DISK_MIB = 128
JOBS_PER_FAULT = 5


def main(arguments: list[str]) -> int:
    """Run the fault test and return the exit status: 0 without violations."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200, help="submissions (default: 200)")
    parser.add_argument("--seed", type=int, default=3407)
    parser.add_argument("--clients", type=int, default=6, help="concurrent clients (default: 6)")
    parser.add_argument("--scale", type=float, default=1.0, help="factor of the durations of pauses, which are up to 8 s (default: 1)")
    parser.add_argument(
        "--faults", nargs="*", help="only these faults, in this order (default: one for every five jobs, all kinds in turn)"
    )
    options = parser.parse_args(arguments)
    report = run(FOLDER, Plan(options.jobs, options.seed, options.clients, options.scale, options.faults or ()))
    print(json.dumps(report, indent=2))
    return 1 if report["violations"] else 0


@dataclass(frozen=True)
class Plan:
    """The jobs that are submitted and the faults that are injected."""

    jobs: int
    seed: int
    clients: int = 6
    scale: float = 1.0
    only: Sequence[str] = ()
    variety: int = 4
    poisons: Sequence[poison.Poison] = (poison.kill_its_worker, poison.crash_its_parser)


def run(folder: Path, plan: Plan) -> dict:
    """Run a plan and return the report, which is also recorded to the folder, with the history and the service's log."""
    folder.mkdir(parents=True, exist_ok=True)
    path, earlier = folder / "history.jsonl", processes.children(os.getpid())
    processes.adopt_orphans()
    with tempfile.TemporaryDirectory() as temporary, small_disk(Path(temporary) / "data") as data, History(path) as recorded:
        artifacts = toy_models.write_artifacts(Path(temporary) / "artifacts")
        try:
            with Service(data, artifacts, nodes=1) as service:
                _work(service, recorded, plan, random.Random(plan.seed))  # noqa: S311 -- which job comes next
        finally:
            shutil.copy(Path(temporary) / "data.log", folder / "service.log")
    left = processes.left_over(earlier)
    processes.adopt_orphans(False)
    report = checker.summary(history.read(path)) | {
        "jobs": plan.jobs,
        "seed": plan.seed,
        "processes_left": left,
        **processes.describe_run(),
    }
    report["violations"] += [f"process left over: {command}" for command in left]
    (folder / "report.json").write_text(json.dumps(report, indent=2))
    return report


def _work(service: Service, recorded: History, plan: Plan, rng: random.Random) -> None:
    """Record the reference answers without faults, then submit some jobs before each fault, and more when a fault needs a running job."""
    cases, client, numbers = mixed(plan.variety), Client(service.url, recorded), itertools.count()
    for case in cases:
        job = client.submit(f"reference-{case.name}", case)
        recorded.add("reference", case=case.name, answer=client.wait_for_end(job) if job else None)
    crowd = Crowd(service.url, recorded, plan.clients)

    def submit_jobs(count: int) -> None:
        crowd.submit([(f"key-{next(numbers)}", rng.choice(cases)) for _ in range(count)])

    injector = Injector(service, recorded, plan.scale, more=lambda: submit_jobs(1))
    crowd.start()
    faults = plan.only or plan_faults(rng, list(injector.faults), math.ceil(plan.jobs / JOBS_PER_FAULT))
    for number, name in enumerate(faults):
        submit_jobs(plan.jobs * (number + 1) // len(faults) - plan.jobs * number // len(faults))
        time.sleep(rng.uniform(0.0, 1.0) * plan.scale)
        injector.inject(name)
    crowd.finish()
    for inject in plan.poisons:
        inject(client, injector, recorded)
    _check_all_jobs(service, client, recorded)


def plan_faults(rng: random.Random, names: list[str], count: int) -> list[str]:
    """Return a sequence of faults, made of random permutations of all kinds."""
    found: list[str] = []
    while len(found) < count:
        found += rng.sample(names, len(names))
    return found[:count]


def _check_all_jobs(service: Service, client: Client, recorded: History) -> None:
    """Query every job once more at the end, and record the jobs that the service knows."""
    service.wait_until_ready()
    existing = [name.decode() for name in service.redis.zrange("atlas:jobs", 0, -1)]
    for job in existing:
        client.wait_for_end(job)
    recorded.add("existing", jobs=existing)
    client.close()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Yield a folder that is a file system in memory, or a plain folder where mounting is not permitted."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=0700", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    try:
        yield folder
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
