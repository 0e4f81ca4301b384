"""
`python -m tests.fuzz.fuzz_bundle --runs 1000000`: coverage-guided fuzzing of the parsing of bundles by atheris (libFuzzer).

Writes executions, seconds and findings to build/fuzz/report.json and prints them. A finding is any exception but those of
models.errors, a crash, 30 s for one input (`--timeout`; more on a busy machine), or 3 GB of memory; its bytes are written to
build/fuzz/findings. The corpus is kept in build/fuzz/corpus, from which the next run continues; with `--resume` its executions count on
from the report.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import obspy

from tests.support import recordings
from workers.bundles.formats import ARCHIVES, HEAD_BYTES, WAVEFORMS, FileKind, classify_file

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "fuzz"
ROUND = 25_000
"""Executions of one process, which is then restarted, so that a finding ends one round only."""

MAX_SEED_BYTES, MAX_SEEDS = 5_000, 6
"""Test files of ObsPy that become seeds: their size, and their number for each format."""


def main(arguments: list[str]) -> int:
    """Run all rounds and return the exit status: 0 without findings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000, help="executions in all (default: 1,000,000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--round", type=int, default=ROUND, help=f"executions of one process (default: {ROUND:,})")
    parser.add_argument("--timeout", type=int, default=30, help="seconds that one input may take (default: 30)")
    parser.add_argument("--resume", action="store_true", help="count on from build/fuzz/report.json")
    options = parser.parse_args(arguments)
    corpus, findings = FOLDER / "corpus", FOLDER / "findings"
    for folder in (corpus, findings):
        folder.mkdir(parents=True, exist_ok=True)
    write_seeds(corpus)
    executions, earlier_s = read_report() if options.resume else (0, 0.0)
    start_s = time.monotonic() - earlier_s
    while executions < options.runs:
        executions += run_round(corpus, findings, min(options.round, options.runs - executions), options.seed + executions, options.timeout)
        write_report(executions, time.monotonic() - start_s, corpus, findings)
    return 1 if any(findings.iterdir()) else 0


def run_round(corpus: Path, findings: Path, runs: int, seed: int, timeout_s: int) -> int:
    """Run one process of the fuzzer and return its number of executions."""
    flags = [
        f"-runs={runs}",
        f"-seed={seed}",
        f"-timeout={timeout_s}",
        f"-report_slow_units={timeout_s}",
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


def read_report() -> tuple[int, float]:
    """Return the executions and seconds of the report; zeros without one."""
    path = FOLDER / "report.json"
    report = json.loads(path.read_text()) if path.is_file() else {"executions": 0, "seconds": 0.0}
    return report["executions"], report["seconds"]


def write_report(executions: int, seconds: float, corpus: Path, findings: Path) -> None:
    """Write and print the report after each round, so that an interrupted run has one."""
    names = sorted(path.name for path in findings.iterdir())
    figures = {"executions": executions, "seconds": round(seconds), "corpus": len(list(corpus.iterdir())), "findings": names}
    text = json.dumps(figures)
    (FOLDER / "report.json").write_text(text)
    print(text, flush=True)


ORIENTED_CHANNELS = "".join(
    f"""<Channel code="LH{code}" locationCode="00"><Latitude>1</Latitude><Longitude>2</Longitude><Elevation>0</Elevation>
    <Azimuth>{azimuth}</Azimuth></Channel>"""
    for code, azimuth in ((1, 30), (2, 120))
)


def write_seeds(corpus: Path) -> None:
    """Write small bundles of every format as the initial corpus: for each part a byte for its name, then its content."""
    wave = recordings.miniseed(("XX.AAA.00.LHZ", 0.0, 1.0, recordings.wave(200)), ("XX.BBB.00.LHN", 5.0, 1.0, recordings.wave(50)))
    names = ("XX.AAA.00.LHZ", "XX.AAA.00.LHN", "XX.AAA.00.LHE", "XX.BBB.00.LHZ", "XX.BBB.00.LH1", "XX.BBB.00.LH2")
    three_components = recordings.miniseed(*((name, 3.0 * number, 1.0, recordings.wave(80)) for number, name in enumerate(names)))
    version_3 = recordings.miniseed(("XX.AAA.00.LHZ", 0.0, 1.0, recordings.wave(200)), version=3)
    floats = recordings.miniseed(("XX.AAA.00.LHZ", 0.0, 1.0, recordings.wave(99).astype("float32")))
    table, xml = recordings.stations_csv(("XX", "AAA", 1.0, 2.0)), recordings.stationxml("XX", "AAA", 1.0, 2.0)
    packed = recordings.zipped(a_dot_mseed=wave, b_dot_csv=table), recordings.tarred(x__a_dot_mseed=wave, y__b_dot_mseed=version_3)
    separator = b"\xff--part--\xff"
    parts = [b"\0" + wave, b"\0" + version_3, b"\0" + floats, b"\1" + table, b"\2" + xml, b"\3" + packed[0], b"\4" + packed[1]]
    parts += [b"\5" + recordings.gzipped(wave), b"\7" + recordings.gzipped(packed[1])]
    oriented = separator.join([b"\0" + three_components, b"\2" + recordings.stationxml("XX", "BBB", 1.0, 2.0, ORIENTED_CHANNELS)])
    for number, bundle in enumerate(
        [*parts, oriented, separator.join(parts[:1] + parts[3:5]), separator.join([b"\x80" + version_3, b"\3" + packed[0]])]
    ):
        (corpus / f"seed-{number}").write_bytes(bundle)
    short = recordings.miniseed(("XX.AAA.00.LHZ", 0.0, 1.0, recordings.wave(50)))
    for kind, path in list_test_files():
        name = b"\0" if kind is not FileKind.STATIONS_CSV else b"\1"
        bundle = [name + path.read_bytes()] if kind in WAVEFORMS else [b"\0" + short, name + path.read_bytes()]
        (corpus / f"seed-{kind.value}-{path.name}").write_bytes(separator.join(bundle))


def list_test_files() -> Iterator[tuple[FileKind, Path]]:
    """List the smallest test files of the installed ObsPy in each format that a bundle may hold, archives left out."""
    found: dict[FileKind, list[Path]] = defaultdict(list)
    for path in sorted(Path(obspy.__file__).parent.rglob("tests/data/**/*")):
        if path.is_file() and 0 < path.stat().st_size <= MAX_SEED_BYTES:
            with path.open("rb") as file:
                kind = classify_file(path.name, file.read(HEAD_BYTES))
            if kind is not None and kind not in ARCHIVES:
                found[kind].append(path)
    for kind, paths in found.items():
        yield from ((kind, path) for path in sorted(paths, key=lambda path: path.stat().st_size)[:MAX_SEEDS])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
