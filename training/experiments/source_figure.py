"""A figure of every kind of source: its history of moment or force, and its spectrum, several draws over one another."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.synthesis.catalogs import draw_double_couples
from training.synthesis.sources import KINDS, Source, make_anomalous, make_earthquake, make_glacial

STEP_S = 1.0
DRAWS = 4
PLACE = (66.4, -38.1)


def _draw(kind: str, number: int, random: np.random.Generator) -> Source:
    """Earthquakes of magnitude 6, 7, 8 and 9; glacial earthquakes of 1e14 kg m; others as they are drawn for training."""
    if kind == "earthquake":
        moment = 10 ** (1.5 * (6 + number) + 9.1)
        return make_earthquake((*PLACE, 20.0), draw_double_couples(random, np.array([moment]))[0], STEP_S, random)
    if kind == "glacial":
        return make_glacial(PLACE, 1e14, 90.0, STEP_S, random)
    return make_anomalous(kind, PLACE, STEP_S, random)


def rate_history(source: Source) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], str]:
    """The strongest component [samples] over its largest value, and what it is in words with that value."""
    components = np.cumsum(source.rates, axis=1) * STEP_S
    strongest = components[np.abs(components).max(axis=1).argmax()]
    peak = float(np.abs(strongest).max())
    unit, name = ("N", "force") if source.is_force else ("N m", "moment")
    return strongest / (peak if strongest[np.abs(strongest).argmax()] > 0 else -peak), f"{name} {peak:.0e} {unit}"


def _panels(kind: str, left: Axes, right: Axes, random: np.random.Generator) -> None:
    for number in range(DRAWS):
        source = _draw(kind, number, random)
        shape, words = rate_history(source)
        shown = np.concatenate([np.zeros(10), shape, np.full(20, shape[-1])])
        left.plot(np.arange(-10, len(shape) + 20) * STEP_S, shown, linewidth=1, label=words)
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


def write_sources(path: Path, seed: int = 3407) -> None:
    """All kinds on one sheet (PNG); gray in the spectra: 35 to 100 s."""
    figure = Figure(figsize=(12, 8.5), layout="constrained")
    grid = figure.subplots(4, 4)
    for kind, (left, right) in zip(KINDS, grid.reshape(-1, 2), strict=True):
        _panels(kind, left, right, np.random.default_rng([seed, KINDS.index(kind)]))
    for axes in grid[-1, ::2]:
        axes.set_xlabel("seconds after the origin time", fontsize=7)
    for axes in grid[-1, 1::2]:
        axes.set_xlabel("mHz (spectrum of the rate, N m or N)", fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)
