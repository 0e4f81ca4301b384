"""
Arrival times at few stations, or at a minority of stations, as evidence that may be wrong: errors and coverage with and without them.

Events, picks and envelope peaks are simulated as in `arrival_simulation`, at two to four stations, at five to nine or at one array; in half
of the events a part of the traces has false picks only. What the service has besides is simulated too: distances, whose common error moves
the origin time (a distance read too long is an origin read too early), and at half of the events back azimuths by polarization.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.analysis.arrival_times import MIN_LOG_EVIDENCE, MIN_ORIGIN_DEVIATION_S, detected_by_majority, weigh_arrivals
from models.analysis.combine import OriginTime
from models.analysis.single_array import PROBABILITY, HypothesisMixture, mix_doubtful_arrivals
from models.array_types import Floats
from models.seismic.association.candidates import Candidates, collect_candidates
from models.seismic.association.locate import ArrivalTimeSolution, locate_by_arrival_times
from models.seismic.geodesy import KM_PER_DEGREE, back_azimuth_deg, distance_deg, geocentric, geocentric_latitude_deg, unit_vectors
from models.seismic.location.distances import prepare_distances
from models.seismic.location.likelihood import add_likelihoods
from models.seismic.location.regions import EpicenterRegion, find_regions
from models.seismic.polarization.back_azimuth import BACK_AZIMUTHS, BackAzimuthLikelihoods
from models.seismic.signal.picker import Picks
from training.config import TrainingSettings
from training.evaluation.metrics import format_fraction, format_median
from training.evaluation.pages import RESULTS, format_table, write_page
from training.experiments.location.arrival_simulation import Geometry, draw_span, select_stations, simulate_pick_sets
from training.experiments.location.simulated_networks import scales_to_contain, simulate_distances, simulate_envelope_peaks
from training.synthesis.catalogs import EarthquakeCatalog, StationCatalog, load_earthquakes, load_stations

GEOMETRIES = (
    Geometry("two to four, within 15 degrees", (2, 4), (1.0, 15.0)),
    Geometry("two to four, distant", (2, 4), (20.0, 95.0)),
    Geometry("array of five to twelve", (5, 12), (20.0, 110.0), 4.0),
    Geometry("five to nine, within 15 degrees", (5, 9), (1.0, 15.0)),
)
ORIGIN_SLOPE_S = 28.0
"""By which the origin is read too early for each degree that distances are read too long: the slowness of surface waves."""
ORIGIN_OWN_ERROR_S = 25.0
COMMON_ERROR_DEG = 1.5
MAX_MOVE_DEG = 10.0
"""Common error of the distances beyond which the origin time moves no further: it is read near the record all the same."""
AZIMUTH_DEVIATION_DEG = 17.0
AZIMUTH_OUTLIERS = 0.2
WEAK_PROBABILITY = 0.5
"""Of an event at which 20 to 90 % of the traces have false picks only."""
TEMPLATE = Path(__file__).parents[1] / "templates" / "few_stations.md"
HEADS = (
    *("stations", "events", "arrival times", "epicenter, median km", "beyond 1,000 km", "in 68 % region", "in 90 % region"),
    *("origin time, median s", "stated s", "within 1 sigma", "within 3 sigma"),
)


@dataclass(frozen=True)
class FewTrial:
    """One simulated event: the answer without arrival times and the served one; `accepted` times stand by themselves and are left out."""

    geometry: str
    source: tuple[float, float]
    without: HypothesisMixture
    served: HypothesisMixture
    accepted: bool

    @property
    def is_mixed(self) -> bool:
        """Whether arrival times were weighed at all."""
        return self.served is not self.without


def simulate_few_trial(number: int, seed: int, earthquakes: EarthquakeCatalog, stations: StationCatalog) -> FewTrial:
    """Simulate the event of that number, of the geometries in turn, and weigh its arrival times; the origin time is 0."""
    random, geometry = np.random.default_rng([seed, number]), GEOMETRIES[number % len(GEOMETRIES)]
    source, depth_km, places = draw_few_stations(geometry, earthquakes, stations, random)
    true_deg = distance_deg(geocentric_latitude_deg(source[0]), source[1], geocentric_latitude_deg(places[0]), places[1])
    candidates = simulate_candidates((true_deg, *places), depth_km, random)
    distances, sigmas = simulate_distances(true_deg, random)
    read = simulate_origin_time(distances - true_deg, sigmas, random)
    by_distances = prepare_distances(*places, distances, sigmas)
    azimuths = simulate_back_azimuths(source, places, random)
    prior = add_likelihoods(by_distances, azimuths) if random.uniform() < 0.5 else by_distances.log_likelihood
    regions = find_regions(prior)
    without = HypothesisMixture(tuple(regions), read, times_first=False)
    if candidates is None:
        return FewTrial(geometry.name, source, without, without, accepted=False)
    estimate = (read.time_s - candidates.clock_s, max(2.0 * read.uncertainty_s, MIN_ORIGIN_DEVIATION_S))
    starts = [geocentric(region.latitude_deg, region.longitude_deg) for region in regions[:4]]
    found = locate_by_arrival_times(replace(candidates, origin_estimate=estimate), prior, starts)
    if found is None:
        return FewTrial(geometry.name, source, without, without, accepted=False)
    majority = detected_by_majority(found.arrivals, len(candidates.trace_indices))
    served = mix_solution(found, without, far_array=geometry.radius_deg is not None)
    return FewTrial(geometry.name, source, without, served, accepted=majority and found.log_evidence >= MIN_LOG_EVIDENCE)


def draw_few_stations(
    geometry: Geometry, earthquakes: EarthquakeCatalog, stations: StationCatalog, random: np.random.Generator
) -> tuple[tuple[float, float], float, tuple[Floats, Floats]]:
    """Draw an epicenter and depth of the catalog, and latitudes and longitudes of stations of the geometry."""
    while True:
        event = int(random.integers(len(earthquakes.depths_km)))
        source = (float(earthquakes.latitudes_deg[event]), float(earthquakes.longitudes_deg[event]))
        rows = select_stations(geometry, source, stations, random)
        if len(rows):
            return source, float(earthquakes.depths_km[event]), (stations.latitudes_deg[rows], stations.longitudes_deg[rows])


def simulate_candidates(stations: tuple[Floats, Floats, Floats], depth_km: float, random: np.random.Generator) -> Candidates | None:
    """Simulate picks and envelope peaks at stations (distances, latitudes, longitudes), false ones only at some stations of weak events."""
    distances, latitudes, longitudes = stations
    span = draw_span(distances, depth_km, random)
    picks = simulate_pick_sets(stations, depth_km, span, random)
    peaks = simulate_envelope_peaks(distances, depth_km, span, random)
    picks = hide_arrivals(picks, random) if random.uniform() < WEAK_PROBABILITY else picks
    return collect_candidates(picks, peaks, latitudes, longitudes)


def mix_solution(found: ArrivalTimeSolution, without: HypothesisMixture, *, far_array: bool) -> HypothesisMixture:
    """Mix a solution with the other observations as served (`models.analysis.refinement`)."""
    probability = min(weigh_arrivals(found), PROBABILITY if far_array else 1.0)
    if probability == 0.0:
        return without
    timed = OriginTime(found.depth_time.time_s, found.depth_time.time_uncertainty_s)
    return mix_doubtful_arrivals(found.regions, without.regions, timed, without.origin, probability)


def hide_arrivals(picks: Sequence[Picks], random: np.random.Generator) -> list[Picks]:
    """Replace the picks of 20 to 90 % of the traces by as many false ones."""
    share, result = random.uniform(0.2, 0.9), []
    for one in picks:
        times = np.sort(random.uniform(one.start_s, one.end_s, len(one.times_s)))
        false = replace(one, times_s=times, strengths=random.uniform(2.0, 3.5, len(times)))
        result.append(false if random.uniform() < share else one)
    return result


def simulate_origin_time(errors_deg: Floats, sigmas_deg: Floats, random: np.random.Generator) -> OriginTime:
    """Simulate the origin time of the distance readings, given the errors and standard deviations [n] of the distances."""
    common = float(np.average(errors_deg, weights=sigmas_deg**-2.0))
    spread = max(float(np.hypot(np.sum(sigmas_deg**-2.0) ** -0.5, COMMON_ERROR_DEG)), 0.8 * float(np.median(sigmas_deg)))
    own = ORIGIN_OWN_ERROR_S * float(random.normal())
    moved = ORIGIN_SLOPE_S * float(np.clip(common, -MAX_MOVE_DEG, MAX_MOVE_DEG))
    return OriginTime(own - moved, float(np.hypot(ORIGIN_SLOPE_S * spread, ORIGIN_OWN_ERROR_S)))


def simulate_back_azimuths(
    source: tuple[float, float], places: tuple[Floats, Floats], random: np.random.Generator
) -> BackAzimuthLikelihoods:
    """Simulate back azimuths by polarization at places (latitudes, longitudes), one in five of them wrong."""
    latitudes, longitudes = geocentric_latitude_deg(places[0]), places[1]
    true = np.radians(back_azimuth_deg(float(geocentric_latitude_deg(source[0])), source[1], latitudes, longitudes))
    deviation, count = np.radians(AZIMUTH_DEVIATION_DEG), len(true)
    wrong = random.uniform(size=count) < AZIMUTH_OUTLIERS
    measured = np.where(wrong, random.uniform(0.0, 2.0 * np.pi, count), true + deviation * random.normal(size=count))
    shape = np.exp((np.cos(BACK_AZIMUTHS - measured[:, None]) - 1.0) / deviation**2)
    llr = np.log(AZIMUTH_OUTLIERS + (1.0 - AZIMUTH_OUTLIERS) * shape / shape.mean(axis=1, keepdims=True))
    return BackAzimuthLikelihoods(np.arange(count), unit_vectors(latitudes, longitudes), llr)


def write_few_stations_page(settings: TrainingSettings, command: str, trials: int, seed: int) -> Path:
    """Simulate `trials` events of each geometry; write `few_stations.md`."""
    catalogs = load_earthquakes(settings.data_dir, seed), load_stations(settings.data_dir)
    simulated = [simulate_few_trial(number, seed, *catalogs) for number in range(trials * len(GEOMETRIES))]
    kept = [one for one in simulated if not one.accepted]
    groups = [(name, [one for one in kept if one.geometry == name]) for name in (geometry.name for geometry in GEOMETRIES)]
    groups += [("all", kept), ("of these, with arrival times", [one for one in kept if one.is_mixed])]
    lines = [line for name, group in groups if group for line in (describe_trials(name, group, served=False), describe_trials(name, group))]
    accepted = str(len(simulated) - len(kept))
    return write_page(RESULTS / "few_stations.md", TEMPLATE, command, table=format_table(HEADS, lines), accepted=accepted)


def describe_trials(name: str, trials: Sequence[FewTrial], *, served: bool = True) -> tuple[str, ...]:
    """Format errors and coverage of events in the columns of HEADS, as served or without arrival times."""
    answers = [one.served if served else one.without for one in trials]
    errors = [measure_error_km(answer.regions[0], one.source) for answer, one in zip(answers, trials, strict=True)]
    scales = np.array([scales_to_contain(answer.regions, one.source) for answer, one in zip(answers, trials, strict=True)])
    times = np.array([(abs(answer.origin.time_s), answer.origin.uncertainty_s) for answer in answers])
    return (
        name,
        str(len(trials)),
        f"weighed at {sum(one.is_mixed for one in trials)}" if served else "not used",
        format_median(errors),
        f"{np.mean(np.array(errors) > 1000.0):.0%}",
        *(format_fraction((scales[:, column] <= 1.0).tolist()) for column in (0, 1)),
        format_median(times[:, 0].tolist()),
        f"{np.median(times[:, 1]):.0f}",
        *(format_fraction((times[:, 0] <= factor * times[:, 1]).tolist()) for factor in (1.0, 3.0)),
    )


def measure_error_km(region: EpicenterRegion, source: tuple[float, float]) -> float:
    """Measure the distance of a region's epicenter from the true one in kilometers."""
    return float(distance_deg(*source, region.latitude_deg, region.longitude_deg)) * KM_PER_DEGREE
