"""
Source parameters: duration, depth, force or moment tensor, isotropic fraction, and the amplitude spectrum at twelve periods.

They do not name the kind of source, so they describe unknown kinds as well; known kinds are separated by them.
"""

from typing import Final

import numpy as np

from models.array_types import Floats
from training.synthesis.sources import Source

PERIODS_S: Final = tuple(float(period) for period in np.geomspace(150.0, 9.0, 12))
NAMES: Final = ("logarithm of duration", "logarithm of depth", "force", "isotropic", *(f"level at {period:.0f} s" for period in PERIODS_S))
# Spectral levels at neighboring periods are correlated: together they have the weight of about two of the other parameters.
WEIGHTS: Final = (1.0, 1.0, 1.0, 1.0, *(0.4 for _ in PERIODS_S))
DYNAMIC_RANGE_DB: Final = 40.0
RELATIVE_HALF_WIDTH: Final = 0.15  # half width of the band that a level is averaged over, relative to its center
FORCE_PERIOD_S: Final = 50.0  # at which a force and a moment tensor of equal spectra have equal levels
SPECTRUM_SAMPLES: Final = 4096


def describe_source(source: Source, step_s: float) -> Floats:
    """
    Compute the source parameters [16], in the order of NAMES, of a source whose rates are sampled every `step_s`.

    Duration: log10 of the seconds between 10 % and 90 % of the cumulative rate. Depth: log10 of depth + 10 km. Force: 1 or 0.
    Isotropic: fraction of the moment tensor, 1 for an explosion, -1 for an implosion, without sign where the moment oscillates.
    Levels: power of the moment rate, or of the force, in units of 10 dB below the maximum.
    """
    cumulative = np.cumsum(np.sqrt((source.rates**2).sum(axis=0)))
    inside = np.searchsorted(cumulative, [0.1 * cumulative[-1], 0.9 * cumulative[-1]])
    duration_s = float(inside[1] - inside[0] + 1) * step_s
    shape = [np.log10(duration_s), np.log10(source.depth_km + 10.0), float(source.is_force), _isotropic_fraction(source)]
    return np.concatenate([shape, _spectral_levels_db(source, step_s) / 10.0])


def _isotropic_fraction(source: Source) -> float:
    if source.is_force:
        return 0.0
    sizes = np.sqrt((source.rates[:3] ** 2).sum(axis=0) + 2 * (source.rates[3:] ** 2).sum(axis=0))
    at = int(sizes.argmax())
    fraction = float(source.rates[:3, at].sum() / np.sqrt(3.0) / sizes[at])
    grows = np.abs(source.rates.sum(axis=1)).max() > 0.5 * np.abs(source.rates).sum(axis=1).max()
    return fraction if grows else abs(fraction)


def _spectral_levels_db(source: Source, step_s: float) -> Floats:
    """Compute spectral levels [periods] in dB relative to the maximum, not below -DYNAMIC_RANGE_DB."""
    frequencies = np.fft.rfftfreq(SPECTRUM_SAMPLES, step_s)
    power = (np.abs(np.fft.rfft(source.rates, SPECTRUM_SAMPLES, axis=1)) ** 2).sum(axis=0)
    if source.is_force:  # from force rate to force, which excites waves as a moment rate does
        power[1:] /= (frequencies[1:] * FORCE_PERIOD_S) ** 2
    bands = [np.abs(frequencies * period - 1) < RELATIVE_HALF_WIDTH for period in PERIODS_S]
    decibels = 10 * np.log10(np.array([power[band].mean() for band in bands]) + 1e-300)
    return np.asarray(np.clip(decibels - decibels.max(), -DYNAMIC_RANGE_DB, 0.0))
