"""
Calibrate the depth that the section network predicts, by geometry: few stations, stations on one side, networks around the source.

Sections of training have 4 to 40 stations, mostly on all sides. Synthetic earthquakes are drawn here at geometries as single arrays and
small networks have them, and pass the serving chain: detection, distances, location, and the section at that epicenter and origin time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.analysis.combine import MIN_DEPTH_ERROR_KM, set_origin_time
from models.analysis.depth import measure_depth_phases
from models.analysis.detection import detect_event
from models.analysis.distances import read_distances
from models.analysis.hypocenter import combine_hypocenter
from models.analysis.pipeline import Models, predict_depth
from models.analysis.refinement import find_location
from models.analysis.sections import make_reference
from models.errors import TooFewStations, UnusableData
from models.imaging.conditioning import condition
from models.seismic.geodesy import KM_PER_DEGREE, distance_deg
from models.specs.pictures import CONDITIONING
from training.config import TrainingSettings
from training.earth import greens
from training.evaluation.evaluate import open_models
from training.evaluation.metrics import format_fraction
from training.evaluation.pages import RESULTS, format_table, write_page
from training.experiments.kept_results import continue_results
from training.experiments.location.arrival_simulation import Geometry, select_stations
from training.synthesis.events import (
    EventSampler,
    SyntheticEvent,
    draw_earthquake,
    draw_magnitude,
    draw_near_magnitude,
    open_sampler,
)
from training.synthesis.records import find_nearest_table, synthesize_records
from training.synthesis.station_geometry import snap_to_table
from training.synthesis.windows import draw_common_window

GEOMETRIES = (
    Geometry("few stations", (2, 3), (20.0, 100.0)),
    Geometry("array", (5, 25), (20.0, 95.0), 5.0),
    Geometry("one side", (6, 25), (20.0, 95.0), 15.0),
    Geometry("one side, regional", (4, 20), (1.0, 14.0), 4.0),
    Geometry("all sides", (8, 40), (15.0, 95.0)),
    Geometry("all sides, regional", (6, 40), (0.3, 14.0)),
)
MAX_REGIONAL_DEG = 15.0
DEPTHS_KM = ((0.0, 30.0), (30.0, 70.0), (70.0, 300.0), (300.0, 700.0))
TEMPLATE = Path(__file__).parents[1] / "templates" / "section_depth.md"
HEADS = (
    "events",
    "n",
    "read within 1, 3 standard deviations",
    "n stated",
    "stated within 1, 3 standard deviations",
    "median stated, km",
    "in the stated 90 % interval",
    "median width of it, km",
)


@dataclass(frozen=True)
class SectionDepth:
    """Depth of a simulated event by its section, beside the truth, and what it was read from; NaN where nothing was located."""

    geometry: str
    stations: int
    depth_km: float
    magnitude: float
    detected: bool = False
    method: str = ""
    gap_deg: float = np.nan
    median_distance_deg: float = np.nan
    epicenter_error_km: float = np.nan
    section_km: float = np.nan
    section_sigma_km: float = np.nan
    stated_km: float = np.nan
    stated_sigma_km: float = np.nan
    stated_low_km: float = np.nan
    stated_high_km: float = np.nan


def draw_depths(sampler: EventSampler, models: Models, count: int, seed: int, path: Path) -> Iterator[SectionDepth]:
    """Simulate events one after another, each with a seed of its own, or read them from a file of an earlier run."""

    def simulate(first: int) -> Iterator[SectionDepth]:
        for number in range(first, count):
            event, start = draw_at_geometry(sampler, GEOMETRIES[number % len(GEOMETRIES)], np.random.default_rng([seed, number]))
            yield measure_depth(models, event, start)

    return continue_results(path, count, lambda row: SectionDepth(**row), simulate)


def draw_at_geometry(sampler: EventSampler, geometry: Geometry, random: np.random.Generator) -> tuple[SyntheticEvent, SectionDepth]:
    """Draw an earthquake recorded at a geometry, and the result that is known before it is measured."""
    near = geometry.distances_deg[1] <= MAX_REGIONAL_DEG
    while True:
        magnitude = draw_near_magnitude("earthquake", random) if near else draw_magnitude(random)
        source, year = draw_earthquake(sampler, random, (magnitude, magnitude))
        epicenter = (source.latitude_deg, source.longitude_deg)
        rows = select_stations(geometry, epicenter, sampler.stations, random)
        if not len(rows):
            continue
        stations = snap_to_table(sampler.stations, rows, epicenter, find_nearest_table(sampler.store, source))
        windows = draw_common_window(stations, source.depth_km, random)
        records = synthesize_records(sampler.stores, source, stations, windows, sampler.realism, random)
        return SyntheticEvent(source, stations, records, year), SectionDepth(geometry.name, len(records), source.depth_km, magnitude)


def measure_depth(models: Models, event: SyntheticEvent, start: SectionDepth) -> SectionDepth:
    """Detect and locate an event as served, predict its depth from its section, and state it as served without an inversion."""
    try:
        gather = condition(event.records, CONDITIONING)
        if not detect_event(event.records, gather, models["offset"]).detected:
            return start
        readings = read_distances(models["offset"], gather, event.records)
        refined = find_location(event.records, gather, readings)
    except (UnusableData, TooFewStations):
        return start
    if readings.withheld:
        return start
    location = refined.location
    shown = set_origin_time(readings, refined.origin)
    depth = predict_depth(models["depth"], gather, shown, make_reference(location))
    error_deg = distance_deg(event.source.latitude_deg, event.source.longitude_deg, location.latitude_deg, location.longitude_deg)
    found = replace(
        start,
        detected=True,
        method=refined.method,
        gap_deg=location.azimuthal_gap_deg,
        median_distance_deg=float(np.median(event.stations.distances_deg)),
        epicenter_error_km=float(error_deg) * KM_PER_DEGREE,
        section_km=depth.depth_km,
        section_sigma_km=depth.uncertainty_km,
    )
    phases = measure_depth_phases(event.records, gather, refined)
    stations, by_arrivals = (gather.latitudes_deg, gather.longitudes_deg), not refined.begins_late
    stated = combine_hypocenter(readings, refined, depth, stations, depth_of_arrivals=by_arrivals, phases=phases).depth
    if stated is None or stated.interval_90_km is None:
        return found
    low_km, high_km = stated.interval_90_km
    return replace(found, stated_km=stated.depth_km, stated_sigma_km=stated.uncertainty_km, stated_low_km=low_km, stated_high_km=high_km)


def format_depth_coverage(results: Sequence[SectionDepth]) -> list[tuple[str, ...]]:
    """Format how often depths as read and as stated lie within their deviations, by geometry and by true depth, in the columns of HEADS."""
    groups = {geometry.name: [one for one in results if one.geometry == geometry.name] for geometry in GEOMETRIES}
    for low, high in DEPTHS_KM:
        groups[f"{low:.0f} to {high:.0f} km deep"] = [one for one in results if low <= one.depth_km < high]
    groups["all"] = list(results)
    lines: list[tuple[str, ...]] = []
    for name, group in groups.items():
        read = np.array([abs(one.section_km - one.depth_km) / max(one.section_sigma_km, MIN_DEPTH_ERROR_KM) for one in group])
        stated = [one for one in group if np.isfinite(one.stated_km)]
        served = np.array([abs(one.stated_km - one.depth_km) / one.stated_sigma_km for one in stated])
        shares = [
            "; ".join(format_fraction(list(scales <= limit)) for limit in (1.0, 3.0)) if len(scales) else "" for scales in (read, served)
        ]
        median = f"{np.median([one.stated_sigma_km for one in stated]):.0f}" if stated else ""
        inside = format_fraction([one.stated_low_km <= one.depth_km <= one.stated_high_km for one in stated]) if stated else ""
        width = f"{np.median([one.stated_high_km - one.stated_low_km for one in stated]):.0f}" if stated else ""
        lines.append((name, str(len(group)), shares[0], str(len(stated)), shares[1], median, inside, width))
    return lines


def describe_misread(located: Sequence[SectionDepth], far: Sequence[bool], low_km: float, high_km: float) -> str:
    """Count the misread sections among those of a range of true depths."""
    own = [is_far for one, is_far in zip(located, far, strict=True) if low_km <= one.depth_km < high_km]
    return f"{sum(own)} of {len(own)}"


def write_section_depth_page(settings: TrainingSettings, command: str, store: str, trials: int, seed: int) -> Path:
    """Simulate `trials` events and write `section_depth.md`."""
    sampler = open_sampler(greens.load_store(settings.build_dir / "greens" / store), settings, seed)
    path = settings.build_dir / "evaluation" / f"section-depth-{seed}.jsonl"
    located = [one for one in draw_depths(sampler, open_models(settings), trials, seed, path) if one.detected]
    far = [abs(one.section_km - one.depth_km) > 3.0 * max(one.section_sigma_km, MIN_DEPTH_ERROR_KM) for one in located]
    return write_page(
        RESULTS / "section_depth.md",
        TEMPLATE,
        command,
        trials=str(trials),
        located=str(len(located)),
        store=store,
        seed=str(seed),
        misread=format_fraction(far),
        by_depth="; ".join(f"{low:.0f} to {high:.0f} km {describe_misread(located, far, low, high)}" for low, high in DEPTHS_KM),
        coverage=format_table(HEADS, format_depth_coverage(located)),
    )
