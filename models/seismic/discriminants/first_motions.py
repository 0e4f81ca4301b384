"""
Read first motions of P, and what they tell of a source: up at all stations for an explosion, down for a collapse, both for a double couple.

The sign of P on the vertical component is that of the radiation pattern (Aki & Richards 2002, equation 4.29), and needs neither gain nor
response, but a sensor that is not reversed. Distant stations see a small part of the focal sphere, so that all of them may be of one sign
for an earthquake too: the likelihood is the mean over random double couples, at the takeoff angles of the stations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr

from models.array_types import Floats
from models.seismic.discriminants.intervals import cut_samples
from models.seismic.earth.travel_times import first_arrival_s
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.signal.filters import bandpass_causal
from models.seismic.signal.picker import USABLE_RATE_FRACTION
from models.seismic.waveforms import Record

BAND_HZ: Final = (0.5, 2.0)
MIN_RATE_HZ: Final = 4.0
LEAD_S, LAG_S = 1.0, 2.0
"""Interval about a pick in which the first motion is sought."""
NOISE_S, GUARD_S, SETTLING_S = 20.0, 1.0, 10.0
MIN_SNR: Final = 5.0
"""Smallest extremum of a first motion that is read, over the root mean square of the noise."""
CLEAR_SNR: Final = 3.0
"""Above this the motion has begun; an extremum between both before the first one leaves it in doubt."""
MIN_IMPULSE, IMPULSE_S = 0.2, 4.0
"""Smallest first extremum that is read, over the largest one of the next seconds: emergent waves begin below the noise."""
READING_ERROR: Final = 0.1
"""
Probability that a sign is read wrong or that a sensor is reversed: of simulated onsets 3 % are read wrong
(`tests/models/seismic/discriminants/test_first_motions.py`), the rest stands for sensors and for scattering at the source.
"""
PATTERN_ERROR: Final = 0.15
"""Standard deviation of the radiation pattern, of which the largest value is 1: near nodal planes signs are uncertain."""
DEPTH_STEP_KM, DISTANCE_STEP_DEG = 5.0, 0.5
EARTH_RADIUS_KM: Final = 6371.0


@dataclass(frozen=True)
class FirstMotion:
    """First motion at a station: whether it is up; azimuth of the station and takeoff angle from the downward vertical in degrees."""

    is_up: bool
    azimuth_deg: float
    takeoff_deg: float


def read_first_motion(record: Record, pick_s: float) -> bool | None:
    """
    Read whether P, picked at a POSIX time, begins upward on the vertical component; None where the sign is in doubt.

    The first extremum above `CLEAR_SNR` after the pick counts if it is five times the noise and is no small part of what follows.
    """
    rate_hz = record.sampling_rate_hz
    if rate_hz < MIN_RATE_HZ:
        return None
    begin_s = pick_s - LEAD_S
    start_s = begin_s - GUARD_S - NOISE_S - SETTLING_S
    samples = cut_samples(record.samples, record, start_s, pick_s + LAG_S + IMPULSE_S)
    if samples is None or start_s < record.start_time_s:
        return None
    wave = bandpass_causal(samples, rate_hz, BAND_HZ[0], min(BAND_HZ[1], USABLE_RATE_FRACTION * rate_hz))
    settled, quiet, first, last = (round(seconds * rate_hz) for seconds in np.cumsum((SETTLING_S, NOISE_S, GUARD_S, LEAD_S + LAG_S)))
    noise = float(np.sqrt(np.mean(wave[settled:quiet] ** 2)))
    begun = np.flatnonzero(np.abs(wave[first:last]) > CLEAR_SNR * noise)
    if not len(begun) or noise <= 0.0:
        return None
    onset = first + int(begun[0])
    crossings = np.flatnonzero(np.signbit(wave[onset:]) != np.signbit(wave[onset]))
    end = onset + int(crossings[0]) if len(crossings) else len(wave)
    peak = float(np.abs(wave[onset:end]).max())
    following = float(np.abs(wave[onset : onset + round(IMPULSE_S * rate_hz)]).max())
    return bool(wave[onset] > 0.0) if peak >= max(MIN_SNR * noise, MIN_IMPULSE * following) else None


def takeoff_angles_deg(distances_deg: Floats, depth_km: float) -> Floats:
    """
    Compute the takeoff angles [n] of the first arrival from the downward vertical, in degrees, from slopes of the travel-time table.

    The horizontal slowness is the slope with distance, the vertical one that with depth (positive for rays that leave upward).
    """
    shallow, deep = max(depth_km - DEPTH_STEP_KM, 0.0), depth_km + DEPTH_STEP_KM
    down = (first_arrival_s(distances_deg, deep) - first_arrival_s(distances_deg, shallow)) / (deep - shallow)
    near, far = np.maximum(distances_deg - DISTANCE_STEP_DEG, 0.0), distances_deg + DISTANCE_STEP_DEG
    along = (first_arrival_s(far, depth_km) - first_arrival_s(near, depth_km)) / (far - near)
    along /= KM_PER_DEGREE * (1.0 - depth_km / EARTH_RADIUS_KM)
    return np.degrees(np.arctan2(np.maximum(along, 0.0), -down))


def first_motion_log_likelihoods(motions: Sequence[FirstMotion], tensors: Floats) -> Floats:
    """Log likelihood [sources] of first motions for moment tensors [sources, 6]: nn, ee, dd, ne, nd, ed, of largest eigenvalue near 1."""
    azimuths, takeoffs = (np.radians([getattr(one, name) for one in motions]) for name in ("azimuth_deg", "takeoff_deg"))
    north, east, down = np.sin(takeoffs) * np.cos(azimuths), np.sin(takeoffs) * np.sin(azimuths), np.cos(takeoffs)
    products = np.stack((north**2, east**2, down**2, 2.0 * north * east, 2.0 * north * down, 2.0 * east * down))
    upward = ndtr(np.where([one.is_up for one in motions], 1.0, -1.0) * (tensors @ products) / PATTERN_ERROR)
    return np.asarray(np.log(READING_ERROR + (1.0 - 2.0 * READING_ERROR) * upward).sum(axis=1))
