"""
Depth and origin time of arrival times: jointly, because a deeper source with the same arrivals has another origin time.

Means, variances and covariance stand for the joint posterior, marginal over the epicenter; errors that all stations share are added here,
as no residual shows them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.array_types import Floats

MIN_VARIANCE_KM2: Final = 1.0
"""Variance of depth below which a slope of origin time over depth cannot be estimated from the posterior."""


@dataclass(frozen=True)
class DepthTime:
    """
    Depth in kilometers and origin time in seconds (after a clock or POSIX), with variances and their covariance.

    `covariance_km_s` is positive where a deeper source has a later origin, as for stations that waves leave downward to.
    """

    depth_km: float
    time_s: float
    depth_variance_km2: float
    time_variance_s2: float
    covariance_km_s: float

    @property
    def depth_uncertainty_km(self) -> float:
        """One standard deviation of the depth, marginal over origin time."""
        return float(np.sqrt(self.depth_variance_km2))

    @property
    def time_uncertainty_s(self) -> float:
        """One standard deviation of the origin time, marginal over depth."""
        return float(np.sqrt(self.time_variance_s2))

    @property
    def slope_s_per_km(self) -> float:
        """Change of the expected origin time with depth; 0 where the depth hardly varies."""
        return self.covariance_km_s / self.depth_variance_km2 if self.depth_variance_km2 > MIN_VARIANCE_KM2 else 0.0

    @property
    def correlation(self) -> float:
        """Correlation of depth and origin time, -1 to 1."""
        scale = self.depth_uncertainty_km * self.time_uncertainty_s
        return float(np.clip(self.covariance_km_s / scale, -1.0, 1.0)) if scale > 0.0 else 0.0

    def add_errors(self, depth_error_km: float, common_time_error_s: float) -> "DepthTime":
        """
        Add independent errors: of the depth due to the velocity model, and of the origin time due to errors that all stations share.

        A wrong depth moves the origin time along the slope.
        """
        variance, slope = depth_error_km**2, self.slope_s_per_km
        return DepthTime(
            self.depth_km,
            self.time_s,
            self.depth_variance_km2 + variance,
            self.time_variance_s2 + slope**2 * variance + common_time_error_s**2,
            self.covariance_km_s + slope * variance,
        )

    def scale_errors(self, ratio: float) -> "DepthTime":
        """Multiply both standard deviations by a ratio."""
        square = ratio**2
        variances = (square * self.depth_variance_km2, square * self.time_variance_s2, square * self.covariance_km_s)
        return DepthTime(self.depth_km, self.time_s, *variances)

    def at_depth(self, depth_km: float, uncertainty_km: float) -> "DepthTime":
        """
        Replace the depth by another estimate with its standard deviation, which this one may be a part of; move the origin time with it.

        The origin time is that given the new depth, by the linear regression of a normal distribution, marginal over the new
        depth's uncertainty.
        """
        slope, variance = self.slope_s_per_km, uncertainty_km**2
        conditional = max(self.time_variance_s2 - slope * self.covariance_km_s, 0.0)
        time_s = self.time_s + slope * (depth_km - self.depth_km)
        return DepthTime(depth_km, time_s, variance, conditional + slope**2 * variance, slope * variance)


def summarize_depth_time(depths_km: Floats, times_s: Floats, weights: Floats, step_s: float) -> DepthTime:
    """
    Summarize weighted origin times at depths and nodes by their means and second moments.

    Parameters
    ----------
    depths_km : [d]
        Depths.
    times_s, weights : [d, m]
        Most probable origin time at each depth and node, and its probability, up to a common factor.
    step_s : float
        Spacing of the trial origin times, whose rounding is added to the variance.

    """
    weights = weights / weights.sum()
    depths = np.broadcast_to(depths_km[:, None], times_s.shape)
    depth, time = float((weights * depths).sum()), float((weights * times_s).sum())
    deep, late = depths - depth, times_s - time
    return DepthTime(
        depth,
        time,
        float((weights * deep**2).sum()),
        float((weights * late**2).sum()) + step_s**2 / 12.0,
        float((weights * deep * late).sum()),
    )
