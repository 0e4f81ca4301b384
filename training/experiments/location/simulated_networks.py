"""
Arrival times of drawn networks, for regions to be fitted and measured on.

Each setting is a kind of network and source. Onsets are ak135's times plus an error that neighbors share (a random field over the
stations), an error of each station and of each pick, among false ones; a share of every phase is not heard, and now and then the
whole network hears an arrival that is none of the table's. Distances are read with an error common to all, and mislead altogether
in a share of the events. Nothing of the service's own assumptions about errors is used but that ak135 is the mean Earth.
"""

from dataclasses import dataclass

import numpy as np

from models.analysis.arrival_times import MIN_LOG_EVIDENCE, detected_by_majority
from models.analysis.single_array import is_far, is_one_array, mix_hypotheses
from models.array_types import Floats
from models.seismic.association.candidates import Candidates, collect_candidates
from models.seismic.association.locate import ArrivalTimeSolution, locate_by_arrival_times
from models.seismic.earth.maximum_depth import maximum_depth_km
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg, geocentric_latitude_deg, unit_vectors
from models.seismic.location.distances import prepare_distances
from models.seismic.location.regions import EpicenterRegion, find_regions
from models.seismic.signal.picker import Picks
from models.seismic.signal.rayleigh_envelope import EnvelopePeaks
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather

DETECTION = {"P": 0.85, "PKP": 0.5, "PKPbc": 0.7, "S": 0.5, "pP": 0.4, "sP": 0.3, "PP": 0.3}
OUTLIER_PROBABILITY = 0.15


@dataclass(frozen=True)
class Setting:
    """
    A kind of network: how many stations, how far (degrees) its middle is from the source, its radius; depths of sources in km.

    `window_s`: from so long before the first arrival to so long after it.
    """

    name: str
    stations: tuple[int, int]
    middle_deg: tuple[float, float]
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
    """An event: its true place, depth and time (POSIX 0), its stations [n], what is heard and what is read of distances."""

    source: tuple[float, float]
    depth_km: float
    latitudes: Floats
    longitudes: Floats
    data: Candidates
    distances: Floats
    deviations: Floats


def simulate_network(setting: Setting, random: np.random.Generator) -> SimulatedNetwork:
    """One event of a setting; deep ones where earthquakes are known to be that deep."""
    depth_km = float(random.uniform(*setting.depths_km))
    if setting.depths_km[0] < 60.0 and random.uniform() < 0.75:
        depth_km = float(random.uniform(setting.depths_km[0], min(setting.depths_km[1], 60.0)))
    while True:
        source = (float(np.degrees(np.arcsin(random.uniform(-1.0, 1.0)))), float(random.uniform(-180.0, 180.0)))
        if depth_km < 60.0 or maximum_depth_km(unit_vectors(*source)[None])[0] >= depth_km:
            break
    count = int(random.integers(setting.stations[0], setting.stations[1] + 1))
    middle = destination(*source, random.uniform(0.0, 360.0), random.uniform(*setting.middle_deg))
    latitudes, longitudes = destination(
        *middle, random.uniform(0.0, 360.0, count), setting.radius_deg * np.sqrt(random.uniform(size=count))
    )
    reach = distance_deg(geocentric_latitude_deg(source[0]), source[1], geocentric_latitude_deg(latitudes), longitudes)
    onsets, surges = simulate_detections(setting, (reach, latitudes, longitudes), depth_km, random)
    data = collect_candidates(onsets, surges, latitudes, longitudes)
    if data is None:
        raise ValueError("nothing is heard")
    return SimulatedNetwork(source, depth_km, latitudes, longitudes, data, *simulate_distances(reach, random))


def simulate_distances(reach: Floats, random: np.random.Generator) -> tuple[Floats, Floats]:
    """Distances [n] as a network might read them, and the deviations that it states."""
    deviations = random.uniform(2.0, 6.0) * random.uniform(0.8, 1.2, len(reach)) + 0.02 * reach
    if random.uniform() < OUTLIER_PROBABILITY:
        return np.clip(random.uniform(5.0, 150.0) + random.normal(0.0, deviations), 0.2, 180.0), deviations
    return np.clip(reach + random.normal(0.0, 1.5) + random.normal(0.0, deviations), 0.2, 180.0), deviations


def correlated_error_field(latitudes: Floats, longitudes: Floats, length_deg: float, random: np.random.Generator) -> Floats:
    """A random field of deviation 1 at places [n], correlated exponentially."""
    apart = distance_deg(latitudes[:, None], longitudes[:, None], latitudes, longitudes)
    cholesky = np.linalg.cholesky(np.exp(-apart / length_deg) + 1e-9 * np.eye(len(latitudes)))
    return np.asarray(cholesky @ random.normal(size=len(latitudes)))


