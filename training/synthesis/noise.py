"""
Seismic noise between the low and the high noise model (Peterson 1993, USGS open-file report 93-322).

Each trace has its own level and spectrum, and its level varies with time: as in recorded noise windows where a data folder has some,
else as stated here. The microseism peaks at 6 and 14 s are those of the models.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from obspy.signal.spectral_estimation import get_nhnm, get_nlnm
from scipy import fft
from scipy.signal import spectrogram

from models.array_types import Floats
from models.seismic.io.miniseed import MiniseedLimits, read_records, scan_miniseed
from models.seismic.waveforms import Record

LIMITS = MiniseedLimits(max_traces=1000, max_segments=10_000, max_samples=100_000_000, max_span_s=2 * 86_400.0)
SHAPE_PERIODS_S = (6.0, 8.0, 10.0, 14.0, 20.0, 30.0, 50.0, 80.0, 120.0)
SPLIT_PERIOD_S = 27.0
SEGMENT_S = 1200.0
MAX_WANDER_DB = 6.0
MIN_RECORD_S = 7200.0


@cache
def _load_peterson() -> tuple[tuple[Floats, Floats], ...]:
    """Load periods and levels of the low and the high noise model."""
    return get_nlnm(), get_nhnm()


def interpolate_noise_models_db(frequencies_hz: Floats) -> tuple[Floats, Floats]:
    """Interpolate the low and the high noise model: power spectral density of acceleration in dB of (m/s^2)^2/Hz, at each frequency."""
    levels = []
    for periods, decibels in _load_peterson():
        order = np.argsort(periods)
        levels.append(np.interp(np.log(1 / frequencies_hz), np.log(periods[order]), decibels[order]))
    return levels[0], levels[1]


@dataclass(frozen=True)
class NoiseCharacter:
    """
    Spectral shape and variability of recorded noise, one row a window.

    `shapes_db` [windows, len(SHAPE_PERIODS_S)]: power spectral density of acceleration above the low model, its mean removed, because
    the gain is unknown. `wander_db` [windows, 2]: standard deviation of the level between segments of twenty minutes, at periods longer
    and shorter than SPLIT_PERIOD_S.
    """

    shapes_db: Floats
    wander_db: Floats


def _measure_record(record: Record) -> tuple[Floats, Floats]:
    """Measure shape and variability of one record, assumed flat to velocity from 6 to 120 s; medians over time suppress small events."""
    rate_hz = record.sampling_rate_hz
    segment = int(SEGMENT_S * rate_hz)
    frequencies, _, power = spectrogram(np.nan_to_num(record.samples), rate_hz, nperseg=segment, noverlap=segment // 2, detrend="linear")
    used = (frequencies > 1 / 200) & (frequencies < 1 / 5)
    frequencies, power = frequencies[used], power[used]
    decibels = 10 * np.log10(power + 1e-30) + 20 * np.log10(2 * np.pi * frequencies)[:, None]
    median, at = np.median(decibels, axis=1), -np.log(SHAPE_PERIODS_S)
    shape = np.interp(at, np.log(frequencies), median - interpolate_noise_models_db(frequencies)[0])
    long = frequencies < 1 / SPLIT_PERIOD_S
    spread = [np.diff(np.percentile(decibels[rows].mean(axis=0), [16, 84]))[0] / 2 for rows in (long, ~long)]
    return shape - shape.mean(), np.array(spread)


def measure_noise_character(folder: Path | None) -> NoiseCharacter | None:
    """
    Measure the noise character of all records of at least two hours below `folder`/noise; None where there are none.

    Records whose level varies by more than MAX_WANDER_DB contain a gap or an event and are skipped.
    """
    files = [] if folder is None else sorted((folder / "noise").glob("*/waveforms.mseed"))
    records = [record for file in files for record in read_records([scan_miniseed(file.name, file.read_bytes())], LIMITS)[0]]
    measured = [_measure_record(record) for record in records if record.duration_s >= MIN_RECORD_S]
    found = [(shape, wander) for shape, wander in measured if wander.max() <= MAX_WANDER_DB]
    if not found:
        return None
    return NoiseCharacter(np.stack([shape for shape, _ in found]), np.stack([wander for _, wander in found]))


def draw_noise_spectrum_db(frequencies_hz: Floats, random: np.random.Generator, shape_db: Floats | None = None) -> Floats:
    """
    Draw a noise spectrum between the low and the high model, at each frequency in dB of (m/s^2)^2/Hz.

    The level between the models is beta-distributed toward the low one. With the shape of a recorded window, that shape and a tilt of
    4 % of the models' difference (2 dB); without one, a smooth tilt of 12 % (about 6 dB, the scatter of recorded windows).
    """
    low, high = interpolate_noise_models_db(frequencies_hz)
    level = random.beta(1.5, 4.0)
    tilts = random.normal(0, 0.12 if shape_db is None else 0.04, 4)
    tilt = np.interp(np.log(frequencies_hz), np.log([0.004, 0.02, 0.06, 0.2]), tilts)
    if shape_db is not None:
        tilt = tilt + np.interp(-np.log(frequencies_hz), np.log(SHAPE_PERIODS_S), shape_db) / (high - low)
    return np.asarray(low + np.clip(level + tilt, 0.0, 1.0) * (high - low))


def _draw_level_factors(samples: int, sigmas: Floats, random: np.random.Generator) -> Floats:
    """Draw amplitude factors [rows, samples], log-normal with these standard deviations and interpolated between six nodes."""
    nodes = random.normal(0, 1, (len(sigmas), 6)) * sigmas[:, None]
    return np.exp(np.stack([np.interp(np.linspace(0, 5, samples), np.arange(6), row) for row in nodes]))


def draw_noise_displacement(
    count: int, samples: int, step_s: float, random: np.random.Generator, character: NoiseCharacter | None = None
) -> Floats:
    """
    Draw noise displacement [count, samples] in meters, each trace with its own spectrum and a level that varies with time.

    Shapes and variability are those of the recorded windows of `character`; without it the level varies by 2.2 dB at all periods.
    """
    frequencies = fft.rfftfreq(samples, step_s)
    positive = np.maximum(frequencies, frequencies[1])
    windows = np.zeros(count, np.int64) if character is None else random.integers(len(character.shapes_db), size=count)
    decibels = np.stack([draw_noise_spectrum_db(positive, random, None if character is None else character.shapes_db[k]) for k in windows])
    # One-sided density P of a record of N samples: |X|^2 = P N / (2 dt) on average, split between the normal real and imaginary parts.
    amplitude = np.sqrt(10 ** (decibels / 10) * samples / (4 * step_s)) / (2 * np.pi * positive) ** 2
    amplitude[:, frequencies < 0.003] = 0.0
    normal = random.normal(size=(2, *amplitude.shape))
    spectrum = amplitude * (normal[0] + 1j * normal[1])
    if character is None:
        return np.asarray(fft.irfft(spectrum, samples) * _draw_level_factors(samples, np.full(count, 0.25), random))
    sigmas = character.wander_db[windows] * np.log(10) / 20
    bands = ((frequencies < 1 / SPLIT_PERIOD_S, sigmas[:, 0]), (frequencies >= 1 / SPLIT_PERIOD_S, sigmas[:, 1]))
    return np.asarray(sum(fft.irfft(spectrum * band, samples) * _draw_level_factors(samples, sigma, random) for band, sigma in bands))
