"""The compiled log-likelihood ratios of arrivals and their sparse form, against plain numpy."""

import numpy as np

from models.seismic.association.pick_likelihood import MAX_RUNS, PickMixture, TimeGrid, arrival_llr, to_sparse_runs


def test_the_llr_is_that_of_a_normal_mixture_against_a_uniform_density():
    times, deviations, weights = np.array([[30.0, 42.0]]), np.array([[1.5, 3.0]]), np.array([[0.7, 0.3]])
    start, end, step, first, p = 5.0, 105.0, 0.5, -20, 0.6
    span = (np.array([start]), np.array([end]))
    llr = arrival_llr(PickMixture(times, deviations, weights, np.array([p]), *span), TimeGrid(step, np.array([first]), 260))[0]
    t = (first + np.arange(260)) * step
    z = (t[:, None] - times) / deviations
    density = (weights * np.exp(-0.5 * z**2) * (np.abs(z) <= 5.0) / (deviations * np.sqrt(2.0 * np.pi))).sum(axis=1)
    expected = np.where((t >= start) & (t <= end), np.log(1.0 - p + p * (end - start) * density), 0.0)
    np.testing.assert_allclose(llr, expected, atol=1e-5)


def test_the_likelihood_ratio_is_one_on_average_over_the_record():
    span = (np.zeros(1), np.array([100.0]))
    picks = PickMixture(np.array([[30.0, 60.0]]), np.full((1, 2), 2.0), np.full((1, 2), 0.5), np.array([0.9]), *span)
    row = arrival_llr(picks, TimeGrid(0.1, np.array([0]), 1001))
    assert abs(np.exp(row[0].astype(np.float64)).mean() - 1.0) < 0.01


def test_a_trace_that_cannot_have_the_phase_carries_no_information():
    picks = PickMixture(np.array([[30.0]]), np.ones((1, 1)), np.ones((1, 1)), np.zeros(1), np.zeros(1), np.array([100.0]))
    row = arrival_llr(picks, TimeGrid(1.0, np.array([0]), 90))
    assert not row.any()


def expand(base, record, runs, row):
    """Rebuild a trace from its base and the samples in its runs."""
    dense = np.zeros_like(row)
    dense[record[0] : record[1]] = base
    for first, last in runs:
        dense[first:last] = row[first:last]
    return dense


def test_base_and_runs_together_are_the_llr():
    rng = np.random.default_rng(1)
    llr = np.zeros((4, 300), np.float32)
    for row in llr[:3]:
        row[20:270] = -0.7
        for first in rng.integers(20, 250, 5):
            row[first : first + 12] += rng.uniform(0.5, 2.0, 12)
    llr[2, 258:270] += 1.0  # a run to the record's end
    sparse = to_sparse_runs(llr)
    for i, row in enumerate(llr):
        np.testing.assert_array_equal(expand(sparse.bases[i], sparse.records[i], sparse.runs[i], row), row)
    for i in range(3):
        assert np.diff(sparse.runs[i], axis=1).sum() == np.count_nonzero(llr[i, 20:270] > sparse.bases[i] + 1e-4)
    assert not sparse.records[3].any()


def test_runs_beyond_the_limit_extend_the_last_one():
    row = np.full((1, 400), -0.5, np.float32)
    row[0, 2::8] = 1.0
    sparse = to_sparse_runs(row)
    assert len(row[0, 2::8]) > MAX_RUNS
    np.testing.assert_array_equal(expand(sparse.bases[0], sparse.records[0], sparse.runs[0], row[0]), row[0])
