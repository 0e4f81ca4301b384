"""Pages on the location of the synthetic catalog replica: tables of errors and coverage, and figures."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from models.array_types import Floats
from training.config import TrainingSettings, load_recipe
from training.datasets.catalog_replica import ReplicaRecipe
from training.datasets.splits import SPLIT_NAMES
from training.evaluation.evaluate import evaluate
from training.evaluation.event_result import EventResult, collect, select_kind, select_located
from training.evaluation.event_sources import ReplicaSource
from training.evaluation.metrics import angle_difference_deg, format_fraction, format_median
from training.evaluation.pages import FIGURES, RESULTS, TEMPLATES, format_table, write_page
from training.evaluation.plots import BLUE, GRAY, RED, log_x, name_axes, new_sheet, save

Value = Callable[[EventResult], float]
STATIONS = (4, 60)
"""Range of the number of stations: the replica itself has none with few."""
FAR_KM = 1000.0
HEADS = ("", "events", "median km", "P90 km", "beyond 1,000 km", "in 68 % region", "in 90 % region")
DEPENDENCES: tuple[tuple[str, Value, tuple[float, ...]], ...] = (
    ("stations", lambda result: result.stations, (8, 12, 20, 40)),
    ("effective stations", lambda result: result.epicenter.effective_stations, (5, 8, 16)),
    ("gap, degrees", lambda result: result.epicenter.gap_deg, (90, 180, 270)),
    ("median distance, degrees", lambda result: result.median_distance_deg, (20, 50, 80)),
    ("magnitude", lambda result: result.truth.magnitude, (4.8, 5.0, 5.5)),
    ("signal-to-noise ratio", lambda result: result.snr, (4, 6, 10)),
)
"""What an epicenter error may depend on, and the borders of its classes."""


def load_replica_recipe(store: str | None) -> ReplicaRecipe:
    """Read the recipe of the replica, with few and many stations, optionally at another store."""
    changes = {"stations": STATIONS} | ({} if store is None else {"store": store})
    return load_recipe("replica", ReplicaRecipe).model_copy(update=changes)


def write_replica_page(settings: TrainingSettings, command: str, store: str | None, most: int | None) -> Path:
    """Locate the test part of the replica; write `location_replica.md` and its figures."""
    chosen = load_replica_recipe(store)
    results = list(evaluate(ReplicaSource(chosen, SPLIT_NAMES[2], most), settings))
    located = select_located(results)
    draw_errors(located, FIGURES / "location_errors.png")
    draw_coverage(located, FIGURES / "location_coverage.png")
    return write_page(
        RESULTS / "location_replica.md",
        TEMPLATES / "location_replica.md",
        command,
        events=str(len(results)),
        located=str(len(located)),
        seed=str(chosen.seed),
        stores=chosen.store if isinstance(chosen.store, str) else ", ".join(chosen.store),
        stations=f"{STATIONS[0]} to {STATIONS[1]}",
        distances=f"{chosen.distances_deg[0]:g} to {chosen.distances_deg[1]:g}",
        errors=format_errors(located),
        sources=describe_sources(located),
    )


def summarize_errors(name: str, results: Sequence[EventResult]) -> tuple[str, ...]:
    """Format the errors and the coverage of the served epicenters of located events, in the columns of HEADS."""
    errors = [result.epicenter.error_km for result in results]
    return (
        name,
        str(len(errors)),
        format_median(errors),
        f"{np.percentile(errors, 90):.0f}" if errors else "none",
        format_fraction([error > FAR_KM for error in errors]),
        format_fraction([result.epicenter.in_68 for result in results]),
        format_fraction([result.epicenter.in_90 for result in results]),
    )


def format_errors(results: Sequence[EventResult]) -> str:
    """Tabulate the overview, and the classes of each quantity that an error may depend on."""
    lines = format_overview(results)
    for name, value, borders in DEPENDENCES:
        lines += [summarize_errors(f"{name} {label}", group) for label, group in split_by_value(results, value, borders) if group]
    return format_table(HEADS, lines)


def format_overview(results: Sequence[EventResult]) -> list[tuple[str, ...]]:
    """Summarize all events, those with enough stations and long enough windows, each kind, and each method."""
    many = [result for result in results if result.stations >= 10]
    complete = [result for result in many if result.fraction_in_window >= 0.5]
    lines = [
        summarize_errors("all", results),
        summarize_errors("10 stations or more", many),
        summarize_errors("of these, surface waves of half the stations in the window", complete),
        summarize_errors("of these, gap below 180", [result for result in complete if result.epicenter.gap_deg < 180.0]),
    ]
    lines += [summarize_errors(kind, select_kind(results, kind)) for kind in sorted({result.truth.kind for result in results})]
    methods = sorted({result.method for result in results})
    return lines + [summarize_errors(f"method {name}", [result for result in results if result.method == name]) for name in methods]


def split_by_value(results: Sequence[EventResult], value: Value, borders: tuple[float, ...]) -> list[tuple[str, list[EventResult]]]:
    """Split events into classes of a value, with labels; a value on a border is in the class above, an unknown one in none."""
    names = [f"below {borders[0]:g}", *(f"{low:g} to {high:g}" for low, high in pairwise(borders)), f"from {borders[-1]:g}"]
    values = np.array([value(result) for result in results])
    classes = np.where(np.isfinite(values), np.digitize(values, borders), -1)
    return [(name, [result for result, own in zip(results, classes, strict=True) if own == k]) for k, name in enumerate(names)]


def describe_sources(results: Sequence[EventResult]) -> str:
    """Describe the class, the depth and the force azimuth as served; a wrong class counts as a miss of depth or azimuth."""
    quakes, ice = select_kind(results, "earthquake"), select_kind(results, "glacial")
    depth = np.abs([result.depth_km - result.truth.depth_km for result in quakes])
    served, true = collect(ice, lambda one: one.force_azimuth_deg), collect(ice, lambda one: one.truth.force_azimuth_deg)
    modulo_180, modulo_360 = (angle_difference_deg(served, true, period_deg) for period_deg in (180.0, 360.0))
    answered = np.isfinite(modulo_180)
    sure = answered & ~np.array([result.force_azimuth_ambiguous for result in ice], bool)
    return "\n".join((
        f"- Class right: {format_fraction([result.is_right for result in results])}.",
        f"- Depth within 10 km (two-sided; a wrong class is a miss): {format_fraction(list(depth <= 10.0))}; "
        f"median error where a depth was given {format_median(depth[np.isfinite(depth)].tolist(), 1)} km.",
        f"- Force azimuth within 10 degrees modulo 180 (a wrong class is a miss): {format_fraction(list(modulo_180 <= 10.0))}; "
        f"median error where an azimuth was given {format_median(modulo_180[answered].tolist(), 1)} degrees.",
        f"- Sign of the force right: {format_fraction(list(modulo_360[answered] < 90.0))}; where it is not called ambiguous "
        f"{format_fraction(list(modulo_360[sure] < 90.0))}.",
    ))  # fmt: skip


def draw_errors(results: Sequence[EventResult], path: Path) -> None:
    """Draw the epicenter error against each quantity that it may depend on: a point an event, medians of quarters."""
    figure, panels = new_sheet(3, 11.0, 6.4, rows=2)
    errors = np.array([result.epicenter.error_km for result in results])
    for axes, (name, value, _) in zip(panels, DEPENDENCES, strict=True):
        _scatter(axes, name, np.array([value(result) for result in results], np.float64), errors)
    save(figure, path)


def _scatter(axes: Axes, name: str, values: Floats, errors: Floats) -> None:
    known = np.isfinite(values)
    values, errors = values[known], errors[known]
    axes.scatter(values, np.maximum(errors, 1.0), s=9, color=BLUE, alpha=0.5, linewidths=0)
    edges = np.quantile(values, np.linspace(0.0, 1.0, 5)) if len(values) else np.empty(0)
    for low, high in pairwise(edges.tolist()):
        inside = (values >= low) & (values <= high)
        axes.plot((low, high), [np.median(errors[inside])] * 2, color=RED, linewidth=2)
    axes.set_yscale("log")
    if "stations" in name:
        log_x(axes)
    name_axes(axes, name, "epicenter error, km")


def draw_coverage(results: Sequence[EventResult], path: Path) -> None:
    """Draw the fraction of epicenters inside the regions against a factor on their size; dots at 1 are the stated probabilities."""
    figure, (axes,) = new_sheet(1, 5.6, 4.2)
    for name, level, scales, color in (
        ("68 % region", 0.68, [result.epicenter.scale_68 for result in results], BLUE),
        ("90 % region", 0.90, [result.epicenter.scale_90 for result in results], RED),
    ):
        axes.plot(np.sort(scales), (np.arange(len(scales)) + 1) / len(scales), color=color, label=name)
        axes.plot(1.0, level, "o", color=color)
    axes.axvline(1.0, color=GRAY, linewidth=0.8)
    axes.set(xscale="log", xlim=(0.05, 20.0), ylim=(0.0, 1.0))
    name_axes(axes, "factor on the size of the region", "fraction of epicenters inside")
    axes.legend(frameon=False)
    save(figure, path)
