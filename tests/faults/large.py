"""
`python -m tests.faults.large --bundles 50 --mib 32`: many large bundles concurrently, and the service's peak memory.

The bundle is one event of noise at 20 Hz, 6 hours at as many stations as its size needs. The API's memory should not depend on
it; that of a worker and its parser is stated in docs/how-to/operate.md. The report is build/overload/large.json.
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
SAMPLE_EVERY_S = 0.2


def main(arguments: list[str]) -> int:
    """Run the test and return the exit status: 0 if every job succeeded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundles", type=int, default=50)
    parser.add_argument("--mib", type=float, default=32.0, help="size of a bundle (the limit is ATLAS_MAX_BODY_BYTES, 256 MiB)")
    options = parser.parse_args(arguments)
    bundle = waveforms(options.mib * 2**20)
    with tempfile.TemporaryDirectory() as temporary:
        artifacts = toy_models.write_artifacts(Path(temporary) / "artifacts")
        with Service(Path(temporary) / "data", artifacts, workers=2) as service:
            idle, peak = memory(service), defaultdict(float)
            stop = threading.Event()
            watching = threading.Thread(target=_watch, args=(service, peak, stop))
            watching.start()
            with ThreadPoolExecutor(options.bundles) as pool:
                statuses = list(pool.map(lambda _: _classify(service.url, bundle), range(options.bundles)))
            stop.set()
            watching.join()
    report = {
        "bundles": options.bundles,
        "bundle_mib": round(len(bundle) / 2**20, 1),
        "ended": {status: statuses.count(status) for status in set(statuses)},
        "memory_before_mib": idle,
        "memory_most_mib": {role: round(mib, 1) for role, mib in peak.items()},
    }
    folder = ROOT / "build" / "overload"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "large.json").write_text(json.dumps(report, indent=2))
    print(json.dumps(report, indent=2))
    return 0 if set(statuses) == {"succeeded"} else 1


def waveforms(size_bytes: float) -> bytes:
    """Return miniSEED of noise at as many stations as the size needs."""
    rng, traces, size = np.random.default_rng(1), [], 0
    while size < size_bytes:
        samples = rng.normal(0, 2000, round(RATE_HZ * SPAN_S)).astype(np.int32)
        traces.append(recordings.miniseed((f"XX.S{len(traces):03d}.00.BHZ", 0.0, RATE_HZ, samples), reclen=4096))
        size += len(traces[-1])
    return b"".join(traces)


def memory(service: Service) -> dict[str, float]:
    """Return the memory in MiB of the largest process of each role, and of all processes."""
    by_role: dict[str, float] = defaultdict(float)
    for pid in service.pids():
        mib = processes.resident_mib(pid)
        by_role[processes.role(pid)] = max(by_role[processes.role(pid)], mib)
        by_role["all"] += mib
    return {role: round(mib, 1) for role, mib in by_role.items()}


def _watch(service: Service, peak: dict[str, float], stop: threading.Event) -> None:
    while not stop.wait(SAMPLE_EVERY_S):
        for role, mib in memory(service).items():
            peak[role] = max(peak[role], mib)


def _classify(url: str, bundle: bytes) -> str:
    with httpx.Client(base_url=url, timeout=1200) as client:
        answer = client.post("/events/classify", content=bundle, params={"name": "noise.mseed"})
        job = answer.json()
        while answer.is_success and job["status"] not in ("succeeded", "failed", "canceled"):
            job = client.get(f"/jobs/{job['id']}", params={"wait": 110}).json()
        return str(job["status"]) if answer.is_success else str(answer.status_code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
