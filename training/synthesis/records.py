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
from training.earth.greens import GreensStore, GreensTable
from training.synthesis.instrument_defects import Window, apply_defects, apply_instrument
from training.synthesis.noise import NoiseCharacter, draw_noise_displacement
from training.synthesis.path_effects import PathScatter, perturb_paths
from training.synthesis.sources import Source
from training.synthesis.station_geometry import Stations

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
    character: NoiseCharacter | None = None
    # Share of the events all of whose paths run through the same Earth, where there are several.
    one_earth_share: float = 0.4


def find_nearest_table(store: GreensStore, source: Source) -> GreensTable:
    """The table that a source reads: surface forces, or strains at the nearest stored depth."""
    return store.forces if source.is_force else store.table(source.depth_km)


def contract_source(source: Source, azimuths_deg: NDArray[np.float64]) -> NDArray[np.float64]:
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


def apply_directivity(rates: NDArray[np.float64], source: Source, azimuths_deg: NDArray[np.float64], step_s: float) -> NDArray[np.float64]:
    """
    The rates [traces, components, samples] of a rupture to one side as seen from each azimuth, the area under them kept.

    A station that the rupture runs towards sees the history shortened, one behind it stretched, by up to twice the delay of the
    centroid (Ben-Menahem 1961).
    """
    duration_s = rates.shape[-1] * step_s
    if source.rupture_delay_s < step_s:
        return rates
    factors = 1 - 2 * source.rupture_delay_s / duration_s * np.cos(np.radians(azimuths_deg - source.rupture_azimuth_deg))
    samples = int(np.ceil(rates.shape[-1] * factors.max())) + 1
    at = (np.arange(samples) + 0.5) / factors[:, None] - 0.5
    low = np.clip(np.floor(at).astype(np.int64), -1, rates.shape[-1])[:, None, :]
    padded = np.pad(rates, ((0, 0), (0, 0), (1, 2)))
    before, after = (np.take_along_axis(padded, np.broadcast_to(low + k, (*rates.shape[:2], samples)), axis=2) for k in (1, 2))
    stretched = before + (after - before) * np.clip(at[:, None, :] - low, 0, 1)
    area = stretched.sum(axis=2, keepdims=True)
    return np.asarray(stretched * np.divide(rates.sum(axis=2, keepdims=True), area, out=np.zeros_like(area), where=area != 0))


def synthesize_displacement(store: GreensStore, source: Source, stations: Stations) -> NDArray[np.float64]:
    """Noise-free vertical displacement [traces, samples] in meters from the origin time on, in the store's Earth."""
    table, step = find_nearest_table(store, source), store.time_step_s
    greens = table.data[stations.table_indices] * table.scales[stations.table_indices][..., None]
    rates = apply_directivity(contract_source(source, stations.azimuths_deg), source, stations.azimuths_deg, step)
    padded = fft.next_fast_len(greens.shape[-1] + rates.shape[-1], real=True)
    spectrum = (fft.rfft(greens, padded) * fft.rfft(rates, padded)).sum(axis=1) * step
    return np.asarray(fft.irfft(spectrum, padded)[:, : greens.shape[-1]])


def synthesize_mixed_displacement(
    stores: tuple[GreensStore, ...], source: Source, stations: Stations, one_earth_share: float, random: np.random.Generator
) -> NDArray[np.float64]:
    """As `synthesize_displacement`, each path through an Earth drawn at random; stores share their distances, so labels stay exact."""
    if len(stores) == 1:
        return synthesize_displacement(stores[0], source, stations)
    count = 1 if random.uniform() < one_earth_share else len(stations.azimuths_deg)
    earths = np.broadcast_to(random.integers(len(stores), size=count), len(stations.azimuths_deg))
    parts = [(np.flatnonzero(earths == k), store) for k, store in enumerate(stores)]
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))
    motion = [synthesize_displacement(store, source, stations.take(rows)) for rows, store in parts if len(rows)]
    return np.asarray(np.concatenate(motion)[order])


def _with_lead(traces: NDArray[np.float64], step_s: float) -> NDArray[np.float64]:
    lead = np.zeros((len(traces), int(PRE_EVENT_S / step_s)))
    return np.concatenate([lead, traces], axis=1)


def synthesize_records(
    stores: tuple[GreensStore, ...], source: Source, stations: Stations, window: Window, realism: Realism, random: np.random.Generator
) -> tuple[Record, ...]:
    """
    Records of the event in that window, one a station, sampled at the stores' rate, through those Earths.

    The origin time is ORIGIN_S (POSIX seconds); nothing in a record says so.
    """
    step = stores[0].time_step_s
    motion = synthesize_mixed_displacement(stores, source, stations, realism.one_earth_share, random)
    if realism.paths is not None:
        motion = perturb_paths(motion, stations.distances_deg, step, realism.paths, random)
        motion *= random.lognormal(0, realism.amplitude_sigma, (len(motion), 1))
    motion = _with_lead(motion, step)
    if realism.noise:
        motion = motion + draw_noise_displacement(len(motion), motion.shape[1], step, random, realism.character)
    if realism.instruments:
        motion = apply_instrument(motion, step, random)
    first = max(int((PRE_EVENT_S + window.start_s) / step), 0)
    motion = motion[:, first : first + max(int(window.duration_s / step), 2)]
    if realism.defects:
        motion = apply_defects(motion, step, random)
    motion /= np.nanmax(np.abs(motion), axis=1, keepdims=True) + 1e-300
    start = ORIGIN_S - PRE_EVENT_S + first * step
    return tuple(
        Record(trace_id, start, 1 / step, row.astype(np.float32), float(latitude), float(longitude))
        for trace_id, row, latitude, longitude in zip(
            stations.trace_ids, motion, stations.latitudes_deg, stations.longitudes_deg, strict=True
        )
    )
