"""Tables and figures about located events."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from models.array_types import Floats
from training.evaluation.location_scores import LocationResult
from training.evaluation.markdown import markdown_table
from training.evaluation.metrics import bootstrap, wilson

Value = Callable[[LocationResult], float]
FAR_KM = 1000.0
HEADS = ("", "events", "median km", "P90 km", "beyond 1,000 km", "68 % region holds", "90 % region holds")
CLASSES: tuple[tuple[str, Value, tuple[float, ...]], ...] = (
    ("stations", lambda row: row.stations, (8, 12, 20, 40)),
    ("effective stations", lambda row: row.best.effective_stations, (5, 8, 16)),
    ("gap, degrees", lambda row: row.best.gap_deg, (90, 180, 270)),
    ("median distance, degrees", lambda row: row.distance_deg, (20, 50, 80)),
    ("magnitude", lambda row: row.truth.magnitude, (4.8, 5.0, 5.5)),
    ("peak over noise, dB", lambda row: row.snr_db, (16, 20, 26)),
)


def share_of(hits: Sequence[bool]) -> str:
    """A share with its interval as text."""
    if not len(hits):
        return "none"
    low, high = wilson(int(np.sum(hits)), len(hits))
    return f"{np.mean(hits):.0%} ({low:.0%} to {high:.0%})"


def median_of(values: Sequence[float], digits: int = 0) -> str:
    """A median with its bootstrap interval as text."""
    array = np.asarray(values, np.float64)
    if not len(array):
        return "none"
    middle, low, high = bootstrap(lambda rows: float(np.median(array[rows])), np.arange(len(array)))
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def line(name: str, rows: Sequence[LocationResult]) -> tuple[str, ...]:
    """One group in one line."""
    errors = [row.best.error_km for row in rows]
    return (
        name,
        str(len(rows)),
        median_of(errors),
        f"{np.percentile(errors, 90):.0f}" if errors else "none",
        share_of([error > FAR_KM for error in errors]),
        share_of([row.best.inner <= 1.0 for row in rows]),
        share_of([row.best.outer <= 1.0 for row in rows]),
    )


def error_table(rows: Sequence[LocationResult]) -> str:
    """The overview, and each class of what an error may depend on."""
    lines = overview(rows)
    for name, value, borders in CLASSES:
        lines += [line(f"{name} {said}", group) for said, group in classes(rows, value, borders) if group]
    return markdown_table(HEADS, lines)


def overview(rows: Sequence[LocationResult]) -> list[tuple[str, ...]]:
    """All events, those with what a location needs, each kind, each method."""
    lines = [line("all", rows), *favored(rows)]
    lines += [line(kind, [row for row in rows if row.truth.kind == kind]) for kind in sorted({row.truth.kind for row in rows})]
    return lines + [line(f"method {name}", [row for row in rows if row.method == name]) for name in sorted({row.method for row in rows})]


def favored(rows: Sequence[LocationResult]) -> list[tuple[str, ...]]:
    """Events with many stations, then those of them with what a location needs."""
    many = [row for row in rows if row.stations >= 10]
    held = [row for row in many if row.in_window >= 0.5]
    around = [row for row in held if row.best.gap_deg < 180.0]
    return [
        line("10 stations or more", many),
        line("of these, surface waves of half the stations in the window", held),
        line("of these, gap below 180", around),
    ]


def classes(rows: Sequence[LocationResult], value: Value, borders: tuple[float, ...]) -> list[tuple[str, list[LocationResult]]]:
    """Rows by the class of a value; a value on a border is in the class above."""
    names = [
        f"below {borders[0]:g}",
        *(f"{low:g} to {high:g}" for low, high in pairwise(borders)),
        f"from {borders[-1]:g}",
    ]
    places = np.digitize([value(row) for row in rows], borders)
    return [(name, [row for row, place in zip(rows, places, strict=True) if place == k]) for k, name in enumerate(names)]


def error_figure(rows: Sequence[LocationResult], path: Path) -> None:
    """Error against each thing that it may depend on, one point an event, medians of quarters."""
    figure = Figure(figsize=(11, 6.4))
    for number, (name, value, _) in enumerate(CLASSES):
        axes = figure.add_subplot(2, 3, number + 1)
        _scatter(axes, name, np.array([value(row) for row in rows]), np.array([row.best.error_km for row in rows]))
    _save(figure, path)


def _scatter(axes: Axes, name: str, values: Floats, errors: Floats) -> None:
    axes.scatter(values, np.maximum(errors, 1.0), s=9, color="#1f6fb2", alpha=0.5, linewidths=0)
    edges = np.quantile(values, np.linspace(0.0, 1.0, 5))
    for low, high in pairwise(edges.tolist()):
        inside = (values >= low) & (values <= high)
        if inside.any():
            axes.plot((low, high), [np.median(errors[inside])] * 2, color="#c8432b", linewidth=2)
    axes.set(yscale="log", xlabel=name, ylabel="epicenter error, km")
    if "stations" in name:
        axes.set_xscale("log")
    axes.grid(color="#dde3e8", linewidth=0.6)


def coverage_figure(rows: Sequence[LocationResult], path: Path) -> None:
    """Share of events held when the stated regions are stretched: 68 % and 90 % at a factor of 1 is what is promised."""
    figure = Figure(figsize=(5.6, 4.2))
    axes = figure.add_subplot()
    for name, level, needed, color in (
        ("68 % region", 0.68, [row.best.inner for row in rows], "#1f6fb2"),
        ("90 % region", 0.90, [row.best.outer for row in rows], "#c8432b"),
    ):
        axes.plot(np.sort(needed), (np.arange(len(needed)) + 1) / len(needed), color=color, label=name)
        axes.plot(1.0, level, "o", color=color)
    axes.axvline(1.0, color="#8b98a3", linewidth=0.8)
    axes.set(xscale="log", xlim=(0.05, 20.0), ylim=(0.0, 1.0), xlabel="stretch of the stated region", ylabel="share of epicenters inside")
    axes.legend(frameon=False)
    axes.grid(color="#dde3e8", linewidth=0.6)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    figure.tight_layout()
    FigureCanvasAgg(figure)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
