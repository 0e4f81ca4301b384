"""
Simulate arrival times of cataloged earthquakes at real stations, as the Earth and a picker alter them, and locate them as served.

Stores of Green's functions end at periods of 10 s and hold no picks, so that arrival times are simulated without waveforms: ak135 times
with errors of published size, picks that are late as those of growing sources are (`pick_delays`), missed phases and false picks. Half of
the variance of a travel-time error is common to all stations, the rest correlates between neighbors (Bondar & Storchak 2011,
doi:10.1111/j.1365-246X.2011.05107.x); P residuals scatter by 1.2 s (Engdahl et al. 1998, doi:10.1785/BSSA0880030722).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.analysis.arrival_times import MIN_STATIONS, contradicts_distances, is_significant, is_verified
from models.analysis.combine import DepthEstimate
from models.analysis.depth import find_known_depths
from models.analysis.hypocenter import multiply_depths
from models.array_types import Floats, Integers
from models.seismic.association.candidates import collect_candidates
from models.seismic.association.locate import ArrivalTimeSolution, locate_by_arrival_times
from models.seismic.earth.travel_time_errors import effective_neighbor_count, path_error_s
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import (
    KM_PER_DEGREE,
    azimuth_deg,
    azimuthal_gap_deg,
    destination,
    distance_deg,
    geocentric,
    geocentric_latitude_deg,
)
from models.seismic.location.distances import prepare_distances
from models.seismic.location.region_calibration import scale_to_contain
from models.seismic.location.solution import StationDistances
from models.seismic.signal.pick_delay import expected_delay_s
from models.seismic.signal.picker import BANDS_HZ, Picks, short_window_s
from training.experiments.kept_results import continue_results
from training.experiments.location.simulated_networks import (
    DETECTION,
    draw_correlated_errors,
    simulate_distances,
    simulate_envelope_peaks,
)
from training.synthesis.catalogs import EarthquakeCatalog, StationCatalog

COMMON_VARIANCE = 0.5
CRUSTAL_VELOCITIES_KM_S = {"P": (6.1, 0.15), "S": (3.5, 0.1)}
"""
Mean and standard deviation of the velocity of Pg, between those of ak135's upper and lower crust, and of Lg (Storchak, Schweitzer & Bormann
2003, doi:10.1785/gssrl.74.6.761), which the table of travel times lacks...
"""
CRUSTAL_PROBABILITY, MANTLE_PROBABILITY = 0.8, {"P": 0.55, "S": 0.25}
"""...and the probability that a pick is made of them, and of the weaker Pn and Sn in front of them."""
CRUSTAL_RANGE_DEG, MAX_CRUSTAL_DEPTH_KM = (1.5, 9.0), 35.0
STATION_ERROR_S = 0.4
S_FACTOR = 1.9
"""Error of S over that of P on the same path..."""
S_OWN_FACTOR = 0.8
"""...and the part of its own, of varying Vp/Vs, over that of P."""
DELAY_LOG_DEVIATIONS = (0.9, 0.8)
"""Standard deviations of the logarithm of a pick's delay: from event to event, as sources grow differently, and from pick to pick."""
READING_WINDOWS = 0.15
"""Standard deviation of the reading of a pick, in short windows."""
START_ERROR_DEG = 3.0
"""Standard deviation of the epicenter of the distances, where the search begins."""
SECTION_SIGMAS_KM = (6.0, 30.0)
BROADBAND_PROBABILITY = 0.7


@dataclass(frozen=True)
class Geometry:
    """Stations of an event: how many, at which distances in degrees, and the radius around one of them that holds all, if any does."""

    name: str
    stations: tuple[int, int]
    distances_deg: tuple[float, float]
    radius_deg: float | None = None


GEOMETRIES = (
    Geometry("local", (8, 40), (0.0, 5.0)),
    Geometry("regional", (8, 40), (1.0, 15.0)),
    Geometry("global", (10, 60), (15.0, 95.0)),
    Geometry("array", (8, 25), (20.0, 95.0), 4.0),
)
COVERED_GEOMETRIES = (*GEOMETRIES, Geometry("few, regional", (3, 7), (0.3, 15.0)), Geometry("few, global", (3, 7), (15.0, 95.0)))
"""Those of which coverage is measured: those above, and networks of few stations, which hold one event at most."""


