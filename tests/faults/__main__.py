"""
`python -m tests.faults --jobs 200 --seed 3407`: the real service under a stream of mixed jobs while its parts are killed.

Toy models, two workers (one with a supervisor of its own, as on another machine), a data folder on a small file system of its
own where one may be mounted. The history is written to build/faults/history.jsonl, judged by `checker`, and what came of it to
build/faults/report.json. Exit status: 0 where every job kept its word.
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
JOBS_A_FAULT = 5


def main(arguments: list[str]) -> int:
    """Exit status: 0 where nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=200, help="submissions (default: 200)")
    parser.add_argument("--seed", type=int, default=3407)
    parser.add_argument("--clients", type=int, default=6, help="clients at once (default: 6)")
    parser.add_argument("--scale", type=float, default=1.0, help="how long pauses last, 1 is up to 8 s")
    parser.add_argument("--faults", nargs="*", help="only these, in this order (default: one for every five jobs, all kinds in turn)")
    given = parser.parse_args(arguments)
    report = run(FOLDER, Plan(given.jobs, given.seed, given.clients, given.scale, given.faults or ()))
    print(json.dumps(report, indent=2))
    return 1 if report["violations"] else 0


@dataclass(frozen=True)
class Plan:
    """What the service is given to do, and what is done to it."""

    jobs: int
    seed: int
    clients: int = 6
    scale: float = 1.0
    only: Sequence[str] = ()
    variety: int = 4
    poisons: Sequence[poison.Poison] = (poison.kill_its_worker, poison.crash_its_parser)


def run(folder: Path, plan: Plan) -> dict:
    """What came of it, also written to the folder beside the history and the service's log."""
    folder.mkdir(parents=True, exist_ok=True)
    path, known = folder / "history.jsonl", processes.children(os.getpid())
    processes.adopt_orphans()
    with tempfile.TemporaryDirectory() as place, small_disk(Path(place) / "data") as data, History(path) as written:
        artifacts = toy_models.write_artifacts(Path(place) / "artifacts")
        try:
            with Service(data, artifacts, nodes=1) as service:
                _work(service, written, plan, random.Random(plan.seed))  # noqa: S311 -- which job comes next
        finally:
            shutil.copy(Path(place) / "data.log", folder / "service.log")
    left = processes.left_over(known)
    processes.adopt_orphans(False)
    report = checker.summary(history.read(path)) | {"jobs": plan.jobs, "seed": plan.seed, "processes_left": left}
    report["violations"] += [f"process left over: {command}" for command in left]
    (folder / "report.json").write_text(json.dumps(report, indent=2))
    return report


def _work(service: Service, written: History, plan: Plan, rng: random.Random) -> None:
    """The answers without faults first; then a few jobs before each fault, and more where a victim is wanted."""
    cases, client, numbers = mixed(plan.variety), Client(service.url, written), itertools.count()
    for case in cases:
        job = client.submitted(f"reference-{case.name}", case)
        written.add("reference", case=case.name, answer=client.ended(job) if job else None)
    crowd = Crowd(service.url, written, plan.clients)

    def give(count: int) -> None:
        crowd.give([(f"key-{next(numbers)}", rng.choice(cases)) for _ in range(count)])

    injector = Injector(service, written, plan.scale, more=lambda: give(1))
    crowd.start()
    faults = plan.only or planned(rng, list(injector.faults), math.ceil(plan.jobs / JOBS_A_FAULT))
    for place, name in enumerate(faults):
        give(plan.jobs * (place + 1) // len(faults) - plan.jobs * place // len(faults))
        time.sleep(rng.uniform(0.0, 1.0) * plan.scale)
        injector.inject(name)
    crowd.finish()
    for inject in plan.poisons:
        inject(client, injector, written)
    _look_again(service, client, written)


def planned(rng: random.Random, names: list[str], count: int) -> list[str]:
    """So many faults: all kinds in some order, then all in another, and so on."""
    found: list[str] = []
    while len(found) < count:
        found += rng.sample(names, len(names))
    return found[:count]


def _look_again(service: Service, client: Client, written: History) -> None:
    """Every job once more, when all is quiet; and what the service knows of."""
    service.await_ready()
    existing = [name.decode() for name in service.redis.zrange("atlas:jobs", 0, -1)]
    for job in existing:
        client.ended(job)
    written.add("existing", jobs=existing)
    client.close()


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A folder that is a file system of its own in memory where that may be mounted, and else a plain one."""
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
