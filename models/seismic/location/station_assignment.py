"""
Whether predicted distances belong to the stations whose codes their records carry: a test by random permutations.

Of records that carry the codes of other stations each distance is right, at the wrong place. Some epicenter fits a part of them all the
same, with a small region, but it fits them no better than distances that are assigned to the stations at random (Fisher 1935, The Design
of Experiments).
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.special import digamma

from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.location.distance_misfit import DEGREES_OF_FREEDOM
from models.seismic.location.distance_posterior import DistanceObservations
from models.seismic.location.distances import prepare_distances
from models.seismic.location.regions import CONFIDENCE, CONFIDENCE_90
from models.seismic.location.solution import Location, StationDistances
from models.seismic.location.sphere_grid import HALF_COARSE_CELL_DEG, sphere_grid

PERMUTATIONS: Final = 20
MIN_EXPECTED_GAIN: Final = 10.0
"""Log likelihood that the right assignment is expected to gain: an array, whose stations have one distance, cannot be tested."""
MAX_GAIN_SHARE: Final = 0.25
"""
Share of the expected gain up to which an assignment is no better than a random one. Of 58 synthetic events 34 can be tested. As they are,
they gain 1.05 of what is expected and more; with a third of the records under wrong codes less than this share in 2 of 204 draws, with half
of them in 24 of 204, with all in 181 of 201.
"""
_TYPICAL_LOG_DENSITY: Final = (
    -0.5 * (DEGREES_OF_FREEDOM + 1.0) * float(digamma((DEGREES_OF_FREEDOM + 1.0) / 2) - digamma(DEGREES_OF_FREEDOM / 2))
)
"""Mean of the logarithm of Student's density over its maximum."""


@dataclass(frozen=True)
class AssignmentGain:
    """Maximum log posterior of an epicenter less its mean over random assignments: found, and expected of right assignments."""

    found: float
    expected: float

    @property
    def is_random(self) -> bool:
        """Whether the distances fit no better than if they were assigned to the stations at random."""
        return self.expected >= MIN_EXPECTED_GAIN and self.found < MAX_GAIN_SHARE * self.expected


def measure_assignment_gain(observed: StationDistances) -> AssignmentGain:
    """Measure what the assignment of predicted distances to stations gains over random ones; nothing with fewer than two distances."""
    if observed.usable.sum() < 2:
        return AssignmentGain(0.0, 0.0)
    data, random = prepare_distances(observed), np.random.default_rng(0)
    count, own_scales = len(data.distances), data.scales / np.sqrt(data.neighbors)
    permuted = []
    for order in (random.permutation(count) for _ in range(PERMUTATIONS)):
        scales = own_scales[order] * np.sqrt(data.neighbors)
        permuted.append(_find_highest_density(replace(data, distances=data.distances[order], scales=scales)))
    mean = float(np.mean(permuted))
    return AssignmentGain(_find_highest_density(data) - mean, count * _TYPICAL_LOG_DENSITY - mean)


def _find_highest_density(data: DistanceObservations) -> float:
    """Maximum log posterior over the coarse grid of the sphere, with scales widened by half its spacing."""
    return float(data.log_posterior(sphere_grid().coarse, HALF_COARSE_CELL_DEG, 1).max())


def widen_to_sphere(location: Location) -> Location:
    """Widen the region of an epicenter to that of a uniform density over the sphere: caps that hold 68 and 90 % of its area."""
    inner_km, outer_km = (float(np.degrees(np.arccos(1.0 - 2.0 * level))) * KM_PER_DEGREE for level in (CONFIDENCE, CONFIDENCE_90))
    return replace(
        location,
        semi_major_km=inner_km,
        semi_minor_km=inner_km,
        ellipse_azimuth_deg=0.0,
        horizontal_uncertainty_km=inner_km,
        probability=1.0,
        axis_ratio_90=outer_km / inner_km,
        alternatives=(),
    )