def simulate_detections(
    setting: Setting, places: tuple[Floats, Floats, Floats], depth_km: float, random: np.random.Generator
) -> tuple[list[Picks], list[EnvelopePeaks]]:
    """Onsets and surges of every station at distances, latitudes, longitudes [n]."""
    reach, latitudes, longitudes = places
    times = {phase: travel_time_s(phase, reach, depth_km) for phase in DETECTION}
    times["other"] = (
        np.fmin(times["P"], times["PKP"]) + random.uniform(10.0, 200.0) if random.uniform() < 0.3 else np.full(len(reach), np.nan)
    )
    first = float(np.nanmin(np.fmin(times["P"], times["PKP"])))
    span = (first - setting.window_s[0], first + setting.window_s[1])
    station = random.normal(0.0, 0.4, len(reach))
    arrivals: list[list[float]] = [[] for _ in reach]
    for phase, seconds in times.items():
        deviation = np.fmin(0.03 * seconds, np.interp(reach, (20.0, 30.0), (2.5, 1.4))) * (2.0 if phase == "S" else 1.0)
        length = float(np.clip(np.median(reach) / 3.0, 0.2, 10.0))
        late = seconds + deviation * correlated_error_field(latitudes, longitudes, length, random) + station
        share = DETECTION.get(phase, 0.6) * np.where((phase == "P") & (reach > 100.0), 0.3, 1.0)
        for i in np.flatnonzero(np.isfinite(late) & (random.uniform(size=len(reach)) < share)):
            arrivals[i].append(float(late[i]))
    onsets = [simulate_picks(np.array(one), span, random) for one in arrivals]
    return onsets, simulate_envelope_peaks(reach, depth_km, span, random)


def simulate_picks(arrivals_s: Floats, span: tuple[float, float], random: np.random.Generator) -> Picks:
    """What is picked on one trace."""
    good = arrivals_s[(arrivals_s > span[0]) & (arrivals_s < span[1])]
    false = random.uniform(*span, random.poisson(3.0))
    deviations = random.uniform(0.3, 1.2, len(good) + len(false))
    times = np.concatenate((good + deviations[: len(good)] * random.standard_t(4, len(good)), false))
    strengths = np.concatenate((random.uniform(2.5, 7.0, len(good)), random.uniform(2.0, 3.5, len(false))))
    order = np.argsort(times)
    return Picks(*span, times[order], deviations[order], strengths[order], np.ones(len(times), np.int64), np.zeros(len(times), np.bool_))


def simulate_envelope_peaks(reach: Floats, depth_km: float, span: tuple[float, float], random: np.random.Generator) -> list[EnvelopePeaks]:
    """Peaks of the Rayleigh waves of sources in the top 100 km, where the window is long enough; others anywhere."""
    velocity = random.uniform(2.9, 3.9)
    found = []
    for distance in reach:
        seconds = distance * KM_PER_DEGREE / (velocity * (1.0 + 0.03 * random.normal())) + random.normal(0.0, 12.0)
        true = depth_km < 100.0 and seconds < span[1] and distance > 3.0 and random.uniform() < 0.8
        peaks = ([seconds] if true else []) + random.uniform(*span, 1).tolist()
        found.append(EnvelopePeaks(np.array(peaks), np.array([1.8, 1.3][-len(peaks) :])))
    return found


def locate_simulated(drawn: SimulatedNetwork) -> ArrivalTimeSolution | None:
    """By times and distances, as the service does it."""
    offsets = prepare_distances(drawn.latitudes, drawn.longitudes, drawn.distances, drawn.deviations)
    return locate_by_arrival_times(drawn.data, offsets.log_likelihood)


def locate_as_served(drawn: SimulatedNetwork) -> tuple[list[EpicenterRegion], ArrivalTimeSolution | None]:
    """The regions that the service would tell, and what it believes of times: as `models.analysis.refinement`, without plane waves."""
    observations = prepare_distances(drawn.latitudes, drawn.longitudes, drawn.distances, drawn.deviations)
    by_distances = find_regions(observations.log_likelihood)
    timed = locate_simulated(drawn)
    if timed is None or timed.log_evidence < MIN_LOG_EVIDENCE or not detected_by_majority(timed.arrivals, len(drawn.data.trace_indices)):
        return by_distances, None
    count = len(drawn.latitudes)
    names = tuple(TraceId("XX", f"S{number}", "", "BHZ") for number in range(count))
    gather = Gather(names, 0.0, 1.0, np.ones((count, 1), np.float32), drawn.latitudes, drawn.longitudes)
    if is_one_array(gather) and is_far(gather, timed):
        return mix_hypotheses(timed.regions, by_distances, by_probability=False), timed
    return list(timed.regions), timed


def simulations(setting: Setting, seed: int, number: int) -> np.random.Generator:
    """The random numbers of a setting's event."""
    return np.random.default_rng([seed, number, round(setting.radius_deg * 10), round(setting.middle_deg[1])])
