"""
Depths by depth phases on simulated records: how often they are found, how wrong the depth is, and whether its error is as stated.

Records are those of `body_wave_simulation`, with a prior of depth for each epicenter (`log_depth_prior`) and neither arrival times nor a
section, which the service combines them with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from models.analysis.depth import VELOCITY_ERROR_FRACTION, VELOCITY_ERROR_KM
from models.array_types import Floats
from models.seismic.association.grid_scan import log_depth_prior
from models.seismic.depth_phases.likelihood import find_depth_phases
from models.seismic.geodesy import geocentric
from training.config import TrainingSettings
from training.evaluation.metrics import format_fraction
from training.evaluation.pages import RESULTS, format_table, write_page
from training.experiments.location.body_wave_simulation import GEOMETRIES, draw_body_waves
from training.synthesis.catalogs import load_earthquakes, load_stations

TEMPLATE = Path(__file__).parents[1] / "templates" / "depth_phases.md"
DEPTH_BORDERS_KM = (0.0, 60.0, 150.0, 700.0)
NEAR_KM = 15.0
CONCENTRATED_KM = 25.0
"""A posterior is concentrated where four fifths of it lie within so much of its maximum."""
MIN_CONCENTRATION = 0.8
HEADS = (
    *("geometry", "depth, km", "events", "median prior deviation, km", "phases found", "stated deviation, km", "concentrated"),
    *("of these right", "within 1 deviation", "within 3"),
)


@dataclass(frozen=True)
class DepthTrial:
    """A simulated event: mean and deviation of the depth, those of the prior, and the share of the posterior near its maximum."""

    geometry: str
    true_km: float
    depth_km: float
    deviation_km: float
    mode_km: float
    concentration: float
    prior_deviation_km: float
    found: bool


def run_trials(settings: TrainingSettings, count: int, seed: int) -> list[DepthTrial | None]:
    """Simulate events and read their depths; None where too few records show P."""
    catalogs = (load_earthquakes(settings.data_dir, seed), load_stations(settings.data_dir))
    trials: list[DepthTrial | None] = []
    for number in range(count):
        event = draw_body_waves(*catalogs, np.random.default_rng([seed, number]))
        phases = find_depth_phases(event.records, event.onsets, event.distances_deg)
        if phases is None:
            trials.append(None)
            continue
        log_prior = log_depth_prior(phases.depths_km, geocentric(*event.epicenter_deg)[None])[:, 0]
        mean, deviation, posterior = summarize(phases.depths_km, log_prior + phases.log_likelihood)
        mode = float(phases.depths_km[np.argmax(posterior)])
        trials.append(
            DepthTrial(
                geometry=event.geometry,
                true_km=event.depth_km,
                depth_km=mean,
                deviation_km=float(np.hypot(deviation, VELOCITY_ERROR_KM + VELOCITY_ERROR_FRACTION * mean)),
                mode_km=mode,
                concentration=float(posterior[np.abs(phases.depths_km - mode) <= CONCENTRATED_KM].sum()),
                prior_deviation_km=summarize(phases.depths_km, log_prior)[1],
                found=phases.found,
            )
        )
    return trials


def summarize(depths_km: Floats, log_density: Floats) -> tuple[float, float, Floats]:
    """Return mean, standard deviation and probabilities [d] of a log density [d] at equally spaced depths."""
    probability = np.exp(log_density - log_density.max())
    probability /= probability.sum()
    mean = float((probability * depths_km).sum())
    return mean, float(np.sqrt((probability * (depths_km - mean) ** 2).sum())), probability


def format_trials(trials: Sequence[DepthTrial]) -> list[Sequence[str]]:
    """Format the trials by geometry and class of depth, in the columns of HEADS."""
    lines: list[Sequence[str]] = []
    for geometry in (one.name for one in GEOMETRIES):
        for low, high in pairwise(DEPTH_BORDERS_KM):
            own = [trial for trial in trials if trial.geometry == geometry and low <= trial.true_km < high]
            if own:
                lines.append((geometry, f"{low:g} to {high:g}", *format_class(own)))
    return [*lines, ("all", "", *format_class(trials))]


def format_class(trials: Sequence[DepthTrial]) -> tuple[str, ...]:
    """Format counts, deviations and coverage of some trials."""
    concentrated = [trial.concentration >= MIN_CONCENTRATION for trial in trials]
    tolerances = [NEAR_KM + VELOCITY_ERROR_FRACTION * trial.true_km for trial in trials]
    right = [abs(trial.mode_km - trial.true_km) <= tolerance for trial, tolerance in zip(trials, tolerances, strict=True)]
    deviations = np.array([abs(trial.depth_km - trial.true_km) / trial.deviation_km for trial in trials])
    return (
        str(len(trials)),
        f"{np.median([trial.prior_deviation_km for trial in trials]):.0f}",
        format_fraction([trial.found for trial in trials]),
        f"{np.median([trial.deviation_km for trial in trials]):.0f}",
        format_fraction(concentrated),
        format_fraction([is_right for is_right, known in zip(right, concentrated, strict=True) if known]),
        format_fraction((deviations <= 1.0).tolist()),
        format_fraction((deviations <= 3.0).tolist()),
    )


def write_depth_phases_page(settings: TrainingSettings, command: str, trials: int, seed: int) -> Path:
    """Read the depths of `trials` simulated events; write `depth_phases.md`."""
    results = run_trials(settings, trials, seed)
    read = [trial for trial in results if trial is not None]
    return write_page(
        RESULTS / "depth_phases.md",
        TEMPLATE,
        command,
        trials=str(trials),
        seed=str(seed),
        unread=str(len(results) - len(read)),
        table=format_table(HEADS, format_trials(read)),
    )