@dataclass(frozen=True)
class Crust:
    """A crust of one velocity over a half-space: thickness, and P velocities in it and beneath it."""

    thickness_km: float
    velocity_km_s: float
    mantle_velocity_km_s: float

    def first_arrival_s(self, distances_deg: Floats, depth_km: float) -> Floats:
        """Compute the travel times [n] of the first of the direct and the refracted P from a source in the crust, in seconds."""
        offsets_km = distances_deg * KM_PER_DEGREE
        down = np.sqrt(self.velocity_km_s**-2.0 - self.mantle_velocity_km_s**-2.0)
        refracted = offsets_km / self.mantle_velocity_km_s + (2.0 * self.thickness_km - depth_km) * down
        return np.asarray(np.fmin(np.hypot(offsets_km, depth_km) / self.velocity_km_s, refracted))


CRUSTAL_GEOMETRIES, OTHER_CRUST_PROBABILITY = ("local", "regional", "few, regional"), 0.5
AK135_CRUST = Crust(35.0, 6.16, 8.04)
"""Of the two layers of ak135, 5.8 km/s to 20 km and 6.5 km/s to 35 km, the mean slowness."""
CRUST_FIELD_FACTOR = 0.5
"""Path errors that are left where the crust is simulated by itself."""
VP_OVER_VS = 1.73


def draw_crust(random: np.random.Generator) -> Crust:
    """Draw a crust as continents have it: 25 to 50 km thick, 5.9 to 6.5 km/s in it and 7.7 to 8.25 km/s beneath."""
    return Crust(*(float(random.uniform(*span)) for span in ((25.0, 50.0), (5.9, 6.5), (7.7, 8.25))))


def draw_other_crust(geometry: Geometry, depth_km: float, random: np.random.Generator) -> Crust | None:
    """Draw a crust for half of the local and regional events; None for that of ak135, and for sources beneath the crust."""
    crust, is_other = draw_crust(random), geometry.name in CRUSTAL_GEOMETRIES and random.uniform() < OTHER_CRUST_PROBABILITY
    return crust if is_other and depth_km < crust.thickness_km else None


@dataclass(frozen=True)
class ArrivalTrial:
    """Errors of one simulated event in seconds and kilometers, with stated deviations, and factors that regions need to hold the truth."""

    geometry: str
    effective_stations: float
    median_distance_deg: float
    gap_deg: float
    accepted: bool
    time_error_s: float = np.nan
    time_sigma_s: float = np.nan
    depth_error_km: float = np.nan
    depth_sigma_km: float = np.nan
    epicenter_error_km: float = np.nan
    scale_68: float = np.nan
    scale_90: float = np.nan

    @property
    def origin_scale(self) -> float:
        """Factor on the stated deviation of the origin time that reaches the true one."""
        return abs(self.time_error_s) / self.time_sigma_s

    @property
    def depth_scale(self) -> float:
        """Factor on the stated deviation of the depth that reaches the true one."""
        return abs(self.depth_error_km) / self.depth_sigma_km


def draw_trials(earthquakes: EarthquakeCatalog, stations: StationCatalog, count: int, seed: int, path: Path) -> Iterator[ArrivalTrial]:
    """Simulate events one after another, each with a seed of its own, or read them from a file of an earlier run."""

    def simulate(first: int) -> Iterator[ArrivalTrial]:
        for number in range(first, count):
            yield simulate_trial(earthquakes, stations, np.random.default_rng([seed, number]))

    return continue_results(path, count, lambda row: ArrivalTrial(**row), simulate)


def simulate_trial(earthquakes: EarthquakeCatalog, stations: StationCatalog, random: np.random.Generator) -> ArrivalTrial:
    """Simulate one event at one geometry, and locate it by its arrival times, with simulated distances and a section's depth."""
    geometry, source, depth_km, (latitudes, longitudes) = draw_network_event(earthquakes, stations, random, COVERED_GEOMETRIES)
    distances = distance_deg(geocentric_latitude_deg(source[0]), source[1], geocentric_latitude_deg(latitudes), longitudes)
    span = draw_span(distances, depth_km, random)
    crust = draw_other_crust(geometry, depth_km, random)
    picks = simulate_pick_sets((distances, latitudes, longitudes), depth_km, span, random, crust)
    peaks = simulate_envelope_peaks(distances, depth_km, span, random)
    apart = distance_deg(latitudes[:, None], longitudes[:, None], latitudes, longitudes)
    effective = float((1.0 / effective_neighbor_count(apart, 1.0)).sum())
    gap = azimuthal_gap_deg(azimuth_deg(*source, latitudes, longitudes))
    trial = ArrivalTrial(geometry.name, effective, float(np.median(distances)), gap, accepted=False)
    candidates = collect_candidates(picks, peaks, latitudes, longitudes)
    if candidates is None or len(candidates.trace_indices) < MIN_STATIONS:
        return trial
    predicted, stations_deg = StationDistances(latitudes, longitudes, *simulate_distances(distances, random)), (latitudes, longitudes)
    prior = prepare_distances(predicted).log_likelihood
    start = destination(*source, random.uniform(0.0, 360.0), abs(random.normal(0.0, START_ERROR_DEG)))
    found = locate_by_arrival_times(candidates, prior, [geocentric(*map(float, start))])
    sigma = float(np.exp(random.uniform(*np.log(SECTION_SIGMAS_KM))))
    section = DepthEstimate(max(depth_km + sigma * random.normal(), 0.0), sigma)
    if found is None or not is_significant(found, len(latitudes), stations_deg):
        return trial
    if not is_verified(stations_deg, found) and contradicts_distances(predicted, found):
        return trial
    return compare_solution(trial, found, section, source, depth_km)


