"""
Origin times of simulated networks with errors that stations share: least squares with and without their covariance.

Events, stations and picks are those of `arrival_simulation`, or their paths cross a crust that differs from ak135's in thickness and
velocities. Phases are associated at a source that is off as the stack's sources are, so that nothing is searched, and both fits start
from the same arrivals: the difference is that of the error model alone. Variances are those of a mixture with the stack's, as served.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.array_types import Floats
from models.seismic.association.arrivals import associate_arrivals
from models.seismic.association.candidates import Candidates, collect_candidates
from models.seismic.association.depth_time import DepthTime
from models.seismic.association.grid_scan import TrialSource
from models.seismic.association.origin_time import SHARED_ERRORS, ErrorModel, fit_origin_time
from models.seismic.earth.travel_times import MAX_CRUSTAL_DEG
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg, geocentric, geocentric_latitude_deg
from models.seismic.signal.rayleigh_envelope import EnvelopePeaks
from training.config import TrainingSettings
from training.evaluation.metrics import format_fraction
from training.evaluation.pages import RESULTS, format_table, write_page
from training.experiments.location.arrival_simulation import (
    draw_crust,
    draw_network_event,
    draw_span,
    simulate_pick_sets,
)
from training.synthesis.catalogs import EarthquakeCatalog, StationCatalog, load_earthquakes, load_stations

SOURCE_ERRORS = (10.0, 15.0, 2.5)
"""Standard deviations of the source that phases are associated at: epicenter and depth in kilometers, origin time in seconds."""
INDEPENDENT_ERRORS = ErrorModel(common_path=0.0, common_delay=0.0, crustal={})
MODELS = {"independent": INDEPENDENT_ERRORS, "shared": SHARED_ERRORS}
NO_PEAKS = EnvelopePeaks(np.zeros(0), np.zeros(0))
TEMPLATE = Path(__file__).parents[1] / "templates" / "origin_time_errors.md"
HEADS = (
    *("geometry", "crust", "errors taken for", "n", "median error, s", "median absolute error, s"),
    *("root mean square, s", "within one sigma"),
)


@dataclass(frozen=True)
class OriginError:
    """Error of an origin time and its standard deviation in seconds, of a geometry, a crust ("ak135" or "other") and a model of errors."""

    geometry: str
    crust: str
    model: str
    error_s: float
    sigma_s: float


def measure_origin_errors(earthquakes: EarthquakeCatalog, stations: StationCatalog, seed: int, number: int) -> Iterator[OriginError]:
    """Simulate one event, with the crust of ak135 and with another one, and fit its origin time, which is 0, with each model of errors."""
    for name in ("ak135", "other"):
        random = np.random.default_rng([seed, number])
        geometry, epicenter, depth_km, (latitudes, longitudes) = draw_network_event(earthquakes, stations, random)
        crust = draw_crust(random) if name == "other" else None
        if crust is not None and not (geometry.name in ("local", "regional") and depth_km < crust.thickness_km):
            continue
        distances = distance_deg(geocentric_latitude_deg(epicenter[0]), epicenter[1], geocentric_latitude_deg(latitudes), longitudes)
        picks = simulate_pick_sets((distances, latitudes, longitudes), depth_km, draw_span(distances, depth_km, random), random, crust)
        data = collect_candidates(picks, [NO_PEAKS] * len(picks), latitudes, longitudes)
        if data is not None:
            data = replace(data, crustal=bool(distances.min() <= MAX_CRUSTAL_DEG))
            for model in MODELS:
                yield from _fit_event(data, (geometry.name, name, model), epicenter, depth_km, np.random.default_rng([seed, number, 1]))


def _fit_event(
    data: Candidates, names: tuple[str, str, str], epicenter: tuple[float, float], depth_km: float, random: np.random.Generator
) -> Iterator[OriginError]:
    """Associate phases at a source near the true one and fit the origin time; nothing where too few arrivals fit."""
    place_km, deviation_km, time_s = SOURCE_ERRORS
    moved = destination(*epicenter, random.uniform(0.0, 360.0), abs(random.normal(0.0, place_km)) / KM_PER_DEGREE)
    depth = max(depth_km + deviation_km * random.normal(), 0.0)
    source = TrialSource(geocentric(*map(float, moved)), depth, time_s * random.normal() - data.clock_s, 0.0)
    joint = DepthTime(depth, source.time_s, deviation_km**2, time_s**2, 0.0)
    covariance = (place_km / KM_PER_DEGREE) ** 2 * np.eye(2)
    fitted = fit_origin_time(data, source, associate_arrivals(data, source), covariance, joint, MODELS[names[2]])
    if fitted is not None:
        yield OriginError(*names, fitted.time_s + data.clock_s, fitted.time_uncertainty_s)


def summarize_origin_errors(errors: Sequence[OriginError]) -> list[tuple[str, ...]]:
    """Summarize errors by geometry, crust and model of errors, in the columns of HEADS."""
    lines: list[tuple[str, ...]] = []
    for key in sorted({(one.geometry, one.crust, one.model) for one in errors}):
        own = [one for one in errors if (one.geometry, one.crust, one.model) == key]
        late = np.array([one.error_s for one in own])
        figures = (f"{np.median(late):+.2f}", f"{np.median(np.abs(late)):.2f}", f"{_root_mean_square(late):.2f}")
        lines.append((*key, str(len(own)), *figures, format_fraction([abs(one.error_s) <= one.sigma_s for one in own])))
    return lines


def _root_mean_square(errors: Floats) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def write_origin_time_errors_page(settings: TrainingSettings, command: str, trials: int, seed: int) -> Path:
    """Fit origin times of `trials` simulated events; write `origin_time_errors.md`."""
    catalogs = (load_earthquakes(settings.data_dir, seed), load_stations(settings.data_dir))
    errors = [one for number in range(trials) for one in measure_origin_errors(*catalogs, seed, number)]
    table = format_table(HEADS, summarize_origin_errors(errors))
    return write_page(RESULTS / "origin_time_errors.md", TEMPLATE, command, trials=str(trials), seed=str(seed), table=table)
