"""Events cross the blob store unchanged, pictures wait on disk, and an event without data is a warning."""

import numpy as np

from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from workers.jobs.embedding import EmbeddedEvents, _packed, _pieces, _unpacked, thumbnail_of
from workers.jobs.shared_tasks import pack_arrays, unpack_arrays


def gather_of(traces, samples):
    ids = tuple(TraceId("XX", f"S{k}", "" if k % 2 else "00", "LHZ") for k in range(traces))
    random = np.random.default_rng(traces)
    values = random.normal(size=(traces, samples)).astype(np.float32)
    values[0, :5] = np.nan
    return Gather(ids, 1234.5, 1.0, values, random.uniform(-90, 90, traces), np.full(traces, np.nan))


def test_gathers_of_any_size_come_back_as_they_were():
    events = [("föhn", gather_of(3, 50)), ("b", gather_of(1, 20))]
    back = list(_unpacked(unpack_arrays(pack_arrays(_packed(events)))))
    assert [name for name, _ in back] == ["föhn", "b"]
    for (_, one), (_, other) in zip(events, back, strict=True):
        assert (one.trace_ids, one.start_time_s, one.sampling_rate_hz) == (other.trace_ids, other.start_time_s, other.sampling_rate_hz)
        for name in ("samples", "latitudes_deg", "longitudes_deg"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_pieces_hold_so_many_events_and_the_last_one_the_rest():
    assert [len(piece) for piece in _pieces(range(7), 3)] == [3, 3, 1]
    assert list(_pieces([], 3)) == []


def test_thumbnails_are_read_back_by_row_and_troubles_are_warnings():
    kept, pictures = EmbeddedEvents(), np.random.default_rng(0).integers(0, 255, (4, 3, 8, 8), dtype=np.uint8)
    outcome = {
        "names": np.array(list("abcd")),
        "troubles": np.array(["", "", "no data", ""]),
        "embeddings": np.eye(4, dtype=np.float32),
        "thumbnails": pictures,
    }
    kept.add(outcome)
    kept.add({name: values[:1] for name, values in outcome.items()})
    assert kept.names == ["a", "b", "d", "a"]
    np.testing.assert_array_equal(kept.thumbnails([2, 0]), pictures[[3, 0]])
    kept.close()
    assert [(warning.part, warning.code) for warning in kept.warnings] == [("c", "no-usable-trace")]


def test_a_thumbnail_keeps_thin_lines():
    section = np.zeros((3, 160, 160), np.uint8)
    section[1, 33, :] = 200
    assert thumbnail_of(section)[1, 16].tolist() == [200] * 80
