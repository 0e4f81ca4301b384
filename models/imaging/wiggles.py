"""From a gather to ink: cut, filter into bands and draw, as amplitude pictures and record sections do alike."""

import numpy as np
from numpy.typing import NDArray

from models.compiled import compiled
from models.imaging.raster import draw_wiggle
from models.imaging.spectra import BLOCK, band_wiggles, wiggle_step
from models.imaging.style import AmplitudeStyle, SectionStyle
from models.imaging.window import cut, frame_of
from models.seismic.waveforms import Gather

# A cut is scaled to about 1: what is far smaller is what a float32 transform leaves of nothing.
NUMERICAL_FLOOR = 1e-5
PIECES = 16
QUIET_PIECES = 3


def draw_bands(
    style: AmplitudeStyle | SectionStyle,
    gather: Gather,
    starts_s: NDArray[np.float64],
    traces: NDArray[np.int64],
    ink: NDArray[np.uint16],
    pictures: NDArray[np.int64],
    center_rows: NDArray[np.float64],
    half_height: float,
) -> None:
    """
    Draw the gather's `traces` [m] in windows beginning at `starts_s` [m] (POSIX seconds), each band by itself.

    `ink` [pictures, bands, rows, columns]; trace i goes to picture `pictures[i]` around row `center_rows[i]`, each band scaled
    by its own largest value in the window to `half_height` rows, or by the largest of all bands where the style has one scale;
    less where the style bounds what is quiet.
    """
    one_scale = isinstance(style, SectionStyle) and style.one_scale
    quiet_rows = style.quiet_rows if isinstance(style, SectionStyle) else None
    rate_hz = gather.sampling_rate_hz
    frame = frame_of(style, max(band.longest_period_s for band in style.bands))
    for begin in range(0, len(traces), BLOCK):
        part = slice(begin, begin + BLOCK)
        piece = cut(style, frame, gather, starts_s[part], traces[part])
        filtered = band_wiggles(piece.samples, rate_hz, style.bands)
        steps = [wiggle_step(frame.samples, rate_hz, band) for band in style.bands]
        peaks = np.stack([_peaks(wiggles, piece.live, step, frame.margin) for wiggles, step in zip(filtered, steps, strict=True)])
        if one_scale:
            peaks[:] = peaks.max(axis=0)
        if quiet_rows is not None:
            quiet = [_quiet(wiggles, piece.live, step, frame.margin) for wiggles, step in zip(filtered, steps, strict=True)]
            peaks = np.maximum(peaks, np.stack(quiet) * np.float32(half_height / quiet_rows))
        for number, (wiggles, step) in enumerate(zip(filtered, steps, strict=True)):
            _draw_band(
                ink,
                number,
                pictures[part],
                wiggles,
                peaks[number],
                piece.live,
                step,
                frame.margin,
                frame.samples_a_column,
                center_rows[part],
                half_height,
                NUMERICAL_FLOOR,
            )


@compiled
def _peaks(wiggles: NDArray[np.float32], live: NDArray[np.bool_], step: int, margin: int) -> NDArray[np.float32]:
    """Largest live amplitude [m] between the margins of `wiggles` [m, samples / step]."""
    first, last = margin // step, -(-(live.shape[1] - margin) // step) + 1
    peaks = np.zeros(len(wiggles), np.float32)
    for k in range(len(wiggles)):
        for i in range(first, last):
            if live[k, i * step]:
                peaks[k] = max(peaks[k], abs(wiggles[k, i]))
    return peaks


@compiled
def _quiet(wiggles: NDArray[np.float32], live: NDArray[np.bool_], step: int, margin: int) -> NDArray[np.float32]:
    """Root mean square [m] of the quietest quarter, of sixteen pieces of what is live between the margins."""
    first, last = margin // step, -(-(live.shape[1] - margin) // step) + 1
    quiet = np.zeros(len(wiggles), np.float32)
    for k in range(len(wiggles)):
        power = np.zeros(PIECES)
        count = 0
        for i in range(first, last):
            count += live[k, i * step]
        seen = 0
        for i in range(first, last):
            if live[k, i * step]:
                power[seen * PIECES // count] += wiggles[k, i] ** 2
                seen += 1
        if count > 0:
            quiet[k] = np.sqrt(np.sort(power)[QUIET_PIECES] * PIECES / count)
    return quiet


@compiled
def _draw_band(
    ink: NDArray[np.uint16],
    band: int,
    pictures: NDArray[np.int64],
    wiggles: NDArray[np.float32],
    peaks: NDArray[np.float32],
    live: NDArray[np.bool_],
    step: int,
    margin: int,
    samples_a_column: float,
    center_rows: NDArray[np.float64],
    half_height: float,
    floor: float,
) -> None:
    """`wiggles` [m, samples / step] and `live` [m, samples] with `margin` samples on either side of what is drawn, `peaks` [m] tall."""
    first, last = margin // step, -(-(live.shape[1] - margin) // step) + 1
    for k in range(len(wiggles)):
        if peaks[k] > floor:
            draw_wiggle(
                ink[pictures[k], band],
                wiggles[k, first:last],
                live[k, first * step :],
                step,
                (first * step - margin) / samples_a_column,
                step / samples_a_column,
                center_rows[k],
                half_height / float(peaks[k]),
            )
