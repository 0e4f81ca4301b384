"""Archives of waveforms: round trip, continuation after an interruption, and separate labels."""

import shutil

import numpy as np
import pytest

from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record, Response
from training.datasets.archive import ArchivedEvent, ArchiveWriter, read_events, read_labels, read_manifest

MADE_FROM = {"seed": 3407, "commit": "abc", "fingerprints": {"store": "f00d"}}


def _make_event(number, truth=None):
    random = np.random.default_rng(number)
    response = Response(np.array([0.01, 0.1]), np.array([1 + 2j, 3 - 4j]))
    samples = random.normal(size=100 + number).astype(np.float32)
    samples[5:9] = np.nan
    records = (
        Record(TraceId("IU", "ANMO", "00", "LHZ"), 1e9 + 0.25, 0.5, samples, 34.9, -106.5, 1850.0, response),
        Record(TraceId("AK", "BAL", "", "BHZ"), 1e9, 20.0, samples[:0], None, None),
        Record(TraceId("II", "KDAK", "10", "LHZ"), 1e9, 1.0, samples[::2], 57.8, -152.6, None, response),
    )
    return ArchivedEvent(f"{number:06d}", records, truth)


def _write(folder, numbers, truth=None, made_from=MADE_FROM):
    with ArchiveWriter(folder, made_from, events_per_shard=2) as writer:
        for number in numbers:
            if f"{number:06d}" not in writer.kept:
                writer.add(_make_event(number, truth))


def _stop_after(count):
    yield from range(count)
    raise RuntimeError("stopped")


def _assert_same(one, two):
    assert (one.name, one.truth, len(one.records)) == (two.name, two.truth, len(two.records))
    for a, b in zip(one.records, two.records, strict=True):
        np.testing.assert_array_equal(a.samples, b.samples)
        assert a.samples.dtype == b.samples.dtype
        assert (a.trace_id, a.start_time_s, a.sampling_rate_hz) == (b.trace_id, b.start_time_s, b.sampling_rate_hz)
        assert (a.latitude_deg, a.longitude_deg, a.elevation_m) == (b.latitude_deg, b.longitude_deg, b.elevation_m)
        assert (a.response is None) == (b.response is None)
        if a.response is not None:
            np.testing.assert_array_equal(a.response.frequencies_hz, b.response.frequencies_hz)
            np.testing.assert_array_equal(a.response.velocity_response, b.response.velocity_response)


def test_events_are_read_as_written(tmp_path):
    truth = {"kind": "explosion", "depth_km": 1.5, "force_azimuth_deg": None, "code": "12"}
    _write(tmp_path, range(5), truth)
    read = list(read_events(tmp_path))
    assert len(read) == 5
    for number, event in enumerate(read):
        _assert_same(event, _make_event(number, truth))


def test_the_manifest_lists_files_and_counts(tmp_path):
    _write(tmp_path, range(5))
    manifest = read_manifest(tmp_path)
    assert manifest["made_from"] == {**MADE_FROM, "events_per_shard": 2}
    assert (manifest["events"], manifest["traces"]) == (5, 15)
    assert sorted(path.name for path in (tmp_path / "waveforms").iterdir()) == ["00000.h5", "00001.h5", "00002.h5"]


def test_an_interrupted_archive_continues_to_identical_files(tmp_path):
    _write(tmp_path / "whole", range(6))
    with pytest.raises(RuntimeError, match="stopped"):
        _write(tmp_path / "stopped", _stop_after(3))
    assert read_manifest(tmp_path / "stopped")["events"] == 2
    _write(tmp_path / "stopped", range(6), made_from={**MADE_FROM, "commit": "def"})
    whole, stopped = (read_manifest(tmp_path / name)["shards"] for name in ("whole", "stopped"))
    assert whole == stopped


def test_an_archive_without_labels_is_complete_and_reveals_no_kind(tmp_path):
    _write(tmp_path, range(3), {"kind": "landslide"})
    assert set(read_labels(tmp_path)) == {"000000", "000001", "000002"}
    shutil.rmtree(tmp_path / "labels")
    assert [event.truth for event in read_events(tmp_path)] == [None] * 3
    assert read_labels(tmp_path) == {}
    assert not any(b"landslide" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_folder_of_another_data_set_is_refused(tmp_path):
    _write(tmp_path, range(2))
    with pytest.raises(ValueError, match="begun from something else"):
        _write(tmp_path, range(3), made_from={**MADE_FROM, "seed": 1})


@pytest.mark.parametrize("name", ["000000", "a/b", "..", "", ".hidden"])
def test_event_names_are_plain_and_unique(tmp_path, name):
    with ArchiveWriter(tmp_path, MADE_FROM, 9) as writer:
        writer.add(_make_event(0))
        with pytest.raises(ValueError, match="is taken"):
            writer.add(ArchivedEvent(name, (), None))


@pytest.mark.parametrize("file", ["waveforms/00000.h5", "labels/00000.jsonl"])
def test_a_damaged_file_is_refused(tmp_path, file):
    _write(tmp_path, range(2), {"kind": "clvd"})
    content = bytearray((tmp_path / file).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / file).write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        list(read_events(tmp_path))
