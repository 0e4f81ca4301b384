"""Waveform fit of a source: observed and synthetic body, Rayleigh and Love waves of each station, with time shift and correlation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from models.seismic.source.waveform_fit import DRAWN_STEP_S, WaveformFit, WindowFit
from workers.plots.canvas import GRAY, INK, RED, encode_png, new_figure, place_axes

WIDTH_IN: Final = 10.5
ROW_IN: Final = 0.42
MAX_ROWS: Final = 24
_LEFT_IN, _GAP_IN = 1.55, 0.75
_SHARES: Final = {"body waves": 0.3, "Rayleigh waves": 0.4, "Love waves": 0.3}  # relative widths of the panels


@dataclass(frozen=True)
class StationWaveforms:
    """A station's name with the fit of its windows."""

    name: str
    waveform: WaveformFit


def waveform_fit_figure(stations: Sequence[StationWaveforms], title: str) -> bytes:
    """
    Draw observed (black) and synthetic (red) waveforms, a row a station by azimuth: Rayleigh, and any body and Love waves; return PNG.

    Each window has its own gain, and the synthetic its time shift, both of which the inversion leaves free.
    """
    rows = sorted(stations, key=lambda one: one.waveform.azimuth_deg)[:MAX_ROWS]
    height_in = 1.35 + ROW_IN * max(len(rows), 2)
    subtitle = "black: observed, red: synthetic, whitened, 28 to 150 s, each window at its own gain; right: correlation, time shift"
    figure = new_figure(WIDTH_IN, height_in, title, subtitle)
    panels = collect_panels(rows)
    width_in = (WIDTH_IN - _LEFT_IN - len(panels) * _GAP_IN) / sum(_SHARES[name] for name in panels)
    left_in, drawn = _LEFT_IN, []
    for name, windows in panels.items():
        drawn.append(place_axes(figure, left_in, 0.55, WIDTH_IN - left_in - _SHARES[name] * width_in, 0.8))
        left_in += _SHARES[name] * width_in + _GAP_IN
        _draw_windows(drawn[-1], windows)
        _label_panel(drawn[-1], name, len(rows))
    _label_stations(drawn[0], rows)
    return encode_png(figure)


def collect_panels(rows: Sequence[StationWaveforms]) -> dict[str, list[WindowFit | None]]:
    """Collect the windows of the rows by kind of wave: Rayleigh waves, and the kinds that some row has."""
    body, rayleigh, love = ([getattr(one.waveform, kind) for one in rows] for kind in ("body", "rayleigh", "love"))
    panels = {"body waves": body, "Rayleigh waves": rayleigh, "Love waves": love}
    return {name: windows for name, windows in panels.items() if any(windows) or name == "Rayleigh waves"}


def _label_stations(axes: Axes, rows: Sequence[StationWaveforms]) -> None:
    """Name the trace of each row, with its distance and azimuth, at the left of a panel."""
    for row, one in enumerate(rows):
        text = f"{one.name}\n{one.waveform.distance_deg:.0f}°, azimuth {one.waveform.azimuth_deg:.0f}°"
        axes.text(-0.02, row, text, transform=axes.get_yaxis_transform(), ha="right", va="center", fontsize=6.6, color=INK)


def _label_panel(axes: Axes, name: str, rows: int) -> None:
    axes.set_title(name, fontsize=9, color=INK, loc="left")
    axes.set_xlabel("time from the start of the window (s)")
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _draw_windows(axes: Axes, windows: Sequence[WindowFit | None]) -> None:
    """Draw a window a row, with correlation and shift at its right."""
    lengths = [len(one.observed) for one in windows if one is not None]
    longest_s = DRAWN_STEP_S * max(lengths, default=1)
    axes.set_xlim(0.0, longest_s)
    for row, one in enumerate(windows):
        if one is None:
            continue
        times = DRAWN_STEP_S * np.arange(len(one.observed), dtype=np.float64)
        scale = 0.48 / max(float(np.abs(one.observed).max()), float(np.abs(one.synthetic).max()), 1e-300)
        for values, color in ((one.observed, INK), (one.synthetic, RED)):
            axes.plot(times, row - scale * values, color=color, linewidth=0.8, clip_on=False)
        shift_s = round(one.shift_s)
        label = f"{one.correlation:.2f}\n{f'{shift_s:+d}' if shift_s else '0'} s"
        axes.text(1.01, row, label, transform=axes.get_yaxis_transform(), va="center", fontsize=6.6, color=GRAY)
