"""Choice of the time window, and the readings of its traces, averaged over earlier starts."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.distances import (
    CALIBRATION_KEY,
    EARLIER_STARTS_S,
    drop_early_ends,
    find_quantile,
    list_window_starts,
    predict_distances,
)
from models.errors import NoUsableTrace
from models.imaging.render import render_traces
from models.seismic.waveforms import Record
from models.specs.pictures import CONDITIONING


class ScriptedModel:
    """An offset model whose distance distributions, at 60 degrees, have a scripted sharpness at each call, and whose lag is given."""

    def __init__(self, model, sharpness, lags_s=()):
        self.spec, self.card, self._model = model.spec, model.card, model
        self._sharpness, self._lags_s = iter([*sharpness, *[1.0] * 6]), iter([*lags_s, *[0.0] * 20])

    def run(self, pictures):
        """Return the toy model's outputs with another distance distribution and origin lag."""
        outputs = self._model.run(pictures)
        logits = -next(self._sharpness) * np.abs(np.arange(180) - 60.0)
        probabilities = np.exp(logits) / np.exp(logits).sum()
        return outputs | {
            "distance_deg": np.full(len(pictures), 60.5, np.float32),
            "distance_probabilities": np.tile(probabilities, (len(pictures), 1)).astype(np.float32),
            "origin_lag_s": np.full(len(pictures), next(self._lags_s), np.float32),
        }


@pytest.mark.parametrize(
    ("samples", "starts"),
    [(300, [0]), (5120, [0]), (5300, [0]), (6000, [0, 880]), (9000, [0, 1280, 2560, 3880]), (10240, [0, 1280, 2560, 3840, 5120])],
)
def test_later_windows_step_by_a_quarter_up_to_the_end_of_the_record(make_gather, samples, starts):
    gather = make_gather(samples=samples)
    found = np.array(list_window_starts(gather, 5120.0)) - gather.start_time_s
    np.testing.assert_allclose(found, np.tile(np.array(starts)[:, None], len(gather.samples)))


def test_records_that_begin_one_after_another_are_each_read_from_their_own_start(make_gather):
    gather = make_gather(traces=3, samples=7000)
    gather.samples[0, 5000:] = np.nan
    gather.samples[1, :900] = gather.samples[1, 5900:] = np.nan
    gather.samples[2, :2000] = np.nan
    (only,) = list_window_starts(gather, 5120.0)
    assert (only - gather.start_time_s).tolist() == [0.0, 900.0, 2000.0]


def test_all_traces_are_read_in_the_window_of_smallest_entropy_that_holds_the_first_arrival(opened, make_gather):
    gather = make_gather(samples=10240)
    readings = predict_distances(ScriptedModel(opened["offset"], [0.1, 0.2, 2.0, 0.3, 0.1]), gather)
    assert readings.window_start_s == gather.start_time_s + 2560.0
    after_p = [0.0, 0.0, -900.0, 0.0, 0.0]
    readings = predict_distances(ScriptedModel(opened["offset"], [0.1, 0.2, 2.0, 0.3, 0.1], after_p), gather)
    assert readings.window_start_s == gather.start_time_s + 3840.0


def test_the_earlier_of_two_windows_of_equal_entropy_is_read(opened, make_gather):
    gather = make_gather(samples=6000)
    assert predict_distances(ScriptedModel(opened["offset"], [0.5, 0.5]), gather).window_start_s == gather.start_time_s


def test_a_window_with_less_than_half_of_the_live_traces_is_not_read(opened, make_gather):
    gather = make_gather(samples=10240)
    gather.samples[1:, 2400:] = np.nan
    readings = predict_distances(ScriptedModel(opened["offset"], [0.1, 0.2, 0.3, 9.0, 9.0]), gather)
    assert readings.window_start_s == gather.start_time_s + 1280.0


