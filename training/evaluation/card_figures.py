"""Figures of the model cards page: how the errors of each model on evaluated events depend on the event."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from models.array_types import Floats
from models.specs.event_type import CLASSES, EVENT_CLASSES
from training.evaluation.event_result import EventResult, collect, select_kind, stack_traces
from training.evaluation.metrics import expected_calibration_error, wilson
from training.evaluation.plots import (
    BLUE,
    GRAY,
    INK,
    RED,
    draw_error_panel,
    draw_fraction_panel,
    draw_reliability_panel,
    log_x,
    name_axes,
    new_sheet,
    save,
)

Results = Sequence[EventResult]
SNR, MAGNITUDE = "signal-to-noise ratio (median over traces)", "magnitude"
ANSWERS = (*EVENT_CLASSES, "undetermined", "none")
MIN_KILOMETERS, MIN_DEGREES = 1.0, 0.05
"""Smallest errors that the logarithmic axes show."""


def draw_card_figures(results: Results, real: Results, folder: Path) -> list[Path]:
    """Draw the figures for which there are events, and return their paths; real earthquakes are marked in red."""
    known = [result for result in results if result.truth.kind in CLASSES]
    real = select_kind(real, "earthquake")
    drawings: dict[str, tuple[Callable[[Results, Path], None], Results]] = {
        "event_type.png": (_draw_types, known),
        "event_type_recall.png": (_draw_recalls, known),
        "offset.png": (_draw_distances, results),
        "offset_errors.png": (partial(_draw_distance_errors, real), results),
        "depth.png": (partial(_draw_depths, real), select_kind(results, "earthquake")),
        "force_azimuth.png": (_draw_azimuths, select_kind(results, "glacial")),
    }
    for name, (draw, events) in drawings.items():
        if events:
            draw(events, folder / name)
    return [folder / name for name, (_, events) in drawings.items() if events]


def _draw_types(results: Results, path: Path) -> None:
    figure, (left, right) = new_sheet(2, 7.6, 3.3)
    detected = [result for result in results if result.detected]
    confidence = collect(detected, lambda result: max(result.probabilities))
    hits = np.array([result.most_probable_class == result.truth.kind for result in detected], np.bool_)
    draw_reliability_panel(left, confidence, hits, np.linspace(0.5, 1.0, 11).tolist())
    name_axes(left, "predicted probability of the class", "accuracy", "reliability; bars: how often predicted")
    left.text(0.985, 0.05, f"calibration error {expected_calibration_error(confidence, hits):.3f}", fontsize=8, color=INK, ha="right")
    _draw_confusion(right, results)
    save(figure, path)


def _draw_confusion(axes: Axes, results: Results) -> None:
    """Draw the confusion matrix: a row each true class, fractions of the row with Wilson's interval."""
    counts = np.array(
        [[sum(one.event_type == predicted for one in select_kind(results, name)) for predicted in ANSWERS] for name in CLASSES]
    )
    fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.grid(visible=False)
    axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1.25, aspect="auto")
    for i, j in np.ndindex(counts.shape):
        low, high = wilson(int(counts[i, j]), int(counts[i].sum()))
        color = "white" if fractions[i, j] > 0.7 else INK
        axes.text(
            j, i, f"{fractions[i, j]:.0%}\n{low:.0%} to {high:.0%}\nn = {counts[i, j]}", ha="center", va="center", fontsize=6.5, color=color
        )
    axes.set_xticks(range(len(ANSWERS)), ANSWERS, fontsize=7)
    axes.set_yticks(range(len(CLASSES)), CLASSES, rotation=90, va="center")
    name_axes(axes, "predicted class", "true class", "confusion")


def _draw_recalls(results: Results, path: Path) -> None:
    figure, panels = new_sheet(3, 9.6, 2.8)
    for kind, color in zip(CLASSES, (BLUE, RED), strict=True):
        group = select_kind(results, kind)
        right = np.array([result.is_right for result in group])
        for axes, value in zip(panels, (lambda one: one.snr, lambda one: one.truth.magnitude, lambda one: one.stations), strict=True):
            draw_fraction_panel(axes, collect(group, value), right, color, kind)
    log_x(panels[0])
    for axes, name in zip(panels, (SNR, MAGNITUDE, "stations"), strict=True):
        name_axes(axes, name, "recall")
    panels[2].legend(frameon=False, fontsize=8, loc="best")
    save(figure, path)


def _draw_distances(results: Results, path: Path) -> None:
    figure, (left, right) = new_sheet(2, 7.6, 3.5)
    values, _ = stack_traces(results)
    edges = np.arange(0, 181, 3)
    counts, _, _ = np.histogram2d(values[:, 0], values[:, 1], bins=(edges, edges))
    left.grid(visible=False)
    left.pcolormesh(edges, edges, np.log1p(counts.T), cmap="Blues", vmax=np.log1p(counts.max()) * 1.1)
    left.plot([0, 180], [0, 180], color=RED, linewidth=0.7)
    left.set(xlim=(0, 180), ylim=(0, 180), xticks=range(0, 181, 30), yticks=range(0, 181, 30))
    name_axes(left, "true distance, degrees", "predicted distance, degrees", f"{len(values):,} traces of the replica")
    ratio = np.sort(np.abs(values[:, 1] - values[:, 0]) / np.maximum(values[:, 2], 1e-6))
    right.plot(ratio, (np.arange(len(ratio)) + 1) / len(ratio), color=BLUE, linewidth=1.6)
    right.plot([1, 2], [0.6827, 0.9545], "o", color=RED, markersize=5)
    right.set(xlim=(0, 4), ylim=(0, 1.02))
    name_axes(right, "error over predicted sigma", "fraction of traces below", "coverage; red: normal distribution at 1 and 2 sigma")
    save(figure, path)


