"""Which window is read, and what is read in it."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.distances import candidate_window_starts, combine_origin_times, predict_distances, weighted_median
from models.errors import NoUsableTrace
from models.imaging.render import render_traces


class Spoken:
    """An offset model that speaks a line for each call instead of looking: entropy by window."""

    def __init__(self, model, sharpness):
        self.spec, self.card, self._model, self._sharpness = model.spec, model.card, model, iter(sharpness)

    def run(self, pictures):
        """The toy's answer, its distribution replaced."""
        said = self._model.run(pictures)
        logits = -next(self._sharpness) * np.abs(np.arange(180) - 60.0)
        probabilities = np.exp(logits) / np.exp(logits).sum()
        return said | {"distance_probabilities": np.tile(probabilities, (len(pictures), 1)).astype(np.float32)}


@pytest.mark.parametrize(
    ("samples", "starts"),
    [(300, [0]), (5120, [0]), (5300, [0]), (6000, [0, 880]), (9000, [0, 1280, 2560, 3880]), (10240, [0, 1280, 2560, 3840, 5120])],
)
def test_a_long_record_is_tried_by_quarter_windows_up_to_its_end(make_gather, samples, starts):
    gather = make_gather(samples=samples)
    found = np.array(candidate_window_starts(gather, 5120.0)) - gather.start_time_s
    np.testing.assert_allclose(found, starts)


def test_the_surest_window_is_read_by_all_traces(opened, make_gather):
    gather = make_gather(samples=10240)
    readings = predict_distances(Spoken(opened["offset"], [0.1, 0.2, 2.0, 0.3, 0.1]), gather)
    assert readings.window_start_s == gather.start_time_s + 2560.0
    pictures = render_traces(opened["offset"].spec.style, gather, readings.window_start_s)
    np.testing.assert_array_equal(readings.distances_deg, opened["offset"].run(pictures)["distance_deg"])


def test_of_two_alike_the_earlier_window_is_read(opened, make_gather):
    gather = make_gather(samples=6000)
    assert predict_distances(Spoken(opened["offset"], [0.5, 0.5]), gather).window_start_s == gather.start_time_s


def test_a_sure_window_with_few_traces_does_not_win(opened, make_gather):
    gather = make_gather(samples=10240)
    gather.samples[1:, :5200] = np.nan
    readings = predict_distances(Spoken(opened["offset"], [0.1, 0.2, 0.3, 0.4]), gather)
    assert readings.window_start_s == gather.start_time_s + 5120.0
    assert readings.read.all()


def test_dead_and_empty_traces_are_nan_and_keep_their_place(opened, make_gather):
    gather = make_gather()
    gather.samples[2] = np.nan
    gather.samples[5] = 0.0
    readings = predict_distances(opened["offset"], gather)
    assert np.flatnonzero(~readings.read).tolist() == [2, 5]
    for values in (readings.uncertainties_deg, readings.probabilities[:, 0], readings.origin_times_s):
        assert np.flatnonzero(np.isnan(values)).tolist() == [2, 5]
    np.testing.assert_allclose(readings.probabilities[readings.read].sum(axis=1), 1.0, rtol=1e-5)


def test_a_trace_is_read_the_same_alone_and_in_any_order(opened, make_gather):
    gather = make_gather(traces=5)
    together = predict_distances(opened["offset"], gather)
    for place in range(5):
        alone = replace(
            gather,
            trace_ids=gather.trace_ids[place : place + 1],
            samples=gather.samples[place : place + 1],
            latitudes_deg=gather.latitudes_deg[place : place + 1],
            longitudes_deg=gather.longitudes_deg[place : place + 1],
        )
        assert predict_distances(opened["offset"], alone).distances_deg[0] == together.distances_deg[place]


def test_origin_times_are_posix_seconds_behind_the_left_edge(opened, make_gather):
    gather = make_gather()
    readings = predict_distances(opened["offset"], gather)
    np.testing.assert_allclose(readings.origin_times_s - readings.window_start_s, readings.distances_deg / 180.0 * 1000.0, rtol=1e-5)


def test_nothing_but_dead_traces_is_no_usable_trace(opened, make_gather):
    gather = make_gather()
    gather.samples[:] = np.nan
    with pytest.raises(NoUsableTrace):
        predict_distances(opened["offset"], gather)


def test_one_wild_origin_time_does_not_move_the_events(opened, make_gather):
    readings = predict_distances(opened["offset"], make_gather())
    times = 1000.0 + np.arange(8.0)
    times[3] = 9e5
    origin = combine_origin_times(replace(readings, origin_times_s=times, origin_uncertainties_s=np.full(8, 2.0)))
    assert origin.time_s == pytest.approx(1004.5)
    assert 2.0 <= origin.uncertainty_s < 6.0


def test_a_sure_trace_weighs_more_than_many_unsure_ones(opened, make_gather):
    readings = predict_distances(opened["offset"], make_gather())
    times, stated = np.full(8, 50.0), np.full(8, 100.0)
    times[6], stated[6] = 0.0, 1.0
    assert combine_origin_times(replace(readings, origin_times_s=times, origin_uncertainties_s=stated)).time_s == 0.0


@pytest.mark.parametrize(
    ("values", "weights", "median"), [([3, 1, 2], [1, 1, 1], 2), ([1, 2], [1, 1], 1.5), ([1, 2, 9], [1, 1, 5], 9), ([4], [2], 4)]
)
def test_half_of_the_weight_lies_on_either_side(values, weights, median):
    assert weighted_median(np.array(values, float), np.array(weights, float)) == median
