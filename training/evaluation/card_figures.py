"""Figures of the page of models, from scored events: reliability, confusion, and errors against what they may depend on."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from models.array_types import Floats
from models.specs.event_type import CLASSES
from training.evaluation.card_metrics import all_traces, of_kind
from training.evaluation.event_scores import EventScores
from training.evaluation.metrics import expected_calibration_error, wilson
from training.evaluation.plots import BLUE, GRAY, INK, RED, error_panel, log_x, name_axes, new_sheet, reliability_panel, save, share_panel

Rows = Sequence[EventScores]
NOISE, MAGNITUDE = "signal to noise (median over traces)", "magnitude"
KILOMETERS, DEGREES = 1.0, 0.05


def draw_card_figures(rows: Rows, real: Rows, folder: Path) -> list[Path]:
    """All figures that these events tell something for; real events are marked in red."""
    known = [row for row in rows if row.truth.kind in CLASSES]
    quakes, ice = of_kind(rows, "earthquake"), of_kind(rows, "glacial")
    figures: list[tuple[str, Callable[[Path], None], bool]] = [
        ("event_type.png", lambda path: _types(known, path), bool(known)),
        ("event_type_shares.png", lambda path: _type_shares(known, path), bool(known)),
        ("offset.png", lambda path: _offsets(rows, path), bool(rows)),
        ("offset_errors.png", lambda path: _offset_errors(rows, real, path), bool(rows)),
        ("depth.png", lambda path: _depths(quakes, of_kind(real, "earthquake"), path), bool(quakes)),
        ("force_azimuth.png", lambda path: _azimuths(ice, path), bool(ice)),
    ]
    for name, make, any_rows in figures:
        if any_rows:
            make(folder / name)
    return [folder / name for name, _, any_rows in figures if any_rows]


def _values(rows: Rows, value: Callable[[EventScores], float]) -> Floats:
    return np.array([value(row) for row in rows], np.float64)


def _types(rows: Rows, path: Path) -> None:
    figure, (left, right) = new_sheet(2, 7.6, 3.3)
    confidence = _values(rows, lambda row: max(row.probabilities))
    hits = np.array([row.right for row in rows])
    reliability_panel(left, confidence, hits, np.linspace(0.5, 1.0, 11).tolist())
    name_axes(left, "stated probability of the class", "share of right answers", "reliability; bars: how often stated")
    left.text(0.985, 0.05, f"calibration error {expected_calibration_error(confidence, hits):.3f}", fontsize=8, color=INK, ha="right")
    _confusion(right, rows)
    save(figure, path)


def _confusion(axes: Axes, rows: Rows) -> None:
    """Rows are the truth; shares of each row with Wilson's interval."""
    counts = np.array(
        [[sum(np.argmax(row.probabilities) == k for row in of_kind(rows, name)) for k in range(len(CLASSES))] for name in CLASSES]
    )
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.grid(visible=False)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.25, aspect="auto")
    for i, j in np.ndindex(counts.shape):
        low, high = wilson(int(counts[i, j]), int(counts[i].sum()))
        color = "white" if shares[i, j] > 0.7 else INK
        axes.text(
            j, i, f"{shares[i, j]:.0%}\n{low:.0%} to {high:.0%}\nn = {counts[i, j]}", ha="center", va="center", fontsize=9, color=color
        )
    axes.set_xticks(range(len(CLASSES)), CLASSES)
    axes.set_yticks(range(len(CLASSES)), CLASSES, rotation=90, va="center")
    name_axes(axes, "said", "true", "confusion")


def _type_shares(rows: Rows, path: Path) -> None:
    figure, panels = new_sheet(3, 9.6, 2.8)
    for kind, color in zip(CLASSES, (BLUE, RED), strict=True):
        group = of_kind(rows, kind)
        right = np.array([row.right for row in group])
        for axes, value in zip(panels, (lambda r: r.snr, lambda r: r.truth.magnitude, lambda r: r.stations), strict=True):
            share_panel(axes, _values(group, value), right, color, kind)
    log_x(panels[0])
    for axes, name in zip(panels, (NOISE, MAGNITUDE, "stations"), strict=True):
        name_axes(axes, name, "share recognized")
    panels[2].legend(frameon=False, fontsize=8, loc="best")
    save(figure, path)


def _offsets(rows: Rows, path: Path) -> None:
    figure, (left, right) = new_sheet(2, 7.6, 3.5)
    values, _ = all_traces(rows)
    edges = np.arange(0, 181, 3)
    counts, _, _ = np.histogram2d(values[:, 0], values[:, 1], bins=(edges, edges))
    left.grid(visible=False)
    left.pcolormesh(edges, edges, np.log1p(counts.T), cmap="Blues", vmax=np.log1p(counts.max()) * 1.1)
    left.plot([0, 180], [0, 180], color=RED, linewidth=0.7)
    left.set(xlim=(0, 180), ylim=(0, 180), xticks=range(0, 181, 30), yticks=range(0, 181, 30))
    name_axes(left, "true distance, degrees", "said distance, degrees", f"{len(values):,} traces of the twin")
    ratio = np.sort(np.abs(values[:, 1] - values[:, 0]) / np.maximum(values[:, 2], 1e-6))
    right.plot(ratio, (np.arange(len(ratio)) + 1) / len(ratio), color=BLUE, linewidth=1.6)
    right.plot([1, 2], [0.6827, 0.9545], "o", color=RED, markersize=5)
    right.set(xlim=(0, 4), ylim=(0, 1.02))
    name_axes(right, "error over stated sigma", "share of traces below", "coverage; red: what 1 and 2 sigma promise")
    save(figure, path)


