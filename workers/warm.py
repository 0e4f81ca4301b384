"""What makes the first job as quick as the second: kernels from their cache and the grid of the search."""

import numpy as np

from models.analysis.times import warm as warm_times
from models.imaging.warm import warm as warm_imaging
from models.seismic.location import locate


def warm() -> None:
    """Takes about two seconds; nothing depends on it."""
    warm_imaging()
    locate(np.array([0.0, 0.0, 30.0]), np.array([0.0, 30.0, 0.0]), np.array([20.0, 20.0, 20.0]), np.ones(3))
    warm_times()
