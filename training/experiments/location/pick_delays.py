"""
Delays of the picker: picks of synthetic onsets at known times, by frequency band and strength.

A source radiates noise whose power grows with its moment rate, linearly until half of its duration (as observed: Meier, Ampuero & Heaton
2017, doi:10.1126/science.aan5643), and whose coda decays; the path attenuates it (constant t*, causal: Futterman 1962,
doi:10.1029/JZ067i013p05279). The background noise falls with frequency. The delay of a pick is its time less that of the onset; picks
farther from it than `NEAR_WINDOWS` short windows are of noise. `models.seismic.signal.pick_delay` states the result.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.array_types import Floats
from models.seismic.signal.pick_delay import delay_deviation_s, expected_delay_s
from models.seismic.signal.picker import BANDS_HZ, pick_record, short_window_s
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record
from training.evaluation.pages import RESULTS, format_table, write_page

RATE_HZ = 10.0
LENGTH_S = {0: 240.0, 1: 300.0, 2: 600.0, 3: 3600.0}
"""Length of a record by band: 20 short windows of noise before the onset, and more."""
NEAR_WINDOWS = 15.0
ATTENUATION_S = (0.05, 0.05, 0.6, 0.6)
"""t* by band: paths of local events, and teleseismic ones (Der & McElfresh 1977: 0.2 to 1 s)."""
DURATION_PERIODS = (0.2, 20.0)
"""Range of the source duration in periods of the band's center..."""
MAX_DURATION_S = 60.0
"""...and at most this, as of magnitude 8."""
STRENGTH_BORDERS = (2.0, 3.0, 4.5, 6.0)
CODA_LEVEL = 0.3
CODA_DECAY_WINDOWS = 10.0
SNR = (1.2, 30.0)
"""Range of the peak amplitude in the record over the standard deviation of the noise in the band."""
TEMPLATE = Path(__file__).parents[1] / "templates" / "pick_delays.md"
HEADS = (
    *("band, Hz", "strength", "picks", "mean delay, s", "delay, s: 16 %, 50 %, 84 %", "delay taken off, s"),
    *("deviation taken, s", "picker's own, s"),
)


def simulate_onset(band: int, random: np.random.Generator) -> tuple[Record, float]:
    """Simulate a record with one onset in a band; return it with the onset's time in seconds (the record begins at 0)."""
    low_hz, high_hz = BANDS_HZ[band]
    center_hz, count = np.sqrt(low_hz * high_hz), round(LENGTH_S[band] * RATE_HZ)
    onset_s = LENGTH_S[band] * random.uniform(0.5, 0.6)
    times = np.arange(count) / RATE_HZ - onset_s
    shortest_s, longest_s = DURATION_PERIODS[0] / center_hz, min(DURATION_PERIODS[1] / center_hz, MAX_DURATION_S)
    duration_s = np.exp(random.uniform(np.log(shortest_s), np.log(longest_s)))
    growth = np.sqrt(np.maximum(1.0 - np.abs(2.0 * times / duration_s - 1.0), 0.0))
    decay_s = CODA_DECAY_WINDOWS * short_window_s(*BANDS_HZ[band])
    coda = np.exp(-np.maximum(times - 0.5 * duration_s, 0.0) / decay_s) * np.sqrt(np.clip(2.0 * times / duration_s, 0.0, 1.0))
    source = random.normal(size=count) * np.where(times > 0.0, growth + CODA_LEVEL * coda, 0.0)
    wave = attenuate(source, ATTENUATION_S[band])
    noise = shape_noise(random.normal(size=count))
    level = np.exp(random.uniform(*np.log(SNR))) * band_deviation(noise, band) / max(band_peak(wave, band), 1e-12)
    samples = (noise + level * wave).astype(np.float32)
    return Record(TraceId("XX", "S", "", "BHZ"), 0.0, RATE_HZ, samples, None, None), onset_s


