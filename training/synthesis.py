"""
From a source and its stations to records, as a user would upload them.

Contraction of strains with a moment tensor, or projection of displacements on a force, after training.greens; then the path,
noise, instrument and defects. The records that come out go through the same conditioning and drawing as served ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from models.seismic.waveforms import Record
from training.defects import Window, instrument, spoil
from training.geometry import Stations
from training.greens import GreensStore, GreensTable
from training.noise import displacement as noise_displacement
from training.paths import PathScatter, perturb
from training.sources import Source

ORIGIN_S = 1_000_000_000.0
PRE_EVENT_S = 3840.0


@dataclass(frozen=True)
class Realism:
    """What makes a synthetic record look real; each part can be switched off for an ablation."""

    paths: PathScatter | None
    noise: bool = True
    instruments: bool = True
    defects: bool = True
    amplitude_sigma: float = 0.3


def table_of(store: GreensStore, source: Source) -> GreensTable:
    """The table that a source reads: surface forces, or strains at the nearest stored depth."""
    return store.forces if source.is_force else store.table(source.depth_km)


def contraction(source: Source, azimuths_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rates [traces, components, samples] that each Green's function component is convolved with, per station azimuth."""
    cosine, sine = np.cos(np.radians(azimuths_deg))[:, None], np.sin(np.radians(azimuths_deg))[:, None]
    if source.is_force:
        up, north, east = source.rates
        return np.stack([np.broadcast_to(up, (len(azimuths_deg), len(up))), north * cosine + east * sine], axis=1)
    rr, tt, pp, rt, rp, tp = source.rates
    nn, ee, ne, rn, re = tt, pp, -tp, -rt, rp
    along = nn * cosine**2 + 2 * ne * sine * cosine + ee * sine**2
    across = nn * sine**2 - 2 * ne * sine * cosine + ee * cosine**2
    shear = 2 * (rn * cosine + re * sine)
    return np.stack([np.broadcast_to(rr, along.shape), along, across, shear], axis=1)


def _directivity(source: Source, azimuths_deg: NDArray[np.float64], frequencies: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Delay of the centroid seen at each azimuth: a rupture running towards a station arrives early, one running away late."""
    if source.rupture_delay_s == 0:
        return np.ones((len(azimuths_deg), 1), dtype=np.complex128)
    delay = -source.rupture_delay_s * np.cos(np.radians(azimuths_deg - source.rupture_azimuth_deg)) + source.rupture_delay_s
    return np.asarray(np.exp(-2j * np.pi * frequencies * delay[:, None]))


def ground_displacement(store: GreensStore, source: Source, stations: Stations) -> NDArray[np.float64]:
    """Noise-free vertical displacement [traces, samples] in meters from the origin time on, in the store's Earth."""
    table, step = table_of(store, source), store.time_step_s
    greens = table.data[stations.table_indices] * table.scales[stations.table_indices][..., None]
    rates = contraction(source, stations.azimuths_deg)
    padded = fft.next_fast_len(greens.shape[-1] + rates.shape[-1], real=True)
    spectrum = (fft.rfft(greens, padded) * fft.rfft(rates, padded)).sum(axis=1) * step
    spectrum *= _directivity(source, stations.azimuths_deg, fft.rfftfreq(padded, step))
    return np.asarray(fft.irfft(spectrum, padded)[:, : greens.shape[-1]])


def _with_lead(traces: NDArray[np.float64], step_s: float) -> NDArray[np.float64]:
    lead = np.zeros((len(traces), int(PRE_EVENT_S / step_s)))
    return np.concatenate([lead, traces], axis=1)


def ground_records(
    store: GreensStore, source: Source, stations: Stations, window: Window, realism: Realism, random: np.random.Generator
) -> tuple[Record, ...]:
    """
    Records of the event in that window, one a station, sampled at the store's rate.

    The origin time is ORIGIN_S (POSIX seconds); nothing in a record says so.
    """
    step = store.time_step_s
    motion = ground_displacement(store, source, stations)
    if realism.paths is not None:
        motion = perturb(motion, stations.distances_deg, step, realism.paths, random)
        motion *= random.lognormal(0, realism.amplitude_sigma, (len(motion), 1))
    motion = _with_lead(motion, step)
    if realism.noise:
        motion = motion + noise_displacement(len(motion), motion.shape[1], step, random)
    if realism.instruments:
        motion = instrument(motion, step, random)
    first = max(int((PRE_EVENT_S + window.start_s) / step), 0)
    motion = motion[:, first : first + max(int(window.duration_s / step), 2)]
    if realism.defects:
        motion = spoil(motion, step, random)
    motion /= np.nanmax(np.abs(motion), axis=1, keepdims=True) + 1e-300
    start = ORIGIN_S - PRE_EVENT_S + first * step
    return tuple(
        Record(trace_id, start, 1 / step, row.astype(np.float32), float(latitude), float(longitude))
        for trace_id, row, latitude, longitude in zip(
            stations.trace_ids, motion, stations.latitudes_deg, stations.longitudes_deg, strict=True
        )
    )
