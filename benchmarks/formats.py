"""
`python -m benchmarks.formats FOLDER...`: test files of other readers, read by ObsPy and by this service.

The files are those of the installed ObsPy, and of folders that are named. A file counts where ObsPy reads it in one of the formats that
this service accepts, or where this service reads it. "Alike" is: as many samples in the same channels, or the same channels of metadata.
"""

import argparse
import io
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import obspy
from obspy.io.mseed.core import _read_mseed
from obspy.io.sac.core import _read_sac, _read_sac_xy

from models.errors import AtlasError
from models.seismic.data_issues import DataIssue
from models.seismic.io.decode import decode
from models.seismic.io.inventory import Inventory
from models.seismic.io.miniseed import MiniseedLimits, list_segments, scan_miniseed
from models.seismic.io.sac import scan_sac
from training.evaluation.pages import RESULTS, describe_command, format_table, write_page
from workers.bundles.formats import HEAD_BYTES, FileKind, classify_file
from workers.bundles.parse import read_metadata

LIMITS = MiniseedLimits(10**5, 10**6, 10**9, float("inf"))
METADATA = {
    FileKind.STATIONXML: "STATIONXML",
    FileKind.SEED: "SEED",
    FileKind.RESP: "RESP",
    FileKind.SEISCOMP: "SCML",
    FileKind.STATIONS_CSV: "STATIONTXT",
}
NAMES = {
    FileKind.WAVEFORM: "miniSEED, full SEED",
    FileKind.SAC: "SAC",
    FileKind.STATIONXML: "StationXML",
    FileKind.SEED: "SEED metadata",
    FileKind.RESP: "RESP",
    FileKind.SEISCOMP: "SeisComP XML",
    FileKind.SAC_POLES_ZEROS: "SAC poles and zeros",
    FileKind.STATIONS_CSV: "station text",
}
OUTCOMES = ("alike", "read by this service alone", "refused", "differing")


def read_channels(kind: FileKind, data: bytes) -> object | None:
    """Read what ObsPy finds, in a form that compares: samples by channel, or channels of metadata; None where it does not read the file."""
    try:
        with warnings.catch_warnings(action="ignore"):
            if kind in (FileKind.WAVEFORM, FileKind.SAC):
                return count_samples_by_obspy(kind, data)
            if kind not in METADATA:
                return None
            found = obspy.read_inventory(io.BytesIO(data), format=METADATA[kind])
            return frozenset((n.code or "", s.code, c.location_code.strip(" -"), c.code) for n in found for s in n for c in s)
    except Exception:  # noqa: BLE001 -- whatever it raises, ObsPy does not read the file
        return None


def count_samples_by_obspy(kind: FileKind, data: bytes) -> int:
    """Count the samples of a file, text left out."""
    read: Callable[..., obspy.Stream] = _read_mseed
    if kind is FileKind.SAC:
        read = _read_sac_xy if data[:1] in b" -0123456789" else _read_sac
    return sum(len(trace) for trace in read(io.BytesIO(data)) if trace.data.dtype.kind in "if")


def read_by_service(kind: FileKind, name: str, data: bytes) -> tuple[object | None, str]:
    """Read a file as the parsing process does: what it finds, and the reason where it finds nothing."""
    try:
        if kind not in (FileKind.WAVEFORM, FileKind.SAC):
            return list_channels(read_metadata(kind, data, name, float("inf"))), ""
        issues: list[DataIssue] = []
        volume = (scan_sac if kind is FileKind.SAC else scan_miniseed)(name, data)
        segments = list_segments([volume], LIMITS, issues)
        count = sum(len(part.samples) for segment in segments for part in decode(segment, issues))
    except AtlasError as error:
        return None, error.detail
    return (count, "") if count else (None, "; ".join(issue.detail for issue in (*volume.issues, *issues)) or "no samples")


def list_channels(inventory: Inventory) -> frozenset[tuple[str, ...]]:
    """List the channels of an inventory, and stations without any."""
    return frozenset((*key, epoch.location or "", epoch.channel or "") for key, epochs in inventory.epochs.items() for epoch in epochs)


def judge(expected: object | None, found: object | None) -> str | None:
    """Compare both; None where neither reads the file."""
    if found is None:
        return "refused" if expected else None
    if not expected:
        return "read by this service alone"
    if isinstance(expected, frozenset) and isinstance(found, frozenset):
        return "alike" if expected <= found else "differing"
    return "alike" if expected == found else "differing"


def list_files(folders: list[Path]) -> Iterator[Path]:
    """List the test data of ObsPy and the files of the folders."""
    yield from sorted(path for path in Path(obspy.__file__).parent.rglob("tests/data/**/*") if path.is_file())
    for folder in folders:
        yield from sorted(path for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Print and write the table of outcomes and the list of refused files with their reasons."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folders", nargs="*", type=Path)
    counts: Counter[tuple[str, str]] = Counter()
    refused, seen = [], set()
    for path in list_files(arguments.parse_args().folders):
        data = path.read_bytes()
        kind = classify_file(path.name, data[:HEAD_BYTES])
        if kind not in NAMES or data in seen:
            continue
        seen.add(data)
        for role in (FileKind.SEED, FileKind.WAVEFORM) if kind is FileKind.SEED else (kind,):
            found, reason = read_by_service(role, path.name, data)
            outcome = judge(read_channels(role, data), found)
            if outcome is not None:
                counts[NAMES[role], outcome] += 1
            if outcome in ("refused", "differing"):
                refused.append((path.name, reason.replace(path.name, "it") or outcome))
    rows = [(name, *(str(counts[name, outcome]) for outcome in OUTCOMES)) for name in NAMES.values()]
    table = format_table(("format", *OUTCOMES), [*rows, ("all", *(str(sum(counts[n, o] for n in NAMES.values())) for o in OUTCOMES))])
    print(table)
    write_page(
        RESULTS / "formats.md",
        Path(__file__).parent / "templates" / "formats.md",
        describe_command("benchmarks.formats", sys.argv[1:]),
        obspy=obspy.__version__,
        table=table,
        refused=format_table(("file", "reason"), refused),
    )


if __name__ == "__main__":
    main()
