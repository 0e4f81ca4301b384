"""
Directions of propagation: slowness vectors of plane waves across arrays, and polarization back azimuths of three-component stations.

Both are likelihoods of an epicenter, and are joined with the distances and the places of known events into one prior for the association of
arrival times.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.analysis.distances import DistanceReadings, station_distances
from models.array_types import Floats
from models.seismic.arrays.likelihood import PlaneWaveLikelihood
from models.seismic.arrays.plane_waves import PlaneWave, detect_plane_waves
from models.seismic.earth.seismicity import epicenter_log_prior
from models.seismic.location.distances import prepare_distances
from models.seismic.location.likelihood import LogPrior, SpatialLikelihood, add_likelihoods
from models.seismic.location.sphere_grid import fibonacci_sphere
from models.seismic.polarization.back_azimuth import BackAzimuthLikelihoods, measure_back_azimuths
from models.seismic.signal.picker import Picks
from models.seismic.waveforms import Gather, Record

NORMALIZATION_STEP_DEG: Final = 1.5  # of the nodes over which a prior is normalized


@dataclass(frozen=True)
class Directions:
    """Plane waves across arrays and polarization back azimuths; either may be missing."""

    plane_waves: tuple[PlaneWave, ...] = ()
    polarization: BackAzimuthLikelihoods | None = None

    @property
    def any(self) -> bool:
        """Whether any direction was measured."""
        return bool(self.plane_waves) or self.polarization is not None

    def back_azimuths(self) -> dict[int, tuple[float, float]]:
        """Return polarization back azimuths by trace index: degrees clockwise from north, and the half-width of the 68 % interval."""
        if self.polarization is None:
            return {}
        pairs = zip(*(values.tolist() for values in self.polarization.back_azimuths_deg()), strict=True)
        return dict(zip(self.polarization.trace_indices.tolist(), pairs, strict=True))

    def log_likelihood(self, nodes: Floats) -> Floats:
        """
        Evaluate the log-likelihood ratio (LLR) [m] of sources at geocentric unit vectors [m, 3] against a source of unknown position.

        The sum over plane waves and three-component stations, which are taken to be independent.
        """
        evidence: list[SpatialLikelihood] = [PlaneWaveLikelihood(self.plane_waves)]
        if self.polarization is not None:
            evidence.append(self.polarization)
        return add_likelihoods(*evidence)(nodes)


def measure_directions(gather: Gather, records: Sequence[Record], picks: Sequence[Picks]) -> Directions:
    """
    Detect plane waves across the arrays of a gather and measure back azimuths from the polarization of its three-component records.

    `records` and their `picks` are in the gather's order; without records (empty) there is no polarization.
    """
    return Directions(detect_plane_waves(gather), measure_back_azimuths(records, picks))


def joint_prior(gather: Gather, readings: DistanceReadings, directions: Directions) -> LogPrior:
    """
    Multiply the densities of an epicenter from known events, distances and directions: log density, relative to a uniform distribution.

    Where no distance was read, that of known events and directions; where no direction was measured either, that of known events.
    """
    observed = station_distances(gather, readings)
    evidence: list[SpatialLikelihood] = [prepare_distances(observed)] if observed.usable.any() else []
    evidence += [directions] if directions.any else []
    if not evidence:
        return epicenter_log_prior
    likelihood = add_likelihoods(*evidence)
    return _normalize(lambda nodes: likelihood(nodes) + epicenter_log_prior(nodes))


def _normalize(density: LogPrior) -> LogPrior:
    """Make a log density relative to a uniform distribution over the sphere."""
    nodes = fibonacci_sphere(NORMALIZATION_STEP_DEG)
    level = float(np.logaddexp.reduce(density(nodes))) - np.log(len(nodes))
    return lambda nodes: density(nodes) - level
