"""
Arrival times at simulated networks, located: errors and coverage where the service's assumptions on errors do not hold.

Each setting is a kind of network and source. Picks are ak135 times plus a spatially correlated error, an error of each station and
one of each pick, among false picks; each phase is missed with some probability, and sometimes the whole network picks a phase that is not
in the table. Distances have a common error, and are outliers in some of the events. Of the service's own assumptions only that
ak135 is the mean Earth is used. Regions are as computed, without the calibration of the card, and plane waves are left out.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.analysis.arrival_times import is_far, is_one_array, is_significant, mix_hypotheses
from models.array_types import Floats
from models.seismic.association.candidates import Candidates, collect_candidates
from models.seismic.association.locate import ArrivalTimeSolution, locate_by_arrival_times
from models.seismic.earth.earthquake_depths import maximum_depth_km
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg, geocentric_latitude_deg, unit_vectors
from models.seismic.location.distances import prepare_distances
from models.seismic.location.region_calibration import scale_to_contain
from models.seismic.location.regions import EpicenterRegion, find_regions
from models.seismic.location.solution import MIN_PROBABILITY, StationDistances
from models.seismic.signal.picker import Picks
from models.seismic.signal.rayleigh_envelope import EnvelopePeaks
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from training.evaluation.pages import RESULTS, format_table, write_page

DETECTION = {"P": 0.85, "PKP": 0.5, "PKPbc": 0.7, "S": 0.5, "pP": 0.4, "sP": 0.3, "PP": 0.3}
OUTLIER_PROBABILITY = 0.15
"""Probability that all distances of an event are wrong."""
FAR_KM = 1000.0
TEMPLATE = Path(__file__).parents[1] / "templates" / "simulated_networks.md"
HEADS = (
    *("setting", "events", "arrival times accepted", "median, P90 km", "beyond 1,000 km", "of these in a 90 % region"),
    *("in 68 %, 90 % region", "depth within 1, 2 standard deviations", "CPU seconds, median"),
)


@dataclass(frozen=True)
class Setting:
    """
    A kind of network: ranges of the number of stations and of the distance of its center from the source, radius, source depths.

    `window_s`: length of the record before and after the first arrival.
    """

    name: str
    stations: tuple[int, int]
    center_deg: tuple[float, float]
    radius_deg: float
    depths_km: tuple[float, float]
    window_s: tuple[float, float]


SETTINGS = (
    Setting("local network", (8, 30), (0.0, 2.0), 2.5, (3.0, 30.0), (60.0, 300.0)),
    Setting("deep source beneath", (10, 40), (0.0, 3.0), 5.0, (120.0, 650.0), (100.0, 300.0)),
    Setting("regional network, shallow", (8, 12), (4.0, 8.0), 6.0, (0.0, 3.0), (300.0, 1800.0)),
    Setting("world", (12, 40), (0.0, 20.0), 90.0, (5.0, 600.0), (600.0, 3000.0)),
    Setting("array at 30 to 95", (5, 20), (30.0, 95.0), 2.5, (5.0, 600.0), (400.0, 3000.0)),
    Setting("array at 100 to 140", (8, 20), (100.0, 140.0), 2.5, (5.0, 300.0), (400.0, 4000.0)),
    Setting("array at 145 to 165, short window", (20, 60), (145.0, 165.0), 5.0, (5.0, 600.0), (200.0, 120.0)),
)


@dataclass(frozen=True)
class SimulatedNetwork:
    """
    An event (true source and depth, origin time 0) at stations [n], and its picks [n].

    `candidates` made from the picks, and predicted distances with their standard deviations [n].
    """

    source: tuple[float, float]
    depth_km: float
    latitudes: Floats
    longitudes: Floats
    picks: Sequence[Picks]
    candidates: Candidates
    distances_deg: Floats
    sigmas_deg: Floats


def simulate_network(setting: Setting, random: np.random.Generator) -> SimulatedNetwork:
    """Simulate one event of a setting; sources deeper than 60 km only where earthquakes are known to be that deep."""
    depth_km = float(random.uniform(*setting.depths_km))
    if setting.depths_km[0] < 60.0 and random.uniform() < 0.75:
        depth_km = float(random.uniform(setting.depths_km[0], min(setting.depths_km[1], 60.0)))
    while True:
        source = (float(np.degrees(np.arcsin(random.uniform(-1.0, 1.0)))), float(random.uniform(-180.0, 180.0)))
        if depth_km < 60.0 or maximum_depth_km(unit_vectors(*source)[None])[0] >= depth_km:
            break
    count = int(random.integers(setting.stations[0], setting.stations[1] + 1))
    center = destination(*source, random.uniform(0.0, 360.0), random.uniform(*setting.center_deg))
    latitudes, longitudes = destination(
        *center, random.uniform(0.0, 360.0, count), setting.radius_deg * np.sqrt(random.uniform(size=count))
    )
    distances_deg = distance_deg(geocentric_latitude_deg(source[0]), source[1], geocentric_latitude_deg(latitudes), longitudes)
    picks, peaks = simulate_detections(setting, (distances_deg, latitudes, longitudes), depth_km, random)
    candidates = collect_candidates(picks, peaks, latitudes, longitudes)
    if candidates is None:
        raise ValueError("no pick at any station")
    return SimulatedNetwork(source, depth_km, latitudes, longitudes, picks, candidates, *simulate_distances(distances_deg, random))


def simulate_distances(true_deg: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Simulate predicted distances [n] and their predicted standard deviations [n]."""
    sigmas = random.uniform(2.0, 6.0) * random.uniform(0.8, 1.2, len(true_deg)) + 0.02 * true_deg
    if random.uniform() < OUTLIER_PROBABILITY:
        return np.clip(random.uniform(5.0, 150.0) + random.normal(0.0, sigmas), 0.2, 180.0), sigmas
    return np.clip(true_deg + random.normal(0.0, 1.5) + random.normal(0.0, sigmas), 0.2, 180.0), sigmas