def attenuate(wave: Floats, t_star_s: float) -> Floats:
    """Attenuate a wave [n] by a constant t* without delaying its first arrival (minimum phase; reference at the Nyquist frequency)."""
    spectrum, frequencies = np.fft.rfft(wave, 2 * len(wave)), np.fft.rfftfreq(2 * len(wave), 1.0 / RATE_HZ)
    safe = np.maximum(frequencies, frequencies[1])
    delay_s = t_star_s / np.pi * np.log(0.5 * RATE_HZ / safe)
    return np.asarray(np.fft.irfft(spectrum * np.exp(-np.pi * safe * t_star_s - 2j * np.pi * frequencies * delay_s))[: len(wave)])


def shape_noise(white: Floats) -> Floats:
    """Shape white noise [n] so that its amplitude falls with the root of frequency."""
    spectrum, frequencies = np.fft.rfft(white), np.fft.rfftfreq(len(white), 1.0 / RATE_HZ)
    return np.asarray(np.fft.irfft(spectrum / np.sqrt(np.maximum(frequencies, 0.02)), len(white)))


def _filter(wave: Floats, band: int) -> Floats:
    spectrum, frequencies = np.fft.rfft(wave), np.fft.rfftfreq(len(wave), 1.0 / RATE_HZ)
    low_hz, high_hz = BANDS_HZ[band]
    return np.asarray(np.fft.irfft(np.where((frequencies >= low_hz) & (frequencies <= high_hz), spectrum, 0.0), len(wave)))


def band_deviation(wave: Floats, band: int) -> float:
    """Return the standard deviation of a wave in a band."""
    return float(_filter(wave, band).std())


def band_peak(wave: Floats, band: int) -> float:
    """Return the largest amplitude of a wave in a band."""
    return float(np.abs(_filter(wave, band)).max())


def measure_delays(band: int, trials: int, seed: int) -> Floats:
    """Pick synthetic onsets; return delay, strength and stated deviation [picks, 3] of the pick of that band nearest to each onset."""
    random, rows = np.random.default_rng([seed, band]), []
    for _ in range(trials):
        record, onset_s = simulate_onset(band, random)
        picks = pick_record(record)
        own = np.flatnonzero(picks.bands == band)
        if len(own):
            nearest = own[np.argmin(np.abs(picks.times_s[own] - onset_s))]
            rows.append((picks.times_s[nearest] - onset_s, picks.strengths[nearest], picks.uncertainties_s[nearest]))
    delays = np.array(rows, np.float64).reshape(-1, 3)
    return delays[np.abs(delays[:, 0]) < NEAR_WINDOWS * short_window_s(*BANDS_HZ[band])]


def summarize_delays(band: int, delays: Floats) -> list[Sequence[str]]:
    """Format mean and scatter of the delays of one band by class of strength, in the columns of HEADS."""
    lines: list[Sequence[str]] = []
    for low, high in zip(STRENGTH_BORDERS, (*STRENGTH_BORDERS[1:], np.inf), strict=True):
        own = delays[(delays[:, 1] >= low) & (delays[:, 1] < high)]
        if not len(own):
            continue
        bands, strengths = np.full(len(own), band), own[:, 1]
        lines.append(
            (
                "{:g} to {:g}".format(*BANDS_HZ[band]),
                f"{low:g} to {high:g}" if np.isfinite(high) else f"from {low:g}",
                str(len(own)),
                f"{own[:, 0].mean():.2f}",
                ", ".join(f"{value:.2f}" for value in np.percentile(own[:, 0], (16, 50, 84))),
                f"{expected_delay_s(bands, strengths).mean():.2f}",
                f"{delay_deviation_s(bands, strengths).mean():.2f}",
                f"{np.median(own[:, 2]):.2f}",
            )
        )
    return lines


def write_pick_delays_page(command: str, trials: int, seed: int) -> Path:
    """Measure the delays of `trials` onsets of each band; write `pick_delays.md`."""
    lines = [line for band in range(len(BANDS_HZ)) for line in summarize_delays(band, measure_delays(band, trials, seed))]
    return write_page(RESULTS / "pick_delays.md", TEMPLATE, command, trials=str(trials), seed=str(seed), table=format_table(HEADS, lines))