def _offset_errors(rows: Rows, real: Rows, path: Path) -> None:
    figure, panels = new_sheet(4, 11.6, 2.9)
    values, events = all_traces(rows)
    error = values[:, 1] - values[:, 0]
    magnitude, depth = (_values(rows, value)[events] for value in (lambda r: r.truth.magnitude, lambda r: r.truth.depth_km))
    for axes, against, name in zip(
        panels,
        (values[:, 0], values[:, 4], magnitude, depth),
        ("distance, degrees", "signal to noise of the trace", MAGNITUDE, "depth, km"),
        strict=True,
    ):
        error_panel(axes, against, error, DEGREES)
        name_axes(axes, name, "error of distance, degrees" if axes is panels[0] else "")
        axes.set_ylim(DEGREES * 0.9, 200)
    for row in of_kind(real, "earthquake"):
        own, _ = all_traces([row])
        if len(own):
            _mark(
                panels,
                (float(np.median(own[:, 0])), row.snr, row.truth.magnitude, row.truth.depth_km),
                float(np.median(np.abs(own[:, 1] - own[:, 0]))),
                DEGREES,
            )
    log_x(panels[1])
    panels[3].set_xscale("symlog", linthresh=10)
    save(figure, path)


def _mark(panels: Sequence[Axes], places: Sequence[float], error: float, least: float) -> None:
    for axes, x in zip(panels, places, strict=True):
        if np.isfinite(x):
            axes.plot(x, max(error, least), "D", color=RED, markersize=3.6, markeredgecolor="white", markeredgewidth=0.5)


def _depths(quakes: Rows, real: Rows, path: Path) -> None:
    figure, panels = new_sheet(4, 11.6, 2.9)
    true, said = _values(quakes, lambda r: r.truth.depth_km), _values(quakes, lambda r: r.depth_km)
    panels[0].plot([1, 700], [1, 700], color=GRAY, linewidth=1, linestyle="--")
    panels[0].plot(np.maximum(true, 1), np.maximum(said, 1), ".", color=BLUE, markersize=4, alpha=0.5, markeredgewidth=0)
    panels[0].set(xscale="log", yscale="log", xlim=(1, 800), ylim=(1, 800))
    name_axes(panels[0], "true depth, km", "said depth, km")
    error = said - true
    distance = _values(quakes, lambda r: float(np.nanmedian(r.traces.true_deg)))
    seen = (_values(quakes, lambda r: r.snr), _values(quakes, lambda r: r.truth.magnitude), distance)
    for axes, against, name in zip(panels[1:], seen, (NOISE, MAGNITUDE, "median distance, degrees"), strict=True):
        error_panel(axes, against, error, KILOMETERS)
        name_axes(axes, name, "error of depth, km" if axes is panels[1] else "")
        axes.axhline(10, color=GRAY, linewidth=0.8, linestyle="--")
    for row in real:
        if np.isfinite(row.depth_error_km):
            panels[0].plot(
                max(row.truth.depth_km, 1),
                max(row.depth_km, 1),
                "D",
                color=RED,
                markersize=3.6,
                markeredgecolor="white",
                markeredgewidth=0.5,
            )
            _mark(
                panels[1:],
                (row.snr, row.truth.magnitude, float(np.nanmedian(row.traces.true_deg))),
                abs(row.depth_error_km),
                KILOMETERS,
            )
    log_x(panels[1])
    save(figure, path)


def _azimuths(ice: Rows, path: Path) -> None:
    figure, panels = new_sheet(4, 11.6, 2.9)
    true, error = _values(ice, lambda r: r.truth.force_azimuth_deg) % 180, _values(ice, lambda r: r.azimuth_error_deg)
    for shift in (-180, 0, 180):
        panels[0].plot([0, 180], [shift, 180 + shift], color=GRAY, linewidth=1, linestyle="--")
    panels[0].plot(true, (true + error) % 180, ".", color=BLUE, markersize=4, alpha=0.5, markeredgewidth=0)
    panels[0].set(xlim=(0, 180), ylim=(0, 180), xticks=range(0, 181, 45), yticks=range(0, 181, 45))
    name_axes(panels[0], "true azimuth modulo 180", "said azimuth modulo 180")
    seen = (_values(ice, lambda r: r.snr), _values(ice, lambda r: r.truth.magnitude), _values(ice, lambda r: r.stations))
    for axes, against, name in zip(panels[1:], seen, (NOISE, MAGNITUDE, "stations"), strict=True):
        error_panel(axes, against, error, 0.0)
        axes.set(ylim=(0, 90), yticks=range(0, 91, 15))
        name_axes(axes, name, "error, degrees modulo 180" if axes is panels[1] else "")
        axes.axhline(10, color=GRAY, linewidth=0.8, linestyle="--")
    log_x(panels[1])
    save(figure, path)
