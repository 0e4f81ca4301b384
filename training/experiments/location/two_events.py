"""
How often a second event is found in a window that holds two, and in one that holds a single event with phases that the tables lack.

Arrival times are simulated at real stations (`arrival_simulation`). Later phases of ak135 by TauP, core reflections and multiples among
them, are picked in some events at some stations, and coda has picks of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from models.analysis.arrival_times import MIN_STATIONS, is_significant
from models.array_types import Floats
from models.seismic.association.candidates import collect_candidates
from models.seismic.association.locate import ArrivalTimeSolution, locate_by_arrival_times
from models.seismic.association.second_source import (
    MIN_ONE_SIDED_SCORE,
    MIN_SCORE,
    SecondSource,
    comes_from_elsewhere,
    count_first_arrivals,
    is_widely_recorded,
    score_second_source,
    select_picks,
)
from models.seismic.earth.travel_times import first_arrival_s
from models.seismic.geodesy import destination, distance_deg, geocentric, geocentric_latitude_deg
from models.seismic.location.distances import prepare_distances
from models.seismic.location.solution import StationDistances
from models.seismic.signal.picker import BANDS_HZ, MAX_PICKS, Picks, short_window_s
from training.config import TrainingSettings
from training.evaluation.event_result import EDITION
from training.evaluation.metrics import wilson
from training.evaluation.pages import RESULTS, format_table, write_page
from training.experiments.kept_results import continue_results
from training.experiments.location.arrival_simulation import (
    GEOMETRIES,
    START_ERROR_DEG,
    choose_bands,
    draw_network_event,
    draw_span,
    simulate_pick_sets,
)
from training.experiments.location.simulated_networks import simulate_distances, simulate_envelope_peaks
from training.synthesis.catalogs import EarthquakeCatalog, StationCatalog, load_earthquakes, load_stations

TEMPLATE: Final = Path(__file__).parents[1] / "templates" / "two_events.md"
GAP_S: Final = (300.0, 1200.0)
"""Between the origins of two events."""
OTHER_PHASES: Final = ("PcP", "ScP", "PcS", "PKiKP", "ScS", "PPP", "SS", "SSS", "sS", "SKS", "PKKP", "SKP", "PKIKKIKP", "SKKS", "PS")
EVENT_PROBABILITY, STATION_PROBABILITY = 0.3, 0.5
"""Probability that stations pick such a phase in an event at all, and that one of them then does."""
CODA_PICKS, CODA_S = 1.5, 80.0
"""Mean number of picks in the coda of P and S, and their mean time after it."""
MAX_MEDIAN_DEG: Final = 100.0  # farther, P is seen at few stations
MAX_TIME_ERROR_S: Final = 90.0
HEADS: Final = ("geometry", "one event: called two", "two events: recognized", "of these: both origin times within 90 s")


@dataclass(frozen=True)
class WindowTrial:
    """A simulated window: its events, whether the first was located, and the score and stations of the best second source."""

    geometry: str
    events: int
    accepted: bool
    stations: int = 0
    score: float = float("nan")
    second_stations: int = 0
    right: bool = False
    elsewhere: bool = True

    def is_found(self, min_score: float = MIN_SCORE) -> bool:
        """Whether the window is answered to hold two events."""
        return self.score >= min_score and self.elsewhere and is_widely_recorded(self.second_stations, self.stations)


@cache
def other_arrivals(depth_km: float) -> dict[str, tuple[Floats, Floats]]:
    """Travel times of the phases that the tables lack: distances and times of each, every two degrees from a depth."""
    from obspy.taup import TauPyModel  # noqa: PLC0415  (seconds to load)

    taup = TauPyModel("ak135")
    found: dict[str, dict[float, float]] = {}
    for distance in np.arange(1.0, 180.0, 2.0):
        for one in taup.get_travel_times(depth_km, float(distance), phase_list=OTHER_PHASES):
            found.setdefault(one.name, {}).setdefault(float(distance), one.time)
    return {name: (np.array(list(times)), np.array(list(times.values()))) for name, times in found.items()}


def simulate_later_picks(distances: Floats, depth_km: float, picks: Sequence[Picks], random: np.random.Generator) -> list[Picks]:
    """Add picks of phases that the tables lack, and of coda, to those of an event of origin time 0."""
    times: list[list[float]] = [[] for _ in distances]
    for known, seconds in other_arrivals(min((15.0, 150.0, 500.0), key=lambda depth: abs(depth - depth_km))).values():
        if random.uniform() > EVENT_PROBABILITY:
            continue
        near = np.abs(distances[:, None] - known).min(axis=1) <= 2.0
        for i in np.flatnonzero(near & (random.uniform(size=len(distances)) < STATION_PROBABILITY)):
            times[i].append(float(np.interp(distances[i], known, seconds) + random.normal(0.0, 2.0)))
    starts = first_arrival_s(distances, depth_km)
    for own, start in zip(times, starts.tolist(), strict=True):
        for begin in (start, 1.75 * start):
            own.extend((begin + random.exponential(CODA_S, random.poisson(CODA_PICKS))).tolist())
    return [add_picks(*one, random) for one in zip(picks, map(np.array, times), distances.tolist(), strict=True)]


def add_picks(pick: Picks, times_s: Floats, distance: float, random: np.random.Generator) -> Picks:
    """Add picks of so many times to those of a trace."""
    times = times_s[(times_s > pick.start_s) & (times_s < pick.end_s)]
    bands = random.choice(choose_bands(distance, broadband=True), len(times)).astype(np.int64)
    strengths, windows = random.uniform(2.0, 4.5, len(times)), np.array([short_window_s(*band) for band in BANDS_HZ])
    uncertainties = windows[bands] * (0.15 + 0.6 / (strengths - 1.0))
    return join_picks(pick, Picks(pick.start_s, pick.end_s, times, uncertainties, strengths, bands, np.zeros(len(times), np.bool_)))


def join_picks(one: Picks, other: Picks, shift_s: float = 0.0) -> Picks:
    """Join the picks of two events, the other one later by `shift_s`, at most `MAX_PICKS` of a band as the picker has it."""
    other = replace(other, times_s=other.times_s + shift_s)
    names = ("times_s", "uncertainties_s", "strengths", "bands", "horizontal")
    joined = Picks(
        min(one.start_s, other.start_s + shift_s),
        max(one.end_s, other.end_s + shift_s),
        *(np.concatenate((getattr(one, name), getattr(other, name))) for name in names),
    )
    stronger = (joined.bands[:, None] == joined.bands) & (joined.strengths > joined.strengths[:, None])
    return select_picks(joined, stronger.sum(axis=1) < MAX_PICKS)


def simulate_window(earthquakes: EarthquakeCatalog, stations: StationCatalog, events: int, random: np.random.Generator) -> WindowTrial:
    """Simulate one or two events at the same stations, and look for a second one as served."""
    geometry, source, depth_km, (latitudes, longitudes) = draw_network_event(earthquakes, stations, random)
    hypocenters, gap_s = [(source, depth_km)], float(random.uniform(*GAP_S))
    if events > 1:
        hypocenters.append(draw_other_event(earthquakes, latitudes, longitudes, random))
    stations_geocentric = (geocentric_latitude_deg(latitudes), longitudes)
    distances = [distance_deg(geocentric_latitude_deg(place[0]), place[1], *stations_geocentric) for place, _ in hypocenters]
    spans = [draw_span(one, depth, random) for one, (_, depth) in zip(distances, hypocenters, strict=True)]
    span = (spans[0][0], max(end + number * gap_s for number, (_, end) in enumerate(spans)))
    picks: list[Picks] = []
    for number, (one, (_, depth)) in enumerate(zip(distances, hypocenters, strict=True)):
        late_s = number * gap_s
        drawn = simulate_pick_sets((one, latitudes, longitudes), depth, (span[0] - late_s, span[1] - late_s), random)
        drawn = simulate_later_picks(one, depth, drawn, random)
        picks = [join_picks(*pair, late_s) for pair in zip(picks, drawn, strict=True)] if number else drawn
    first = locate_first(picks, distances[0], span, (source, depth_km, latitudes, longitudes), random)
    if first is None:
        return WindowTrial(geometry.name, events, accepted=False)
    second = score_second_source(picks, latitudes, longitudes, first)
    elsewhere = second is not None and comes_from_elsewhere(latitudes, longitudes, first, second)
    return replace(compare_second(WindowTrial(geometry.name, events, accepted=True), first, second, gap_s), elsewhere=elsewhere)


def locate_first(
    picks: Sequence[Picks],
    distances: Floats,
    span: tuple[float, float],
    truth: tuple[tuple[float, float], float, Floats, Floats],
    random: np.random.Generator,
) -> ArrivalTimeSolution | None:
    """Locate by arrival times as served, with simulated distances of the first event of `truth` (epicenter, depth, stations)."""
    source, depth_km, latitudes, longitudes = truth
    candidates = collect_candidates(picks, simulate_envelope_peaks(distances, depth_km, span, random), latitudes, longitudes)
    if candidates is None or len(candidates.trace_indices) < MIN_STATIONS:
        return None
    prior = prepare_distances(StationDistances(latitudes, longitudes, *simulate_distances(distances, random))).log_likelihood
    start = destination(*source, random.uniform(0.0, 360.0), abs(random.normal(0.0, START_ERROR_DEG)))
    first = locate_by_arrival_times(candidates, prior, [geocentric(*map(float, start))])
    return first if first is not None and is_significant(first, len(latitudes), (latitudes, longitudes)) else None


def compare_second(trial: WindowTrial, first: ArrivalTimeSolution, second: SecondSource | None, gap_s: float) -> WindowTrial:
    """State the score of the best second source, and whether the two origin times are those of the two events."""
    trial = replace(trial, stations=count_first_arrivals(first.arrivals))
    if second is None:
        return trial
    times = sorted((first.depth_time.time_s, second.time_s))
    right = trial.events > 1 and max(abs(times[0]), abs(times[1] - gap_s)) < MAX_TIME_ERROR_S
    return replace(trial, score=second.score, second_stations=count_first_arrivals(second.arrivals), right=right)


def draw_other_event(
    earthquakes: EarthquakeCatalog, latitudes: Floats, longitudes: Floats, random: np.random.Generator
) -> tuple[tuple[float, float], float]:
    """Draw another earthquake of the catalog, whose P most of the stations may record."""
    while True:
        event = int(random.integers(len(earthquakes.depths_km)))
        source = (float(earthquakes.latitudes_deg[event]), float(earthquakes.longitudes_deg[event]))
        if float(np.median(distance_deg(*source, latitudes, longitudes))) < MAX_MEDIAN_DEG:
            return source, float(earthquakes.depths_km[event])


def draw_windows(
    earthquakes: EarthquakeCatalog, stations: StationCatalog, events: int, count: int, seed: int, path: Path
) -> Iterator[WindowTrial]:
    """Simulate windows one after another, each with a seed of its own, or read them from a file of an earlier run."""

    def simulate(first: int) -> Iterator[WindowTrial]:
        for number in range(first, count):
            yield simulate_window(earthquakes, stations, events, np.random.default_rng([seed, events, number]))

    return continue_results(path, count, lambda row: WindowTrial(**row), simulate)


def format_windows(trials: Sequence[WindowTrial]) -> str:
    """Format a row for each geometry: windows of one event called two, and windows of two events recognized, with both times right."""
    rows = []
    for name in (*(geometry.name for geometry in GEOMETRIES), "all"):
        chosen = [trial for trial in trials if trial.accepted and name in (trial.geometry, "all")]
        one, two = ([trial for trial in chosen if trial.events == events] for events in (1, 2))
        found = [trial for trial in two if trial.is_found()]
        cells = [
            (sum(trial.is_found() for trial in one), len(one)),
            (len(found), len(two)),
            (sum(trial.right for trial in found), len(found)),
        ]
        rows.append((name, *(format_count(*cell) for cell in cells)))
    return format_table(HEADS, rows)


def format_count(count: int, total: int) -> str:
    """Format a number of windows with Wilson's interval."""
    low, high = wilson(count, total)
    return f"{count} of {total} ({low:.0%} to {high:.0%})".replace("%", " %")