def compare_solution(
    trial: ArrivalTrial, found: ArrivalTimeSolution, section: DepthEstimate, source: tuple[float, float], depth_km: float
) -> ArrivalTrial:
    """Compare an accepted solution, whose depth is combined with that of a section, with the true source of origin time 0."""
    by_arrivals = DepthEstimate(found.depth_time.depth_km, found.depth_time.depth_uncertainty_km)
    depth = multiply_depths(find_known_depths(found.regions), by_arrivals, section, None).estimate()
    joint, best = found.depth_time.at_depth(depth.depth_km, depth.uncertainty_km), found.regions[0]
    return replace(
        trial,
        accepted=True,
        time_error_s=joint.time_s,
        time_sigma_s=joint.time_uncertainty_s,
        depth_error_km=joint.depth_km - depth_km,
        depth_sigma_km=joint.depth_uncertainty_km,
        epicenter_error_km=float(distance_deg(*source, best.latitude_deg, best.longitude_deg)) * KM_PER_DEGREE,
        scale_68=min(scale_to_contain(region, *source) for region in found.regions),
        scale_90=min(scale_to_contain(region, *source) / region.axis_ratio_90 for region in found.regions),
    )


def draw_network_event(
    earthquakes: EarthquakeCatalog,
    stations: StationCatalog,
    random: np.random.Generator,
    geometries: Sequence[Geometry] = GEOMETRIES,
) -> tuple[Geometry, tuple[float, float], float, tuple[Floats, Floats]]:
    """Draw one of the geometries, an earthquake (epicenter, depth) and stations of that geometry (latitudes, longitudes) around it."""
    geometry = geometries[int(random.integers(len(geometries)))]
    while True:
        event = int(random.integers(len(earthquakes.depths_km)))
        source = (float(earthquakes.latitudes_deg[event]), float(earthquakes.longitudes_deg[event]))
        rows = select_stations(geometry, source, stations, random)
        if len(rows):
            return geometry, source, float(earthquakes.depths_km[event]), (stations.latitudes_deg[rows], stations.longitudes_deg[rows])


def select_stations(geometry: Geometry, source: tuple[float, float], stations: StationCatalog, random: np.random.Generator) -> Integers:
    """Select stations of a geometry around a source, as indices into the table; none where the table has too few."""
    distances = distance_deg(*source, stations.latitudes_deg, stations.longitudes_deg)
    rows = np.flatnonzero((distances >= geometry.distances_deg[0]) & (distances <= geometry.distances_deg[1]))
    if len(rows) and geometry.radius_deg is not None:
        center = int(random.choice(rows))
        from_center = distance_deg(
            stations.latitudes_deg[center], stations.longitudes_deg[center], stations.latitudes_deg[rows], stations.longitudes_deg[rows]
        )
        rows = rows[from_center <= geometry.radius_deg]
    count = int(random.integers(geometry.stations[0], geometry.stations[1] + 1))
    if len(rows) < geometry.stations[0]:
        return np.zeros(0, np.int64)
    return np.sort(random.permutation(rows)[:count])


def draw_span(distances_deg: Floats, depth_km: float, random: np.random.Generator) -> tuple[float, float]:
    """Draw a common window: it begins up to 10 minutes before the first P and ends after S and surface waves, or well before."""
    first = float(np.nanmin(np.fmin(travel_time_s("P", distances_deg, depth_km), travel_time_s("PKP", distances_deg, depth_km))))
    after_s = float(distances_deg.max()) * KM_PER_DEGREE / 3.0 * random.uniform(0.5, 1.3) + random.uniform(120.0, 600.0)
    return first - float(random.uniform(60.0, 600.0)), first + after_s


