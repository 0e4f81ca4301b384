"""The signal-to-noise ratio (SNR) of a record: the one definition that data sets, cards and results use."""

import numpy as np

from models.array_types import Floats, Floats32
from models.seismic.earth.travel_times import first_arrival_s
from models.seismic.geodesy import distance_deg
from models.seismic.waveforms import Gather
from models.specs.pictures import CONDITIONING

MIN_NOISE_S = 60.0


def signal_to_noise(gather: Gather, distances_deg: Floats, depth_km: float, origin_s: float) -> Floats:
    """
    Measure the signal-to-noise ratio [traces] of a gather conditioned by `models.specs.pictures.CONDITIONING`, as an amplitude ratio.

    The ratio is max |x(t)| for t >= t1 over the root mean square of x(t) for t < t1 - T: t1 is the first arrival of ak135 (P, or PKP
    beyond the shadow) at the true distance, depth (0 if NaN) and origin time (POSIX seconds), T the shortest period of the band in
    which the gather is filtered. In decibels it is 20 log10 of the ratio.

    NaN where no first arrival is known, where less than MIN_NOISE_S of noise precedes it, or where the noise is zero.
    """
    depth = depth_km if np.isfinite(depth_km) else 0.0
    first = first_arrival_s(distances_deg, depth)
    times_s = gather.start_time_s - origin_s + np.arange(gather.samples.shape[1]) / gather.sampling_rate_hz
    return np.array(
        [_peak_over_noise(samples, times_s - at, gather.sampling_rate_hz) for samples, at in zip(gather.samples, first, strict=True)]
    )


def median_signal_to_noise(gather: Gather, epicenter: tuple[float, float], depth_km: float, origin_s: float) -> float:
    """Measure the median of the ratios of `signal_to_noise` that are known, of a true epicenter in degrees; NaN without any."""
    distances_deg = distance_deg(*epicenter, gather.latitudes_deg, gather.longitudes_deg)
    ratios = signal_to_noise(gather, distances_deg, depth_km, origin_s)
    return float(np.median(ratios[np.isfinite(ratios)])) if np.isfinite(ratios).any() else float("nan")


def _peak_over_noise(samples: Floats32, after_arrival_s: Floats, rate_hz: float) -> float:
    recorded = np.isfinite(samples)
    before = samples[recorded & (after_arrival_s < -CONDITIONING.shortest_period_s)]
    signal = samples[recorded & (after_arrival_s >= 0)]
    if len(before) < MIN_NOISE_S * rate_hz or not len(signal):
        return float("nan")
    noise = float(np.sqrt(np.mean(before.astype(np.float64) ** 2)))
    return float(np.abs(signal).max()) / noise if noise > 0 else float("nan")