def draw_correlated_errors(latitudes: Floats, longitudes: Floats, length_deg: float, random: np.random.Generator) -> Floats:
    """Draw a random field with standard deviation 1 and exponential correlation at stations [n]."""
    apart = distance_deg(latitudes[:, None], longitudes[:, None], latitudes, longitudes)
    cholesky = np.linalg.cholesky(np.exp(-apart / length_deg) + 1e-9 * np.eye(len(latitudes)))
    return np.asarray(cholesky @ random.normal(size=len(latitudes)))


def simulate_detections(
    setting: Setting, stations: tuple[Floats, Floats, Floats], depth_km: float, random: np.random.Generator
) -> tuple[list[Picks], list[EnvelopePeaks]]:
    """Simulate picks and envelope peaks of all stations, given their distances, latitudes and longitudes [n]."""
    distances_deg, latitudes, longitudes = stations
    times = {phase: travel_time_s(phase, distances_deg, depth_km) for phase in DETECTION}
    times["other"] = (
        np.fmin(times["P"], times["PKP"]) + random.uniform(10.0, 200.0) if random.uniform() < 0.3 else np.full(len(distances_deg), np.nan)
    )
    first = float(np.nanmin(np.fmin(times["P"], times["PKP"])))
    span = (first - setting.window_s[0], first + setting.window_s[1])
    station_errors = random.normal(0.0, 0.4, len(distances_deg))
    arrivals: list[list[float]] = [[] for _ in distances_deg]
    for phase, seconds in times.items():
        deviation = np.fmin(0.03 * seconds, np.interp(distances_deg, (20.0, 30.0), (2.5, 1.4))) * (2.0 if phase == "S" else 1.0)
        length = float(np.clip(np.median(distances_deg) / 3.0, 0.2, 10.0))
        late = seconds + deviation * draw_correlated_errors(latitudes, longitudes, length, random) + station_errors
        probability = DETECTION.get(phase, 0.6) * np.where((phase == "P") & (distances_deg > 100.0), 0.3, 1.0)
        for i in np.flatnonzero(np.isfinite(late) & (random.uniform(size=len(distances_deg)) < probability)):
            arrivals[i].append(float(late[i]))
    picks = [simulate_picks(np.array(one), span, random) for one in arrivals]
    return picks, simulate_envelope_peaks(distances_deg, depth_km, span, random)


def simulate_picks(arrivals_s: Floats, span: tuple[float, float], random: np.random.Generator) -> Picks:
    """Simulate the picks of one trace: arrivals with errors, and on average three false picks."""
    good = arrivals_s[(arrivals_s > span[0]) & (arrivals_s < span[1])]
    false = random.uniform(*span, random.poisson(3.0))
    deviations = random.uniform(0.3, 1.2, len(good) + len(false))
    times = np.concatenate((good + deviations[: len(good)] * random.standard_t(4, len(good)), false))
    strengths = np.concatenate((random.uniform(2.5, 7.0, len(good)), random.uniform(2.0, 3.5, len(false))))
    order = np.argsort(times)
    return Picks(*span, times[order], deviations[order], strengths[order], np.ones(len(times), np.int64), np.zeros(len(times), np.bool_))


