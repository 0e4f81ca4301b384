"""
The posterior of an epicenter given epicentral distances at stations, over the whole sphere and around its maxima.

The likelihood is robust to outliers and has an error common to all distances integrated out, see `distance_misfit`. Distances are
taken on the sphere at geographic latitudes; only `DistanceObservations.log_likelihood` converts from geocentric nodes.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Self

import numpy as np

from models.array_types import Floats, Floats32, Integers
from models.seismic.geodesy import destination, geographic_vectors, latitude_longitude_deg, offsets_deg, unit_vectors
from models.seismic.location.distance_misfit import (
    DEGREES_OF_FREEDOM,
    LANES,
    laplace_covariance,
    log_posterior,
    maximize_posterior,
    most_likely_bias,
)
from models.seismic.location.regions import EDGE_LOG_DROP, EpicenterRegion, GridSettings, RegionSettings, search_regions
from models.seismic.location.sphere_grid import HALF_CELL_DEG, HALF_COARSE_CELL_DEG, SphereGrid, sphere_grid, to_columns

OUTLIER_PROBABILITY: Final = 0.1  # that the distances of an event are wrong altogether
MIN_COMMON_BIAS_DEG: Final = 1.5
COMMON_BIAS_SCALE_DEG, MAX_COMMON_BIAS_FRACTION = 20.0, 0.7
"""
The standard deviation of the common error over the uncertainty that the surest traces state is that uncertainty over this scale, and no
larger than this fraction: certain readings have errors of their own, uncertain ones err together.
"""
_MAX_STEPS: Final = 40  # of the search for a maximum

DISTANCE_REGIONS: Final = RegionSettings(
    max_regions=8,
    rank_by="density",
    min_separation_deg=2.0 * HALF_CELL_DEG,  # two regions of the grid may lead to one maximum between them
    wide_axis="major",  # a region as wide is no ellipse (a ring around an array); the grid of the sphere describes it well enough
    wide_deg=6.0,
    one_resolution=True,
    coarse_variance_deg2=0.0,
    grid=GridSettings(
        extent=4.5,  # Student's t has heavy tails
        rough_count=15,
        fine_count=25,
        max_rough_grids=4,
        regrid_growth=1.5,
        regularization_deg2=1e-8,
        recenter="never",
    ),
)


def common_deviation_deg(uncertainty_deg: float, scale_deg: float = COMMON_BIAS_SCALE_DEG) -> float:
    """Compute the standard deviation of the common error of distances, given the uncertainty of the surest, both in degrees."""
    return float(np.hypot(MIN_COMMON_BIAS_DEG, uncertainty_deg * min(uncertainty_deg / scale_deg, MAX_COMMON_BIAS_FRACTION)))


@dataclass(frozen=True)
class DistanceObservations:
    """
    Epicentral distances at stations, as the posterior takes them.

    `stations` [3, n] unit vectors at geographic latitudes, `distances` [n] and `scales` [n] (uncertainties, enlarged for correlated
    neighbors) in degrees, `neighbors` [n]: effective number of stations whose error each one shares, itself included.
    """

    stations: Floats
    distances: Floats
    scales: Floats
    neighbors: Floats

    @cached_property
    def bias_deviation(self) -> float:
        """
        Standard deviation in degrees of the error common to all traces (`common_deviation_deg`), given the uncertainty of the surest.

        That is the root of the harmonic mean of the squared uncertainties, each group of neighbors counting once (decision 0012).
        """
        typical = np.sqrt(np.sum(1.0 / self.neighbors) / np.sum(self.scales**-2.0))
        return common_deviation_deg(float(typical))

    def log_posterior(self, nodes: Floats32, blur_deg: float, rounds: int) -> Floats:
        """
        Evaluate the log posterior [m], up to a constant, at unit vectors [3, m] at geographic latitudes.

        `blur_deg` widens every scale, so that no maximum falls between nodes; `rounds`: iterations for the common bias.
        """
        filling = -len(self.scales) % LANES
        stations = np.concatenate((self.stations, np.zeros((3, filling))), axis=1).astype(np.float32)
        distances = np.concatenate((self.distances, np.zeros(filling))).astype(np.float32)
        scales = np.concatenate((np.hypot(self.scales, blur_deg), np.full(filling, np.inf))).astype(np.float32)
        return log_posterior(nodes, stations, distances, scales, self.bias_deviation, rounds)

    def log_likelihood(self, nodes: Floats) -> Floats:
        """
        Evaluate the log likelihood [m] of sources at geocentric unit vectors [m, 3], relative to a uniform source.

        The distances of an event are wrong altogether with `OUTLIER_PROBABILITY`, so that other evidence may overrule them.
        """
        llr = self.log_posterior(to_columns(geographic_vectors(nodes)), 0.1, 2) - self._log_mean_density
        return np.asarray(np.logaddexp(np.log1p(-OUTLIER_PROBABILITY) + llr, np.log(OUTLIER_PROBABILITY)))

    @cached_property
    def _log_mean_density(self) -> float:
        """Logarithm of the mean density over the sphere."""
        density = self.log_posterior(sphere_grid().nodes, HALF_CELL_DEG, 1)
        return float(np.logaddexp.reduce(density) - np.log(len(density)))

    def max_drop_between_nodes(self, half_cell_deg: float) -> float:
        """Bound the difference in log density between a maximum and the nearest node; larger for many accurate stations."""
        return float(
            0.5 * (DEGREES_OF_FREEDOM + 1.0) * np.log1p(half_cell_deg**2 / (DEGREES_OF_FREEDOM * (self.scales**2 + half_cell_deg**2))).sum()
        )

    def find_maximum(self, point: Floats) -> Floats:
        """Return the maximum uphill from a point, both unit vectors [3]."""
        return maximize_posterior(point, self.stations, self.distances, self.scales, self.bias_deviation, _MAX_STEPS)[0]

    def common_bias_deg(self, point: Floats) -> float:
        """Estimate the error common to all distances, given an epicenter (unit vector [3])."""
        return most_likely_bias(point, self.stations, self.distances, self.scales, self.bias_deviation)

    def covariance(self, point: Floats) -> Floats:
        """Compute the Laplace approximation of the covariance [2, 2] of east and north at a maximum, in square degrees."""
        bias = self.common_bias_deg(point)
        return laplace_covariance(point, bias, self.stations, self.distances, self.scales, self.bias_deviation)


@dataclass(frozen=True)
class _Neighborhood:
    """The posterior of distances around one of its maxima."""

    observations: DistanceObservations
    center_deg: tuple[float, float]

    def log_density(self, offsets_deg: Floats) -> Floats:
        nodes = unit_vectors(*_destinations(self.center_deg, offsets_deg))
        return self.observations.log_posterior(to_columns(nodes), 0.0, 3)

    def prepare(self, offsets_deg: Floats) -> Self:  # noqa: ARG002 - part of the protocol
        return self

    def recenter(self, offsets_deg: Floats, index: int) -> Self:
        latitudes, longitudes = _destinations(self.center_deg, offsets_deg)
        return replace(self, center_deg=(float(latitudes[index]), float(longitudes[index])))


def _destinations(center_deg: tuple[float, float], offsets_deg: Floats) -> tuple[Floats, Floats]:
    """Latitudes and longitudes [m] of offsets [m, 2] east and north of a center."""
    distances = np.hypot(offsets_deg[:, 0], offsets_deg[:, 1])
    return destination(*center_deg, np.degrees(np.arctan2(offsets_deg[:, 0], offsets_deg[:, 1])), distances)


@dataclass(frozen=True)
class _SphereDensity:
    """The posterior of distances over the whole sphere."""

    observations: DistanceObservations
    edge_log_drop: float = EDGE_LOG_DROP

    def scan(self, sphere: SphereGrid) -> tuple[Integers, Floats]:
        """
        Return the nodes [k] where the density is not negligible, and its logarithm [k] less the maximum.

        Coarse nodes come first, with every scale widened by half their spacing, which flattens the density: a cell whose coarse node
        is negligible even after the largest possible drop between nodes is added is not evaluated further.
        """
        data = self.observations
        coarse = data.log_posterior(sphere.coarse, HALF_COARSE_CELL_DEG, 1)
        margin = data.max_drop_between_nodes(HALF_COARSE_CELL_DEG) + data.max_drop_between_nodes(HALF_CELL_DEG)
        near = sphere.cell_members(np.flatnonzero(coarse > coarse.max() + self.edge_log_drop - margin))
        density = data.log_posterior(np.ascontiguousarray(sphere.nodes[:, near]), HALF_CELL_DEG, 1)
        inside = density > density.max() + self.edge_log_drop - data.max_drop_between_nodes(HALF_CELL_DEG)
        return near[inside], density[inside] - density.max()

    def localize(self, node: int) -> _Neighborhood:
        sphere = sphere_grid()
        maximum = self.observations.find_maximum(unit_vectors(sphere.latitudes[node], sphere.longitudes[node]))
        return _Neighborhood(self.observations, latitude_longitude_deg(maximum))

    def offsets_deg(self, local: _Neighborhood, nodes: Integers) -> Floats:
        sphere = sphere_grid()
        return offsets_deg(*local.center_deg, sphere.latitudes[nodes], sphere.longitudes[nodes])

    def initial_covariance(self, local: _Neighborhood, covariance: Floats) -> Floats:  # noqa: ARG002 - the grid is too coarse for it
        return self.observations.covariance(unit_vectors(*local.center_deg))


def find_distance_regions(observations: DistanceObservations) -> list[EpicenterRegion]:
    """Find the regions of the posterior of distances alone, most probable first."""
    return search_regions(_SphereDensity(observations), DISTANCE_REGIONS)
