import numpy as np
import pytest

from models.clustering.dip_test import dip


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
def test_one_mode_of_any_shape_dips_little(shape, count):
    """Below the 99 % quantile that Hartigan & Hartigan tabulate for uniform numbers, the worst of single modes."""
    dips = np.array([dip(draw(shape, count, seed)) for seed in range(20)]) * np.sqrt(count)
    assert np.mean(dips < 0.56) >= 0.9
    assert np.median(dips) < 0.42


def test_two_equal_heaps_far_apart_dip_by_nearly_a_quarter():
    heaps = np.concatenate([draw("normal", 100, 1), draw("normal", 100, 2) + 200])
    assert 0.22 < dip(heaps) <= 0.25


def test_the_dip_knows_no_scale_and_no_direction():
    heaps = np.concatenate([draw("normal", 40, 1), draw("normal", 60, 2) + 4])
    assert dip(-7.0 * heaps + 3.0) == pytest.approx(dip(heaps), abs=1e-9)


def test_a_few_or_equal_numbers_have_no_dip():
    assert dip(np.array([1.0, 2.0])) == 0.25
    assert dip(np.ones(50)) == pytest.approx(0.01)