def simulate_pick_sets(
    stations: tuple[Floats, Floats, Floats],
    depth_km: float,
    span: tuple[float, float],
    random: np.random.Generator,
    crust: Crust | None = None,
) -> list[Picks]:
    """
    Simulate the picks of all stations, given their distances, latitudes and longitudes [n]; the origin time is 0.

    Through another crust P is late by the difference to ak135's, S by 1.73 of it; the errors of the paths come on top.
    """
    distances, latitudes, longitudes = stations
    count, deviation = len(distances), path_error_s(distances, depth_km)
    length = float(np.clip(np.median(distances) / 3.0, 0.2, 10.0))

    def draw_field() -> Floats:
        own = draw_correlated_errors(latitudes, longitudes, length, random)
        return np.asarray(np.sqrt(COMMON_VARIANCE) * random.normal() + np.sqrt(1.0 - COMMON_VARIANCE) * own)

    p_error = deviation * draw_field() + random.normal(0.0, STATION_ERROR_S, count)
    if crust is not None:
        crust_s = crust.first_arrival_s(distances, depth_km) - AK135_CRUST.first_arrival_s(distances, depth_km)
        p_error = CRUST_FIELD_FACTOR * p_error + crust_s
    s_error = S_FACTOR * p_error + S_OWN_FACTOR * deviation * draw_field()
    growth, broadband = random.normal(), random.uniform() < BROADBAND_PROBABILITY
    arrivals: list[list[tuple[float, bool]]] = [[] for _ in range(count)]
    for phase, probability in DETECTION.items():
        seconds = travel_time_s(phase, distances, depth_km) + (s_error if phase == "S" else p_error)
        weak = np.where((phase == "P") & (distances > 100.0), 0.3, 1.0)
        if phase in CRUSTAL_VELOCITIES_KM_S and depth_km < MAX_CRUSTAL_DEPTH_KM:
            guided = (distances > CRUSTAL_RANGE_DEG[0]) & (distances < CRUSTAL_RANGE_DEG[1])
            weak = np.where(guided, MANTLE_PROBABILITY[phase] / probability, weak)
            mean, scatter = CRUSTAL_VELOCITIES_KM_S[phase]
            velocity = mean + scatter * random.normal() if crust is None else crust.velocity_km_s / (1.0 if phase == "P" else VP_OVER_VS)
            slow = np.hypot(distances * KM_PER_DEGREE, depth_km) / velocity
            for i in np.flatnonzero(guided & (random.uniform(size=count) < CRUSTAL_PROBABILITY)):
                arrivals[i].append((float(slow[i] + random.normal(0.0, 0.5)), phase == "P"))
        for i in np.flatnonzero(np.isfinite(seconds) & (random.uniform(size=count) < probability * weak)):
            arrivals[i].append((float(seconds[i]), phase == "P"))
    return [
        simulate_trace_picks(arrivals[i], span, choose_bands(float(distances[i]), broadband=broadband), growth, random)
        for i in range(count)
    ]


def choose_bands(distance_deg: float, *, broadband: bool) -> tuple[int, ...]:
    """Choose the bands in which arrivals at a distance are picked: high ones nearby, and long periods on channels of 1 Hz."""
    if not broadband:
        return (2, 3)
    return (0, 1) if distance_deg < 3.0 else (1,) if distance_deg < 15.0 else (1, 2)


def simulate_trace_picks(
    arrivals: list[tuple[float, bool]], span: tuple[float, float], bands: tuple[int, ...], growth: float, random: np.random.Generator
) -> Picks:
    """Simulate the picks of one trace: late by the growth of the source (in standard deviations) and by their own, among false picks."""
    seconds = np.array([time_s for time_s, _ in arrivals if span[0] < time_s < span[1]])
    first = np.array([is_first for time_s, is_first in arrivals if span[0] < time_s < span[1]], bool)
    own = random.choice(bands, len(seconds)).astype(np.int64)
    strengths = np.where(first, random.uniform(2.3, 7.0, len(seconds)), random.uniform(2.0, 5.0, len(seconds)))
    event_deviation, pick_deviation = DELAY_LOG_DEVIATIONS
    exponent = event_deviation * growth + pick_deviation * random.normal(size=len(seconds))
    factor = np.exp(exponent - 0.5 * (event_deviation**2 + pick_deviation**2))
    windows = np.array([short_window_s(*band) for band in BANDS_HZ])
    late = expected_delay_s(own, strengths) * factor + READING_WINDOWS * windows[own] * random.normal(size=len(seconds))
    false = random.uniform(*span, random.poisson(3.0))
    times, bands_of = np.concatenate((seconds + late, false)), np.concatenate((own, random.choice(bands, len(false)).astype(np.int64)))
    strengths = np.concatenate((strengths, random.uniform(2.0, 3.5, len(false))))
    order = np.argsort(times)
    uncertainties = windows[bands_of] * (0.15 + 0.6 / (strengths - 1.0))
    return Picks(*span, times[order], uncertainties[order], strengths[order], bands_of[order], np.zeros(len(times), np.bool_))
