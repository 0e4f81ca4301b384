"""What makes the first job as quick as the second: kernels from their cache and the grid of the search."""

import numpy as np

from models.analysis.refinement import compile_location as warm_times
from models.seismic.location.distances import locate_by_distances
from models.warm_up import warm as warm_imaging


def warm() -> None:
    """Takes about two seconds; nothing depends on it."""
    warm_imaging()
    locate_by_distances(np.array([0.0, 0.0, 30.0]), np.array([0.0, 30.0, 0.0]), np.array([20.0, 20.0, 20.0]), np.ones(3))
    warm_times()
