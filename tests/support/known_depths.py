"""Depths of known earthquakes, for tests of what is stated of a depth."""

import numpy as np

from models.analysis.depth import KnownDepths
from models.seismic.earth.earthquake_depths import DENSITY_DEPTHS_KM


def know_depths(maximum_km: float) -> KnownDepths:
    """Make a region of a maximum depth whose earthquakes are as deep as anywhere."""
    anywhere = KnownDepths(maximum_km, np.zeros(0)).density_anywhere(DENSITY_DEPTHS_KM)
    return KnownDepths(maximum_km, anywhere)
