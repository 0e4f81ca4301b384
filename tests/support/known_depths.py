"""Depths of known earthquakes, for tests of what is stated of a depth."""

import numpy as np

from models.analysis.depth import KnownDepths
from models.array_types import Floats
from models.seismic.earth.earthquake_depths import DENSITY_DEPTHS_KM


def find_median_km(density: Floats) -> float:
    """Find the median depth of a density at `DENSITY_DEPTHS_KM`, per kilometer and of integral 1."""
    steps = np.diff(DENSITY_DEPTHS_KM) * 0.5 * (density[1:] + density[:-1])
    return float(np.interp(0.5, np.concatenate(([0.0], np.cumsum(steps))), DENSITY_DEPTHS_KM))


def know_depths(maximum_km: float) -> KnownDepths:
    """Make a region of a maximum depth whose earthquakes are as deep as anywhere."""
    anywhere = KnownDepths(maximum_km, np.zeros(0)).density_anywhere(DENSITY_DEPTHS_KM)
    return KnownDepths(maximum_km, anywhere)
