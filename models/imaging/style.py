"""
How a picture is drawn, declared in full: frozen, without defaults, with a fingerprint that an artifact remembers.

Change what the renderer draws and EDITION must rise: every artifact trained before becomes unloadable, which is meant.
"""

import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict

EDITION = 1


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Conditioning(_Declared):
    """From raw records to a gather: one clock, one pass-band, cosine edges (all in one FFT per trace)."""

    sampling_rate_hz: float
    shortest_period_s: float
    longest_period_s: float
    taper_s: float


class Band(_Declared):
    """A pass-band by its corner periods in seconds, with cosine flanks an octave wide in all."""

    shortest_period_s: float
    longest_period_s: float


class _Picture(_Declared):
    conditioning: Conditioning
    window_s: float
    columns: int
    rows: int


class AmplitudeStyle(_Picture):
    """One trace as wiggles, time to the right: a color channel a band, each scaled by its own largest amplitude."""

    kind: Literal["amplitude"]
    bands: tuple[Band, ...]


class FrequencyStyle(_Picture):
    """
    One trace as a dispersion picture: a row a period (longest on top), time to the right.

    Each row is the envelope behind a Gaussian filter of the stated relative bandwidth, in decibels under the row's own
    maximum down to `dynamic_range_db`; 0 is kept for "no data", 1 to 255 spans the range. After multiple-filter analysis
    (Dziewonski, Bloch & Landisman 1969, BSSA 59, 427-444). A color channel a zoom: the window's beginning, that many times
    shorter, over the full width, so that a local event of minutes is not lost in a window made for teleseisms.
    """

    kind: Literal["frequency"]
    zooms: tuple[float, ...]
    shortest_period_s: float
    longest_period_s: float
    relative_bandwidth: float
    dynamic_range_db: float


class CloseUp(_Declared):
    """
    The first arrivals of a section, enlarged, in further color channels.

    Each trace from `lead_s` before its first arrival on (P, beyond 125 degrees PKP, of a surface source in ak135), over `window_s`:
    what lies between P and its depth phases, and a whole local event, is less than a column or two of the section.
    """

    lead_s: float
    window_s: float
    bands: tuple[Band, ...]


class SectionStyle(_Picture):
    """
    All traces of an event as wiggles in one picture, time to the right, each at its place on the vertical axis.

    `vertical_axis` "distance": 0 degrees on top, 180 at the bottom, spaced by the power `axis_exponent` (0.5 = square root);
    "azimuth": station azimuth at the trial epicenter, 0 on top, 360 at the bottom. Where `reduction_velocity_km_s` is set,
    each trace is shifted left by its distance over that velocity. A color channel a band, each trace `wiggle_rows` rows high
    either side at its own largest amplitude, in that band or, with `one_scale`, in all bands: then the ratio of periods, by which
    sources differ, is kept; then those of the close-up, if there is one. With `quiet_rows`, what is quiet in a trace and band stands
    that many rows high at most: a trace of noise is a ripple, not an event.
    """

    kind: Literal["section"]
    vertical_axis: Literal["distance", "azimuth"]
    axis_exponent: float
    reduction_velocity_km_s: float | None
    wiggle_rows: float
    one_scale: bool
    quiet_rows: float | None
    bands: tuple[Band, ...]
    close_up: CloseUp | None


class SourceStyle(_Picture):
    """
    What an event's records have in common whatever their path: level against period and time about the strongest arrival.

    Two channels, a row a period (longest on top), each `dynamic_range_db` high: first the level of the envelope behind a
    Gaussian filter of the stated relative bandwidth under the event's largest, attenuation on the way put back, each row about
    its own maximum; then the height over the noise, all rows about the arrival that is highest in all of them together. The
    window begins `lead_s` before either. What rises less than `floor_db` over the record's quiet parts is drawn as nothing.
    Medians over the clearer half of the traces. Unlike sections it keeps the ratio of periods, which tells sources apart.
    """

    kind: Literal["source"]
    shortest_period_s: float
    longest_period_s: float
    relative_bandwidth: float
    lead_s: float
    floor_db: float
    dynamic_range_db: float


class BeamStyle(_Picture):
    """
    Trial azimuths of a horizontal force, 0 on top, 360 at the bottom, time to the right: the surface waves that each would have sent.

    Rayleigh waves of such a force go as the cosine of the station's azimuth from it (Kanamori & Given 1982,
    doi:10.1029/JB087iB07p05422; Tsai & Ekstrom 2007). Each trace is freed of its path: of dispersion by the phase velocities at
    those periods, of the phase that a force's waves begin with. A row is the sum of all traces, each times its cosine, over the
    standard deviation of the sum's noise; `full_scale` of them span half the brightness. So the direction of the force is the row
    of the greatest swing, the opposite one its negative, and a force that turns turns the rows. A color channel a band.

    Time begins `lead_s` before the origin. Paths differ from the mean one by `velocity_scatter`, gains from what noise says by
    `gain_scatter` (relative): what that leaves incoherent counts as noise. Traces with less than `least_long_noise` times the
    usual noise of the last band over that of `instrument_band` are left out: their seismometers do not reach it.
    """

    kind: Literal["beam"]
    lead_s: float
    bands: tuple[Band, ...]
    instrument_band: Band
    least_long_noise: float
    phase_periods_s: tuple[float, ...]
    phase_velocities_km_s: tuple[float, ...]
    reduction_velocity_km_s: float
    initial_phase_deg: float
    velocity_scatter: float
    gain_scatter: float
    full_scale: float


TraceStyle = AmplitudeStyle | FrequencyStyle
Style = AmplitudeStyle | FrequencyStyle | SectionStyle | SourceStyle | BeamStyle


def channels(style: Style) -> int:
    """Number of color channels of the picture."""
    if isinstance(style, SourceStyle):
        return 2
    if isinstance(style, FrequencyStyle):
        return len(style.zooms)
    more = style.close_up.bands if isinstance(style, SectionStyle) and style.close_up else ()
    return len(style.bands) + len(more)


def fingerprint(style: Style) -> str:
    """SHA-256 of the style's JSON and the renderer's edition, as hexadecimal."""
    text = f"edition {EDITION}\n{style.model_dump_json()}"
    return hashlib.sha256(text.encode()).hexdigest()
