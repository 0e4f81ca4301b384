"""Rasterize waveforms: an antialiased wiggle with time to the right, drawn column by column."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.array_types import Flags, Floats32
from models.compiled import compiled

HALF_WIDTH = 0.5
LINE = 255
FULL = 65535


class WiggleAxes(NamedTuple):
    """
    Position of a wiggle in a picture, in pixels from the upper left corner (pixel r spans r to r + 1).

    Sample i lies at column `first_column + i columns_per_sample`, amplitude a, positive up, at row `center_row - a rows_per_unit`.
    """

    first_column: float
    columns_per_sample: float
    center_row: float
    rows_per_unit: float


@compiled
def draw_wiggle(ink: NDArray[np.uint16], wiggle: Floats32, live: Flags, step: int, axes: WiggleAxes) -> None:
    """
    Add a wiggle to `ink`: a pixel that the line covers gains LINE times the covered fraction, saturating at FULL.

    A column is inked from the smallest to the largest value of the line within it, and half a pixel beyond.

    Parameters
    ----------
    ink : uint16 [rows, columns]
        Changed in place.
    wiggle : float32 [n]
        Amplitudes.
    live, step : bool [m], int
        Sample i is live where `live[i step]` is; the line connects live neighbors only.
    axes : WiggleAxes
        Where samples and amplitudes lie.

    """
    first_column, columns_per_sample, center_row, rows_per_unit = axes
    columns = ink.shape[1]
    low, high = np.inf, -np.inf
    column = -1
    for i in range(len(wiggle)):
        if not live[i * step]:
            continue
        x = first_column + i * columns_per_sample
        y = center_row - float(wiggle[i]) * rows_per_unit
        current = math.floor(x)
        joined = i > 0 and live[(i - 1) * step]
        if current != column:
            if joined:
                x0, y0 = x - columns_per_sample, center_row - float(wiggle[i - 1]) * rows_per_unit
                for border in range(column + 1, current + 1):
                    crossing = y0 + (y - y0) * (border - x0) / columns_per_sample
                    low, high = min(low, crossing), max(high, crossing)
                    _ink(ink, border - 1, low, high)
                    low, high = crossing, crossing
            else:
                _ink(ink, column, low, high)
                low, high = np.inf, -np.inf
            column = current
        low, high = min(low, y), max(high, y)
        if current >= columns:
            return
    _ink(ink, column, low, high)


@compiled
def _ink(ink: NDArray[np.uint16], column: int, low: float, high: float) -> None:
    """Add ink to the pixels of a column between rows `low` and `high` and half a line width beyond, within the picture."""
    if column < 0 or column >= ink.shape[1] or low > high:
        return
    top, bottom = max(low - HALF_WIDTH, 0.0), min(high + HALF_WIDTH, float(ink.shape[0]))
    for row in range(math.floor(top), math.ceil(bottom)):
        covered = min(bottom, row + 1.0) - max(top, float(row))
        ink[row, column] = np.uint16(min(FULL, ink[row, column] + math.floor(covered * LINE + 0.5)))
