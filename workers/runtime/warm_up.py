"""Warm-up of a worker: load compiled kernels and search grids before the first job."""

import numpy as np

from models.analysis.refinement import compile_location
from models.seismic.location.distances import locate_by_distances
from models.warm_up import warm as warm_imaging


def warm() -> None:
    """Load compiled kernels from their cache and build the search grids, in about two seconds; only the first job's speed needs it."""
    warm_imaging()
    locate_by_distances(np.array([0.0, 0.0, 30.0]), np.array([0.0, 30.0, 0.0]), np.array([20.0, 20.0, 20.0]), np.ones(3))
    compile_location()
