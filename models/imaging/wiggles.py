"""Draw the waveforms of a gather in frequency bands: the common part of amplitude pictures and record sections."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.array_types import Flags, Floats, Floats32, Integers
from models.compiled import compiled
from models.imaging.raster import WiggleAxes, draw_wiggle
from models.imaging.spectra import BLOCK, band_wiggles, wiggle_step
from models.imaging.style import AmplitudeStyle, SectionStyle
from models.imaging.window import choose_frame, cut_windows
from models.seismic.waveforms import Gather

NUMERICAL_FLOOR = 1e-5
"""Smaller amplitudes are rounding errors of a float32 transform: a cut is scaled to about 1."""
SEGMENTS = 16
QUIET_SEGMENT = 3  # rank of the segment whose power is taken for noise


@dataclass(frozen=True)
class WiggleLayout:
    """
    Windows of m traces of a gather, and where they are drawn.

    Attributes
    ----------
    traces : int64 [m]
        Indices of the traces in the gather.
    starts_s : float64 [m]
        Start of each trace's window in POSIX seconds.
    pictures : int64 [m]
        Index of the picture that each trace is drawn into.
    center_rows : float64 [m]
        Row of each trace's zero line.
    half_height : float
        Rows of the largest amplitude.

    """

    traces: Integers
    starts_s: Floats
    pictures: Integers
    center_rows: Floats
    half_height: float


def draw_bands(style: AmplitudeStyle | SectionStyle, gather: Gather, layout: WiggleLayout, ink: NDArray[np.uint16]) -> None:
    """
    Draw traces of a gather of conditioned records as wiggles into `ink`, uint16 [pictures, bands, rows, columns], each band in a channel.

    A band is scaled by its largest amplitude in the window to the half height; by the largest of all bands where the style has
    `one_scale`; and by less where noise would else be higher than the style's `quiet_rows`.
    """
    rate_hz = gather.sampling_rate_hz
    frame = choose_frame(style, max(band.longest_period_s for band in style.bands))
    steps = [wiggle_step(frame.samples, rate_hz, band) for band in style.bands]
    for begin in range(0, len(layout.traces), BLOCK):
        block = slice(begin, begin + BLOCK)
        window = cut_windows(style, frame, gather, layout.starts_s[block], layout.traces[block])
        filtered = band_wiggles(window.samples, rate_hz, style.bands)
        peaks = _scale_bands(style, list(zip(filtered, steps, strict=True)), window.live, frame.margin, layout.half_height)
        for number, (wiggles, step) in enumerate(zip(filtered, steps, strict=True)):
            _draw_band(
                ink,
                number,
                layout.pictures[block],
                wiggles,
                peaks[number],
                window.live,
                step,
                frame.margin,
                frame.samples_per_column,
                layout.center_rows[block],
                layout.half_height,
                NUMERICAL_FLOOR,
            )


def _scale_bands(
    style: AmplitudeStyle | SectionStyle, bands: Sequence[tuple[Floats32, int]], live: Flags, margin: int, half_height: float
) -> Floats32:
    """Return the amplitude [bands, m] that is drawn `half_height` rows high, of each band's wiggles and their step in samples."""
    peaks = np.stack([_peaks(wiggles, live, step, margin) for wiggles, step in bands])
    if isinstance(style, SectionStyle) and style.one_scale:
        peaks[:] = peaks.max(axis=0)
    if isinstance(style, SectionStyle) and style.quiet_rows is not None:
        noise = np.stack([_noise_level(wiggles, live, step, margin) for wiggles, step in bands])
        peaks = np.maximum(peaks, noise * np.float32(half_height / style.quiet_rows))
    return peaks


@compiled
def _peaks(wiggles: Floats32, live: Flags, step: int, margin: int) -> Floats32:
    """Largest live absolute amplitude [m] between the margins of `wiggles` [m, samples / step]."""
    first, last = margin // step, -(-(live.shape[1] - margin) // step) + 1
    peaks = np.zeros(len(wiggles), np.float32)
    for k in range(len(wiggles)):
        for i in range(first, last):
            if live[k, i * step]:
                peaks[k] = max(peaks[k], abs(wiggles[k, i]))
    return peaks


@compiled
def _noise_level(wiggles: Floats32, live: Flags, step: int, margin: int) -> Floats32:
    """Noise level [m]: root mean square of the fourth quietest of sixteen segments of the live samples between the margins."""
    first, last = margin // step, -(-(live.shape[1] - margin) // step) + 1
    level = np.zeros(len(wiggles), np.float32)
    for k in range(len(wiggles)):
        power = np.zeros(SEGMENTS)
        count = 0
        for i in range(first, last):
            count += live[k, i * step]
        number = 0
        for i in range(first, last):
            if live[k, i * step]:
                power[number * SEGMENTS // count] += wiggles[k, i] ** 2
                number += 1
        if count > 0:
            level[k] = np.sqrt(np.sort(power)[QUIET_SEGMENT] * SEGMENTS / count)
    return level


@compiled
def _draw_band(
    ink: NDArray[np.uint16],
    band: int,
    pictures: Integers,
    wiggles: Floats32,
    peaks: Floats32,
    live: Flags,
    step: int,
    margin: int,
    samples_per_column: float,
    center_rows: Floats,
    half_height: float,
    floor: float,
) -> None:
    """Draw `wiggles` [m, samples / step], scaled by `peaks` [m]; `live` [m, samples] has `margin` samples on either side of the picture."""
    first, last = margin // step, -(-(live.shape[1] - margin) // step) + 1
    for k in range(len(wiggles)):
        if peaks[k] > floor:
            draw_wiggle(
                ink[pictures[k], band],
                wiggles[k, first:last],
                live[k, first * step :],
                step,
                WiggleAxes(
                    (first * step - margin) / samples_per_column, step / samples_per_column, center_rows[k], half_height / float(peaks[k])
                ),
            )
