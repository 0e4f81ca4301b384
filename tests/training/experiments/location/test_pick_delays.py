"""The picker's delay is measured on synthetic onsets, and what is taken off agrees with it."""

import numpy as np
import pytest

from models.seismic.signal.pick_delay import delay_deviation_s, expected_delay_s
from training.experiments.location.pick_delays import HEADS, measure_delays, summarize_delays

pytestmark = pytest.mark.slow

BAND = 1  # 0.8 to 2 Hz


@pytest.fixture(scope="module")
def delays():
    return measure_delays(BAND, 60, 3)


def test_picks_without_the_expected_delay_are_neither_late_nor_early(delays):
    strong = delays[delays[:, 1] > 4.5]
    bands = np.full(len(strong), BAND)
    left = strong[:, 0] - expected_delay_s(bands, strong[:, 1])
    error = delay_deviation_s(bands, strong[:, 1]).mean() / np.sqrt(len(strong))
    assert len(strong) > 10
    assert strong[:, 0].mean() > 0.1
    assert abs(left.mean()) < 3.0 * error


def test_the_table_has_a_line_for_each_class_of_strength(delays):
    lines = summarize_delays(BAND, delays)
    assert all(len(line) == len(HEADS) for line in lines)
    assert sum(int(line[2]) for line in lines) == len(delays)
