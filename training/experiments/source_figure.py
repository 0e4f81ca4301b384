"""A figure of every kind of source: its moment or force against time, and its spectrum, for several draws."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.synthesis.catalogs import draw_double_couples
from training.synthesis.sources import KINDS, Source, make_anomalous, make_earthquake, make_glacial

STEP_S = 1.0
DRAWS = 4
EPICENTER = (66.4, -38.1)


def draw_example(kind: str, number: int, random: np.random.Generator) -> Source:
    """Draw an earthquake of magnitude 6 + number, a glacial earthquake of 1e14 kg m, or another kind as for training."""
    if kind == "earthquake":
        moment = 10 ** (1.5 * (6 + number) + 9.1)
        return make_earthquake((*EPICENTER, 20.0), draw_double_couples(random, np.array([moment]))[0], STEP_S, random)
    if kind == "glacial":
        return make_glacial(EPICENTER, 1e14, 90.0, STEP_S, random)
    return make_anomalous(kind, EPICENTER, STEP_S, random)


def normalize_history(source: Source) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], str]:
    """Normalize moment or force of the strongest component [samples] to its largest value, and label it with that value."""
    components = np.cumsum(source.rates, axis=1) * STEP_S
    strongest = components[np.abs(components).max(axis=1).argmax()]
    peak = float(np.abs(strongest).max())
    unit, name = ("N", "force") if source.is_force else ("N m", "moment")
    return strongest / (peak if strongest[np.abs(strongest).argmax()] > 0 else -peak), f"{name} {peak:.0e} {unit}"


def _draw_panels(kind: str, left: Axes, right: Axes, random: np.random.Generator) -> None:
    for number in range(DRAWS):
        source = draw_example(kind, number, random)
        shape, words = normalize_history(source)
        padded = np.concatenate([np.zeros(10), shape, np.full(20, shape[-1])])
        left.plot(np.arange(-10, len(shape) + 20) * STEP_S, padded, linewidth=1, label=words)
        rate = source.rates[np.abs(source.rates).max(axis=1).argmax()]
        spectrum = np.abs(np.fft.rfft(rate, 4096)) * STEP_S
        frequencies_mhz = np.fft.rfftfreq(4096, STEP_S) * 1000
        band = (frequencies_mhz > 2) & (frequencies_mhz < 120)
        right.loglog(frequencies_mhz[band], spectrum[band], linewidth=1)
    left.set_title(kind.replace("_", " "), loc="left", fontsize=9)
    left.legend(fontsize=5.5, loc="lower right", frameon=False)
    for axes in (left, right):
        axes.tick_params(labelsize=6)
    low, high = right.get_ylim()
    right.set_ylim(max(low, high * 1e-5), high)
    right.axvspan(1000 / 100, 1000 / 35, color="0.9", zorder=0)


def draw_sources_figure(path: Path, seed: int = 3407) -> None:
    """Draw all kinds of source as PNG; the gray band in the spectra is 35 to 100 s."""
    figure = Figure(figsize=(12, 8.5), layout="constrained")
    grid = figure.subplots(4, 4)
    for kind, (left, right) in zip(KINDS, grid.reshape(-1, 2), strict=True):
        _draw_panels(kind, left, right, np.random.default_rng([seed, KINDS.index(kind)]))
    for axes in grid[-1, ::2]:
        axes.set_xlabel("seconds after the origin time", fontsize=7)
    for axes in grid[-1, 1::2]:
        axes.set_xlabel("mHz (spectrum of the rate, N m or N)", fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)
