"""Candidates of an event: weights of traces and picks, and the log-likelihood ratios that follow from them."""

from dataclasses import replace

import numpy as np
import pytest

from models.seismic.association.candidates import collect_candidates, drop_surface_wave_picks, mix_picks, phase_llr, rayleigh_llr
from models.seismic.association.pick_likelihood import TimeGrid
from models.seismic.earth.travel_times import PHASES
from models.seismic.signal.picker import Picks
from models.seismic.signal.rayleigh_envelope import EnvelopePeaks
from tests.support.synthetic_picks import NO_PEAKS, draw_stations, make_picks, teleseismic_candidates


def test_without_any_pick_there_are_no_candidates():
    rng = np.random.default_rng(5)
    latitudes, longitudes = draw_stations(rng, (0.0, 0.0), 5, 5.0)
    empty = [make_picks(rng, np.zeros(0), (0.0, 300.0), false=0) for _ in latitudes]
    assert collect_candidates(empty, [NO_PEAKS] * 5, latitudes, longitudes) is None


def test_traces_without_coordinates_are_left_out():
    rng = np.random.default_rng(6)
    picks = [make_picks(rng, np.array([50.0]), (10.0 * i, 300.0)) for i in range(3)]
    data = collect_candidates(picks, [NO_PEAKS] * 3, [np.nan, 1.0, 2.0], [0.0, 0.0, 0.0])
    assert data.trace_indices.tolist() == [1, 2]
    assert data.clock_s == 10.0
    np.testing.assert_allclose(data.first_weights.sum(axis=1), 1.0)


def test_distant_stations_are_independent_and_an_array_counts_as_a_plane_wave():
    data = teleseismic_candidates()
    together = replace(data, interstation_deg=np.zeros((20, 20)))
    apart = replace(data, interstation_deg=np.where(np.eye(20) > 0, 0.0, 90.0))
    np.testing.assert_allclose(apart.independent_weights(np.full(20, 60.0)), 1.0)
    assert together.independent_weights(np.full(20, 60.0)).sum() == pytest.approx(3.0)


def test_a_subset_keeps_the_distances_between_its_stations():
    data, rows = teleseismic_candidates(), np.array([7, 2, 11])
    few = data.subset(rows)
    np.testing.assert_array_equal(few.trace_indices, data.trace_indices[rows])
    np.testing.assert_array_equal(few.interstation_deg, data.interstation_deg[rows][:, rows])


def test_the_prior_of_the_origin_time_favors_an_estimate_and_times_within_the_records():
    data = teleseismic_candidates()
    log_prior, start = replace(data, origin_estimate=(200.0, 20.0)).origin_time_log_prior(2.0)
    times = (start + np.arange(len(log_prior))) * 2.0
    assert times[np.argmax(log_prior)] == pytest.approx(200.0, abs=2.0)
    plain, start = data.origin_time_log_prior(2.0)
    np.testing.assert_allclose(plain, np.log(0.05), atol=1e-6)
    assert (start + len(plain)) * 2.0 == pytest.approx(-30.0, abs=2.0)


def test_only_long_period_picks_around_the_largest_rayleigh_peak_are_dropped():
    times, bands = np.array([100.0, 860.0, 950.0, 1050.0, 950.0]), np.array([3, 3, 3, 3, 1])
    pick = Picks(0.0, 2000.0, times, np.ones(5), np.full(5, 3.0), bands, np.zeros(5, np.bool_))
    kept = drop_surface_wave_picks(pick, EnvelopePeaks(np.array([1000.0, 860.0]), np.array([3.0, 2.0])))
    assert list(zip(kept.times_s, kept.bands, strict=True)) == [(100.0, 3), (950.0, 1)]


def test_the_llr_of_a_phase_peaks_at_its_picks():
    data, step = teleseismic_candidates(), 1.0
    grid = TimeGrid(step, np.zeros((len(PHASES), 20), np.int64), 3600)
    llr = phase_llr(mix_picks(data, np.full(20, 60.0), 35.0, np.full(20, 0.5), correlated_errors=False), grid)
    strongest = data.pick_times[np.arange(20), np.argmax(data.first_weights, axis=1)]
    np.testing.assert_allclose(np.argmax(llr[0], axis=1) * step, strongest, atol=2.0)


def test_stations_that_share_a_path_share_one_rayleigh_llr():
    rng = np.random.default_rng(7)
    picks, peaks = [make_picks(rng, np.zeros(0), (0.0, 2000.0)) for _ in range(4)], [EnvelopePeaks(np.array([900.0]), np.array([3.0]))] * 4
    grid, distances, error = TimeGrid(5.0, np.zeros(4, np.int64), 400), np.full(4, 30.0), np.zeros(4)
    together = collect_candidates(picks, peaks, np.zeros(4), np.zeros(4))
    single = collect_candidates(picks[:1], peaks[:1], np.zeros(1), np.zeros(1))
    row = rayleigh_llr(single, distances[:1], error[:1], TimeGrid(5.0, np.zeros(1, np.int64), 400), np.array([400]))[0]
    assert row.argmax() * 5.0 == 900.0
    np.testing.assert_allclose(rayleigh_llr(together, distances, error, grid, np.full(4, 400)), np.tile(row / 2.0, (4, 1)), rtol=1e-5)


def test_a_pick_soon_after_a_strong_one_is_hardly_the_first_arrival():
    """A large rupture may be picked at its beginning and, stronger, where most of its moment is released."""

    def leading_weights(earlier_strength, lead_s):
        times, strengths = np.array([400.0 - lead_s, 400.0]), np.array([earlier_strength, 6.0])
        picks = Picks(0.0, 900.0, times, np.full(2, 0.3), strengths, np.ones(2, int), np.zeros(2, bool))
        data = collect_candidates([picks], [NO_PEAKS], np.zeros(1), np.zeros(1))
        return data.leading_weights[0]

    assert leading_weights(5.0, 8.0)[1] < 0.1
    assert leading_weights(2.2, 8.0)[1] > 0.5
    assert leading_weights(5.0, 200.0)[1] > 0.4
    assert leading_weights(5.0, 0.3)[1] > 0.4
