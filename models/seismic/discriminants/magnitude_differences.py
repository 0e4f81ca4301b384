"""
Tell explosions and landslides from earthquakes by differences of magnitudes: mb - Ms and ML - Ms of a network, which need no gain.

Earthquakes: mb - Ms and ML - Ms by the global relations of Scordilis (2006, doi:10.1007/s10950-006-9012-4) between mb, Ms and Mw, with
ML = Mw. Explosions have a larger mb by 0.68 at the same Ms (Patton 2001, doi:10.1007/PL00001138). Landslides and glacial earthquakes
last 30 s and more and radiate next to nothing at 1 Hz (Ekstrom & Stark 2013, doi:10.1126/science.1232887).

Where the response is unknown a record is one of ground velocity or, if its samples are so small that a response has been removed, perhaps
one of displacement, which raises the difference by log10(20). The slope of the noise before P decides, as far as it can.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.special import ndtr

from models.array_types import Floats
from models.seismic.discriminants.station_magnitudes import StationMagnitudes

MIN_STATIONS: Final = 3
BODY_DIFFERENCES: Final = (0.59, 0.48, 0.38, 0.27, 0.16, 0.06, -0.05, -0.25, -0.5, -1.0)
"""
mb - Ms of shallow earthquakes of Ms 3 to 7 in steps of 0.5, and 8: 1.224 - 0.212 Ms up to 6; above, mb saturates (Scordilis 2006, figures 1
and 4).
"""
EXPLOSION_DIFFERENCES: Final = (1.37, 1.27, 1.16, 1.06, 0.95)
"""0.68 more than earthquakes of Ms 2.5 to 4.5."""
BODY_SIGMA, EXPLOSION_SIGMA = 0.42, 0.35
"""Scatter of mb - Ms of single events: of both relations together, and of explosions, which have one depth and mechanism."""
LOCAL_DIFFERENCES, LOCAL_SIGMA = (1.08, 0.91, 0.75, 0.58, 0.42, 0.25), 0.45
"""ML - Ms of earthquakes of Ms 3 to 5.5, in steps of 0.5, and their scatter; larger ones are detected near 1 Hz wherever 20 s waves are."""
FORCE_DIFFERENCE, FORCE_SIGMA = -1.2, 0.8
"""ML - Ms of landslides that are known by their 20 to 150 s waves: those have Ms of 4 to 5.5 and ML below 3."""
SLOW_SHARE: Final = 0.003
"""Share of earthquakes that radiate as little at 1 Hz as landslides (slow, volcanic)."""
COMMON_SIGMA, STATION_SIGMA = 0.25, 0.3
"""Errors of a network's difference: that all stations share (formulas carried to another region), and of one station."""
DISPLACEMENT_SHIFT: Final = float(np.log10(20.0))
VELOCITY_SLOPE, DISPLACEMENT_SLOPE, SLOPE_SIGMA = -1.0, -2.0, 0.4
"""Slopes of the noise, and the standard deviation of a network's mean: the noise models differ by 11 dB from 1 to 20 s, stations more."""
MAX_SLOPE_DEVIATION: Final = 1.2
"""Records whose noise fits neither were filtered: they are not used."""
UNIT_PRIORS: Final = {"response": 0.0, "counts": 0.02, "ground motion": 0.5}
"""Prior probability of displacement: with a response, in counts, and where all samples are smaller than one count."""
MAX_LOG_RATIO: Final = 2.5


def weigh_displacement(stations: Sequence[StationMagnitudes], prior: float) -> float | None:
    """Compute the probability that records are of displacement and not of velocity; None where their noise fits neither."""
    slopes = np.array([one.noise_slope for one in stations])
    if prior == 0.0 or not np.isfinite(slopes).any():
        return prior
    deviations = (float(np.nanmedian(slopes)) - np.array([VELOCITY_SLOPE, DISPLACEMENT_SLOPE])) / SLOPE_SIGMA
    if np.abs(deviations).min() * SLOPE_SIGMA > MAX_SLOPE_DEVIATION:
        return None
    velocity, displacement = np.exp(-0.5 * deviations**2) * [1.0 - prior, prior]
    return float(displacement / (velocity + displacement))