def format_scores(trials: Sequence[WindowTrial]) -> str:
    """Format what other least scores would give."""
    one, two = ([trial for trial in trials if trial.accepted and trial.events == events] for events in (1, 2))
    rows = [
        (f"{score:g}", *(format_count(sum(trial.is_found(score) for trial in kind), len(kind)) for kind in (one, two)))
        for score in (4.0, 8.0, 12.0, 16.0, 20.0, 30.0)
    ]
    return format_table(("smallest score", "one event: called two", "two events: recognized"), rows)


def write_two_events_page(settings: TrainingSettings, command: str, trials: int, seed: int) -> Path:
    """Simulate so many windows of one event, and a third as many of two; write `two_events.md`."""
    catalogs = (load_earthquakes(settings.data_dir, seed), load_stations(settings.data_dir))
    folder = settings.build_dir / "evaluation"
    windows = [
        trial
        for events, count in ((1, trials), (2, trials // 3))
        for trial in draw_windows(*catalogs, events, count, seed, folder / f"two-events-{EDITION}-{events}-{seed}.jsonl")
    ]
    tables = {
        "windows": format_windows(windows),
        "scores": format_scores(windows),
        "score": f"{MIN_SCORE:g}",
        "one_sided": f"{MIN_ONE_SIDED_SCORE:g}",
    }
    return write_page(RESULTS / "two_events.md", TEMPLATE, command, **tables)
