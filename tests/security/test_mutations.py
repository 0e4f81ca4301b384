"""Valid bundles with random mutations: the parser raises nothing but an AtlasError (H5, H6)."""

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

# Mutations of headers matter most: half of all offsets are in the first 64 bytes.
offsets = st.one_of(st.integers(0, 63), st.integers(0, 2**14))
contents = st.one_of(
    st.binary(max_size=8), st.sampled_from([b"\0" * 8, b"\xff" * 8, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"nan", b"1e999", b"&e;"])
)
mutations = st.lists(st.tuples(st.sampled_from(["write", "insert", "remove", "repeat"]), offsets, contents), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def good():
    """A small valid bundle of each kind."""
    wave = recordings.miniseed(("XX.A.00.LHZ", 0.0, 1.0, recordings.wave(90)), ("XX.B.00.LHZ", 9.0, 2.0, recordings.wave(60)), reclen=256)
    version_3 = recordings.miniseed(("XX.A.00.LHZ", 0.0, 1.0, recordings.wave(90)), version=3)
    files = {"a_dot_mseed": wave, "b__c_dot_mseed": version_3, "s_dot_csv": recordings.stations_csv(("XX", "A", 1.0, 2.0))}
    return {
        "miniSEED 2": wave,
        "miniSEED 3": version_3,
        "floats": recordings.miniseed(("XX.A.00.LHZ", 0.0, 1.0, recordings.wave(90).astype("float64"))),
        "zip": recordings.zipped(**files),
        "tar": recordings.tarred(**files),
        "gzip": gzip.compress(wave),
        "StationXML": recordings.stationxml("XX", "A", 1.0, 2.0),
        "table": files["s_dot_csv"],
    }


def mutate(data: bytes, steps: list[tuple[str, int, bytes]]) -> bytes:
    """Apply mutations (operation, offset modulo the length, bytes) one after the other."""
    for operation, position, content in steps:
        offset = position % (len(data) + 1)
        match operation:
            case "write":
                data = data[:offset] + content + data[offset + len(content) :]
            case "insert":
                data = data[:offset] + content + data[offset:]
            case "remove":
                data = data[:offset] + data[offset + 8 * len(content) :]
            case _:
                data = data[:offset] + data[max(0, offset - 256) :]
    return data


@settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(kind=st.sampled_from(KINDS), steps=mutations, grouped=st.booleans())
def test_a_mutated_bundle_is_read_or_refused(good, tmp_path_factory, kind, steps, grouped):
    first, second = Path(tmp_path_factory.getbasetemp()) / "mutated", Path(tmp_path_factory.getbasetemp()) / "good"
    first.write_bytes(mutate(good[kind], steps))
    second.write_bytes(good["miniSEED 3"])
    try:
        events = list(parse_bundle([("mutated", first), ("good.mseed", second)], LIMITS, grouped, lambda _: None))
    except AtlasError:
        return
    assert sum(len(record.samples) for event in events for record in event.records) <= LIMITS.max_samples
