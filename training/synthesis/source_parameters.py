"""
What a source is like, as numbers: how long, how deep, push or moment, growing or shrinking, and how strong at which period.

No name of a kind is among them. They describe a source that nobody has a name for as well, and kinds lie apart in them.
"""

from typing import Final

import numpy as np

from models.array_types import Floats
from training.synthesis.sources import Source

PERIODS_S: Final = tuple(float(period) for period in np.geomspace(150.0, 9.0, 12))
NAMES: Final = ("logarithm of duration", "logarithm of depth", "force", "isotropic", *(f"level at {period:.0f} s" for period in PERIODS_S))
# Levels of neighboring periods say nearly the same: together they count as about two of the others.
WEIGHTS: Final = (1.0, 1.0, 1.0, 1.0, *(0.4 for _ in PERIODS_S))
DYNAMIC_RANGE_DB: Final = 40.0
RELATIVE_HALF_WIDTH: Final = 0.15  # half width of the periods that a level is the mean of, relative
FORCE_PERIOD_S: Final = 50.0  # at which a force and a moment of like spectra are told to be alike
SPECTRUM_SAMPLES: Final = 4096


def describe_source(source: Source, step_s: float) -> Floats:
    """
    The numbers of NAMES [16] for a source with rates of that step.

    Duration: decimal logarithm of seconds between a tenth and nine tenths of all that moved. Depth: of km and ten. Force: 1 or
    0. Isotropic: share of the moment tensor, 1 for an explosion and -1 for an implosion, without sign where the moment rings.
    Levels: of the moment rate or the force in 10 dB under the highest.
    """
    moved = np.cumsum(np.sqrt((source.rates**2).sum(axis=0)))
    inside = np.searchsorted(moved, [0.1 * moved[-1], 0.9 * moved[-1]])
    duration_s = float(inside[1] - inside[0] + 1) * step_s
    shape = [np.log10(duration_s), np.log10(source.depth_km + 10.0), float(source.is_force), _isotropic(source)]
    return np.concatenate([shape, _levels(source, step_s) / 10.0])


def _isotropic(source: Source) -> float:
    if source.is_force:
        return 0.0
    sizes = np.sqrt((source.rates[:3] ** 2).sum(axis=0) + 2 * (source.rates[3:] ** 2).sum(axis=0))
    at = int(sizes.argmax())
    share = float(source.rates[:3, at].sum() / np.sqrt(3.0) / sizes[at])
    grows = np.abs(source.rates.sum(axis=1)).max() > 0.5 * np.abs(source.rates).sum(axis=1).max()
    return share if grows else abs(share)


def _levels(source: Source, step_s: float) -> Floats:
    """Decibels [periods] under the highest, down to DYNAMIC_RANGE_DB."""
    frequencies = np.fft.rfftfreq(SPECTRUM_SAMPLES, step_s)
    power = (np.abs(np.fft.rfft(source.rates, SPECTRUM_SAMPLES, axis=1)) ** 2).sum(axis=0)
    if source.is_force:  # rates of a force to the force itself, which excites waves as a moment rate does
        power[1:] /= (frequencies[1:] * FORCE_PERIOD_S) ** 2
    bands = [np.abs(frequencies * period - 1) < RELATIVE_HALF_WIDTH for period in PERIODS_S]
    decibels = 10 * np.log10(np.array([power[band].mean() for band in bands]) + 1e-300)
    return np.asarray(np.clip(decibels - decibels.max(), -DYNAMIC_RANGE_DB, 0.0))