def simulate_envelope_peaks(
    distances_deg: Floats, depth_km: float, span: tuple[float, float], random: np.random.Generator
) -> list[EnvelopePeaks]:
    """Simulate peaks of Rayleigh waves, for sources above 100 km where the window holds them, and one false peak a trace."""
    velocity = random.uniform(2.9, 3.9)
    found = []
    for distance in distances_deg:
        seconds = distance * KM_PER_DEGREE / (velocity * (1.0 + 0.03 * random.normal())) + random.normal(0.0, 12.0)
        is_recorded = depth_km < 100.0 and seconds < span[1] and distance > 3.0 and random.uniform() < 0.8
        peaks = ([seconds] if is_recorded else []) + random.uniform(*span, 1).tolist()
        found.append(EnvelopePeaks(np.array(peaks), np.array([1.8, 1.3][-len(peaks) :])))
    return found


def locate_simulated(network: SimulatedNetwork) -> ArrivalTimeSolution | None:
    """Locate by arrival times, with the distances as prior."""
    observations = prepare_distances(StationDistances(network.latitudes, network.longitudes, network.distances_deg, network.sigmas_deg))
    return locate_by_arrival_times(network.candidates, observations.log_likelihood)


def locate_as_served(network: SimulatedNetwork) -> tuple[list[EpicenterRegion], ArrivalTimeSolution | None]:
    """Find the regions that the service would return, and the arrival-time solution if it is accepted (`models.analysis.refinement`)."""
    observations = prepare_distances(StationDistances(network.latitudes, network.longitudes, network.distances_deg, network.sigmas_deg))
    by_distances = find_regions(observations.log_likelihood)
    timed = locate_simulated(network)
    stations = (network.latitudes, network.longitudes)
    if timed is None or not is_significant(timed, len(network.candidates.trace_indices), stations):
        return by_distances, None
    count = len(network.latitudes)
    names = tuple(TraceId("XX", f"S{number}", "", "BHZ") for number in range(count))
    gather = Gather(names, 0.0, 1.0, np.ones((count, 1), np.float32), network.latitudes, network.longitudes)
    if is_one_array(gather) and is_far(timed, *stations):
        return mix_hypotheses(timed.regions, by_distances, by_probability=False), timed
    return list(timed.regions), timed


def make_random_generator(setting: Setting, seed: int, number: int) -> np.random.Generator:
    """Make the random generator of the event with that number in a setting."""
    return np.random.default_rng([seed, number, round(setting.radius_deg * 10), round(setting.center_deg[1])])


def write_simulated_networks_page(command: str, trials: int, seed: int) -> Path:
    """Locate `trials` events of each setting; write `simulated_networks.md`."""
    lines = [measure_setting(setting, trials, seed) for setting in SETTINGS]
    return write_page(RESULTS / "simulated_networks.md", TEMPLATE, command, table=format_table(HEADS, lines))


def measure_setting(setting: Setting, trials: int, seed: int) -> tuple[str, ...]:
    """Locate events of a setting; format errors, coverage and CPU time in the columns of HEADS."""
    errors, scales, depths, seconds = [], [], [], []
    for number in range(trials):
        network = simulate_network(setting, make_random_generator(setting, seed, number))
        began = time.thread_time()
        regions, timed = locate_as_served(network)
        seconds.append(time.thread_time() - began)
        errors.append(float(distance_deg(*network.source, regions[0].latitude_deg, regions[0].longitude_deg)) * KM_PER_DEGREE)
        scales.append(scales_to_contain(regions, network.source))
        if timed is not None:
            depths.append(abs(timed.depth_time.depth_km - network.depth_km) / timed.depth_time.depth_uncertainty_km)
    far, contained = np.array(errors) > FAR_KM, np.array(scales) <= 1.0
    return (
        setting.name,
        str(trials),
        str(len(depths)),
        "{:.0f}, {:.0f}".format(*np.percentile(errors, (50, 90))),
        str(int(far.sum())),
        str(int(contained[far, 1].sum())),
        "{:.0%}, {:.0%}".format(*contained.mean(axis=0)),
        f"{np.mean(np.array(depths) <= 1.0):.0%}, {np.mean(np.array(depths) <= 2.0):.0%}",
        f"{np.median(seconds):.1f}",
    )


def scales_to_contain(regions: Sequence[EpicenterRegion], source: tuple[float, float]) -> tuple[float, float]:
    """Factors by which the nearest of the 68 % and of the 90 % regions must be enlarged to contain the source."""
    best, *others = regions
    kept = [best, *(region for region in others if region.probability >= MIN_PROBABILITY)]
    scales = [(scale_to_contain(region, *source), region.axis_ratio_90) for region in kept]
    return min(scale for scale, _ in scales), min(scale / outer for scale, outer in scales)