def test_a_distribution_is_the_mean_over_six_starts_before_the_record_and_the_distance_its_median(opened, make_gather):
    gather, model = make_gather(traces=2), opened["offset"]
    gather.samples[1, :150] = np.nan
    starts = gather.start_time_s + np.array([0.0, 150.0])
    outputs = [model.run(render_traces(model.spec.style, gather, starts - earlier)) for earlier in EARLIER_STARTS_S]
    mean = np.mean([one["distance_probabilities"] for one in outputs], axis=0)
    readings = predict_distances(model, gather)
    np.testing.assert_allclose(readings.probabilities, mean, atol=1e-6)
    np.testing.assert_allclose(readings.distances_deg, find_quantile(mean, 0.5), rtol=1e-5)
    times = [starts - earlier + one["origin_lag_s"] for earlier, one in zip(EARLIER_STARTS_S, outputs, strict=True)]
    np.testing.assert_allclose(readings.origin_times_s, np.mean(times, axis=0), atol=1e-3)
    assert (readings.origin_uncertainties_s > np.std(times, axis=0)).all()


class CountingModel:
    """An offset model that counts the pictures of each run."""

    def __init__(self, model):
        self.spec, self.card, self._model, self.counts = model.spec, model.card, model, []

    def run(self, pictures):
        """Return the model's outputs."""
        self.counts.append(len(pictures))
        return self._model.run(pictures)


def test_starts_are_read_together_as_far_as_their_pictures_may_be_held(opened, make_gather, monkeypatch):
    gather, together, apart = make_gather(traces=5, samples=4000), CountingModel(opened["offset"]), CountingModel(opened["offset"])
    readings = predict_distances(together, gather)
    monkeypatch.setattr("models.analysis.distances.MAX_PICTURES", 12)
    others = predict_distances(apart, gather)
    assert (together.counts, apart.counts) == ([30], [10, 10, 10])
    np.testing.assert_array_equal(readings.probabilities, others.probabilities)
    np.testing.assert_array_equal(readings.origin_times_s, others.origin_times_s)


def test_uncertainties_have_the_factors_of_the_card(opened, make_gather):
    gather, model = make_gather(), opened["offset"]
    card = model.card.model_copy(update={"calibration": {CALIBRATION_KEY: {"distance": 2.0, "origin_time": 3.0}}})
    plain, calibrated = predict_distances(model, gather), predict_distances(replace(model, card=card), gather)
    np.testing.assert_allclose(calibrated.uncertainties_deg, 2.0 * plain.uncertainties_deg)
    np.testing.assert_allclose(calibrated.origin_uncertainties_s, 3.0 * plain.origin_uncertainties_s)


def test_quantiles_are_linear_within_a_bin():
    probabilities = np.zeros((2, 180))
    probabilities[0, 40], probabilities[0, 50], probabilities[1] = 0.5, 0.5, np.nan
    assert find_quantile(probabilities, 0.25)[0] == pytest.approx(40.5)
    assert find_quantile(probabilities, 0.9)[0] == pytest.approx(50.8)
    assert np.isnan(find_quantile(probabilities, 0.5)[1])


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


@pytest.mark.parametrize(("after_s", "kept"), [(60.0, False), (110.0, False), (130.0, True), (600.0, True)])
def test_a_record_that_ends_soon_after_its_first_arrival_is_not_read(opened, make_gather, after_s, kept):
    gather = make_gather(traces=2)
    readings = predict_distances(opened["offset"], gather)
    noise = np.random.default_rng(4).normal(size=(2, 4000)).astype(np.float32)
    begin = noise.shape[1] - round(4.0 * after_s)
    noise[0, begin:] *= 30.0
    records = [Record(trace, 1.6e9, 4.0, samples, 0.0, 0.0) for trace, samples in zip(gather.trace_ids, noise, strict=True)]

    found = drop_early_ends(readings, records)

    assert found.has_distance.tolist() == [kept, True]
    assert found.ending_early == (() if kept else gather.trace_ids[:1])
    assert np.isnan(found.probabilities[0]).all() != kept
    assert readings.has_distance.all(), "the readings before are left as they were"


def test_without_records_all_readings_are_kept(opened, make_gather):
    readings = predict_distances(opened["offset"], make_gather())
    assert drop_early_ends(readings, []) is readings
