"""Lines as pixels: an antialiased wiggle with time to the right, drawn column by column."""

import math

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled

HALF_WIDTH = 0.5
LINE = 255
FULL = 65535


@compiled
def draw_wiggle(
    ink: NDArray[np.uint16],
    wiggle: NDArray[np.float32],
    live: NDArray[np.bool_],
    step: int,
    first_column: float,
    columns_a_sample: float,
    center_row: float,
    rows_a_unit: float,
) -> None:
    """
    Add `wiggle` [n] to `ink` [rows, columns]; a pixel that the line covers gains a LINE, at most up to what uint16 holds.

    Sample i lies at column `first_column + i columns_a_sample` and row `center_row - wiggle[i] rows_a_unit`, in pixels from
    the upper left corner (pixel r spans r to r + 1). It is live where `live[i step]` is, and only between live neighbors is
    there a line. A column is inked from the smallest to the largest value of the line within it and half a pixel beyond, by
    covered fraction.
    """
    columns = ink.shape[1]
    low, high = np.inf, -np.inf
    column = -1
    for i in range(len(wiggle)):
        if not live[i * step]:
            continue
        x = first_column + i * columns_a_sample
        y = center_row - float(wiggle[i]) * rows_a_unit
        here = math.floor(x)
        joined = i > 0 and live[(i - 1) * step]
        if here != column:
            if joined:
                x0, y0 = x - columns_a_sample, center_row - float(wiggle[i - 1]) * rows_a_unit
                for border in range(column + 1, here + 1):
                    crossing = y0 + (y - y0) * (border - x0) / columns_a_sample
                    low, high = min(low, crossing), max(high, crossing)
                    _ink(ink, border - 1, low, high)
                    low, high = crossing, crossing
            else:
                _ink(ink, column, low, high)
                low, high = np.inf, -np.inf
            column = here
        low, high = min(low, y), max(high, y)
        if here >= columns:
            return
    _ink(ink, column, low, high)


@compiled
def _ink(ink: NDArray[np.uint16], column: int, low: float, high: float) -> None:
    """Ink the pixels of a column between rows `low` and `high` and half a line's width beyond; nothing outside the picture."""
    if column < 0 or column >= ink.shape[1] or low > high:
        return
    top, bottom = max(low - HALF_WIDTH, 0.0), min(high + HALF_WIDTH, float(ink.shape[0]))
    for row in range(math.floor(top), math.ceil(bottom)):
        covered = min(bottom, row + 1.0) - max(top, float(row))
        ink[row, column] = np.uint16(min(FULL, ink[row, column] + math.floor(covered * LINE + 0.5)))
