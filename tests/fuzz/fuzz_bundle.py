"""
`python -m tests.fuzz.fuzz_bundle --runs 1000000`: coverage-guided fuzzing of bundle reading by atheris (libFuzzer).

Writes what it did to build/fuzz/report.json and prints it: executions, seconds, findings. A finding is any error but those
of models.errors, a crash, 30 s for one input, or 3 GB of memory; its bytes lie in build/fuzz/findings. The corpus that it has
gathered stays in build/fuzz/corpus, and a second run goes on from there.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.support import recordings

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "fuzz"
ROUND = 25_000
"""Executions of one process: it is then started again, so that a finding costs one round and no more."""


def main(arguments: list[str]) -> int:
    """Exit status: 0 where nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000, help="executions in all (default: 1,000,000)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    corpus, findings = FOLDER / "corpus", FOLDER / "findings"
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    sow(corpus)
    began, executions, number = time.monotonic(), 0, 0
    while executions < given.runs:
        number += 1
        executions += one_round(corpus, findings, min(ROUND, given.runs - executions), given.seed + number)
        report(executions, time.monotonic() - began, corpus, findings)
    return 1 if any(findings.iterdir()) else 0


def one_round(corpus: Path, findings: Path, runs: int, seed: int) -> int:
    """Executions done; libFuzzer counts them."""
    flags = [
        f"-runs={runs}",
        f"-seed={seed}",
        "-timeout=30",
        "-report_slow_units=30",
        "-rss_limit_mb=3000",
        "-max_len=16384",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    command = [sys.executable, "-m", "tests.fuzz.bundle_target", *flags, f"-artifact_prefix={findings}/", str(corpus)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    (FOLDER / "last.log").write_text(done.stderr[-100_000:])
    counted = re.findall(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    if not counted:
        raise SystemExit(f"the fuzzer did not run:\n{done.stderr[-2000:]}")
    return int(counted[-1])


def report(executions: int, seconds: float, corpus: Path, findings: Path) -> None:
    """Kept and printed after each round, so that a run that is broken off has counted as well."""
    names = sorted(path.name for path in findings.iterdir())
    said = {"executions": executions, "seconds": round(seconds), "corpus": len(list(corpus.iterdir())), "findings": names}
    text = json.dumps(said)
    (FOLDER / "report.json").write_text(text)
    print(text, flush=True)


POINTED = "".join(
    f"""<Channel code="LH{code}" locationCode="00"><Latitude>1</Latitude><Longitude>2</Longitude><Elevation>0</Elevation>
    <Azimuth>{azimuth}</Azimuth></Channel>"""
    for code, azimuth in ((1, 30), (2, 120))
)


def sow(corpus: Path) -> None:
    """Small bundles of every kind to begin with: a byte for the name, then the part."""
    wave = recordings.miniseed(("XX.AAA.00.LHZ", 0.0, 1.0, recordings.wave(200)), ("XX.BBB.00.LHN", 5.0, 1.0, recordings.wave(50)))
    names = ("XX.AAA.00.LHZ", "XX.AAA.00.LHN", "XX.AAA.00.LHE", "XX.BBB.00.LHZ", "XX.BBB.00.LH1", "XX.BBB.00.LH2")
    beside = recordings.miniseed(*((name, 3.0 * number, 1.0, recordings.wave(80)) for number, name in enumerate(names)))
    third = recordings.miniseed(("XX.AAA.00.LHZ", 0.0, 1.0, recordings.wave(200)), version=3)
    floats = recordings.miniseed(("XX.AAA.00.LHZ", 0.0, 1.0, recordings.wave(99).astype("float32")))
    table, xml = recordings.stations_csv(("XX", "AAA", 1.0, 2.0)), recordings.stationxml("XX", "AAA", 1.0, 2.0)
    packed = recordings.zipped(a_dot_mseed=wave, b_dot_csv=table), recordings.tarred(x__a_dot_mseed=wave, y__b_dot_mseed=third)
    separator = b"\xff--part--\xff"
    parts = [b"\0" + wave, b"\0" + third, b"\0" + floats, b"\1" + table, b"\2" + xml, b"\3" + packed[0], b"\4" + packed[1]]
    parts += [b"\5" + recordings.gzipped(wave), b"\7" + recordings.gzipped(packed[1])]
    pointed = separator.join([b"\0" + beside, b"\2" + recordings.stationxml("XX", "BBB", 1.0, 2.0, POINTED)])
    for number, bundle in enumerate(
        [*parts, pointed, separator.join(parts[:1] + parts[3:5]), separator.join([b"\x80" + third, b"\3" + packed[0]])]
    ):
        (corpus / f"seed-{number}").write_bytes(bundle)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
