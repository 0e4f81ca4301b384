"""Which way a force pushed: every station's surface waves, freed of their path, summed as each trial azimuth would have sent them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from models.array_types import Complexes, Floats
from models.imaging.record_section import Placement
from models.imaging.spectra import BLOCK, pass_band
from models.imaging.style import Band, BeamStyle
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.waveforms import Gather

NOTHING: Final = 128
MIN_LIVE_FRACTION: Final = 0.5  # of the window that a trace is read in
MIN_NOISE_S: Final = 160.0
MEDIAN_OVER_SIGMA: Final = float(np.sqrt(2.0 * np.log(2.0)))  # of the envelope of Gaussian noise
MIN_RADIATION: Final = 0.03  # of what stations could see: a trial azimuth with nobody in front of it or behind is not divided by zero
NUMERICAL_FLOOR: Final = 1e-6


@dataclass(frozen=True)
class _Aligned:
    """Of one band: traces over their noise [traces, columns], and their noise [traces] (0 where a trace says nothing)."""

    traces: Floats
    noise: Floats


def beam_picture(style: BeamStyle, gather: Gather, origin_time_s: float, placement: Placement) -> NDArray[np.uint8]:
    """uint8 [bands, rows, columns]; NOTHING is zero, brighter is positive, `full_scale` standard deviations of noise reach the ends."""
    picture = np.full((len(style.bands), style.rows, style.columns), NOTHING, np.uint8)
    placed = np.flatnonzero(np.isfinite(placement.distances_deg) & np.isfinite(placement.azimuths_deg))
    if not len(placed):
        return picture
    distances, azimuths = placement.distances_deg[placed], np.radians(placement.azimuths_deg[placed])
    parts = [
        _align(style, gather, placed[k : k + BLOCK], distances[k : k + BLOCK], origin_time_s - style.lead_s)
        for k in range(0, len(placed), BLOCK)
    ]
    *bands, check = (_join([part[k] for part in parts]) for k in range(len(style.bands) + 1))
    seen = _long_enough(style, bands[-1].noise, check.noise)
    for number, (band, aligned) in enumerate(zip(style.bands, bands, strict=True)):
        use = seen & (aligned.noise > 0.0)
        if use.any():
            beams = _beams(style, band, aligned.traces[use], distances[use], azimuths[use])
            picture[number] = np.clip(np.floor(NOTHING + beams / style.full_scale * 127.0 + 0.5), 1, 255).astype(np.uint8)
    return picture


def _join(parts: list[_Aligned]) -> _Aligned:
    return _Aligned(np.concatenate([part.traces for part in parts]), np.concatenate([part.noise for part in parts]))


def _long_enough(style: BeamStyle, long: Floats, short: Floats) -> NDArray[np.bool_]:
    """Traces [traces] whose seismometer reaches the longest band: one that does not turns phases, and hears little noise there."""
    ratio = np.divide(long, short, out=np.zeros_like(long), where=short > 0.0)
    known = ratio > 0.0
    return known & (ratio >= style.least_long_noise * (np.median(ratio[known]) if known.any() else 0.0))


def _beams(style: BeamStyle, band: Band, traces: Floats, distances_deg: Floats, azimuths: Floats) -> Floats:
    """
    Beams [rows, columns] in standard deviations of their noise; traces [n, columns] over noise.

    A trace counts by the coherence that paths leave it, over its noise and whatever of its signal that or its gain makes differ
    from the others'.
    """
    period_s = np.sqrt(band.shortest_period_s * band.longest_period_s)
    late_s = distances_deg * KM_PER_DEGREE / style.reduction_velocity_km_s * style.velocity_scatter
    coherence = np.exp(-0.5 * (2.0 * np.pi * late_s / period_s) ** 2)
    power = np.maximum((traces**2).mean(axis=1) - 1.0, 0.0)
    variance = 1.0 + power * (style.gain_scatter**2 + 1.0 - coherence**2)
    trials = (np.arange(style.rows) + 0.5) * (2.0 * np.pi / style.rows)
    radiated = np.cos(azimuths - trials[:, None])
    information = coherence**2 / variance
    norm = radiated**2 @ information + MIN_RADIATION * information.sum()
    return np.asarray(radiated * (coherence / variance) @ traces / np.sqrt(norm)[:, None])


def _align(style: BeamStyle, gather: Gather, rows: NDArray[np.int64], distances_deg: Floats, start_s: float) -> list[_Aligned]:
    """Each band of a block of traces, and the band that instruments are checked in, freed of their paths from `start_s` on."""
    rate_hz = gather.sampling_rate_hz
    step = round(style.window_s * rate_hz / style.columns)
    samples = gather.samples[rows]
    live = np.isfinite(samples)
    padded = scipy.fft.next_fast_len(-(-(samples.shape[1] + round(2.0 * style.bands[-1].longest_period_s * rate_hz)) // step))
    block = np.zeros((BLOCK, padded * step))
    block[: len(rows), : samples.shape[1]] = np.where(live, samples, 0.0)
    peak = np.abs(block).max(axis=1, keepdims=True)
    spectra = scipy.fft.rfft(block / np.where(peak > 0.0, peak, 1.0), axis=1)[:, : padded // 2]
    count = samples.shape[1] // step
    coarse_live = live[:, : count * step].reshape(len(rows), count, step).all(axis=2)
    way_km = distances_deg * KM_PER_DEGREE
    first = (start_s + way_km / style.reduction_velocity_km_s - gather.start_time_s) * rate_hz / step
    aligned = []
    for band in (*style.bands, style.instrument_band):
        gain = pass_band(np.arange(padded // 2) * (rate_hz / (padded * step)), band.shortest_period_s, band.longest_period_s)
        analytic = scipy.fft.ifft(spectra * (2.0 * gain), padded, axis=1)[: len(rows), :count]
        aligned.append(_freed(style, analytic, coarse_live, first, way_km, step / rate_hz))
    return aligned


def _freed(style: BeamStyle, analytic: Complexes, live: NDArray[np.bool_], first: Floats, way_km: Floats, step_s: float) -> _Aligned:
    """
    Analytic traces [n, samples] cut from sample `first` [n] on and freed of dispersion and initial phase, over their noise.

    Noise is what the median envelope of the whole record makes of it: a record of an event is quiet most of the time.
    """
    margin = -(-round(2.0 * style.bands[-1].longest_period_s) // round(step_s))
    wide = scipy.fft.next_fast_len(style.columns + 2 * margin)
    begin = np.floor(first).astype(np.int64) - margin
    at = begin[:, None] + np.arange(wide)
    inside = (at >= 0) & (at < analytic.shape[1])
    at = np.clip(at, 0, max(analytic.shape[1] - 1, 0))
    here = inside & np.take_along_axis(live, at, axis=1)
    cut = np.where(here, np.take_along_axis(analytic, at, axis=1), 0.0)
    frequencies = scipy.fft.fftfreq(wide, step_s)
    phase = _path_phase(style, frequencies, way_km) + 2.0 * np.pi * frequencies * ((first - margin - begin) * step_s)[:, None]
    freed = scipy.fft.ifft(scipy.fft.fft(cut, axis=1) * np.exp(1j * phase), axis=1).real[:, margin : margin + style.columns]
    noise = np.array([_quiet(np.abs(row[mask]), step_s) for row, mask in zip(analytic, live, strict=True)])
    noise[(here[:, margin : margin + style.columns].mean(axis=1) < MIN_LIVE_FRACTION) | (noise < NUMERICAL_FLOOR)] = 0.0
    return _Aligned(np.divide(freed, noise[:, None], out=np.zeros_like(freed), where=noise[:, None] > 0.0), noise)


def _quiet(envelope: Floats, step_s: float) -> float:
    return float(np.median(envelope)) / MEDIAN_OVER_SIGMA if len(envelope) * step_s >= MIN_NOISE_S else 0.0


def _path_phase(style: BeamStyle, frequencies_hz: Floats, way_km: Floats) -> Floats:
    """Phase [n, frequencies] that undoes a path's dispersion about the reduction velocity, and what a horizontal force begins with."""
    positive = np.maximum(frequencies_hz, 1e-5)
    velocities = np.interp(1.0 / positive, style.phase_periods_s, style.phase_velocities_km_s)
    slowness = 1.0 / velocities - 1.0 / style.reduction_velocity_km_s
    return np.asarray(2.0 * np.pi * frequencies_hz * slowness * way_km[:, None] - np.radians(style.initial_phase_deg))
