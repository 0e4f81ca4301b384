"""Expected delays of picks fall with their strength and are shorter in bands of short windows."""

import numpy as np

from models.seismic.signal.pick_delay import delay_deviation_s, expected_delay_s
from models.seismic.signal.picker import BANDS_HZ


def test_strong_picks_are_less_late_and_less_scattered_than_weak_ones():
    strengths = np.linspace(2.0, 9.0, 30)
    for band in range(len(BANDS_HZ)):
        bands = np.full(30, band)
        assert np.all(np.diff(expected_delay_s(bands, strengths)) <= 0.0)
        assert np.all(np.diff(delay_deviation_s(bands, strengths)) <= 0.0)


def test_a_pick_of_long_periods_is_late_by_seconds_and_one_of_high_frequency_by_tenths():
    delays = expected_delay_s(np.array([0, 1, 2, 3]), np.full(4, 7.5))
    assert np.all(delays > 0.0)
    assert delays[0] < 0.2
    assert 2.0 < delays[3] < 5.0
