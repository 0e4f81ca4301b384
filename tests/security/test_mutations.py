"""Good bundles changed at random: whatever comes of it, nothing but an error of the field leaves the parser (H5, H6)."""

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.errors import AtlasError
from tests.support import recordings
from workers.bundles.parse import ReadLimits, parse_bundle

LIMITS = ReadLimits(50, 2**22, 200.0, 20, 20, 50, 200_000, 86_400.0, 2**22, 2**31, 60)
KINDS = ("miniSEED 2", "miniSEED 3", "floats", "zip", "tar", "gzip", "StationXML", "table")

# Where headers are, a change matters most: half of all places are among the first 64 bytes.
places = st.one_of(st.integers(0, 63), st.integers(0, 2**14))
pieces = st.one_of(
    st.binary(max_size=8), st.sampled_from([b"\0" * 8, b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"nan", b"1e999", b"&e;"])
)
changes = st.lists(st.tuples(st.sampled_from(["write", "insert", "remove", "repeat"]), places, pieces), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def good():
    """A small bundle of each kind."""
    wave = recordings.miniseed(("XX.A.00.LHZ", 0.0, 1.0, recordings.wave(90)), ("XX.B.00.LHZ", 9.0, 2.0, recordings.wave(60)), reclen=256)
    third = recordings.miniseed(("XX.A.00.LHZ", 0.0, 1.0, recordings.wave(90)), version=3)
    files = {"a_dot_mseed": wave, "b__c_dot_mseed": third, "s_dot_csv": recordings.stations_csv(("XX", "A", 1.0, 2.0))}
    return {
        "miniSEED 2": wave,
        "miniSEED 3": third,
        "floats": recordings.miniseed(("XX.A.00.LHZ", 0.0, 1.0, recordings.wave(90).astype("float64"))),
        "zip": recordings.zipped(**files),
        "tar": recordings.tarred(**files),
        "gzip": gzip.compress(wave),
        "StationXML": recordings.stationxml("XX", "A", 1.0, 2.0),
        "table": files["s_dot_csv"],
    }


def changed(data: bytes, steps: list[tuple[str, int, bytes]]) -> bytes:
    """The bytes after each change at its place (counted round and round)."""
    for how, where, piece in steps:
        place = where % (len(data) + 1)
        match how:
            case "write":
                data = data[:place] + piece + data[place + len(piece) :]
            case "insert":
                data = data[:place] + piece + data[place:]
            case "remove":
                data = data[:place] + data[place + 8 * len(piece) :]
            case _:
                data = data[:place] + data[max(0, place - 256) :]
    return data


@settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(kind=st.sampled_from(KINDS), steps=changes, grouped=st.booleans())
def test_a_changed_bundle_is_read_or_refused(good, tmp_path_factory, kind, steps, grouped):
    first, second = Path(tmp_path_factory.getbasetemp()) / "changed", Path(tmp_path_factory.getbasetemp()) / "good"
    first.write_bytes(changed(good[kind], steps))
    second.write_bytes(good["miniSEED 3"])
    try:
        events = list(parse_bundle([("changed", first), ("good.mseed", second)], LIMITS, grouped, lambda _: None))
    except AtlasError:
        return
    assert sum(len(record.samples) for event in events for record in event.records) <= LIMITS.max_samples
