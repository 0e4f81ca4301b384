"""
`python -m tests.faults.large --bundles 50 --mib 32`: many large bundles at once, and the most memory that the service takes.

The bundle is one event of noise at 20 Hz, 6 hours from each of as many stations as give its size. The API should not grow with
it at all; a worker and its parser take what docs/how-to/operate.md states. Report in build/overload/large.json.
"""

import argparse
import json
import sys
import tempfile
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np

from tests.faults import processes
from tests.faults.service import ROOT, Service
from tests.support import recordings, toy_models

RATE_HZ, SPAN_S = 20.0, 6 * 3600 - 1
LOOK_EVERY_S = 0.2


def main(arguments: list[str]) -> int:
    """Exit status: 0 where every job succeeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundles", type=int, default=50)
    parser.add_argument("--mib", type=float, default=32.0, help="size of a bundle (the limit is ATLAS_MAX_BODY_BYTES, 256 MiB)")
    given = parser.parse_args(arguments)
    bundle = waveforms(given.mib * 2**20)
    with tempfile.TemporaryDirectory() as place:
        artifacts = toy_models.write_artifacts(Path(place) / "artifacts")
        with Service(Path(place) / "data", artifacts, workers=2) as service:
            quiet, most = memory(service), defaultdict(float)
            stop = threading.Event()
            watching = threading.Thread(target=_watch, args=(service, most, stop))
            watching.start()
            with ThreadPoolExecutor(given.bundles) as pool:
                statuses = list(pool.map(lambda _: _classified(service.url, bundle), range(given.bundles)))
            stop.set()
            watching.join()
    report = {
        "bundles": given.bundles,
        "bundle_mib": round(len(bundle) / 2**20, 1),
        "ended": {status: statuses.count(status) for status in set(statuses)},
        "memory_before_mib": quiet,
        "memory_most_mib": {role: round(mib, 1) for role, mib in most.items()},
    }
    folder = ROOT / "build" / "overload"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "large.json").write_text(json.dumps(report, indent=2))
    print(json.dumps(report, indent=2))
    return 0 if set(statuses) == {"succeeded"} else 1


def waveforms(size_bytes: float) -> bytes:
    """Noise of as many stations as it takes."""
    rng, parts, size = np.random.default_rng(1), [], 0
    while size < size_bytes:
        samples = rng.normal(0, 2000, round(RATE_HZ * SPAN_S)).astype(np.int32)
        parts.append(recordings.miniseed((f"XX.S{len(parts):03d}.00.BHZ", 0.0, RATE_HZ, samples), reclen=4096))
        size += len(parts[-1])
    return b"".join(parts)


def memory(service: Service) -> dict[str, float]:
    """MiB of the largest process of each kind, and of all together."""
    found: dict[str, float] = defaultdict(float)
    for pid in service.pids():
        mib = processes.resident_mib(pid)
        found[processes.role(pid)] = max(found[processes.role(pid)], mib)
        found["all"] += mib
    return {role: round(mib, 1) for role, mib in found.items()}


def _watch(service: Service, most: dict[str, float], stop: threading.Event) -> None:
    while not stop.wait(LOOK_EVERY_S):
        for role, mib in memory(service).items():
            most[role] = max(most[role], mib)


def _classified(url: str, bundle: bytes) -> str:
    with httpx.Client(base_url=url, timeout=1200) as client:
        answer = client.post("/events/classify", content=bundle, params={"name": "noise.mseed"})
        job = answer.json()
        while answer.is_success and job["status"] not in ("succeeded", "failed", "canceled"):
            job = client.get(f"/jobs/{job['id']}", params={"wait": 110}).json()
        return str(job["status"]) if answer.is_success else str(answer.status_code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
