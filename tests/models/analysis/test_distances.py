"""Choice of the time window, and the readings of its traces."""

import numpy as np
import pytest

from models.analysis.distances import candidate_window_starts, predict_distances
from models.errors import NoUsableTrace
from models.imaging.render import render_traces
from models.specs.pictures import CONDITIONING


class ScriptedModel:
    """An offset model whose distance distributions have a scripted sharpness at each call, that is in each window."""

    def __init__(self, model, sharpness):
        self.spec, self.card, self._model, self._sharpness = model.spec, model.card, model, iter(sharpness)

    def run(self, pictures):
        """Return the toy model's outputs with another distance distribution."""
        outputs = self._model.run(pictures)
        logits = -next(self._sharpness) * np.abs(np.arange(180) - 60.0)
        probabilities = np.exp(logits) / np.exp(logits).sum()
        return outputs | {"distance_probabilities": np.tile(probabilities, (len(pictures), 1)).astype(np.float32)}


@pytest.mark.parametrize(
    ("samples", "starts"),
    [(300, [0]), (5120, [0]), (5300, [0]), (6000, [0, 880]), (9000, [0, 1280, 2560, 3880]), (10240, [0, 1280, 2560, 3840, 5120])],
)
def test_candidate_windows_step_by_a_quarter_up_to_the_end_of_the_record(make_gather, samples, starts):
    gather = make_gather(samples=samples)
    found = np.array(candidate_window_starts(gather, 5120.0)) - gather.start_time_s
    np.testing.assert_allclose(found, starts)


def test_all_traces_are_read_in_the_window_of_smallest_entropy(opened, make_gather):
    gather = make_gather(samples=10240)
    readings = predict_distances(ScriptedModel(opened["offset"], [0.1, 0.2, 2.0, 0.3, 0.1]), gather)
    assert readings.window_start_s == gather.start_time_s + 2560.0
    pictures = render_traces(opened["offset"].spec.style, gather, readings.window_start_s)
    np.testing.assert_array_equal(readings.distances_deg, opened["offset"].run(pictures)["distance_deg"])


def test_the_earlier_of_two_windows_of_equal_entropy_is_read(opened, make_gather):
    gather = make_gather(samples=6000)
    assert predict_distances(ScriptedModel(opened["offset"], [0.5, 0.5]), gather).window_start_s == gather.start_time_s


def test_a_window_with_less_than_half_of_the_live_traces_is_not_read(opened, make_gather):
    gather = make_gather(samples=10240)
    gather.samples[1:, :5200] = np.nan
    readings = predict_distances(ScriptedModel(opened["offset"], [0.1, 0.2, 0.3, 0.4]), gather)
    assert readings.window_start_s == gather.start_time_s + 5120.0
    assert readings.has_distance.all()


def test_dead_and_empty_traces_are_nan_at_their_index(opened, make_gather):
    gather = make_gather()
    gather.samples[2] = np.nan
    gather.samples[5] = 0.0
    readings = predict_distances(opened["offset"], gather)
    assert np.flatnonzero(~readings.has_distance).tolist() == [2, 5]
    for values in (readings.uncertainties_deg, readings.probabilities[:, 0], readings.origin_times_s):
        assert np.flatnonzero(np.isnan(values)).tolist() == [2, 5]
    np.testing.assert_allclose(readings.probabilities[readings.has_distance].sum(axis=1), 1.0, rtol=1e-5)


def test_the_reading_of_a_trace_does_not_depend_on_other_traces(opened, make_gather):
    gather = make_gather(traces=5)
    together = predict_distances(opened["offset"], gather)
    for index in range(5):
        single = gather.subset(np.array([index]))
        assert predict_distances(opened["offset"], single).distances_deg[0] == together.distances_deg[index]


def test_origin_times_are_posix_seconds_after_the_left_edge(opened, make_gather):
    gather = make_gather()
    readings = predict_distances(opened["offset"], gather)
    np.testing.assert_allclose(readings.origin_times_s - readings.window_start_s, readings.distances_deg / 180.0 * 1000.0, rtol=1e-5)


def test_a_gather_of_dead_traces_has_no_usable_trace(opened, make_gather):
    gather = make_gather()
    gather.samples[:] = np.nan
    with pytest.raises(NoUsableTrace):
        predict_distances(opened["offset"], gather)


def test_records_that_are_too_short_are_reported_with_their_length_and_what_is_needed(opened, make_gather):
    gather = make_gather(samples=100 * int(CONDITIONING.sampling_rate_hz))
    gather.samples[1] = 7.0
    with pytest.raises(NoUsableTrace) as caught:
        predict_distances(opened["offset"], gather)
    assert str(caught.value) == (
        "the longest record has 100 s; the distance network needs 240 s in its 5,120 s window: "
        "send records from before P to the end of the surface waves"
    )
