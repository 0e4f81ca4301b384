"""
Expected delay of an automatic pick after the onset, and its scatter, by frequency band and strength.

Filter and energy windows find an onset late, and more so where its amplitude grows slowly because the source does. Measured on synthetic
onsets of sources of many durations at known times (`training.experiments.location.pick_delays`, docs/results/pick_delays.md). In units of
the band's short window of STA/LTA, delays depend on strength alone, and are shorter in the band of long periods: few sources last so long.
"""

from typing import Final

import numpy as np

from models.array_types import Flags, Floats, Integers
from models.seismic.signal.picker import BANDS_HZ, short_window_s

STRENGTHS: Final = (2.5, 3.75, 5.25, 7.5)
"""Strengths at which the tables below are stated; between them they are interpolated, beyond them constant."""
MEAN_DELAYS: Final = (1.1, 1.0, 0.5, 0.25)
"""Mean delay in short windows, in bands of short periods..."""
DELAY_DEVIATIONS: Final = (1.3, 0.95, 0.35, 0.15)
"""...and half of the range from the 16th to the 84th percentile."""
LONG_MEAN_DELAYS: Final = (0.3, 0.27, 0.22, 0.14)
"""The same in the band of long periods."""
LONG_DELAY_DEVIATIONS: Final = (0.7, 0.19, 0.14, 0.09)
MAX_LONG_PERIOD_HZ: Final = 0.3
"""Upper corner of a band of long periods, at most."""

_WINDOWS_S: Final[Floats] = np.array([short_window_s(*band) for band in BANDS_HZ])
_IS_LONG: Final[Flags] = np.array([high_hz <= MAX_LONG_PERIOD_HZ for _, high_hz in BANDS_HZ])


def expected_delay_s(bands: Integers, strengths: Floats) -> Floats:
    """Return the expected delay [k] of picks after their onsets, in seconds, given bands (indices of `BANDS_HZ`) and strengths [k]."""
    return _interpolate(bands, strengths, MEAN_DELAYS, LONG_MEAN_DELAYS)


def delay_deviation_s(bands: Integers, strengths: Floats) -> Floats:
    """Return the standard deviation [k] of the delay of picks, in seconds, given bands and strengths [k]."""
    return _interpolate(bands, strengths, DELAY_DEVIATIONS, LONG_DELAY_DEVIATIONS)


def _interpolate(bands: Integers, strengths: Floats, windows: tuple[float, ...], long_windows: tuple[float, ...]) -> Floats:
    short, long = np.interp(strengths, STRENGTHS, windows), np.interp(strengths, STRENGTHS, long_windows)
    return np.asarray(np.where(_IS_LONG[bands], long, short) * _WINDOWS_S[bands])
