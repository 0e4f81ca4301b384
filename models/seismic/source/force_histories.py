"""
Histories of a force, of which an inversion tries each: two opposite lobes of equal impulse, of several durations.

So an iceberg that capsizes pushes (Tsai & Ekstrom 2007, doi:10.1029/2006JF000596). The second lobe is shorter than, as long as or longer
than the first.
"""

from typing import Final

import numpy as np

from models.array_types import Floats

FIRST_LOBES_S: Final = (20.0, 30.0, 42.0, 58.0)
RATIOS: Final = (0.65, 1.0, 1.5)  # of the second lobe's duration to the first's
_POINTS: Final = 12  # impulses a lobe


def _lobes(first_s: float, second_s: float) -> tuple[Floats, Floats]:
    """Delays and weights of impulses that make up two opposite half sines of equal impulse."""
    at = (np.arange(_POINTS) + 0.5) / _POINTS
    lobe = np.sin(np.pi * at) / np.sin(np.pi * at).sum()
    return np.concatenate((at * first_s, first_s + at * second_s)), np.concatenate((lobe, -lobe))


_ALL = [_lobes(first, first * ratio) for first in FIRST_LOBES_S for ratio in RATIOS]
HISTORY_DELAYS_S: Final[Floats] = np.array([delays for delays, _ in _ALL])
HISTORY_WEIGHTS: Final[Floats] = np.array([weights for _, weights in _ALL])
