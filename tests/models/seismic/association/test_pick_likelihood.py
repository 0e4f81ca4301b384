"""The compiled log-likelihood ratios of arrivals, their levels and extents, against plain numpy."""

import numpy as np

from models.seismic.association.pick_likelihood import PickMixture, TimeGrid, find_bases, write_arrival_llr, write_nearest_picks


def arrival_llr(picks, grid):
    """The LLR [traces, samples] of all samples of a grid."""
    result = np.full((len(picks.times), grid.sample_count), np.nan, np.float32)
    write_arrival_llr(picks, grid, np.full(len(result), grid.sample_count), result)
    return result


def test_the_llr_is_that_of_a_normal_mixture_against_a_uniform_density():
    times, deviations, weights = np.array([[30.0, 42.0]]), np.array([[1.5, 3.0]]), np.array([[0.7, 0.3]])
    start, end, step, first, p = 5.0, 105.0, 0.5, -20, 0.6
    span = (np.array([start]), np.array([end]))
    llr = arrival_llr(PickMixture(times, deviations, weights, np.array([p]), *span), TimeGrid(step, np.array([first]), 260))[0]
    t = (first + np.arange(260)) * step
    z = (t[:, None] - times) / deviations
    density = (weights * np.exp(-0.5 * z**2) * (np.abs(z) <= 5.0) / (deviations * np.sqrt(2.0 * np.pi))).sum(axis=1)
    expected = np.where((t >= start) & (t <= end), np.log(1.0 - p + p * (end - start) * density), 0.0)
    np.testing.assert_allclose(llr, expected, atol=1.1e-4)  # an excess of less than 1e-4 is taken for none


def test_the_likelihood_ratio_is_one_on_average_over_the_record():
    span = (np.zeros(1), np.array([100.0]))
    picks = PickMixture(np.array([[30.0, 60.0]]), np.full((1, 2), 2.0), np.full((1, 2), 0.5), np.array([0.9]), *span)
    row = arrival_llr(picks, TimeGrid(0.1, np.array([0]), 1001))
    assert abs(np.exp(row[0].astype(np.float64)).mean() - 1.0) < 0.01


def test_a_trace_that_cannot_have_the_phase_carries_no_information():
    picks = PickMixture(np.array([[30.0]]), np.ones((1, 1)), np.ones((1, 1)), np.zeros(1), np.zeros(1), np.array([100.0]))
    row = arrival_llr(picks, TimeGrid(1.0, np.array([0]), 90))
    assert not row.any()


def test_level_and_extent_of_an_llr_are_those_of_the_record_away_from_picks():
    rng = np.random.default_rng(1)
    times, deviations, weights = rng.uniform(40.0, 240.0, (3, 5)), np.full((3, 5), 2.0), np.full((3, 5), 0.2)
    probabilities, ends = np.array([0.5, 0.0, 0.9]), np.array([270.0, 270.0, 300.5])
    llr = arrival_llr(PickMixture(times, deviations, weights, probabilities, np.full(3, 20.0), ends), TimeGrid(1.0, np.zeros(3, int), 400))
    bases = find_bases(llr)
    np.testing.assert_allclose(bases.levels, np.log(1.0 - probabilities), rtol=1e-6)
    np.testing.assert_array_equal(bases.records, [[20, 271], [0, 0], [20, 301]])
    for i in (0, 2):
        away = (np.abs(np.arange(20.0, 271.0)[:, None] - times[i]) > 10.0).all(axis=1)
        assert (llr[i, 20:271][away] == bases.levels[i]).all()


def test_an_excess_that_a_stack_would_not_show_is_taken_for_none():
    picks = PickMixture(np.array([[50.0]]), np.full((1, 1), 2.0), np.ones((1, 1)), np.array([0.001]), np.zeros(1), np.array([100.0]))
    row = arrival_llr(picks, TimeGrid(1.0, np.array([0]), 101))[0].astype(np.float64)
    above = row[row > row.min()] - row.min()
    assert len(above) > 0
    assert above.min() > 0.9e-4
    assert (row[40:44] == row.min()).all()  # within five standard deviations, but less than 1e-4 above the level


def test_only_the_samples_asked_for_are_written():
    rng = np.random.default_rng(2)
    spans, grid = (np.full(3, 5.0), np.full(3, 95.0)), TimeGrid(0.5, np.array([-4, 0, 30]), 180)
    times, deviations = rng.uniform(0.0, 100.0, (3, 4)), np.full((3, 4), 3.0)
    picks = PickMixture(times, deviations, np.full((3, 4), 0.25), np.full(3, 0.7), *spans)
    counts, found = np.array([180, 60, 3]), np.full((3, 180), 7.0, np.float32)
    write_arrival_llr(picks, grid, counts, found)
    asked = np.arange(180) < counts[:, None]
    np.testing.assert_array_equal(found, np.where(asked, arrival_llr(picks, grid), 0.0))


def test_the_nearest_pick_is_that_of_the_largest_density():
    picks = PickMixture(
        np.array([[20.0, 60.0, 90.0]]),
        np.array([[2.0, 8.0, 2.0]]),
        np.array([[0.5, 0.5, 0.0]]),
        np.array([0.8]),
        np.zeros(1),
        np.full(1, 100.0),
    )
    nearest = np.zeros((1, 100), np.int8)
    write_nearest_picks(picks, TimeGrid(1.0, np.array([0]), 100), nearest)
    assert nearest[0, 20] == 0
    assert nearest[0, 35] == nearest[0, 60] == nearest[0, 90] == 1  # beyond five deviations of the first pick; the third has no weight
    assert nearest[0, 5] == -1
