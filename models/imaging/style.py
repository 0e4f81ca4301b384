"""
Styles of pictures: how a picture is drawn, declared in full, without defaults.

An artifact's card holds the fingerprint of the style it was trained on. Raise EDITION with every change of what the renderer draws: all
artifacts trained before become unloadable, as they must.
"""

import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict

EDITION = 1


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Conditioning(_Declared):
    """Conditioning of records into a gather: sampling rate, pass-band by its corner periods, and length of the tapers."""

    sampling_rate_hz: float
    shortest_period_s: float
    longest_period_s: float
    taper_s: float


class Band(_Declared):
    """A pass-band by its corner periods in seconds; each flank is half a cosine, one octave wide."""

    shortest_period_s: float
    longest_period_s: float


class _Picture(_Declared):
    conditioning: Conditioning
    window_s: float
    columns: int
    rows: int


class AmplitudeStyle(_Picture):
    """One trace as wiggles, time to the right: one color channel per band, each scaled by its largest amplitude."""

    kind: Literal["amplitude"]
    bands: tuple[Band, ...]


class FrequencyStyle(_Picture):
    """
    One trace as a dispersion picture by multiple-filter analysis: one row per period (longest on top), time to the right.

    Each row is the envelope behind a Gaussian filter of relative bandwidth `relative_bandwidth`, in decibels below the row's maximum, down
    to `dynamic_range_db`; 0 means "no data", 1 to 255 span the range (Dziewonski, Bloch & Landisman 1969, BSSA 59, 427-444). One color
    channel per zoom: the first 1/zoom of the window over the full width, so that a local event of minutes is resolved as well as a
    teleseism.
    """

    kind: Literal["frequency"]
    zooms: tuple[float, ...]
    shortest_period_s: float
    longest_period_s: float
    relative_bandwidth: float
    dynamic_range_db: float


class CloseUp(_Declared):
    """
    The first arrivals of a section, enlarged, in additional color channels.

    Each trace begins `lead_s` before its first arrival (P or PKP from a surface source in ak135) and lasts `window_s`. In the section
    itself the interval between P and its depth phases, or a whole local event, is shorter than a column or two.
    """

    lead_s: float
    window_s: float
    bands: tuple[Band, ...]


class SectionStyle(_Picture):
    """
    Record section: all traces of an event as wiggles in one picture, time to the right, arranged along the vertical axis.

    `vertical_axis` "distance": 0 degrees on top, 180 at the bottom, spaced by the power `axis_exponent` (0.5 = square root); "azimuth":
    azimuth of the station from the trial epicenter, 0 on top, 360 at the bottom. With `reduction_velocity_km_s` each trace is shifted left
    by its distance over that velocity. One color channel per band, followed by those of the close-up, if there is one. A trace extends
    `wiggle_rows` rows to either side at its largest amplitude in that band or, with `one_scale`, in all bands, which preserves the ratios
    between periods. With `quiet_rows` the noise of a trace and band is at most that many rows high, so that a trace of noise does not look
    like an event.
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
    Source picture: median envelopes of an event's traces by period and time, corrected for attenuation.

    Two channels of one row per period (longest on top), each `dynamic_range_db` high. The first is the envelope behind a Gaussian
    filter of relative bandwidth `relative_bandwidth`, below the largest of the trace, corrected for attenuation along the path, each row
    centered on its own maximum. The second is the height above the noise, all rows centered on the time of the largest sum over rows. The
    window begins `lead_s` before these times. Heights below `floor_db` are drawn as zero. Medians over the half of the traces with the
    higher signal-to-noise ratio. Ratios between periods, in which sources differ, are preserved.
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
    Beam picture: stacked Rayleigh waves for trial azimuths of a horizontal force, 0 on top, 360 at the bottom, time to the right.

    The amplitude of Rayleigh waves of such a force is proportional to the cosine of the station's azimuth relative to it (Kanamori & Given
    1982, doi:10.1029/JB087iB07p05422; Tsai & Ekstrom 2007, doi:10.1029/2006JF000596). Each trace is corrected for dispersion, by
    `phase_velocities_km_s` at `phase_periods_s`, and for the initial phase. A row is the sum of all traces times their cosines, in standard
    deviations of its noise; `full_scale` of them span half of the brightness. The row of the force has the greatest energy, the opposite
    row is its negative, and rotating the force rotates the rows. One color channel per band.

    Time begins `lead_s` before the origin. Path velocities scatter by `velocity_scatter` and gains by `gain_scatter` (relative); the
    incoherent signal that this causes counts as noise. A trace whose noise in the last band over that in `instrument_band` is less than
    `least_long_noise` times the median ratio is left out: its seismometer does not record the last band.
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


Style = AmplitudeStyle | FrequencyStyle | SectionStyle | SourceStyle | BeamStyle


def channels(style: Style) -> int:
    """Return the number of color channels of a picture."""
    if isinstance(style, SourceStyle):
        return 2
    if isinstance(style, FrequencyStyle):
        return len(style.zooms)
    close_up = style.close_up.bands if isinstance(style, SectionStyle) and style.close_up else ()
    return len(style.bands) + len(close_up)


def fingerprint(style: Style) -> str:
    """Compute the SHA-256 of the style's JSON and the renderer's edition, hexadecimal."""
    text = f"edition {EDITION}\n{style.model_dump_json()}"
    return hashlib.sha256(text.encode()).hexdigest()
