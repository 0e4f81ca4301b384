"""Source pictures: the envelopes that the records of an event have in common after correction for attenuation."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft

from models.array_types import Floats, Floats32, Integers, Pictures
from models.imaging.spectra import BLOCK
from models.imaging.style import SourceStyle
from models.imaging.window import check_sampling_rate
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.waveforms import Gather

STEP: Final = 8  # samples per value of an envelope
NOISE_PERCENTILE: Final = 15.0
NOTHING_DB: Final = -1e9
MIN_TRACES: Final = 3
# Fundamental Rayleigh waves of a mean Earth (rounded from PREM and continental crust): attenuation is right within some decibels, which is
# less than sources differ by.
_PERIODS_S: Final = (9.0, 15.0, 20.0, 30.0, 40.0, 60.0, 100.0, 150.0)
_GROUP_VELOCITIES_KM_S: Final = (3.0, 3.1, 3.2, 3.55, 3.75, 3.85, 3.85, 3.75)
_QUALITIES: Final = (500.0, 420.0, 350.0, 250.0, 210.0, 170.0, 130.0, 140.0)


@dataclass(frozen=True)
class _TraceLevels:
    """Levels below the largest, and heights above noise [n, rows, columns], in decibels; `snr_db` [n] is the largest height of a trace."""

    levels: Floats
    heights: Floats
    snr_db: Floats


def draw_source_picture(style: SourceStyle, gather: Gather, distances_deg: Floats) -> Pictures:
    """Draw a source picture, uint8 [2, rows, columns], 0 below the noise; ValueError for another sampling rate than the style's."""
    check_sampling_rate(style, gather)
    periods_s = np.geomspace(style.longest_period_s, style.shortest_period_s, style.rows)
    loss_db = attenuation_db(periods_s, distances_deg)
    blocks = [slice(begin, begin + BLOCK) for begin in range(0, len(gather.samples), BLOCK)]
    measured = [_measure(style, gather.samples[block], gather.sampling_rate_hz, periods_s, loss_db[block]) for block in blocks]
    snr_db = np.concatenate([one.snr_db for one in measured])
    rank = max(min(MIN_TRACES, len(snr_db)), (len(snr_db) + 1) // 2)
    chosen = (snr_db >= np.sort(snr_db)[-rank]) & (snr_db > 0)
    if not chosen.any():
        return np.zeros((2, style.rows, style.columns), np.uint8)
    layers = [np.concatenate([one.levels for one in measured]), np.concatenate([one.heights for one in measured])]
    stacked = np.stack([np.median(layer[chosen], axis=0) for layer in layers])
    return np.asarray(np.clip(stacked / style.dynamic_range_db, 0, 1) * 255 + 0.5, np.uint8)


def attenuation_db(periods_s: Floats, distances_deg: Floats) -> Floats:
    """Compute the attenuation of Rayleigh waves of each period in decibels [traces, periods]; zero where the distance is unknown (NaN)."""
    log_periods, table = np.log(periods_s), np.log(_PERIODS_S)
    loss_per_km = np.pi / (periods_s * np.interp(log_periods, table, _QUALITIES) * np.interp(log_periods, table, _GROUP_VELOCITIES_KM_S))
    path_km = np.nan_to_num(np.asarray(distances_deg, np.float64)) * KM_PER_DEGREE
    return np.asarray(20 * np.log10(np.e) * path_km[:, None] * loss_per_km)


def _measure(style: SourceStyle, samples: Floats32, rate_hz: float, periods_s: Floats, loss_db: Floats) -> _TraceLevels:
    """Measure levels and heights above noise of a block of traces [n, samples]."""
    live = np.isfinite(samples)
    envelopes_db = _envelopes_db(np.where(live, samples, 0.0), periods_s, rate_hz, style.relative_bandwidth)
    coarse = live[:, : envelopes_db.shape[2] * STEP].reshape(len(live), -1, STEP).all(axis=2)
    visible = np.repeat(coarse[:, None], len(periods_s), axis=1)
    noise_db = np.array([[_noise_level_db(row[mask]) for row in rows] for rows, mask in zip(envelopes_db, coarse, strict=True)])
    heights = np.where(visible, np.clip(envelopes_db - noise_db[..., None] - style.floor_db, 0, style.dynamic_range_db), 0.0)
    levels = np.where(heights > 0, envelopes_db + loss_db[..., None], NOTHING_DB)
    below = np.where(heights > 0, np.maximum(levels - levels.max(axis=(1, 2), keepdims=True) + style.dynamic_range_db, 0), 0.0)
    strongest = np.repeat(heights.sum(axis=1).argmax(axis=1)[:, None], len(periods_s), axis=1)
    centered = _cut_around(style, rate_hz, below, below.argmax(axis=2))
    return _TraceLevels(centered, _cut_around(style, rate_hz, heights, strongest), heights.max(axis=(1, 2)))


def _noise_level_db(envelope_db: Floats) -> float:
    """Percentile of the envelope that is taken for noise; infinite without data, so that nothing exceeds it."""
    return float(np.percentile(envelope_db, NOISE_PERCENTILE)) if len(envelope_db) else np.inf


def _envelopes_db(samples: Floats32, periods_s: Floats, rate_hz: float, bandwidth: float) -> Floats:
    """Envelopes [n, periods, about samples / STEP] in decibels, behind Gaussian filters of relative standard deviation `bandwidth`."""
    count, length = samples.shape
    padded = STEP * scipy.fft.next_fast_len(-(-(length + round(3 * periods_s.max() * rate_hz)) // STEP))
    block = np.zeros((BLOCK, padded))
    block[:count, :length] = samples / np.maximum(np.abs(samples).max(axis=1, keepdims=True), 1e-30)
    spectra = scipy.fft.rfft(block, axis=1)
    coarse = padded // STEP
    out = np.empty((count, len(periods_s), -(-length // STEP) - 1))
    for row, frequency in enumerate(padded / (periods_s * rate_hz)):
        bins = np.rint(frequency).astype(int) - coarse // 2 + np.arange(coarse)
        inside = (bins > 0) & (bins < spectra.shape[1])
        shifted = np.zeros((BLOCK, coarse), np.complex128)
        gain = np.exp(-0.5 * ((bins[inside] / frequency - 1) / bandwidth) ** 2)
        shifted[:, inside] = spectra[:, bins[inside]] * gain
        envelope = np.abs(scipy.fft.ifft(scipy.fft.ifftshift(shifted, axes=1), axis=1)) * (2 / STEP)
        out[:, row] = 20 * np.log10(envelope[:count, : out.shape[2]] + 1e-12)
    return out


def _cut_around(style: SourceStyle, rate_hz: float, values: Floats, centers: Integers) -> Floats:
    """Cut windows of values [n, rows, m] around indices [n, rows]: [n, rows, columns], the largest value of each column."""
    wide = round(style.window_s * rate_hz / STEP / style.columns)
    steps = np.arange(wide * style.columns) - round(style.lead_s * rate_hz / STEP)
    at = centers[..., None] + steps
    inside = (at >= 0) & (at < values.shape[2])
    cut = np.where(inside, np.take_along_axis(values, np.clip(at, 0, values.shape[2] - 1), axis=2), 0.0)
    return np.asarray(cut.reshape(*centers.shape, style.columns, wide).max(axis=3))
