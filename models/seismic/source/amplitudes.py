"""
Compiled log likelihoods of amplitudes: of the Rayleigh waves of all stations, and of Love against Rayleigh waves at each station.

Between two changes of sign the azimuth of a force shows in amplitudes alone: those of Rayleigh waves follow the cosine of the angle between
force and path, those of Love waves the sine.
"""

import numpy as np

from models.array_types import Floats
from models.compiled import compiled_sums
from models.seismic.source.array_layout import CORRELATION, INVERSE_NORM, LOVE, RAYLEIGH

MAX_AMPLITUDE_MISFIT = 2.0  # of one station: a wrong gain, or waves from another path
LOVE_DEVIATION = 0.6  # natural logarithm of the amplitude of Love over that of Rayleigh waves at one station: focusing of both


@compiled_sums
def evaluate_amplitudes(sizes: Floats, fits: Floats) -> float:
    """
    Evaluate the log likelihood of the Rayleigh amplitudes of stations: 0 for a perfect fit, otherwise negative.

    `sizes` [n, 5]: logarithm of the size of the Rayleigh waves, NaN where the gain says nothing; weight of the station; standard deviation
    of the logarithm; logarithm of the size of the Love waves over that of the Rayleigh waves, NaN without horizontals; degrees of freedom
    of the Love waves. `fits` [n, windows, 3]. The size of the source is free. A misfit is bounded, also that of a station whose waves do
    not correlate.
    """
    log_sizes, weights, deviations = sizes[:, 0], sizes[:, 1], sizes[:, 2]
    mean, misfit = 0.0, 0.0
    for k in range(3):  # the second and third time without outliers
        above, below = 0.0, 0.0
        for i in range(len(log_sizes)):
            if np.isfinite(log_sizes[i]) and fits[i, RAYLEIGH, CORRELATION] > 0.0:
                amplitude = log_sizes[i] + np.log(fits[i, RAYLEIGH, CORRELATION] * fits[i, RAYLEIGH, INVERSE_NORM])
                if k == 0 or abs(amplitude - mean) < 2.0 * deviations[i] * (3.0 - k):
                    above += weights[i] * amplitude / deviations[i] ** 2
                    below += weights[i] / deviations[i] ** 2
        if below > 0.0:
            mean = above / below
    for i in range(len(log_sizes)):
        if np.isfinite(log_sizes[i]):
            off = MAX_AMPLITUDE_MISFIT
            if fits[i, RAYLEIGH, CORRELATION] > 0.0:
                correlation = max(fits[i, RAYLEIGH, CORRELATION], 0.1)
                variance = deviations[i] ** 2 + 0.1 * (1.0 / correlation**2 - 1.0)
                amplitude = log_sizes[i] + np.log(fits[i, RAYLEIGH, CORRELATION] * fits[i, RAYLEIGH, INVERSE_NORM])
                off = min(0.5 * (amplitude - mean) ** 2 / variance, MAX_AMPLITUDE_MISFIT)
            misfit += weights[i] * off
    return -misfit


@compiled_sums
def compare_love(sizes: Floats, fits: Floats) -> float:
    """
    Evaluate the log likelihood of the amplitudes of Love waves, given those of Rayleigh waves, which share gain and response of a station.

    `sizes` and `fits` as in `evaluate_amplitudes`. The share of the transverse record that the source predicts is compared with its
    correlation, so waves below the noise count little. A misfit is bounded.
    """
    misfit = 0.0
    for i in range(len(sizes)):
        if np.isfinite(sizes[i, 3]) and fits[i, RAYLEIGH, CORRELATION] > 0.0 and fits[i, LOVE, INVERSE_NORM] > 0.0:
            rayleigh, love = fits[i, RAYLEIGH], fits[i, LOVE]
            predicted = min(rayleigh[CORRELATION] * rayleigh[INVERSE_NORM] / love[INVERSE_NORM] * np.exp(-sizes[i, 3]), 10.0)
            found = love[CORRELATION]
            variance = (1.0 - found**2) / sizes[i, 4] + LOVE_DEVIATION**2 * predicted * found
            misfit += sizes[i, 1] * min(0.5 * (predicted - found) ** 2 / variance, MAX_AMPLITUDE_MISFIT)
    return -misfit
