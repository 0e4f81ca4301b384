"""STA/LTA, AIC and cleaning of records against plain numpy."""

import numpy as np
import pytest

from models.seismic.signal.characteristic_function import (
    aic_onset,
    clean_in_place,
    decimate_by_mean,
    find_order_statistic,
    find_peaks,
    sta_lta,
)


@pytest.mark.parametrize(("long", "min_long"), [(60, 30), (20, 30), (300, 30)])
@pytest.mark.parametrize("count", [200, 201])
def test_sta_lta_is_the_ratio_of_mean_energies_after_and_before(count, long, min_long):
    samples = np.random.default_rng(1).normal(size=count)
    found = sta_lta(samples, np.ones(count, np.bool_), 10, long, min_long)
    floor = 0.01 * np.median(samples**2)
    expected = np.zeros(count)
    for i in range(min_long, count - 9):
        expected[i] = (np.mean(samples[i : i + 10] ** 2) + floor) / (np.mean(samples[max(0, i - long) : i] ** 2) + floor)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_sta_lta_is_zero_next_to_a_gap():
    live = np.ones(200, np.bool_)
    live[100] = False
    found = sta_lta(np.random.default_rng(2).normal(size=200), live, 10, 60, 30)
    assert not found[91:131].any()
    assert found[90] > 0.0
    assert found[131] > 0.0


@pytest.mark.parametrize("seed", range(5))
def test_the_aic_onset_minimizes_the_criterion(seed):
    samples = np.random.default_rng(seed).normal(size=100) * np.where(np.arange(100) < 60, 1.0, 4.0)
    begin, end = 10, 90
    window = samples[begin:end]

    def aic(k: int) -> float:
        return k * np.log(np.mean(window[:k] ** 2)) + (len(window) - k) * np.log(np.mean(window[k:] ** 2))

    found = aic_onset(samples, begin, end)
    assert found == begin + min(range(2, len(window) - 1), key=aic)
    assert abs(found - 60) <= 5


def test_cleaning_demeans_interpolates_gaps_and_removes_single_spikes():
    samples = np.sin(np.arange(2000) / 30.0) + 5.0
    damaged = samples.copy()
    damaged[[0, 501, 502]] = np.nan
    damaged[1000] += 100.0
    assert clean_in_place(damaged)
    np.testing.assert_allclose(damaged - damaged.mean(), samples - samples.mean(), atol=0.1)
    assert not clean_in_place(np.full(100, 3.0))


def test_decimation_averages_blocks():
    assert decimate_by_mean(np.arange(7.0), 3).tolist() == [1.0, 4.0]


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(3).normal(size=1001) ** 2,
        10.0 ** np.random.default_rng(4).uniform(-300.0, 300.0, 500),
        np.repeat([0.0, 1.0, 1.0 + 1e-15, 3.0], 50),
        np.array([2.0]),
    ],
)
def test_an_order_statistic_is_the_value_of_its_rank(values):
    for rank in {0, len(values) // 3, len(values) // 2, len(values) - 1}:
        assert find_order_statistic(values, rank) == np.sort(values)[rank]


def test_peaks_are_separated_and_highest_first():
    values = np.zeros(100)
    values[[10, 14, 50, 80]] = 5.0, 4.0, 9.0, 2.0
    assert find_peaks(values, 1.0, 6, 10) == [50, 10, 80]
    assert find_peaks(values, 3.0, 6, 10) == [50, 10]
    assert find_peaks(values, 1.0, 6, 1) == [50]
