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
_SHARES: Final = {2: (0.42, 0.58), 3: (0.3, 0.4, 0.3)}  # of the width, by the number of panels


@dataclass(frozen=True)
class StationWaveforms:
    """A station's name with the fit of its windows."""

    name: str
    waveform: WaveformFit


def waveform_fit_figure(stations: Sequence[StationWaveforms], title: str) -> bytes:
    """
    Draw observed (black) and synthetic (red) waveforms, a row a station by azimuth: body, Rayleigh, and any Love waves; return PNG.

    Each window has its own gain, and the synthetic its time shift, both of which the inversion leaves free.
    """
    rows = sorted(stations, key=lambda one: one.waveform.azimuth_deg)[:MAX_ROWS]
    height_in = 1.35 + ROW_IN * max(len(rows), 2)
    subtitle = "black: observed, red: synthetic, both whitened, 28 to 150 s, each window at its own gain and shift"
    figure = new_figure(WIDTH_IN, height_in, title, subtitle)
    love = [one.waveform.love for one in rows]
    panels: list[tuple[str, Sequence[WindowFit | None]]] = [
        ("body waves", [one.waveform.body for one in rows]),
        ("Rayleigh waves", [one.waveform.rayleigh for one in rows]),
    ]
    panels += [("Love waves", love)] if any(love) else []
    width_in, left_in, drawn = WIDTH_IN - _LEFT_IN - len(panels) * _GAP_IN, _LEFT_IN, []
    for (name, windows), share in zip(panels, _SHARES[len(panels)], strict=True):
        drawn.append(place_axes(figure, left_in, 0.55, WIDTH_IN - left_in - share * width_in, 0.8))
        left_in += share * width_in + _GAP_IN
        _draw_windows(drawn[-1], windows)
        _label_panel(drawn[-1], name, len(rows))
    body = drawn[0]
    for row, one in enumerate(rows):
        place = f"{one.waveform.distance_deg:.0f}°, azimuth {one.waveform.azimuth_deg:.0f}°"
        body.text(
            -0.02, row, f"{one.name}\n{place}", transform=body.get_yaxis_transform(), ha="right", va="center", fontsize=6.6, color=INK
        )
    return encode_png(figure)


def _label_panel(axes: Axes, name: str, rows: int) -> None:
    axes.set_title(name, fontsize=9, color=INK, loc="left")
    axes.set_xlabel("time from the begin of the window (s)")
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
        label = f"{one.correlation:.2f}\n{one.shift_s:+.0f} s"
        axes.text(1.01, row, label, transform=axes.get_yaxis_transform(), va="center", fontsize=6.6, color=GRAY)
