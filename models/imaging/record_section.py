"""Record sections: all traces of an event in one picture, arranged by distance or azimuth."""

from dataclasses import dataclass

import numpy as np

from models.array_types import Floats, Pictures
from models.imaging.raster import LINE
from models.imaging.style import SectionStyle
from models.imaging.wiggles import WiggleLayout, draw_bands
from models.seismic.earth.travel_times import first_arrival_s
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.waveforms import Gather

EXPOSURE = 0.4
"""Opacity of a line: ten lines over one another differ from twenty, so that sections of dense networks do not saturate."""


@dataclass(frozen=True)
class Placement:
    """
    Distance and azimuth of each trace of a gather in a picture: predicted, or from a trial epicenter, but never the true ones.

    `distances_deg`, `azimuths_deg` [traces]; NaN leaves a trace out. Azimuths are used by styles whose vertical axis is "azimuth", and by
    beams; distances by the vertical axis "distance", by reduction velocities and by beams.
    """

    distances_deg: Floats
    azimuths_deg: Floats


def draw_section_picture(
    style: SectionStyle, gather: Gather, window_start_s: float, placement: Placement, origin_time_s: float | None
) -> Pictures:
    """Draw a section, uint8 [channels, rows, columns], positive up; n lines over one another have brightness 1 - exp(-EXPOSURE n)."""
    rows = center_rows(style, placement)
    picture = draw_rows(style, gather, window_start_s + _delays_s(style, placement), rows)
    if style.close_up is None:
        return picture
    close_up = style.model_copy(update={"window_s": style.close_up.window_s, "bands": style.close_up.bands})
    after_origin_s = first_arrival_s(placement.distances_deg, depth_km=0.0) - style.close_up.lead_s
    starts_s = after_origin_s + (np.nan if origin_time_s is None else origin_time_s)
    return np.concatenate([picture, draw_rows(close_up, gather, starts_s, rows)])


def draw_rows(style: SectionStyle, gather: Gather, starts_s: Floats, center: Floats) -> Pictures:
    """Draw the bands [bands, rows, columns] in windows from `starts_s` [traces] on, at rows `center`; NaN in either leaves a trace out."""
    traces = np.flatnonzero(np.isfinite(center) & np.isfinite(starts_s))
    ink = np.zeros((1, len(style.bands), style.rows, style.columns), np.uint16)
    draw_bands(style, gather, WiggleLayout(traces, starts_s[traces], np.zeros_like(traces), center[traces], style.wiggle_rows), ink)
    exposed = 255.0 * (1.0 - np.exp(ink[0] * np.float32(-EXPOSURE / LINE)))
    return np.asarray(np.floor(exposed + 0.5), np.uint8)


def center_rows(style: SectionStyle, placement: Placement) -> Floats:
    """Compute the row of each trace's zero line in pixels from the top, NaN without distance (or azimuth)."""
    if style.vertical_axis == "azimuth":
        fraction = np.mod(placement.azimuths_deg, 360.0) / 360.0
    else:
        fraction = np.clip(placement.distances_deg, 0.0, 180.0) / 180.0
    return np.asarray(fraction**style.axis_exponent * style.rows, np.float64)


def _delays_s(style: SectionStyle, placement: Placement) -> Floats:
    if style.reduction_velocity_km_s is None:
        return np.zeros(len(placement.distances_deg))
    return np.asarray(placement.distances_deg, np.float64) * (KM_PER_DEGREE / style.reduction_velocity_km_s)
