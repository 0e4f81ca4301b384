"""
The protocol of evidence about an epicenter.

Distances, plane waves at arrays, polarization, stacked surface waves and arrival times are measured in different ways, but each
states its evidence alike: as a log likelihood over the sphere. Independent evidence is combined by adding log likelihoods.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from models.array_types import Floats

LogPrior = Callable[[Floats], Floats]
"""Log density of a prior over the sphere relative to a uniform one, at nodes [m, 3] (unit vectors at geocentric latitudes)."""


class SpatialLikelihood(Protocol):
    """Evidence about an epicenter, independent of how it was measured."""

    def log_likelihood(self, nodes: Floats) -> Floats:
        """
        Evaluate the log likelihood [m] of sources at nodes [m, 3], up to a constant.

        Nodes are unit vectors at geocentric latitudes. The bound method is a `LogPrior` for other evidence.
        """


def add_likelihoods(*evidence: SpatialLikelihood) -> LogPrior:
    """Combine independent evidence: the sum of its log likelihoods as a function of nodes [m, 3]."""
    return lambda nodes: np.asarray(np.sum([one.log_likelihood(nodes) for one in evidence], axis=0))
