"""The dip test distinguishes one mode from two."""

import numpy as np
import pytest

from models.clustering.dip_test import _concave_misfit, _convex_misfit, _empirical_distribution, dip


def draw(shape, count, seed):
    random = np.random.default_rng(seed)
    draws = {
        "normal": random.normal,
        "uniform": random.uniform,
        "exponential": random.exponential,
        "lognormal": random.lognormal,
        "student": lambda size: random.standard_t(2, size=size),
    }
    return draws[shape](size=count)


@pytest.mark.parametrize("shape", ["normal", "uniform", "exponential", "lognormal", "student"])
@pytest.mark.parametrize("count", [30, 200])
def test_a_unimodal_sample_of_any_shape_has_a_small_dip(shape, count):
    """Below the 99 % quantile that Hartigan & Hartigan tabulate for uniform samples, the largest of unimodal distributions."""
    dips = np.array([dip(draw(shape, count, seed)) for seed in range(20)]) * np.sqrt(count)
    assert np.mean(dips < 0.56) >= 0.9
    assert np.median(dips) < 0.42


def test_the_dip_of_two_distant_modes_of_equal_size_is_nearly_a_quarter():
    bimodal = np.concatenate([draw("normal", 100, 1), draw("normal", 100, 2) + 200])
    assert 0.22 < dip(bimodal) <= 0.25


def test_the_dip_is_invariant_to_scale_and_reflection():
    bimodal = np.concatenate([draw("normal", 40, 1), draw("normal", 60, 2) + 4])
    assert dip(-7.0 * bimodal + 3.0) == pytest.approx(dip(bimodal), abs=1e-9)


def test_a_few_or_equal_values_have_the_smallest_dip():
    assert dip(np.array([1.0, 2.0])) == 0.25
    assert dip(np.ones(50)) == pytest.approx(0.01)


def test_convex_and_concave_misfits_agree_with_minorants_by_brute_force():
    """The greatest convex minorant at x is the smallest value at x of all chords between points of the function."""
    at, below, upto = _empirical_distribution(np.sort(draw("lognormal", 12, 3)))

    def largest_gap(at, lower, upper):
        gaps = []
        for middle in range(len(at)):
            chords = [lower[middle]]
            for i in range(middle):
                for j in range(middle + 1, len(at)):
                    chords.append(lower[i] + (lower[j] - lower[i]) * (at[middle] - at[i]) / (at[j] - at[i]))
            gaps.append(upper[middle] - min(chords))
        return max(gaps)

    assert _convex_misfit(at, below, upto) == pytest.approx(largest_gap(at, below, upto))
    assert _concave_misfit(at, below, upto) == pytest.approx(largest_gap(-at[::-1], 1 - upto[::-1], 1 - below[::-1]))
