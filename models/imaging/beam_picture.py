"""Beams of surface waves for trial azimuths of a horizontal force: traces corrected for their paths and summed with radiation weights."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft

from models.array_types import Complexes, Flags, Floats, Integers, Pictures
from models.imaging.record_section import Placement
from models.imaging.spectra import BLOCK, bandpass_gain
from models.imaging.style import Band, BeamStyle
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.waveforms import Gather

NOTHING: Final = 128
"""Pixel value of zero amplitude."""
MIN_LIVE_FRACTION: Final = 0.5  # of the window of a trace
MIN_NOISE_S: Final = 160.0
MEDIAN_OVER_SIGMA: Final = float(np.sqrt(2.0 * np.log(2.0)))  # of the envelope of Gaussian noise
MIN_RADIATION: Final = 0.03  # added to the normalization: no station may lie along or opposite to a trial azimuth
NUMERICAL_FLOOR: Final = 1e-6


@dataclass(frozen=True)
class _AlignedTraces:
    """Path-corrected traces of one band in units of their noise [traces, columns], and that noise [traces] (0 for an unusable trace)."""

    traces: Floats
    noise: Floats


def draw_beam_picture(style: BeamStyle, gather: Gather, origin_time_s: float, placement: Placement) -> Pictures:
    """Draw beams, uint8 [bands, rows, columns]: NOTHING is zero, brighter positive; `full_scale` noise deviations span half the range."""
    picture = np.full((len(style.bands), style.rows, style.columns), NOTHING, np.uint8)
    located = np.flatnonzero(np.isfinite(placement.distances_deg) & np.isfinite(placement.azimuths_deg))
    if not len(located):
        return picture
    distances, azimuths = placement.distances_deg[located], np.radians(placement.azimuths_deg[located])
    blocks = [
        _align(style, gather, located[k : k + BLOCK], distances[k : k + BLOCK], origin_time_s - style.lead_s)
        for k in range(0, len(located), BLOCK)
    ]
    *bands, check = (_join([block[k] for block in blocks]) for k in range(len(style.bands) + 1))
    suitable = _has_long_periods(style, bands[-1].noise, check.noise)
    for number, (band, aligned) in enumerate(zip(style.bands, bands, strict=True)):
        use = suitable & (aligned.noise > 0.0)
        if use.any():
            beams = _form_beams(style, band, aligned.traces[use], distances[use], azimuths[use])
            picture[number] = np.clip(np.floor(NOTHING + beams / style.full_scale * 127.0 + 0.5), 1, 255).astype(np.uint8)
    return picture


def _join(blocks: list[_AlignedTraces]) -> _AlignedTraces:
    return _AlignedTraces(np.concatenate([block.traces for block in blocks]), np.concatenate([block.noise for block in blocks]))


def _has_long_periods(style: BeamStyle, long: Floats, short: Floats) -> Flags:
    """Whether a trace's seismometer records the longest band: otherwise it shifts phases there, and its noise there is low."""
    ratio = np.divide(long, short, out=np.zeros_like(long), where=short > 0.0)
    usable = ratio > 0.0
    return usable & (ratio >= style.least_long_noise * (np.median(ratio[usable]) if usable.any() else 0.0))


def _form_beams(style: BeamStyle, band: Band, traces: Floats, distances_deg: Floats, azimuths: Floats) -> Floats:
    """
    Form beams [rows, columns], in standard deviations of their noise, of traces [n, columns] in units of their noise.

    The weight of a trace is its radiation coefficient times the coherence that unknown path velocities leave, over the variance of noise,
    of the incoherent part of its signal, and of its gain.
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


def _align(style: BeamStyle, gather: Gather, rows: Integers, distances_deg: Floats, start_s: float) -> list[_AlignedTraces]:
    """Correct a block of traces for their paths, from `start_s` on: in each band, and in the one that instruments are checked in."""
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
    path_km = distances_deg * KM_PER_DEGREE
    first = (start_s + path_km / style.reduction_velocity_km_s - gather.start_time_s) * rate_hz / step
    aligned = []
    for band in (*style.bands, style.instrument_band):
        gain = bandpass_gain(np.arange(padded // 2) * (rate_hz / (padded * step)), band.shortest_period_s, band.longest_period_s)
        analytic = scipy.fft.ifft(spectra * (2.0 * gain), padded, axis=1)[: len(rows), :count]
        aligned.append(_correct_paths(style, analytic, coarse_live, first, path_km, step / rate_hz))
    return aligned


def _correct_paths(style: BeamStyle, analytic: Complexes, live: Flags, first: Floats, path_km: Floats, step_s: float) -> _AlignedTraces:
    """
    Cut analytic traces [n, samples] from sample `first` [n] on and remove dispersion and initial phase; divide by the noise.

    The noise is estimated from the median envelope of the whole record, most of which contains no signal.
    """
    margin = -(-round(2.0 * style.bands[-1].longest_period_s) // round(step_s))
    wide = scipy.fft.next_fast_len(style.columns + 2 * margin)
    begin = np.floor(first).astype(np.int64) - margin
    at = begin[:, None] + np.arange(wide)
    inside = (at >= 0) & (at < analytic.shape[1])
    at = np.clip(at, 0, max(analytic.shape[1] - 1, 0))
    valid = inside & np.take_along_axis(live, at, axis=1)
    cut = np.where(valid, np.take_along_axis(analytic, at, axis=1), 0.0)
    frequencies = scipy.fft.fftfreq(wide, step_s)
    phase = _path_phase(style, frequencies, path_km) + 2.0 * np.pi * frequencies * ((first - margin - begin) * step_s)[:, None]
    corrected = scipy.fft.ifft(scipy.fft.fft(cut, axis=1) * np.exp(1j * phase), axis=1).real[:, margin : margin + style.columns]
    noise = np.array([_noise_deviation(np.abs(row[mask]), step_s) for row, mask in zip(analytic, live, strict=True)])
    noise[(valid[:, margin : margin + style.columns].mean(axis=1) < MIN_LIVE_FRACTION) | (noise < NUMERICAL_FLOOR)] = 0.0
    return _AlignedTraces(np.divide(corrected, noise[:, None], out=np.zeros_like(corrected), where=noise[:, None] > 0.0), noise)


def _noise_deviation(envelope: Floats, step_s: float) -> float:
    """Standard deviation of noise from the median of its envelope, which is Rayleigh distributed; 0 for a record that is too short."""
    return float(np.median(envelope)) / MEDIAN_OVER_SIGMA if len(envelope) * step_s >= MIN_NOISE_S else 0.0


def _path_phase(style: BeamStyle, frequencies_hz: Floats, path_km: Floats) -> Floats:
    """Phase [n, frequencies] that removes dispersion relative to the reduction velocity, and the initial phase of a horizontal force."""
    positive = np.maximum(frequencies_hz, 1e-5)
    velocities = np.interp(1.0 / positive, style.phase_periods_s, style.phase_velocities_km_s)
    slowness = 1.0 / velocities - 1.0 / style.reduction_velocity_km_s
    return np.asarray(2.0 * np.pi * frequencies_hz * slowness * path_km[:, None] - np.radians(style.initial_phase_deg))
