"""Render the pictures that models read; training and serving both draw them through these functions only."""

from models.array_types import Floats, Pictures
from models.imaging.beam_picture import draw_beam_picture
from models.imaging.record_section import Placement, draw_section_picture
from models.imaging.source_picture import draw_source_picture
from models.imaging.style import AmplitudeStyle, BeamStyle, FrequencyStyle, SectionStyle, SourceStyle
from models.imaging.trace_picture import draw_amplitude_pictures, draw_frequency_pictures
from models.imaging.window import check_sampling_rate
from models.seismic.waveforms import Gather

__all__ = ["Placement", "render_beam", "render_section", "render_source", "render_traces"]


def render_traces(style: AmplitudeStyle | FrequencyStyle, gather: Gather, window_start_s: float | Floats) -> Pictures:
    """
    Render one picture per trace, uint8 [traces, channels, rows, columns], with the left edge at `window_start_s` (POSIX seconds).

    The left edge is one for all or one for each trace [traces]. Samples of the window that are not in the gather are "no data" (0). The
    picture of a trace depends neither on the trace's amplitude nor on other traces. Raises ValueError for a gather whose sampling rate is
    not the style's.
    """
    if isinstance(style, FrequencyStyle):
        return draw_frequency_pictures(style, gather, window_start_s)
    return draw_amplitude_pictures(style, gather, window_start_s)


def render_section(
    style: SectionStyle, gather: Gather, window_start_s: float, placement: Placement, origin_time_s: float | None = None
) -> Pictures:
    """
    Render a record section of a gather, uint8 [channels, rows, columns].

    The picture depends neither on the order of the traces nor on their amplitudes.

    Parameters
    ----------
    style : SectionStyle
        How it is drawn.
    gather : Gather
        Conditioned records.
    window_start_s : float
        Left edge in POSIX seconds; with a reduction velocity, the left edge at distance 0.
    placement : Placement
        Distance and azimuth of each trace.
    origin_time_s : float, optional
        Origin time (predicted, POSIX seconds) that the style's close-up begins at; the close-up is empty without one.

    Raises
    ------
    ValueError
        For a gather whose sampling rate is not the style's, or a placement of another length.

    """
    _check_placement(placement, gather)
    return draw_section_picture(style, gather, window_start_s, placement, origin_time_s)


def render_source(style: SourceStyle, gather: Gather, distances_deg: Floats) -> Pictures:
    """
    Render the source picture of a gather, uint8 [2, rows, columns]: what its traces have in common.

    Attenuation is corrected for with `distances_deg` [traces]; a trace without one (NaN) is not corrected, and an error of some degrees
    changes a level by a few decibels. The picture depends neither on the order of the traces nor on their amplitudes. Raises ValueError for
    a gather whose sampling rate is not the style's, or another number of distances.
    """
    if len(gather.samples) != len(distances_deg):
        raise ValueError("a source picture needs one distance per trace")
    return draw_source_picture(style, gather, distances_deg)


def render_beam(style: BeamStyle, gather: Gather, origin_time_s: float, placement: Placement) -> Pictures:
    """
    Render the beam picture of a gather, uint8 [bands, rows, columns]: a row for each trial azimuth of a force, 128 for zero.

    The picture depends neither on the order of the traces nor on their amplitudes; rotating the stations about the epicenter rotates the
    rows.

    Parameters
    ----------
    style : BeamStyle
        How it is drawn.
    gather : Gather
        Conditioned records.
    origin_time_s : float
        Origin time in POSIX seconds; an error shifts the picture in time.
    placement : Placement
        Distance and azimuth of each trace; a trace without either (NaN) is left out.

    Raises
    ------
    ValueError
        For a gather whose sampling rate is not the style's, or a placement of another length.

    """
    _check_placement(placement, gather)
    check_sampling_rate(style, gather)
    return draw_beam_picture(style, gather, origin_time_s, placement)


def _check_placement(placement: Placement, gather: Gather) -> None:
    """Raise ValueError for a placement of another number of traces than those of the gather."""
    if not len(gather.samples) == len(placement.distances_deg) == len(placement.azimuths_deg):
        raise ValueError("a placement has one distance and one azimuth per trace")
