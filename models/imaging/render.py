"""The one door through which pictures for models are drawn, in training and in serving alike."""

import numpy as np
from numpy.typing import NDArray

from models.imaging.beam_picture import beam_picture
from models.imaging.record_section import Placement, section_picture
from models.imaging.source_picture import source_picture
from models.imaging.style import AmplitudeStyle, BeamStyle, FrequencyStyle, SectionStyle, SourceStyle
from models.imaging.trace_picture import amplitude_pictures, frequency_pictures
from models.seismic.waveforms import Gather

__all__ = ["Placement", "render_beam", "render_section", "render_source", "render_traces"]


def render_traces(style: AmplitudeStyle | FrequencyStyle, gather: Gather, window_start_s: float) -> NDArray[np.uint8]:
    """
    A picture a trace: uint8 [traces, channels, rows, columns], its left edge at `window_start_s` (POSIX seconds).

    The window may begin and end anywhere: what the gather does not hold is "no data" (0). Neither the scale of a trace nor
    the other traces change its picture. Raises ValueError for a gather on another clock than the style's.
    """
    if isinstance(style, FrequencyStyle):
        return frequency_pictures(style, gather, window_start_s)
    return amplitude_pictures(style, gather, window_start_s)


def render_section(
    style: SectionStyle, gather: Gather, window_start_s: float, placement: Placement, origin_time_s: float | None = None
) -> NDArray[np.uint8]:
    """
    One picture of the whole gather: uint8 [channels, rows, columns], its left edge at `window_start_s` (POSIX seconds).

    With a reduction velocity that is the left edge at distance 0. The style's close-up follows the (predicted) origin time, and is
    empty without one. Order and scale of the traces change nothing. Raises ValueError for a gather on another clock than the
    style's, or a placement of another length.
    """
    if not len(gather.samples) == len(placement.distances_deg) == len(placement.azimuths_deg):
        raise ValueError("a placement has one distance and one azimuth a trace")
    return section_picture(style, gather, window_start_s, placement, origin_time_s)


def render_source(style: SourceStyle, gather: Gather, distances_deg: NDArray[np.float64]) -> NDArray[np.uint8]:
    """
    One picture of what all traces have in common: uint8 [2, rows, columns].

    `distances_deg` [traces] put attenuation back; a trace without one (NaN) stays as it is, and degrees of error move a level by
    a few decibels. Order and scale of the traces change nothing. Raises ValueError for a gather on another clock than the
    style's, or distances of another number.
    """
    if len(gather.samples) != len(distances_deg):
        raise ValueError("a source picture takes one distance a trace")
    return source_picture(style, gather, distances_deg)


def render_beam(style: BeamStyle, gather: Gather, origin_time_s: float, placement: Placement) -> NDArray[np.uint8]:
    """
    One picture of the force behind a whole gather: uint8 [bands, rows, columns], 128 where there is nothing.

    `origin_time_s` in POSIX seconds; an error of it moves the picture in time. A trace without a distance or an azimuth is left out.
    Order and scale of the traces change nothing; stations turned about the epicenter turn the rows. Raises ValueError for a gather
    on another clock than the style's, or a placement of another length.
    """
    if not len(gather.samples) == len(placement.distances_deg) == len(placement.azimuths_deg):
        raise ValueError("a placement has one distance and one azimuth a trace")
    if gather.sampling_rate_hz != style.conditioning.sampling_rate_hz:
        raise ValueError(f"gather at {gather.sampling_rate_hz} Hz, style at {style.conditioning.sampling_rate_hz} Hz")
    return beam_picture(style, gather, origin_time_s, placement)