def weigh_explosion_magnitudes(stations: Sequence[StationMagnitudes], displacement: float) -> float:
    """
    Compute the natural logarithm of the likelihood ratio of an explosion against a shallow earthquake from mb - Ms.

    `displacement`: probability of records of displacement. 0 with fewer than `MIN_STATIONS` stations that have both.
    """
    differences = np.array([one.body_wave - one.surface_wave for one in stations if one.body_detected and np.isfinite(one.body_wave)])
    if len(differences) < MIN_STATIONS:
        return 0.0
    units = np.array([0.0, DISPLACEMENT_SHIFT]) + float(np.median(differences))
    weights = np.array([1.0 - displacement, displacement])
    measurement = np.hypot(COMMON_SIGMA, STATION_SIGMA / np.sqrt(len(differences)))
    explosion = weights @ _mix_normals(units, EXPLOSION_DIFFERENCES, float(np.hypot(EXPLOSION_SIGMA, measurement)))
    earthquake = weights @ _mix_normals(units, BODY_DIFFERENCES, float(np.hypot(BODY_SIGMA, measurement)))
    return float(np.clip(np.log((explosion + 1e-6) / (earthquake + 1e-6)), -MAX_LOG_RATIO, MAX_LOG_RATIO))


def weigh_force_magnitudes(stations: Sequence[StationMagnitudes], displacement: float) -> float | None:
    """
    Compute the natural logarithm of the likelihood ratio of a landslide against an earthquake by the waves near 1 Hz.

    By ML - Ms: its density where these waves are detected at half of the stations or more, otherwise the probability of no more, since
    it is then an upper bound. mb - Ms counts only for an earthquake: distant P is often below the noise, and great earthquakes have a small
    mb. None where neither is measured at `MIN_STATIONS` stations.
    """
    local = [(one.local - one.surface_wave, one.local_detected) for one in stations if np.isfinite(one.local)]
    body = [(one.body_wave - one.surface_wave, one.body_detected) for one in stations if np.isfinite(one.body_wave)]
    by_local = _weigh_force(local, displacement, LOCAL_DIFFERENCES, LOCAL_SIGMA)
    by_body = _weigh_force(body, displacement, BODY_DIFFERENCES, BODY_SIGMA)
    if by_body is None or by_body >= 0.0:
        return by_local
    return max(by_body + (by_local or 0.0), -MAX_LOG_RATIO)


def _weigh_force(differences: Sequence[tuple[float, bool]], displacement: float, means: Sequence[float], sigma: float) -> float | None:
    """Weigh differences of short-period magnitudes and Ms, each with whether it is measured or an upper bound; None of too few stations."""
    if len(differences) < MIN_STATIONS:
        return None
    units = np.array([0.0, DISPLACEMENT_SHIFT]) + float(np.median([difference for difference, _ in differences]))
    units = np.minimum(units, max(means))  # a larger one is no sign of a force, whose scatter is wider
    weights = np.array([1.0 - displacement, displacement])
    measurement = float(np.hypot(COMMON_SIGMA, STATION_SIGMA / np.sqrt(len(differences))))
    force_sigma, earthquake_sigma = float(np.hypot(FORCE_SIGMA, measurement)), float(np.hypot(sigma, measurement))
    if np.mean([detected for _, detected in differences]) >= 0.5:
        force = weights @ _mix_normals(units, (FORCE_DIFFERENCE,), force_sigma)
        earthquake = weights @ _mix_normals(units, means, earthquake_sigma)
        return max(float(np.log(force / (SLOW_SHARE * force + (1.0 - SLOW_SHARE) * earthquake))), -MAX_LOG_RATIO)
    force = weights @ ndtr((units - FORCE_DIFFERENCE) / force_sigma)
    below = weights @ ndtr((units[:, None] - np.array(means)) / earthquake_sigma).mean(axis=1)
    return float(np.log(force / (SLOW_SHARE + (1.0 - SLOW_SHARE) * below)))


def _mix_normals(values: Floats, means: Sequence[float], sigma: float) -> Floats:
    """Density of values [n] under equally probable normal distributions."""
    deviations = (values[:, None] - np.array(means)) / sigma
    return np.asarray(np.exp(-0.5 * deviations**2).mean(axis=1) / sigma)
