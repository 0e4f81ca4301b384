"""The page of the ideas: each beside its base, with paired differences and their intervals over events."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from models.array_types import Flags, Floats, Integers
from training.config import TrainingSettings, load_recipe
from training.evaluation.card_metrics import GOAL_DEG, GOAL_MAGNITUDE
from training.evaluation.event_sources import list_real_events, read_real_truth
from training.evaluation.metrics import NEAR_FRACTION, bootstrap
from training.evaluation.pages import RESULTS, format_table, write_page
from training.experiments.grid import describe_cell
from training.experiments.reader_ideas.run import CellResult, SetReadings, run_group
from training.experiments.reader_ideas.sets import IdeaCell, IdeasRecipe, load_group_stores, load_trace_recipe, make_scored_sets
from training.experiments.release_gate.page import MAX_BIAS_DEG, weigh_error
from training.synthesis.catalogs import load_stations
from training.synthesis.events import draw_distance_range, draw_event_source, open_sampler
from training.synthesis.lateral_structure import PERIODS_S, STORE_DECKS, load_dispersion_map
from training.synthesis.path_effects import CRUST, MANTLE, RAYLEIGH_KM_S
from training.synthesis.path_effects import PERIODS_S as SCATTER_PERIODS_S
from training.synthesis.records import find_nearest_table
from training.synthesis.station_geometry import pick_stations, snap_to_table

TEMPLATE = Path(__file__).parents[1] / "templates" / "reader_ideas.md"
MAX_COUNTED_DEG = 10.0
VARIANCE_EVENTS = 200
CONTINUED = "continued"
"""The group that lateral structure is tried in."""
Measure = Callable[[SetReadings, Integers], Floats]


def measure_median(scored: SetReadings, rows: Integers) -> Floats:
    """Median absolute error [seeds] of some traces in degrees."""
    return np.asarray(np.median(np.abs(scored.errors[:, rows]), axis=1))


def measure_near(scored: SetReadings, rows: Integers) -> Floats:
    """Percentage [seeds] of some traces within NEAR_FRACTION of the true distance."""
    return np.asarray(100.0 * np.mean(np.abs(scored.errors[:, rows]) <= NEAR_FRACTION * scored.true_deg[rows], axis=1))


def measure_biases(scored: SetReadings, events: Integers) -> Floats:
    """
    Absolute bias [seeds, events] of the events of those numbers in degrees, as the release gate defines it.

    It is the median over copies of their mean error, weighted by 1/sigma^2.
    """
    biases = np.zeros((len(scored.read_deg), len(events)))
    for column, event in enumerate(events):
        rows = np.flatnonzero(scored.events == event)
        of_copies = [rows[scored.copies[rows] == copy] for copy in np.unique(scored.copies[rows])]
        for seed, (errors, sigmas) in enumerate(zip(scored.errors, scored.sigma_deg, strict=True)):
            biases[seed, column] = abs(np.median([weigh_error(errors[one], sigmas[one]) for one in of_copies]))
    return biases


def format_seeds(values: Floats, digits: int) -> str:
    """Format the mean over seeds, and the value of each in parentheses."""
    each = ", ".join(f"{value:.{digits}f}" for value in values)
    return f"{values.mean():.{digits}f} ({each})" if len(values) > 1 else each


def select_goal_events(folder: Path) -> list[int]:
    """Select the numbers of the earthquakes of a folder that the goals are stated for, by their magnitude."""
    truths = [read_real_truth(event) for event in list_real_events(folder)]
    return [k for k, truth in enumerate(truths) if truth.kind == "earthquake" and truth.magnitude >= GOAL_MAGNITUDE]


def select_rows(name: str, scored: SetReadings, goal: Sequence[int]) -> Integers:
    """Select the traces of a set that count: all, or those of large earthquakes at the distances of the goals, if observed."""
    inside: Flags = (scored.true_deg >= GOAL_DEG[0]) & (scored.true_deg <= GOAL_DEG[1]) & np.isin(scored.events, goal)
    return np.flatnonzero(inside) if name == "observed" else np.arange(len(scored.true_deg))


def tabulate_cell(result: CellResult, goal: Sequence[int]) -> dict[str, str]:
    """Tabulate what a cell reached, by the name of the measure."""
    cells = {}
    for name, scored in result.scored.items():
        rows = select_rows(name, scored, goal)
        cells[f"{name}: median error, degrees"] = format_seeds(measure_median(scored, rows), 2)
        cells[f"{name}: within {NEAR_FRACTION:.0%}"] = format_seeds(measure_near(scored, rows), 0)
        if name.startswith("copies"):
            biases = measure_biases(scored, np.unique(scored.events))
            cells[f"{name}: median bias of an event, degrees"] = format_seeds(np.median(biases, axis=1), 2)
            cells[f"{name}: events with a bias above {MAX_BIAS_DEG:g}"] = format_seeds(
                (biases > MAX_BIAS_DEG).sum(axis=1).astype(np.float64), 0
            )
    cells["million multiply-adds a picture"] = f"{result.cost:.0f}"
    cells["CPU minutes of all trainings"] = f"{result.seconds / 60:.1f}"
    return cells


def compare_measure(measure: Measure, idea: SetReadings, base: SetReadings, rows: Integers) -> tuple[float, float, float]:
    """Difference of a measure, mean over seeds, idea less base, with its 95 % interval over events."""
    return bootstrap(lambda some: float(measure(idea, rows[some]).mean() - measure(base, rows[some]).mean()), idea.events[rows])


def compare_biases(idea: SetReadings, base: SetReadings) -> tuple[float, float, float]:
    """Difference of the mean bias of an event, each at most MAX_COUNTED_DEG, idea less base, with its 95 % interval over events."""
    events = np.unique(idea.events)
    counted = [np.minimum(measure_biases(one, events), MAX_COUNTED_DEG).mean(axis=0) for one in (idea, base)]
    return bootstrap(lambda some: float((counted[0] - counted[1])[some].mean()), np.arange(len(events)))


def format_difference(found: tuple[float, float, float], digits: int, *, more_is_better: bool) -> str:
    """Format a difference with its interval, and say whether it is better or worse where the interval excludes zero."""
    value, low, high = found
    verdict = "" if low <= 0.0 <= high else (", better" if (value > 0.0) == more_is_better else ", worse")
    return f"{value:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f}){verdict}"


def tabulate_differences(idea: CellResult, base: CellResult, goal: Sequence[int]) -> dict[str, str]:
    """Tabulate an idea less its base, by the name of the measure."""
    cells = {}
    for name, scored in idea.scored.items():
        other, rows = base.scored[name], select_rows(name, scored, goal)
        found = compare_measure(measure_median, scored, other, rows)
        cells[f"{name}: median error, degrees"] = format_difference(found, 2, more_is_better=False)
        found = compare_measure(measure_near, scored, other, rows)
        cells[f"{name}: within {NEAR_FRACTION:.0%}, points"] = format_difference(found, 1, more_is_better=True)
        if name.startswith("copies"):
            cells[f"{name}: mean bias of an event, degrees"] = format_difference(compare_biases(scored, other), 2, more_is_better=False)
    return cells


def _transpose(columns: Mapping[str, Mapping[str, str]]) -> str:
    names = next(iter(columns.values()))
    return format_table(("measure", *columns), [(name, *(column[name] for column in columns.values())) for name in names])


def format_group(cells: Sequence[IdeaCell], found: Mapping[str, CellResult | None], goal: Sequence[int]) -> str:
    """Format the table of some cells; those that are missing are named below it."""
    columns = {cell.name: tabulate_cell(result, goal) for cell in cells if (result := found[cell.name]) is not None}
    missing = [cell.name for cell in cells if found[cell.name] is None]
    note = f"\n\nNot trained: {', '.join(missing)}; the same command continues." if missing else ""
    return (_transpose(columns) if columns else "Nothing was trained.") + note


def format_differences(cells: Sequence[IdeaCell], found: Mapping[str, CellResult | None], goal: Sequence[int]) -> str:
    """Format the table of each idea of some cells less its base."""
    columns = {}
    for cell in cells:
        idea, base = found[cell.name], found.get(cell.base)
        if idea is not None and base is not None:
            columns[cell.name] = tabulate_differences(idea, base, goal)
    return _transpose(columns) if columns else "Nothing to compare yet."


def measure_lateral_delays(plan: IdeasRecipe, settings: TrainingSettings) -> Floats:
    """Relative group delays [paths, periods] of lateral structure against PREM, on paths of events as training draws them."""
    recipe = load_trace_recipe(plan, CONTINUED)
    sampler = open_sampler(load_group_stores(settings.build_dir, plan.groups[CONTINUED].store), settings, plan.seed)
    dispersion, stations = load_dispersion_map(settings.data_dir, settings.build_dir), load_stations(settings.data_dir)
    random, delays = np.random.default_rng([plan.seed, 6]), []
    for _ in range(VARIANCE_EVENTS):
        source, year, _ = draw_event_source(sampler, "earthquake", random)
        epicenter = (source.latitude_deg, source.longitude_deg)
        chosen = pick_stations(stations, epicenter, year, recipe.traces_per_event, draw_distance_range(0.0, random), random)
        snapped = snap_to_table(stations, chosen, epicenter, find_nearest_table(sampler.store, source))
        delays.append(RAYLEIGH_KM_S * (dispersion.average_paths(source, snapped)[0] - dispersion.store_slowness_s_km[0]))
    return np.concatenate(delays)


def format_variances(plan: IdeasRecipe, settings: TrainingSettings) -> str:
    """Tabulate mean and standard deviation over paths of relative group delays against PREM, of random paths and of lateral structure."""
    lateral, dispersion = measure_lateral_delays(plan, settings), load_dispersion_map(settings.data_dir, settings.build_dir)
    drawn = [STORE_DECKS.index(store.config.deck) for store in load_group_stores(settings.build_dir, plan.groups[CONTINUED].store)]
    stores = RAYLEIGH_KM_S * (dispersion.store_slowness_s_km[drawn] - dispersion.store_slowness_s_km[0])
    logs = np.log(np.array(SCATTER_PERIODS_S))
    scatter = np.hypot(*(np.interp(np.log(PERIODS_S), logs, sizes) for sizes in (CRUST, MANTLE)))
    rows = []
    for k, period in enumerate(PERIODS_S):
        total = np.hypot(lateral[:, k].std(), plan.lateral_scatter * scatter[k])
        cells = (np.hypot(stores[:, k].std(), scatter[k]), lateral[:, k].mean(), lateral[:, k].std(), total)
        rows.append((f"{period:g} s", f"{100 * stores[:, k].mean():+.1f}", *(f"{100 * cell:.1f}" for cell in cells)))
    heads = ("period", "random paths: mean", "deviation", "lateral structure: mean", "deviation", "with the scatter that is left")
    return format_table(heads, rows)


def count_idea_traces(plan: IdeasRecipe, group: str) -> int:
    """Count the training traces of a group, including those of events with too few stations."""
    return plan.groups[group].train_shards * plan.events_per_shard * load_trace_recipe(plan, group).traces_per_event


def write_ideas_page(settings: TrainingSettings, command: str, folder: Path, only: str | None, minutes: float | None) -> Path:
    """
    Train the cells that are missing, of all groups or of one `only`, beginning none after so many minutes, and write `reader_ideas.md`.

    The page is written only with all groups.
    """
    plan, goal = load_recipe("reader_ideas", IdeasRecipe), select_goal_events(folder)
    torch.set_num_threads(settings.processes)
    found = {
        group: run_group(plan, group, settings, make_scored_sets(plan, group, settings, folder), minutes)
        for group in ([only] if only else plan.groups)
    }
    page = RESULTS / "reader_ideas.md"
    return page if only else write_ideas_tables(page, command, plan, found, goal, format_variances(plan, settings))


def write_ideas_tables(
    page: Path,
    command: str,
    plan: IdeasRecipe,
    found: Mapping[str, Mapping[str, CellResult | None]],
    goal: Sequence[int],
    variances: str,
) -> Path:
    """Write the page from the results of the cells of each group."""
    cells = {group: [cell for cell in plan.cells if cell.group == group] for group in plan.groups}
    return write_page(
        page,
        TEMPLATE,
        command,
        label=plan.label,
        seeds=str(len(plan.seeds)),
        copies=str(plan.copies),
        copy_traces=str(plan.copy_traces),
        scatter=f"{plan.lateral_scatter:g}",
        counted=f"{MAX_COUNTED_DEG:g}",
        variances=variances,
        **{f"{group}_fit": describe_cell(recipe.fit) for group, recipe in plan.groups.items()},
        **{f"{group}_traces": f"{count_idea_traces(plan, group):,}" for group in plan.groups},
        **{f"{group}_shrink": str(recipe.shrink) for group, recipe in plan.groups.items()},
        **{f"{group}_stores": ", ".join(recipe.store) for group, recipe in plan.groups.items()},
        **{group: format_group(cells[group], found[group], goal) for group in plan.groups},
        **{f"{group}_differences": format_differences(cells[group], found[group], goal) for group in plan.groups},
    )
