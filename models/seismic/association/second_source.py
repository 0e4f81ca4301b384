"""
Look for a second event in the same records: a source of the picks that the first one does not explain.

The picks that the first source may have made are left out, later phases and coda among them, and what remains is associated again by first
arrivals.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.array_types import Flags, Floats
from models.seismic.association.arrivals import Arrival, associate_arrivals
from models.seismic.association.candidates import SHORT_PERIOD_BANDS, collect_candidates
from models.seismic.association.locate import ArrivalTimeSolution
from models.seismic.association.search import refine_source, search_sources, select_coarse_traces, uniform_prior
from models.seismic.earth.travel_time_errors import FIRST_PHASES
from models.seismic.earth.travel_times import first_arrival_s, travel_time_s
from models.seismic.geodesy import (
    KM_PER_DEGREE,
    azimuth_deg,
    azimuthal_gap_deg,
    distance_deg,
    geocentric_latitude_deg,
    geographic,
    unit_vectors,
)
from models.seismic.signal.filters import bandpass_causal
from models.seismic.signal.picker import BANDS_HZ, LONG_WINDOW, USABLE_RATE_FRACTION, Picks, short_window_s
from models.seismic.signal.rayleigh_envelope import EnvelopePeaks
from models.seismic.waveforms import Record

MIN_STATIONS: Final = 5
MIN_SHARE: Final = 0.5
"""Share of the stations of the first event at which a first arrival of the second one must be associated."""
MIN_SCORE: Final = 12.0
ONE_SIDED_GAP_DEG, MIN_AZIMUTH_DEG, MIN_ONE_SIDED_SCORE = 180.0, 30.0, 30.0
"""
Azimuthal gap from which stations are on one side of the first event, and then the smallest difference between the azimuths of both, and
the smallest score. Of 149 simulated single events (seeds 5 and 21) four had a second source of a score of 12 to 30, three of them at
arrays, and none a higher one.
"""
MIN_STRENGTH: Final = 2.5
"""Strength of a pick that the search is worth its cost for, at `MIN_STATIONS` stations."""
MAX_SEARCHED_TRACES: Final = 12  # where the whole sphere is searched
CODA_S: Final = (15.0, 60.0)
"""Before and after each predicted arrival of the first event: picks there may be its own."""
EDGE_S: Final = 20.0
"""
Picks so near the ends of a record, and before its long-term average is filled, are left out: where all records are cut at one time, tapers
and filters leave picks at all of them.
"""
MULTIPLES: Final = (("P", 3), ("S", 2), ("S", 3))
"""Phases reflected at the surface that the table lacks: PPP, SS and SSS, which last as long as that many legs."""
CORE_PHASES: Final = ((511.0, 6.8), (720.0, 9.0), (994.0, 2.0), (936.0, 12.5))
"""
PcP, ScP with PcS, PKiKP and ScS: travel times are near sqrt(a^2 + (b D)^2) seconds at D degrees, to some ten seconds in ak135, up to
`CORE_RANGE_DEG`...
"""
CORE_RANGE_DEG: Final = 80.0
UPWARD_KM_S: Final = 6.0  # ...and earlier for deep sources by at most the depth over this velocity
CORE_SHADOW_DEG: Final = 100.0
"""From here on phases through the core that the table lacks (SKP, PKKP, SKKP, P'P') follow the first arrival for an hour."""
GUIDED_VELOCITIES_KM_S: Final = (3.9, 2.0)
"""Group velocities of Lg and Rg and their coda, up to `GUIDED_RANGE_DEG`."""
GUIDED_RANGE_DEG: Final = 20.0
AMPLITUDE_BAND_HZ: Final = (0.3, 2.0)
BEFORE_S, AFTER_S = 20.0, 60.0
"""
Before and after a pick: what is filtered, and in which the largest amplitude is measured. Large ruptures begin as small ones do and reach
their largest moment rate only after tens of seconds.
"""
NO_PEAKS: Final = EnvelopePeaks(np.zeros(0), np.zeros(0))


@dataclass(frozen=True)
class SecondSource:
    """
    A second event: approximate epicenter in degrees and origin time (POSIX), its first arrivals, and the score of its association.

    `score`: stacked log-likelihood ratio of the picks that the first event does not explain. `amplitude_ratio`: of the minute after its
    first arrivals to that of the first event, the median over stations that have both; None where there are none.
    """

    latitude_deg: float
    longitude_deg: float
    time_s: float
    arrivals: tuple[Arrival, ...]
    score: float
    amplitude_ratio: float | None = None


def find_second_source(
    picks: Sequence[Picks], latitudes_deg: Floats, longitudes_deg: Floats, first: ArrivalTimeSolution
) -> SecondSource | None:
    """
    Find the source of the picks that a first one does not explain; None where too few stations share one.

    Parameters
    ----------
    picks : sequence of Picks
        Picks of n traces.
    latitudes_deg, longitudes_deg : [n]
        Geographic coordinates of the stations, NaN where unknown.
    first : ArrivalTimeSolution
        The first event, of these picks.

    """
    best = score_second_source(picks, latitudes_deg, longitudes_deg, first)
    if best is None or best.score < MIN_SCORE or not comes_from_elsewhere(latitudes_deg, longitudes_deg, first, best):
        return None
    return best if is_widely_recorded(*(count_first_arrivals(arrivals) for arrivals in (best.arrivals, first.arrivals))) else None


def is_widely_recorded(stations: int, first_stations: int) -> bool:
    """Whether so many stations of a second event suffice, next to those of the first one."""
    return stations >= max(MIN_STATIONS, MIN_SHARE * first_stations)


def count_first_arrivals(arrivals: Sequence[Arrival]) -> int:
    """Count the stations at which a first arrival is associated."""
    return len({one.trace_index for one in arrivals if one.phase in FIRST_PHASES})


def comes_from_elsewhere(latitudes_deg: Floats, longitudes_deg: Floats, first: ArrivalTimeSolution, second: SecondSource) -> bool:
    """
    Whether a second source cannot be later waves of the first one, by the directions in which they cross the network.

    Stations on one side of a source see each of its waves as a plane wave of its azimuth, for which some source can be found; waves along
    the longer arc have the opposite one. Stations on all sides do not. On one side, the second source needs a high score as well.
    """
    epicenter, used = first.regions[0], [one.trace_index for one in second.arrivals]
    if not used:
        return False
    latitudes, longitudes = latitudes_deg[used], longitudes_deg[used]
    if azimuthal_gap_deg(azimuth_deg(epicenter.latitude_deg, epicenter.longitude_deg, latitudes, longitudes)) < ONE_SIDED_GAP_DEG:
        return True
    center = geographic(unit_vectors(geocentric_latitude_deg(latitudes), longitudes).mean(axis=0))
    one, other = (
        float(azimuth_deg(*center, *point))
        for point in ((epicenter.latitude_deg, epicenter.longitude_deg), (second.latitude_deg, second.longitude_deg))
    )
    return second.score >= MIN_ONE_SIDED_SCORE and abs((one - other + 90.0) % 180.0 - 90.0) > MIN_AZIMUTH_DEG


def score_second_source(
    picks: Sequence[Picks], latitudes_deg: Floats, longitudes_deg: Floats, first: ArrivalTimeSolution
) -> SecondSource | None:
    """Return the best source of the picks that a first one does not explain, however weak; the parameters are those of the search."""
    left = leave_out_event(picks, latitudes_deg, longitudes_deg, first)
    if sum(bool((pick.strengths > MIN_STRENGTH).any()) for pick in left) < MIN_STATIONS:
        return None
    candidates = collect_candidates(left, [NO_PEAKS] * len(left), latitudes_deg, longitudes_deg)
    if candidates is None or len(candidates.trace_indices) < MIN_STATIONS:
        return None
    sources = search_sources(select_coarse_traces(candidates, MAX_SEARCHED_TRACES), uniform_prior)
    if not sources:
        return None
    best = refine_source(candidates, sources[0], uniform_prior)
    arrivals = tuple(one for one in associate_arrivals(candidates, best) if one.phase in FIRST_PHASES)
    return SecondSource(*geographic(best.point), candidates.clock_s + best.time_s, arrivals, best.score)


def leave_out_event(picks: Sequence[Picks], latitudes_deg: Floats, longitudes_deg: Floats, first: ArrivalTimeSolution) -> list[Picks]:
    """Leave out the picks that an event may have made, and those of long periods, of horizontal components and at the ends of records."""
    epicenter, depth_km, origin_s = first.regions[0], first.depth_time.depth_km, first.depth_time.time_s
    distances = distance_deg(epicenter.latitude_deg, epicenter.longitude_deg, latitudes_deg, longitudes_deg)
    own: dict[int, list[float]] = {}
    for one in first.arrivals:
        own.setdefault(one.trace_index, []).append(one.time_s)
    left = []
    for index, pick in enumerate(picks):
        keep = SHORT_PERIOD_BANDS[pick.bands] & ~pick.horizontal
        filled_s = EDGE_S + np.array([LONG_WINDOW * short_window_s(*BANDS_HZ[band]) for band in pick.bands])
        keep &= (pick.times_s > pick.start_s + filled_s) & (pick.times_s < pick.end_s - EDGE_S)
        for start_s, end_s in list_event_intervals(float(distances[index]), depth_km):
            keep &= (pick.times_s < origin_s + start_s) | (pick.times_s > origin_s + end_s)
        for time_s in own.get(index, ()):
            keep &= (pick.times_s < time_s - CODA_S[0]) | (pick.times_s > time_s + CODA_S[1])
        left.append(select_picks(pick, keep))
    return left


def list_event_intervals(distance_deg: float, depth_km: float) -> list[tuple[float, float]]:
    """List the intervals after the origin in which an event at a distance may be picked: arrivals, multiples, guided waves, core phases."""
    if not np.isfinite(distance_deg):
        return [(-np.inf, np.inf)]
    times = [float(travel_time_s(phase, [distance_deg], depth_km)[0]) for phase in ("P", "PKP", "PKPbc", "PKPab", "S", "pP", "sP", "PP")]
    times += [legs * float(travel_time_s(phase, [distance_deg / legs], 0.0)[0]) for phase, legs in MULTIPLES]
    first_s = float(first_arrival_s([distance_deg], depth_km)[0])
    intervals = [(time_s - CODA_S[0], time_s + CODA_S[1]) for time_s in (*times, first_s)]
    if distance_deg > CORE_SHADOW_DEG:
        intervals.append((first_s - CODA_S[0], np.inf))
    if distance_deg < GUIDED_RANGE_DEG:
        fast, slow = (distance_deg * KM_PER_DEGREE / velocity for velocity in GUIDED_VELOCITIES_KM_S)
        intervals.append((fast - CODA_S[0], slow + CODA_S[1]))
    if distance_deg < CORE_RANGE_DEG:
        core = [float(np.hypot(vertical_s, slope * distance_deg)) for vertical_s, slope in CORE_PHASES]
        intervals += [(time_s - depth_km / UPWARD_KM_S - CODA_S[0], time_s + CODA_S[1]) for time_s in core]
    return [interval for interval in intervals if np.isfinite(interval[0])]


def select_picks(pick: Picks, keep: Flags) -> Picks:
    """Return some of the picks of a trace."""
    return replace(pick, **{name: getattr(pick, name)[keep] for name in ("times_s", "uncertainties_s", "strengths", "bands", "horizontal")})


def compare_amplitudes(records: Sequence[Record], first: Sequence[Arrival], second: Sequence[Arrival]) -> float | None:
    """Return the median ratio of amplitudes of first arrivals of a second event to those of a first one; None without a common station."""
    amplitudes = [
        {one.trace_index: measure_pick_amplitude(records[one.trace_index], one.time_s) for one in arrivals if one.phase in FIRST_PHASES}
        for arrivals in (first, second)
    ]
    common = [index for index in amplitudes[0].keys() & amplitudes[1].keys() if amplitudes[0][index] and amplitudes[1][index]]
    return float(np.median([amplitudes[1][index] / amplitudes[0][index] for index in common])) if common else None


def measure_pick_amplitude(record: Record, time_s: float) -> float:
    """Measure the largest amplitude at 0.3 to 2 Hz in the minute after a pick, in the unit of the samples; 0 where it is not recorded."""
    rate_hz = record.sampling_rate_hz
    first, picked, last = (round((time_s + shift - record.start_time_s) * rate_hz) for shift in (-BEFORE_S, 0.0, AFTER_S))
    samples = np.nan_to_num(record.samples[max(first, 0) : max(last, 0)].astype(np.float64))
    high_hz, lead = min(AMPLITUDE_BAND_HZ[1], USABLE_RATE_FRACTION * rate_hz), picked - max(first, 0)
    if lead < 0 or len(samples) <= lead or high_hz <= AMPLITUDE_BAND_HZ[0]:
        return 0.0
    return float(np.abs(bandpass_causal(samples - samples.mean(), rate_hz, AMPLITUDE_BAND_HZ[0], high_hz)[lead:]).max())
