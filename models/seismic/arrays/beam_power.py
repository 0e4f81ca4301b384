"""
Beam power of an array: how far the energy of its best beam exceeds that beam's own background.

Weak waves that no single trace shows are raised by the sum of delayed traces. Steady coherent noise, such as the microseism from one coast,
raises a beam's background as well and so is no detection (the STA/LTA of beams; Ringdal & Kvaerna 1989, doi:10.1785/BSSA0790061927).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.array_types import Floats, Floats32, Integers
from models.seismic.arrays.plane_waves import (
    BODY_BAND,
    MAX_BODY_SLOWNESS_S_DEG,
    MAX_SLOWNESS_S_DEG,
    SURFACE_BAND,
    StationGroup,
    group_arrays,
)
from models.seismic.arrays.semblance import WINDOW_PERIODS, beam_energies, window_hop
from models.seismic.signal.filters import PeriodBand, bandpass_zero_phase
from models.seismic.waveforms import Gather

BEAM_BANDS: Final = ((BODY_BAND, MAX_BODY_SLOWNESS_S_DEG), (SURFACE_BAND, MAX_SLOWNESS_S_DEG))
"""Periods, and the highest slowness in s/deg that is searched in them."""
MAX_BEAM_STATIONS: Final = 16  # of an array, the nearest to its center; more raise the cost and little else
SAMPLES_PER_PERIOD: Final = 5.0  # of the shortest period
DELAY_STEP_PERIODS: Final = 0.25  # by which a trace may move between neighboring slowness vectors
MAX_AMPLITUDE: Final = 4.0  # of a trace, in standard deviations of its noise: one disturbed trace must not raise a beam
MIN_BEAM_WINDOWS: Final = 8  # independent windows
MIN_LIVE_SHARE: Final = 0.75
"""Of the samples of all traces in a window: where records begin one after another, more of them in a beam are no wave."""
NORMAL_QUARTILE: Final = 0.6745  # median of the absolute value of a standard normal variable


@dataclass(frozen=True)
class BeamPower:
    """
    The best beam of an array in one band.

    `contrast`: natural logarithm of its largest windowed energy over the median of its windows. `trials`: independent windows times
    independent beams that were searched. `stations`: number of traces in the beam.
    """

    contrast: float
    trials: float
    stations: int


def measure_beam_power(gather: Gather) -> tuple[tuple[BeamPower | None, ...], ...]:
    """Measure the beam power of every array of a gather [arrays][bands]; None in a band for which its records are too short."""
    return tuple(tuple(_measure_beam_band(gather, group, *searched) for searched in BEAM_BANDS) for group in group_arrays(gather))


def _measure_beam_band(gather: Gather, group: StationGroup, band: PeriodBand, max_slowness_s_deg: float) -> BeamPower | None:
    period_s = float(np.sqrt(band.min_period_s * band.max_period_s))
    nearest = np.argsort(np.hypot(*group.offsets_deg.T), kind="stable")[:MAX_BEAM_STATIONS]
    stride = max(1, int(band.min_period_s * gather.sampling_rate_hz / SAMPLES_PER_PERIOD))
    rate_hz = gather.sampling_rate_hz / stride
    traces = _whiten_traces(gather.samples[group.trace_indices[nearest]], gather.sampling_rate_hz, band)[:, ::stride]
    offsets = group.offsets_deg[nearest] - group.offsets_deg[nearest].mean(axis=0)
    radius_deg, width = float(np.hypot(*offsets.T).max()), round(WINDOW_PERIODS * period_s * rate_hz)
    delays, hop = _delay_table(offsets, radius_deg, max_slowness_s_deg, DELAY_STEP_PERIODS * period_s, rate_hz), window_hop(width)
    margin = int(np.abs(delays).max()) + 1
    padded = np.ascontiguousarray(np.pad(traces, ((0, 0), (margin, margin))), np.float32)
    beams = beam_energies(padded, delays + margin, traces.shape[1], width, hop)[0]
    live = np.isfinite(gather.samples[group.trace_indices[nearest]])[:, ::stride].mean(axis=0)
    share = _mean_over_windows(live, width, hop, beams.shape[1])
    edge = -(-margin // hop)
    usable = (share >= MIN_LIVE_SHARE) & (np.arange(len(share)) >= edge) & (np.arange(len(share)) < len(share) - edge)
    inside = beams[:, usable] / share[usable]
    windows = inside.shape[1] * hop / width
    if windows < MIN_BEAM_WINDOWS:
        return None
    background = np.maximum(np.median(inside, axis=1), 1e-12 * inside.max() + 1e-300)
    cells = 1.0 + np.pi * (2.0 * radius_deg * max_slowness_s_deg / period_s) ** 2
    contrast = float(np.log(np.max(inside.max(axis=1) / background)))
    return BeamPower(contrast, windows * min(cells, float(len(delays))), len(nearest))


def _mean_over_windows(values: Floats, width: int, hop: int, count: int) -> Floats:
    """Return the mean of values [samples] over each of the `count` windows of `beam_energies`."""
    sums, starts = np.concatenate(([0.0], np.cumsum(values))), hop * np.arange(count)
    return np.asarray((sums[starts + width] - sums[starts]) / width)


def _delay_table(offsets_deg: Floats, radius_deg: float, max_slowness: float, step_s: float, rate_hz: float) -> Integers:
    """Delays in samples [slownesses, n] of a grid of slowness vectors up to a highest one."""
    steps = np.linspace(-max_slowness, max_slowness, 2 * int(np.ceil(max_slowness * radius_deg / step_s)) + 1)
    grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
    grid = grid[np.hypot(*grid.T) <= max_slowness]
    return np.ascontiguousarray(np.rint(grid @ offsets_deg.T * rate_hz).astype(np.int64))


def _whiten_traces(samples: Floats32, rate_hz: float, band: PeriodBand) -> Floats:
    """Band-pass traces [n, samples], in units of the robust standard deviation of each, clipped; zero where there is no data."""
    live = np.isfinite(samples)
    filtered = bandpass_zero_phase(np.where(live, samples, 0.0), rate_hz, band)
    level = np.array([np.median(np.abs(row[alive])) if alive.any() else 0.0 for row, alive in zip(filtered, live, strict=True)])
    scaled = filtered / np.maximum(level / NORMAL_QUARTILE, 1e-300)[:, None]
    return np.where(live & (level > 0.0)[:, None], np.clip(scaled, -MAX_AMPLITUDE, MAX_AMPLITUDE), 0.0)
