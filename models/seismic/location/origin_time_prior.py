"""
Prior density of the origin time, given when the records begin and possibly an independent estimate.

Windows are usually cut to begin shortly before the origin, so an origin well before the first sample is improbable, though not excluded.
"""

from typing import Final, NamedTuple

import numpy as np

from models.array_types import Floats, Floats32

MAX_LEAD_S: Final = 1300.0
"""Longest time of the origin before the first sample."""
USUAL_LEAD_S: Final = 30.0
"""Origins up to this long before the first sample are as probable as later ones."""
EARLIER_DENSITY: Final = 0.05
"""Density of origins earlier than that, relative to later ones."""
ORIGIN_OUTLIER_PROBABILITY: Final = 0.3
"""Probability that an estimate of the origin time carries no information."""


class OriginPrior(NamedTuple):
    """Log prior of sampled origin times: `log_density` [k], the first of which belongs to sample `first`."""

    log_density: Floats | Floats32
    first: int


def origin_time_density(times_s: Floats, record_start_s: float, usual_lead_s: float = USUAL_LEAD_S) -> Floats:
    """Return the prior density [k] of origin times given the first sample's time, relative to that of origins within the records."""
    return np.where(times_s < record_start_s - usual_lead_s, EARLIER_DENSITY, 1.0)


def estimate_llr(times_s: Floats, estimate: tuple[float, float], span_s: float) -> Floats:
    """
    Return the log-likelihood ratio [k] of origin times given an estimate, up to a constant.

    `log(1 + (1 / p - 1) span_s N(t; mean, deviation))`, `estimate` being mean and standard deviation in seconds, p the outlier
    probability, and `span_s` the length of the interval over which an outlier is uniform.
    """
    mean, deviation = estimate
    density = np.exp(-0.5 * ((times_s - mean) / deviation) ** 2) / (deviation * np.sqrt(2.0 * np.pi))
    return np.asarray(np.log1p((1.0 / ORIGIN_OUTLIER_PROBABILITY - 1.0) * density * span_s))
