"""
What the traces of one event say about arrivals: candidate onsets and surges on one clock, and how far to trust a travel time.

A trace's onsets are candidates of one phase each: `shares` of them are true ones, the others chance. How sure a trace is at all
grows with its strongest onset. All probabilities here are chosen, not fitted; the tests hold what follows from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.array_types import Floats, Floats32, Integers
from models.seismic.association.pick_likelihood import arrival_llr
from models.seismic.earth.travel_time_errors import (
    FIRST_PHASES,
    PICK_PROBABILITY,
    correlated_slowness_error,
    independent_fraction,
    phase_error_s,
    shared_path_deg,
)
from models.seismic.earth.travel_times import PHASES
from models.seismic.geodesy import KM_PER_DEGREE, geocentric_latitude_deg, unit_vectors
from models.seismic.signal.picker import BANDS_HZ, MIN_STRENGTH, Picks
from models.seismic.signal.rayleigh_envelope import MIN_RATIO, EnvelopePeaks

FRONT: Final = 3.0
FAR_DEG: Final = 60.0
LONG_BAND: Final = 3  # of `onsets`
SURFACE_TRAIN_S: Final = (150.0, 60.0)  # before and after the largest amplitude
FIRST_BONUS: Final = 0.7  # for each comparable onset before it, an onset is less likely the first arrival
MAX_LEAD_S: Final = 1300.0  # an origin may lie this long before the first sample
EARLY_S: Final = 30.0
PROBABILITY_RATIO_BEFORE_RECORD: Final = 0.05  # of each second before the first sample less 30 s, against one after
ORIGIN_OUTLIER_PROBABILITY: Final = 0.3  # how often a guess at the origin time is no guide
RAYLEIGH_DEVIATION_S: Final = 12.0  # a third of a dominant period
RAYLEIGH_PATH_ERROR: Final = 0.04
RAYLEIGH_COMMON_ERROR: Final = 0.015  # what the steps between group velocities leave
GROUP_VELOCITIES_KM_S: Final = tuple(float(velocity) for velocity in np.arange(2.6, 4.11, 0.125).round(3))
"""Of the largest Rayleigh waves of 20 to 50 s, continents to oceans; one for an event."""


SHORT_PERIOD_HZ: Final = 0.3  # long-period channels of 1 Hz hold nothing above 0.4 Hz
SHORT_BANDS: Final[NDArray[np.bool_]] = np.array([low_hz >= SHORT_PERIOD_HZ for low_hz, _ in BANDS_HZ])


@dataclass(frozen=True)
class Candidates:
    """
    Onsets and surges of n traces in seconds after `clock_s` (POSIX), weights of zero filling up.

    `stations` [n, 3] unit vectors at geocentric latitudes, `trace_indices` [n] the traces' numbers in the gather. `first_weights`,
    `later_weights`, `s_weights` [n, k] are weights that sum to one: of each onset being the first arrival, a later P, or S, which
    alone is looked for on horizontal components. `p_detected`, `s_detected`, `rayleigh_detected` [n]: probability that the phase is
    among the candidates. `station_spacing_deg` [n]: typical distance of the others.
    `interstation_deg` [n, n]: distances of stations. `short_period` [n, k]: which onsets stand out above SHORT_PERIOD_HZ.
    `origin`: a guess at the origin time in seconds after the clock, and its deviation.
    """

    clock_s: float
    stations: Floats
    trace_indices: NDArray[np.int64]
    record_starts: Floats
    record_ends: Floats
    pick_times: Floats
    pick_deviations: Floats
    first_weights: Floats
    later_weights: Floats
    s_weights: Floats
    p_detected: Floats
    s_detected: Floats
    short_period: NDArray[np.bool_]
    rayleigh_times: Floats
    rayleigh_weights: Floats
    rayleigh_detected: Floats
    station_spacing_deg: Floats
    interstation_deg: Floats
    origin: tuple[float, float] | None = None

    def distances_deg(self, point: Floats) -> Floats:
        """Distances [n] from a unit vector."""
        return np.asarray(np.degrees(np.arccos(np.clip(self.stations @ point, -1.0, 1.0))))

    def independent_weights(self, reach_deg: Floats) -> Floats:
        """
        Which part of each trace [n] stands alone, for what waves say besides the first that is heard.

        Any number of neighbors hear one front, and a front is three numbers: when, and how slow to the east and to the north.
        """
        parts = 1.0 / self.effective_neighbor_counts(reach_deg)
        return np.asarray(np.minimum(1.0, parts * (1.0 + (FRONT - 1.0) / parts.sum())))

    def subset(self, chosen: NDArray[np.int64]) -> "Candidates":
        """Some of the traces."""
        arrays: dict[str, Any] = {name: value[chosen] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return replace(self, **{**arrays, "interstation_deg": self.interstation_deg[np.ix_(chosen, chosen)]})

    def effective_neighbor_counts(self, reach_deg: Floats) -> Floats:
        """How many traces [n], itself counted in, share most of the path from sources at about `reach_deg` [n]."""
        return np.asarray(np.exp(-0.5 * (self.interstation_deg / shared_path_deg(reach_deg)[:, None]) ** 2).sum(axis=1))

    def origin_time_log_prior(self, step_s: float) -> tuple[Floats32, int]:
        """
        What is known of the origin time beforehand, in logarithm, and the number of the first sample; nothing beyond its ends.

        A window that begins after its event's origin is the exception; a guess at the origin time misleads in `ORIGIN_OUTLIER_PROBABILITY`.
        """
        early = float(self.record_starts.min()) - EARLY_S
        guess, deviation = self.origin or (early, 0.0)
        begin = round((min(-MAX_LEAD_S, guess - 4.0 * deviation) - 2.0 * step_s) / step_s)
        times = np.arange(begin, round(max(early, guess + 4.0 * deviation) / step_s)) * step_s
        known = np.where(times < early, np.log(PROBABILITY_RATIO_BEFORE_RECORD), 0.0)
        if deviation > 0.0:
            density = np.exp(-0.5 * ((times - guess) / deviation) ** 2) / (deviation * np.sqrt(2.0 * np.pi))
            span = float(self.record_ends.max() - self.record_starts.min()) + MAX_LEAD_S
            known += np.log1p((1.0 / ORIGIN_OUTLIER_PROBABILITY - 1.0) * density * span)
        return known.astype(np.float32), begin


def collect_candidates(
    onsets: Sequence[Picks], surges: Sequence[EnvelopePeaks], latitudes_deg: ArrayLike, longitudes_deg: ArrayLike
) -> Candidates | None:
    """The traces that have coordinates and any onset or surge; None where there are none. The clock begins with the earliest record."""
    latitudes, longitudes = np.asarray(latitudes_deg, np.float64), np.asarray(longitudes_deg, np.float64)
    known = np.isfinite(latitudes) & np.isfinite(longitudes)
    there = [i for i in range(len(onsets)) if known[i] and len(onsets[i].times_s) + len(surges[i].times_s)]
    if not there:
        return None
    picks, peaks = [drop_surface_wave_picks(onsets[i], surges[i]) for i in there], [surges[i] for i in there]
    clock_s = min(pick.start_s for pick in picks)
    stations = unit_vectors(geocentric_latitude_deg(latitudes[there]), longitudes[there])
    between = np.degrees(np.arccos(np.clip(stations @ stations.T, -1.0, 1.0)))
    heights = np.array([peak.strengths.max(initial=0.0) for peak in peaks])
    return Candidates(
        clock_s=clock_s,
        stations=stations,
        trace_indices=np.array(there, np.int64),
        record_starts=np.array([pick.start_s - clock_s for pick in picks]),
        record_ends=np.array([pick.end_s - clock_s for pick in picks]),
        pick_times=_padded([pick.times_s - clock_s for pick in picks]),
        pick_deviations=_padded([pick.uncertainties_s for pick in picks], 1.0),
        first_weights=_shares([pick.strengths * ~pick.horizontal * _first_bonus(pick) for pick in picks]),
        later_weights=_shares([pick.strengths * ~pick.horizontal for pick in picks]),
        s_weights=_shares([pick.strengths for pick in picks]),
        short_period=_padded([SHORT_BANDS[pick.bands].astype(np.float64) for pick in picks]) > 0.0,
        p_detected=_seen([pick.strengths[~pick.horizontal] for pick in picks]),
        s_detected=_seen([pick.strengths for pick in picks]),
        rayleigh_times=_padded([peak.times_s - clock_s for peak in peaks]),
        rayleigh_weights=_shares([peak.strengths**2 for peak in peaks]),
        rayleigh_detected=np.where(heights > 0.0, np.clip(0.3 + 0.6 * (heights - np.log(MIN_RATIO)), 0.3, 0.9), 0.0),
        station_spacing_deg=np.array([np.median(np.delete(row, i)) if len(there) > 1 else 0.0 for i, row in enumerate(between)]),
        interstation_deg=np.asarray(between),
    )


def drop_surface_wave_picks(pick: Picks, peak: EnvelopePeaks) -> Picks:
    """Without long-period onsets in the largest surface wave: it is told as a surge, and its slowness is that of a near S."""
    if not len(peak.times_s):
        return pick
    before = peak.times_s[0] - pick.times_s
    keep = (pick.bands != LONG_BAND) | (before < -SURFACE_TRAIN_S[1]) | (before > SURFACE_TRAIN_S[0])
    return replace(pick, **{name: getattr(pick, name)[keep] for name in ("times_s", "uncertainties_s", "strengths", "bands", "horizontal")})


def _first_bonus(pick: Picks) -> Floats:
    """Less for an onset with comparable ones of its band before it."""
    earlier = (pick.bands[:, None] == pick.bands) & (pick.times_s[:, None] > pick.times_s) & ~pick.horizontal
    return np.asarray(FIRST_BONUS ** (earlier & (pick.strengths > 0.6 * pick.strengths[:, None])).sum(axis=1))


def _seen(strengths: Sequence[Floats]) -> Floats:
    """How sure [n] it is that a phase is among onsets of those strengths: by the strongest."""
    strongest = np.array([row.max(initial=0.0) for row in strengths])
    return np.where(strongest > 0.0, np.clip(0.2 + 0.2 * (strongest - MIN_STRENGTH), 0.2, 0.9), 0.0)


def _padded(rows: Sequence[Floats], filling: float = 0.0) -> Floats:
    width = max(1, *(len(row) for row in rows))
    return np.array([np.pad(row, (0, width - len(row)), constant_values=filling) for row in rows])


def _shares(rows: Sequence[Floats]) -> Floats:
    weights = _padded(rows)
    return np.asarray(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12))


def phase_llr(
    data: Candidates,
    distances_deg: Floats,
    depth_km: float,
    blur_s: Floats,
    clock: tuple[float, Integers, int],
    *,
    correlated_errors: bool,
) -> Floats32:
    """
    What the traces say of each phase's arrival [phases, n, samples], for sources at about `distances_deg` [n] degrees.

    `blur_s` [n] widens every candidate by what the grid may miss; `clock`: step in seconds, first samples [phases, n], samples.
    If `correlated_errors`, as a posterior must, errors that neighbors share tilt the first arrivals.
    """
    step_s, starts, count = clock
    tilting = correlated_slowness_error(data.stations, data.interstation_deg, distances_deg)
    rows = []
    for row, phase in enumerate(PHASES):
        first = phase in FIRST_PHASES
        error = phase_error_s(phase, data.station_spacing_deg, distances_deg, depth_km, tilting if correlated_errors else None)
        sigma = np.sqrt(data.pick_deviations**2 + (error**2 + blur_s**2)[:, None])
        shares = (data.s_detected if phase == "S" else data.p_detected) * PICK_PROBABILITY[phase]
        weights = data.first_weights if first else data.s_weights if phase == "S" else data.later_weights
        rows.append(arrival_llr(data.pick_times, sigma, weights, shares, data.record_starts, data.record_ends, step_s, starts[row], count))
    return np.stack(rows)


def rayleigh_llr(data: Candidates, distances_deg: Floats, blur_s: Floats, clock: tuple[float, Integers, int]) -> Floats32:
    """
    The same [n, samples] of the Rayleigh waves' largest amplitude; first samples [n].

    Neighbors say together what the root of their number would: as far sources have them apart, or near ones, whose waves would
    be counted more often, would explain the same peaks better.
    """
    step_s, starts, count = clock
    seconds = distances_deg * KM_PER_DEGREE / 3.3
    path = np.hypot(RAYLEIGH_PATH_ERROR * independent_fraction(distances_deg, data.station_spacing_deg), RAYLEIGH_COMMON_ERROR) * seconds
    sigma = np.sqrt(RAYLEIGH_DEVIATION_S**2 + path**2 + blur_s**2)
    deviations = np.repeat(sigma[:, None], data.rayleigh_times.shape[1], axis=1)
    said = arrival_llr(
        data.rayleigh_times,
        deviations,
        data.rayleigh_weights,
        data.rayleigh_detected,
        data.record_starts,
        data.record_ends,
        step_s,
        starts,
        count,
    )
    return np.asarray(said / np.sqrt(data.effective_neighbor_counts(np.full(len(distances_deg), FAR_DEG)))[:, None].astype(np.float32))
