"""
Calibrate epicenter, origin time and depth, and measure their coverage: synthetic events first, then real ones.

Factors on regions and standard deviations are fitted (`training.evaluation.region_calibration`: split conformal prediction, and 1 where
coverage does not differ from the stated one significantly) by location method and effective stations: for arrival times on simulated ones
(`arrival_simulation`), for the other methods on validation parts of the synthetic catalog replica. Real events test the result and fit
nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from models.array_types import Floats
from models.seismic.location.geometry_scales import HYPOCENTER_KEY, REGIONS_KEY, parse_scales
from models.seismic.location.regions import CONFIDENCE, CONFIDENCE_90
from training.config import TrainingSettings
from training.datasets.catalog_replica import ReplicaRecipe
from training.datasets.splits import SPLIT_NAMES
from training.evaluation.card_writer import update_card
from training.evaluation.evaluate import Switches, evaluate
from training.evaluation.event_result import EDITION, EventResult, select_located
from training.evaluation.event_sources import FolderSource, ReplicaSource
from training.evaluation.location_page import load_replica_recipe
from training.evaluation.metrics import format_fraction
from training.evaluation.pages import RESULTS, format_records, format_table, write_page
from training.evaluation.region_calibration import (
    MIN_EVENTS,
    fit_by_method,
    fit_scales,
)
from training.experiments.location.arrival_simulation import ArrivalTrial, draw_trials
from training.synthesis.catalogs import load_earthquakes, load_stations

ARRIVAL_TIMES = "distances+arrival-times"
ALONE = "arrival-times"
SHARED = {ALONE: ARRIVAL_TIMES, "distances+polarization": "distances", "distances+array-slowness": "distances"}
"""Methods that share the factors of another one: their origin times and depths come from the same observations."""
REPLICAS = 2
"""Replicas whose validation parts are evaluated: the same catalog, other stations, noise and mechanisms."""
FOLDS = 5
"""Parts of the events of a method, each scored with factors fitted on the others."""
TEMPLATE = Path(__file__).parents[1] / "templates" / "hypocenter_coverage.md"
HEADS = ("events", "n", "epicenter in 68 %, 90 % region", "time within 1, 3 sigma", "n with depth", "depth within 1, 3 sigma")


@dataclass(frozen=True)
class HypocenterSample:
    """
    Factors by which the stated errors of one event must be enlarged to reach the truth, NaN where one is unknown.

    `region_68`, `region_90` for the epicenter's regions, `time` and `depth` for one standard deviation each.
    """

    effective_stations: float
    median_distance_deg: float
    region_68: float
    region_90: float
    time: float
    depth: float


def sample_result(result: EventResult) -> HypocenterSample:
    """
    Take the factors of an evaluated event.

    Where no class is decided no depth is served; that of the section then stands for it, which methods by waveforms would serve.
    """
    place, depth = result.epicenter, result.depth_scale
    if np.isnan(depth) and result.method != ARRIVAL_TIMES:
        depth = abs(result.depth_error_km) / result.network_depth_sigma_km
    return HypocenterSample(
        place.effective_stations, result.median_distance_deg, place.scale_68, place.scale_90, result.origin_scale, depth
    )


def sample_trial(trial: ArrivalTrial) -> HypocenterSample:
    """Take the factors of a simulated event."""
    return HypocenterSample(
        trial.effective_stations, trial.median_distance_deg, trial.scale_68, trial.scale_90, trial.origin_scale, trial.depth_scale
    )


def fit_samples(
    samples: Sequence[HypocenterSample], pooled: Sequence[HypocenterSample] = (), quantity: str = "effective_stations"
) -> dict[str, Any] | None:
    """
    Fit the factors on origin time and depth by class of a quantity of the geometry, as a card holds them (`fit_scales`).

    Events of other methods (`pooled`) count where the method has fewer than 30 itself; None where even these are too few.
    """
    used = samples if len(samples) >= MIN_EVENTS else [*samples, *pooled]
    values, times, depths = (np.array([getattr(one, name) for one in used]) for name in (quantity, "time", "depth"))
    return fit_scales(quantity, values, time=(times, CONFIDENCE), depth=(depths, CONFIDENCE))


def fit_methods(groups: Mapping[str, Sequence[HypocenterSample]]) -> dict[str, Any]:
    """Fit the factors of every method; those by waveforms (all but arrival times) lend each other events where they have too few."""
    fitted = {}
    for method, samples in groups.items():
        names = [] if method == ARRIVAL_TIMES else [name for name in groups if name not in (method, ARRIVAL_TIMES)]
        others = [one for name in names for one in groups[name]]
        factors = fit_samples(samples, others, "median_distance_deg" if method == ARRIVAL_TIMES else "effective_stations")
        if factors is not None:
            fitted[method] = factors
    return fitted


def apply_scales(samples: Sequence[HypocenterSample], table: Mapping[str, Any]) -> list[HypocenterSample]:
    """Divide what samples need by the factors of their class, as if these had been served."""
    scales = parse_scales(table, "time", "depth")
    applied = []
    for one in samples:
        time, depth = scales.at(asdict(one))
        applied.append(replace(one, time=one.time / time, depth=one.depth / depth))
    return applied


def cross_validate(samples: Sequence[HypocenterSample], quantity: str = "effective_stations") -> list[HypocenterSample]:
    """Apply to each fold the factors that the other folds give."""
    applied: list[HypocenterSample] = []
    for fold in range(FOLDS):
        table = fit_samples([one for number, one in enumerate(samples) if number % FOLDS != fold], (), quantity)
        own = list(samples[fold::FOLDS])
        applied += own if table is None else apply_scales(own, table)
    return applied


def name_classes(table: Mapping[str, Any]) -> list[str]:
    """Name the classes of a table of factors."""
    bounds, quantity = [f"{bound:g}" for bound in table["bounds"]], str(table["quantity"]).replace("_deg", ", degrees,").replace("_", " ")
    ranges = [f"below {bounds[0]}", *(f"{low} to {high}" for low, high in pairwise(bounds)), f"from {bounds[-1]}"]
    return [f"{quantity} {one}" for one in ranges]


def format_factors(factors: Mapping[str, Any], first: tuple[str, str], second: tuple[str, str]) -> str:
    """Tabulate two factors by method and class; `first`, `second`: key in the tables and head of the column."""
    lines = [
        (method, name, str(events), *(f"{factor:.2f}" for factor in pair))
        for method, one in factors.items()
        for name, events, *pair in zip(name_classes(one), one["events"], one[first[0]], one[second[0]], strict=True)
    ]
    return format_table(("method", "class", "events", first[1], second[1]), lines)


def format_coverage(name: str, samples: Sequence[HypocenterSample]) -> tuple[str, ...]:
    """Format the coverage of place, time and depth in the columns of HEADS."""
    regions = [[one.region_68 <= 1.0 for one in samples], [one.region_90 <= 1.0 for one in samples]]
    times, depths = (np.array([getattr(one, key) for one in samples]) for key in ("time", "depth"))

    def describe(scales: Floats) -> str:
        known = scales[np.isfinite(scales)]
        return "; ".join(format_fraction(list(known <= limit)) for limit in (1.0, 3.0)) if len(known) else "none"

    place = "; ".join(format_fraction(one) for one in regions) if len(samples) else "none"
    return (name, str(len(samples)), place, describe(times), str(int(np.isfinite(depths).sum())), describe(depths))


def calibrate_hypocenters(
    settings: TrainingSettings, command: str, *, store: str | None, most: int | None, trials: int, seed: int, real: Path | None
) -> Path:
    """
    Fit the factors, put them into the card of the distance model, and write `hypocenter_coverage.md`.

    Parameters
    ----------
    settings, command
        Folders, and the command that the page names.
    store, most
        Another store of Green's functions than the replica's own, and the largest number of its events.
    trials, seed
        Number of simulated events with arrival times, and their seed.
    real : Path, optional
        Folder of real events, which are evaluated with the new factors.

    """
    validated, recipe = evaluate_validation(settings, store, most)
    located = select_located(validated)
    simulated = simulate_arrivals(settings, trials, seed)
    groups = {method: [sample_result(one) for one in located if one.method == method] for method in sorted({one.method for one in located})}
    by_waveforms = {method: own for method, own in groups.items() if method != ARRIVAL_TIMES}
    tables = fit_methods({**by_waveforms, ARRIVAL_TIMES: [sample_trial(one) for one in simulated]})
    tables = {name: tables[SHARED.get(name, name)] for name in (*tables, *SHARED) if SHARED.get(name, name) in tables}
    regions = fit_by_method(located) | fit_regions(simulated)
    card = update_card(settings.artifacts_dir, "offset", calibration={HYPOCENTER_KEY: tables, REGIONS_KEY: regions})
    tested = select_located(list(evaluate(ReplicaSource(recipe, SPLIT_NAMES[2], most), settings)))
    observed = [] if real is None else select_located(list(evaluate(FolderSource(real), settings)))
    write_page(
        RESULTS / "hypocenter_coverage.md",
        TEMPLATE,
        command,
        replica=str(len(located)),
        stores=recipe.store if isinstance(recipe.store, str) else ", ".join(recipe.store),
        trials=str(trials),
        simulated=str(len(simulated)),
        seed=str(seed),
        events=format_records([describe_event(one) for one in observed]),
        factors=format_factors(tables, ("time", "factor on time"), ("depth", "factor on depth")),
        regions=format_factors(regions, ("inner", "factor on 68 %"), ("outer", "factor on 90 %")),
        coverage=format_table(HEADS, list_coverage(by_waveforms, simulated, tested, observed)),
    )
    return card


def evaluate_validation(settings: TrainingSettings, store: str | None, most: int | None) -> tuple[list[EventResult], ReplicaRecipe]:
    """Evaluate uncalibrated the events of the validation parts of two replicas, the second one of the next seed; also their recipe."""
    recipe = load_replica_recipe(store)
    recipes = [recipe.model_copy(update={"seed": recipe.seed + number}) for number in range(REPLICAS)]
    sources = [ReplicaSource(one, SPLIT_NAMES[1], most) for one in recipes]
    return [result for source in sources for result in evaluate(source, settings, Switches(calibrated=False))], recipe


def simulate_arrivals(settings: TrainingSettings, trials: int, seed: int) -> list[ArrivalTrial]:
    """Simulate arrival times; return the events whose solutions are accepted."""
    path = settings.build_dir / "evaluation" / f"arrival-times-{EDITION}-{seed}.jsonl"
    catalogs = (load_earthquakes(settings.data_dir, seed), load_stations(settings.data_dir))
    return [trial for trial in draw_trials(*catalogs, trials, seed, path) if trial.accepted]


def list_coverage(
    by_waveforms: Mapping[str, Sequence[HypocenterSample]],
    simulated: Sequence[ArrivalTrial],
    tested: Sequence[EventResult],
    observed: Sequence[EventResult],
) -> list[tuple[str, ...]]:
    """List the lines of the coverage: before and after calibration (cross-validated) on the fitted events, as served on others."""
    waves = [one for own in by_waveforms.values() for one in own]
    times = [sample_trial(one) for one in simulated]
    lines = [
        format_coverage("replica, methods by waveforms, as computed", waves),
        format_coverage("the same, calibrated, cross-validated", [one for own in by_waveforms.values() for one in cross_validate(own)]),
        *format_served("test part of the replica, as served", tested),
        format_coverage("simulated arrival times, as computed", times),
        format_coverage("the same, calibrated, cross-validated", cross_validate(times, "median_distance_deg")),
    ]
    for name in sorted({one.geometry for one in simulated}):
        own = [sample_trial(one) for one in simulated if one.geometry == name]
        lines.append(format_coverage(f"of these as computed: {name}", own))
    return lines + (format_served("real events, as served", observed) if observed else [])


def format_served(name: str, results: Sequence[EventResult]) -> list[tuple[str, ...]]:
    """Format the coverage of served events: all of them, and by method."""
    methods = sorted({one.method for one in results})
    groups = {f"of these by {method}": [one for one in results if one.method == method] for method in methods}
    return [format_coverage(label, [sample_result(one) for one in group]) for label, group in ({name: results} | groups).items()]


def describe_event(result: EventResult) -> dict[str, str]:
    """Describe the errors of a real event beside the stated ones, by column."""
    place, depth_error_km = result.epicenter, result.depth_km - result.truth.depth_km
    known = np.isfinite(depth_error_km)
    return {
        "event": result.truth.name,
        "method": result.method,
        "epicenter error, km (stated)": f"{place.error_km:.0f} ({place.uncertainty_km:.0f})",
        "time error, s (stated)": f"{result.origin_error_s:+.1f} ({result.origin_sigma_s:.1f})",
        "depth error, km (stated)": f"{depth_error_km:+.0f} ({result.depth_sigma_km:.0f})" if known else "",
    }


def fit_regions(trials: Sequence[ArrivalTrial]) -> dict[str, Any]:
    """Fit the factors of the epicenter's regions by arrival times, with and without distances, by class of median distance."""
    columns = np.array([(one.median_distance_deg, one.scale_68, one.scale_90) for one in trials]).reshape(-1, 3).T
    factors = fit_scales("median_distance_deg", columns[0], inner=(columns[1], CONFIDENCE), outer=(columns[2], CONFIDENCE_90))
    return {} if factors is None else {ARRIVAL_TIMES: factors, ALONE: factors}
