"""ObsPy's own test files: what ObsPy reads is read alike, or refused for a stated reason."""

import io
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import obspy
import pytest
from obspy.io.mseed.core import _read_mseed
from obspy.io.sac.core import _read_sac
from obspy.io.xseed.core import _is_seed

from models.errors import UnreadableMetadata, UnreadableWaveform
from models.seismic.data_issues import DataIssue
from models.seismic.io.decode import decode
from models.seismic.io.inventory import Inventory
from models.seismic.io.miniseed import MiniseedLimits, list_segments, scan_miniseed
from models.seismic.io.sac import scan_sac
from models.seismic.io.volume import Volume
from workers.bundles.formats import FileKind, classify_file
from workers.bundles.parse import read_metadata

ROOT = Path(obspy.__file__).parent
MSEED = sorted(path for path in (ROOT / "io/mseed/tests/data").rglob("*") if path.is_file())
SAC = sorted(path for path in ROOT.rglob("tests/data/*") if ".sac" in path.name.lower() and "pz" not in path.name.lower())
SLOW = (  # for ObsPy, half a second to three seconds each
    "EB_response_sc3ml",
    "sc3ml_empty_depth_and_id.sc3ml",
    "RESP.AZ.DHL..BS1",
    "RESP.JM.NMIA0.00.HHN",
    "RESP.regression_1",
)
METADATA = sorted(
    path
    for folder in ("io/xseed", "io/stationxml", "io/stationtxt", "io/seiscomp")
    for path in (ROOT / folder / "tests/data").rglob("*")
    if path.is_file() and path.name not in SLOW
)
FORMATS = {FileKind.STATIONXML: "STATIONXML", FileKind.SEED: "SEED", FileKind.RESP: "RESP", FileKind.SEISCOMP: "SCML"}
LIMITS = MiniseedLimits(10**4, 10**5, 10**9, float("inf"))

REASONS = {
    "nan_float32.mseed": "without proper network, station, location and channel codes",
    "nan_float64.mseed": "without proper network, station, location and channel codes",
    "microsecond_wrap.mseed": "nanosecond (1000000000) is out of range",
    "full_network_field_station.xml": "no station with coordinates",
    "minimal_station.xml": "no station with coordinates",
    "minimal_station_with_microseconds.xml": "no station with coordinates",
    "minimal_with_non_obspy_module_and_sender_tags_station.xml": "no station with coordinates",
    "no_default_namespace.xml": "no station with coordinates",
    "version20.xml": "no station with coordinates",
    "dataless.seed.newline_between_blockettes": "describes no station",
    **{f"version0.{number}": "describes no station" for number in range(7, 15)},
}
"""Files that ObsPy reads and this service refuses: they hold networks without stations, traces without codes, or a time that
does not exist."""

pytestmark = pytest.mark.skipif(not MSEED, reason="ObsPy is installed without its test data")


def samples_of(volume: Volume) -> int | str:
    """The number of decoded samples, or why there are none."""
    issues: list[DataIssue] = []
    segments = list_segments([volume], LIMITS, issues)
    return sum(len(part.samples) for segment in segments for part in decode(segment, issues)) or issues[0].detail


def read_by_obspy[T](read: Callable[..., T], data: bytes, **options: str) -> T | None:
    """What ObsPy reads; None where it raises anything."""
    try:
        with warnings.catch_warnings(action="ignore"):
            return read(io.BytesIO(data), **options)
    except Exception:  # noqa: BLE001
        return None


@cache
def read_by_us(path: Path, kind: FileKind) -> Inventory | str:
    """The inventory, or why the file is refused."""
    try:
        return read_metadata(kind, path.read_bytes(), path.name, 1e9)
    except UnreadableMetadata as error:
        return error.detail


def test_miniseed_files_have_as_many_samples_as_obspy_reads() -> None:
    differing = {}
    for path in MSEED:
        data = path.read_bytes()
        stream = read_by_obspy(_read_mseed, data)
        if stream is None:
            continue
        try:
            found: object = samples_of(scan_miniseed(path.name, data))
        except UnreadableWaveform as error:
            found = error.detail
        expected = sum(len(trace) for trace in stream if trace.data.dtype.kind in "if")
        if expected and found != expected and REASONS.get(path.name, "nothing") not in str(found):
            differing[path.name] = (expected, found)
    assert differing == {}


def test_sac_files_are_read_as_obspy_reads_them() -> None:
    read = 0
    for path in SAC:
        data = path.read_bytes()
        stream = read_by_obspy(_read_sac, data)
        if stream is None or classify_file(path.name, data[:4096]) is not FileKind.SAC:
            continue
        volume, (trace,) = scan_sac(path.name, data), stream
        if not volume.segments:
            assert {issue.code for issue in volume.issues} == {"bad-codes"}, path.name
            continue
        (segment,), read = volume.segments, read + 1
        np.testing.assert_array_equal(segment.packed, trace.data)
        assert str(segment.trace_id) == trace.id
        assert segment.sampling_rate_hz == pytest.approx(trace.stats.sampling_rate, rel=1e-6)
        assert abs(segment.start_time_ns - trace.stats.starttime.ns) < 1_000_000
    assert read > 5


def metadata_files() -> Iterator[tuple[Path, FileKind, bytes]]:
    for path in METADATA:
        data = path.read_bytes()
        kind = classify_file(path.name, data[:4096])
        if kind in FORMATS and (kind is not FileKind.SEED or _is_seed(io.BytesIO(data))):
            yield path, kind, data


def test_metadata_that_obspy_reads_are_read_with_the_same_channels() -> None:
    differing = {}
    for path, kind, data in metadata_files():
        expected = read_by_obspy(obspy.read_inventory, data, format=FORMATS[kind])
        if expected is None:
            continue
        found = read_by_us(path, kind)
        if isinstance(found, str):
            if REASONS.get(path.name, "nothing") not in found:
                differing[path.name] = found
            continue
        channels = {(n.code or "", s.code, c.location_code.strip().replace("--", ""), c.code) for n in expected for s in n for c in s}
        missing = channels - {(*key, epoch.location, epoch.channel) for key, epochs in found.epochs.items() for epoch in epochs}
        if missing:
            differing[path.name] = str(missing)
    assert differing == {}


def test_metadata_of_another_kind_are_refused_with_a_reason() -> None:
    answers = {path.name: read_by_us(path, kind) for path, kind, _ in metadata_files()}
    refused = {name: answer for name, answer in answers.items() if isinstance(answer, str)}
    assert "events are not read" in refused["iris_events.sc3ml"]
    assert "neither StationXML nor a SeisComP inventory" in refused["westaus_events.xml"]
    assert [name for name, detail in refused.items() if name not in detail] == []
