"""Embedded events: thumbnails on disk, and a warning for an event that cannot be embedded."""

import numpy as np

from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from workers.jobs.embedding import WAVEFORM_LEAD_S, WAVEFORM_S, WAVEFORM_TRACES, EmbeddedEvents, cut_event_waveforms, make_thumbnail


def test_thumbnails_are_read_by_index_and_errors_become_warnings():
    kept, rng = EmbeddedEvents(), np.random.default_rng(0)
    pictures = rng.integers(0, 255, (4, 3, 8, 8), dtype=np.uint8)
    traces = rng.integers(-127, 127, (4, WAVEFORM_TRACES, WAVEFORM_S), dtype=np.int8)
    batch = {
        "names": np.array(list("abcd")),
        "errors": np.array(["", "", "no data", ""]),
        "embeddings": np.eye(4, dtype=np.float32),
        "thumbnails": pictures,
        "waveforms": traces,
    }
    kept.add_batch(batch)
    kept.add_batch({name: values[:1] for name, values in batch.items()})
    assert kept.names == ["a", "b", "d", "a"]
    np.testing.assert_array_equal(kept.thumbnails([2, 0]), pictures[[3, 0]])
    np.testing.assert_array_equal(kept.waveforms(2), traces[3])
    kept.close()
    assert [(warning.part, warning.code) for warning in kept.warnings] == [("c", "no-usable-trace")]


def test_events_embedded_by_a_worker_of_the_release_before_have_no_waveforms():
    kept = EmbeddedEvents()
    pictures = np.full((2, 3, 8, 8), 7, np.uint8)
    kept.add_batch({"names": np.array(["a", "b"]), "errors": np.array(["", ""]), "embeddings": np.eye(2), "thumbnails": pictures})
    assert not kept.waveforms(1).any()
    np.testing.assert_array_equal(kept.thumbnails([1]), pictures[1:])
    kept.close()


def test_a_thumbnail_keeps_thin_lines():
    section = np.zeros((3, 160, 160), np.uint8)
    section[1, 33, :] = 200
    assert make_thumbnail(section)[1, 16].tolist() == [200] * 80


def test_waveforms_begin_before_the_largest_amplitude_and_have_full_scale():
    samples = np.random.default_rng(1).standard_normal((4, 3000)).astype(np.float32)
    samples[2, 1500] = -400.0
    samples[3, :] = np.nan
    ids = tuple(TraceId("XX", f"S{number}", "00", "LHZ") for number in range(4))
    waveforms = cut_event_waveforms(Gather(ids, 0.0, 1.0, samples, np.zeros(4), np.zeros(4)))
    assert waveforms[0, WAVEFORM_LEAD_S] == -127
    assert np.abs(waveforms[0, WAVEFORM_LEAD_S + 1 :]).max() <= 2
    assert waveforms.any(axis=1).all()
    assert not cut_event_waveforms(Gather(ids[:1], 0.0, 1.0, samples[3:], np.zeros(1), np.zeros(1))).any()
