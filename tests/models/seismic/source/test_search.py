"""Compiled loops of the source inversion against plain formulas."""

import numpy as np
import pytest

from models.seismic.source.array_layout import DELAY_STEP_S
from models.seismic.source.correlations import transform_impulses
from models.seismic.source.search import EXPLAINED, add_best_shifts, evaluate_window, score_shifts, tabulate_gain


def test_scores_of_shifts_are_the_log_likelihood_less_a_penalty():
    """To a relative 1e-5, also of a perfect correlation; negative ones gain nothing."""
    correlations = np.array([-0.5, 0.0, 0.2, 0.5, 0.8, 1.0], np.float32)
    scores = np.empty(6, np.float32)

    score_shifts(correlations, -2.0, 4.0, 0.5, scores)

    shifts = 0.5 * (np.arange(6) - 2.0)
    expected = -4.0 * np.log(1.0 - EXPLAINED * np.maximum(correlations, 0.0) ** 2) - 0.5 * shifts**2
    assert scores == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_impulses_are_transformed_as_their_sum_of_phases():
    delays, weights = np.array([[0.0, 30.0, 71.0], [5.0, 0.0, 120.0]]), np.array([[1.0, -0.4, 0.2], [0.5, 0.0, -2.0]])
    frequencies = np.arange(9, 60) / 1300.0
    found = np.empty((2, len(frequencies)), np.complex128)

    transform_impulses(delays, weights, frequencies, found)

    phases = np.exp(-2j * np.pi * frequencies * delays[..., None])
    assert found == pytest.approx((weights[..., None] * phases).sum(axis=1), abs=1e-9)


def test_a_window_that_arrives_late_is_found_at_its_shift():
    """One component, a correlation of 0.9 at 15 s: its shift after a source that is 5 s late is 10 s."""
    values, norms = np.zeros((1, 3, 2, 1, 1, 41), np.float32), np.ones((1, 3, 2, 1, 1, 1), np.float32)
    values[0, 1, :, 0, 0, 23] = 0.9
    fit = np.zeros(3)

    gained = evaluate_window(
        values[0, 1], norms[0, 1], (1, 0), np.array([1.0]), 0.0, DELAY_STEP_S, 5.0, 10.0, fit, np.empty((2, 41), np.float32)
    )

    assert fit[:2] == pytest.approx((10.0, 0.9))
    assert gained == pytest.approx(-5.0 * np.log(1.0 - EXPLAINED * 0.81) - 0.5, rel=1e-4)


def test_the_scan_lets_a_window_shift_at_a_price():
    """A correlation 20 s late, two standard deviations of 10 s: worth its gain less 2 at the true origin time."""
    table, gained = np.zeros((1, 41), np.float32), np.empty(41, np.float32)
    table[0, 24] = 0.8
    assert tabulate_gain(table, np.ones((1, 1), np.float32), np.ones(1), 6.0, gained)

    total = np.zeros(11, np.float32)
    add_best_shifts(gained, 15, 2, 6.0, total)

    gain = -6.0 * np.log(1.0 - EXPLAINED * 0.64)
    assert total[5] == pytest.approx(gain - 2.0, rel=0.02)
    assert total[9] == pytest.approx(gain, rel=0.02)
    assert not tabulate_gain(table, np.zeros((1, 1), np.float32), np.ones(1), 6.0, gained), "no radiation toward the station"
