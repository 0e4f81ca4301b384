"""All traces of an event in one picture, each at its place on the vertical axis."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.imaging.raster import LINE
from models.imaging.style import SectionStyle
from models.imaging.wiggles import draw_bands
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.waveforms import Gather

# Ten lines over one another are still darker than twenty: dense stations keep a structure where paint would be a white block.
EXPOSURE = 0.4


@dataclass(frozen=True)
class Placement:
    """
    Where each trace of a gather stands: predicted, or at a trial epicenter; never the truth.

    `distances_deg`, `azimuths_deg` [traces]; NaN leaves a trace out. Azimuths count for the vertical axis "azimuth" alone;
    distances then only for the reduction, if there is one.
    """

    distances_deg: NDArray[np.float64]
    azimuths_deg: NDArray[np.float64]


def section_picture(
    style: SectionStyle, gather: Gather, window_start_s: float, placement: Placement, origin_time_s: float | None
) -> NDArray[np.uint8]:
    """uint8 [channels, rows, columns]; positive amplitude up; n lines over one another show as 1 - exp(-EXPOSURE n)."""
    places = center_rows(style, placement)
    picture = _draw(style, gather, window_start_s + _delays_s(style, placement), places)
    if style.close_up is None:
        return picture
    near = style.model_copy(update={"window_s": style.close_up.window_s, "bands": style.close_up.bands})
    starts_s = first_arrivals_s(placement.distances_deg) - style.close_up.lead_s + (np.nan if origin_time_s is None else origin_time_s)
    return np.concatenate([picture, _draw(near, gather, starts_s, places)])


def first_arrivals_s(distances_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds after the origin of the first arrival of a surface source [traces]: P, beyond it PKP."""
    direct = travel_time_s("P", distances_deg, 0.0)
    return np.asarray(np.where(np.isfinite(direct), direct, travel_time_s("PKP", distances_deg, 0.0)))


def _draw(style: SectionStyle, gather: Gather, starts_s: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The style's bands [bands, rows, columns] in windows from `starts_s` [traces] on; NaN there or in `places` leaves a trace out."""
    rows = np.flatnonzero(np.isfinite(places) & np.isfinite(starts_s))
    ink = np.zeros((1, len(style.bands), style.rows, style.columns), np.uint16)
    draw_bands(style, gather, starts_s[rows], rows, ink, np.zeros_like(rows), places[rows], style.wiggle_rows)
    exposed = 255.0 * (1.0 - np.exp(ink[0] * np.float32(-EXPOSURE / LINE)))
    return np.asarray(np.floor(exposed + 0.5), np.uint8)


def center_rows(style: SectionStyle, placement: Placement) -> NDArray[np.float64]:
    """The row of each trace's zero line in pixels from the top, NaN where it has no place."""
    if style.vertical_axis == "azimuth":
        share = np.mod(placement.azimuths_deg, 360.0) / 360.0
    else:
        share = np.clip(placement.distances_deg, 0.0, 180.0) / 180.0
    return np.asarray(share**style.axis_exponent * style.rows, np.float64)


def _delays_s(style: SectionStyle, placement: Placement) -> NDArray[np.float64]:
    if style.reduction_velocity_km_s is None:
        return np.zeros(len(placement.distances_deg))
    return np.asarray(placement.distances_deg, np.float64) * (KM_PER_DEGREE / style.reduction_velocity_km_s)