def _draw_distance_errors(real: Results, results: Results, path: Path) -> None:
    figure, panels = new_sheet(4, 11.6, 2.9)
    values, events = stack_traces(results)
    magnitude, depth = (collect(results, value)[events] for value in (lambda one: one.truth.magnitude, lambda one: one.truth.depth_km))
    quantities = {"distance, degrees": values[:, 0], "signal-to-noise ratio of the trace": values[:, 4], MAGNITUDE: magnitude}
    quantities["depth, km"] = depth
    _draw_error_panels(panels, quantities, values[:, 1] - values[:, 0], MIN_DEGREES, "error of distance, degrees")
    for axes in panels:
        axes.set_ylim(MIN_DEGREES * 0.9, 200)
    for result in real:
        own, _ = stack_traces([result])
        if len(own):
            at = (float(np.median(own[:, 0])), result.snr, result.truth.magnitude, result.truth.depth_km)
            _mark_event(panels, at, max(float(np.median(np.abs(own[:, 1] - own[:, 0]))), MIN_DEGREES))
    log_x(panels[1])
    panels[3].set_xscale("symlog", linthresh=10)
    save(figure, path)


def _draw_error_panels(panels: Sequence[Axes], quantities: Mapping[str, Floats], errors: Floats, minimum: float, label: str) -> None:
    """Draw errors against each quantity, a panel each; `minimum` is the smallest error on a logarithmic axis, 0 for a linear one."""
    for axes, (name, values) in zip(panels, quantities.items(), strict=True):
        draw_error_panel(axes, values, errors, minimum)
        name_axes(axes, name, label if axes is panels[0] else "")


def _mark_event(panels: Sequence[Axes], values: Sequence[float], error: float) -> None:
    for axes, x in zip(panels, values, strict=True):
        if np.isfinite(x):
            axes.plot(x, error, "D", color=RED, markersize=3.6, markeredgecolor="white", markeredgewidth=0.5)


def _draw_depths(real: Results, quakes: Results, path: Path) -> None:
    figure, (first, *panels) = new_sheet(4, 11.6, 2.9)
    true, predicted = collect(quakes, lambda one: one.truth.depth_km), collect(quakes, lambda one: one.network_depth_km)
    first.plot([1, 700], [1, 700], color=GRAY, linewidth=1, linestyle="--")
    first.plot(np.maximum(true, 1), np.maximum(predicted, 1), ".", color=BLUE, markersize=4, alpha=0.5, markeredgewidth=0)
    first.set(xscale="log", yscale="log", xlim=(1, 800), ylim=(1, 800))
    name_axes(first, "true depth, km", "predicted depth, km")
    quantities = {SNR: collect(quakes, lambda one: one.snr), MAGNITUDE: collect(quakes, lambda one: one.truth.magnitude)}
    quantities["median distance, degrees"] = collect(quakes, lambda one: one.median_distance_deg)
    _draw_error_panels(panels, quantities, predicted - true, MIN_KILOMETERS, "error of depth, km")
    for axes in panels:
        axes.axhline(10, color=GRAY, linewidth=0.8, linestyle="--")
    for result in (result for result in real if np.isfinite(result.depth_error_km)):
        _mark_event([first], [max(result.truth.depth_km, 1)], max(result.network_depth_km, 1))
        at = (result.snr, result.truth.magnitude, result.median_distance_deg)
        _mark_event(panels, at, max(abs(result.depth_error_km), MIN_KILOMETERS))
    log_x(panels[0])
    save(figure, path)


def _draw_azimuths(ice: Results, path: Path) -> None:
    figure, (first, *panels) = new_sheet(4, 11.6, 2.9)
    true, error = collect(ice, lambda one: one.truth.force_azimuth_deg) % 180, collect(ice, lambda one: one.azimuth_error_deg)
    for shift in (-180, 0, 180):
        first.plot([0, 180], [shift, 180 + shift], color=GRAY, linewidth=1, linestyle="--")
    first.plot(true, (true + error) % 180, ".", color=BLUE, markersize=4, alpha=0.5, markeredgewidth=0)
    first.set(xlim=(0, 180), ylim=(0, 180), xticks=range(0, 181, 45), yticks=range(0, 181, 45))
    name_axes(first, "true azimuth modulo 180", "predicted azimuth modulo 180")
    quantities = {SNR: collect(ice, lambda one: one.snr), MAGNITUDE: collect(ice, lambda one: one.truth.magnitude)}
    quantities["stations"] = collect(ice, lambda one: one.stations)
    _draw_error_panels(panels, quantities, error, 0.0, "error, degrees modulo 180")
    for axes in panels:
        axes.set(ylim=(0, 90), yticks=range(0, 91, 15))
        axes.axhline(10, color=GRAY, linewidth=0.8, linestyle="--")
    log_x(panels[0])
    save(figure, path)
