"""Peak resident memory of one way to classify a bundle, in a process of its own, with its children (Linux)."""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from workers.settings import Settings

WAYS = ("baseline", "serving")
SAMPLE_S = 0.02
MIB = 1024.0


class Peak(NamedTuple):
    """MiB resident: the process itself, and the process with all its children at one moment (shared pages count twice)."""

    process_mib: float
    together_mib: float


def measure_peak(way: str, waveforms: bytes, stations: bytes, rounds: int = 3) -> Peak:
    """Classify a bundle `rounds` times in a new process, and sample its memory."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "waveforms.mseed").write_bytes(waveforms)
        (Path(folder) / "stations.csv").write_bytes(stations)
        process = subprocess.Popen([sys.executable, "-m", "benchmarks.memory", way, folder, str(rounds)])
        own = together = 0.0
        while process.poll() is None:
            own = max(own, _status_mib(process.pid, "VmHWM"))
            together = max(together, sum(_status_mib(pid, "VmRSS") for pid in _tree(process.pid)))
            time.sleep(SAMPLE_S)
    if process.returncode:
        raise RuntimeError(f"{way} ended with status {process.returncode}")
    return Peak(own, together)


def _tree(pid: int) -> list[int]:
    """List the process and its descendants."""
    try:
        children = [int(word) for task in Path(f"/proc/{pid}/task").iterdir() for word in (task / "children").read_text().split()]
    except OSError:
        return []
    return [pid, *(descendant for child in children for descendant in _tree(child))]


def _status_mib(pid: int, field: str) -> float:
    """Read a line of /proc/pid/status in MiB; 0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) / MIB for line in lines if line.startswith(f"{field}:")), 0.0)


def main() -> None:
    """Classify a bundle a few times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("rounds", type=int)
    given = parser.parse_args()
    waveforms, stations = ((given.folder / name).read_bytes() for name in ("waveforms.mseed", "stations.csv"))
    settings = Settings()
    if given.way == "baseline":
        from benchmarks.classify_bundle import Baseline  # noqa: PLC0415  (imports of the other way must not be measured)

        baseline = Baseline(settings.artifacts_dir, settings.threads)
        for _ in range(given.rounds):
            baseline.classify(waveforms)
    else:
        from benchmarks.classify_bundle import Serving  # noqa: PLC0415

        serving = Serving(settings)
        for _ in range(given.rounds):
            serving.classify(waveforms, stations)


if __name__ == "__main__":
    main()
