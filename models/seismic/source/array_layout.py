"""
Layout of the arrays of a source inversion: what the indices of windows and columns mean, and the steps of the tables.

Numba keeps compiled code by the date of its own file: change `search`, `radiation` and `amplitudes` together with this one.
"""

from typing import Final

from models.seismic.source.greens_tables import DISTANCE_STEP_DEG

BODY, RAYLEIGH, LOVE = 0, 1, 2
"""Windows of a record. Those of body waves are empty where they are not separate: the windows of Rayleigh waves then hold both."""
WINDOWS: Final = 3
LOG_LIKELIHOOD, PLACE, STATE, DELAY, STRETCH, MECHANISM = 0, slice(1, 3), 3, 4, 5, slice(6, None)
"""
Columns of a row that states a source: log likelihood against noise; geocentric latitude and longitude in radians; depth or force history by
index; delay of the origin time in seconds; stretch of Rayleigh travel times; moment tensor [6] (rr, tt, pp, rt, rp, tp) or force [3] (up,
north, east).
"""
SHIFT, CORRELATION, INVERSE_NORM = 0, 1, 2
"""Columns of the fit of a window: shift of the record in seconds, correlation, and inverse root of the norm of the Green's functions."""
DELAY_STEP_S: Final = 5.0
SLOWNESSES_S_DEG: Final = (10.0, 30.0, 20.0)
"""Moveout of body, Rayleigh and Love waves between tabulated distances; a whole number of delay steps in a step of distance."""
SAMPLES_PER_STEP: Final = tuple(round(slowness * DISTANCE_STEP_DEG / DELAY_STEP_S) for slowness in SLOWNESSES_S_DEG)
"""The same in delay steps."""
