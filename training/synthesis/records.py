"""
Synthesis of the records of an event, as a user would upload them, from its source and its stations.

Green's functions are contracted with a moment tensor or projected on a force (see `training.earth.greens`); then follow path effects,
noise, instrument and defects. Records are conditioned and drawn as served ones are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import fft

from models.array_types import Floats, Floats32, Integers
from models.seismic.waveforms import Record
from training.earth.greens import GreensStore, GreensTable
from training.synthesis.instrument_defects import apply_defects, apply_instrument, draw_gains
from training.synthesis.noise import NoiseCharacter, draw_noise_displacement
from training.synthesis.path_effects import PathScatter, perturb_paths, share_paths
from training.synthesis.sources import Source
from training.synthesis.station_geometry import Stations
from training.synthesis.windows import Window

Contract = Callable[[Source, Floats], Floats]
Gains = Literal["none", "equal", "scattered"]

ORIGIN_S = 1_000_000_000.0
PRE_EVENT_S = 3840.0
NANOMETERS = 1e9


@dataclass(frozen=True)
class Realism:
    """
    Effects that make synthetic records realistic; each can be switched off for an ablation.

    `amplitude_sigma`: standard deviation of the logarithm of the amplitude factor of a path (focusing). `one_earth_share`: fraction of
    events all of whose paths run through one Earth model, where there are several. `character`: of recorded noise. `gains`: "none"
    scales each record to a maximum of 1, for networks that read each by itself; samples of "equal" ones are nanometers, or their
    derivatives, and those of "scattered" ones are multiplied by gains as of `draw_gains`. `mix_earths`: called in place of
    `synthesize_mixed_displacement`. `sharing_deg`: length over which neighboring stations share the perturbations of their paths; 0 for
    none, as in training.
    """

    paths: PathScatter | None
    noise: bool = True
    instruments: bool = True
    defects: bool = True
    amplitude_sigma: float = 0.3
    character: NoiseCharacter | None = None
    one_earth_share: float = 0.4
    gains: Gains = "none"
    mix_earths: Callable[..., Floats] | None = None
    sharing_deg: float = 0.0


def find_nearest_table(store: GreensStore, source: Source) -> GreensTable:
    """Find the table of Green's functions of a source: surface forces, or strains at the nearest stored depth."""
    return store.forces if source.is_force else store.table(source.depth_km)


def contract_source(source: Source, azimuths_deg: Floats) -> Floats:
    """Rotate and contract a source for each station azimuth: rates [traces, components, samples] to convolve with Green's functions."""
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


def apply_directivity(rates: Floats, source: Source, azimuths_deg: Floats, step_s: float) -> Floats:
    """
    Apply the directivity of a unilateral rupture to rates [traces, components, samples], at each azimuth; their integral is preserved.

    The source time function is shortened in the direction of the rupture and stretched in the opposite one, by up to twice the delay
    of the centroid (Ben-Menahem 1961).
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


def synthesize_displacement(store: GreensStore, source: Source, stations: Stations, contract: Contract = contract_source) -> Floats:
    """Synthesize noise-free displacement [traces, samples] in meters, vertical unless of other components, in one Earth model."""
    table, step = find_nearest_table(store, source), store.time_step_s
    greens = table.data[stations.table_indices] * table.scales[stations.table_indices][..., None]
    rates = apply_directivity(contract(source, stations.azimuths_deg), source, stations.azimuths_deg, step)
    padded = fft.next_fast_len(greens.shape[-1] + rates.shape[-1], real=True)
    spectrum = (fft.rfft(greens, padded) * fft.rfft(rates, padded)).sum(axis=1) * step
    return np.asarray(fft.irfft(spectrum, padded)[:, : greens.shape[-1]])


def synthesize_mixed_displacement(
    stores: tuple[GreensStore, ...],
    source: Source,
    stations: Stations,
    one_earth_share: float,
    random: np.random.Generator,
    contract: Contract = contract_source,
) -> Floats:
    """
    Synthesize displacement [traces, samples] in meters with an Earth model drawn for each path.

    With probability `one_earth_share` one model is drawn for all paths. The stores have equal depths and distances, so labels stay
    exact.
    """
    if len(stores) == 1:
        return synthesize_displacement(stores[0], source, stations, contract)
    count = 1 if random.uniform() < one_earth_share else len(stations.azimuths_deg)
    earths = np.broadcast_to(random.integers(len(stores), size=count), len(stations.azimuths_deg))
    return synthesize_in_earths(stores, source, stations, earths, contract)


def synthesize_in_earths(
    stores: tuple[GreensStore, ...], source: Source, stations: Stations, earths: Integers, contract: Contract = contract_source
) -> Floats:
    """Synthesize displacement [traces, samples] in meters, each path [traces] in the Earth model of a store by index."""
    groups = [(np.flatnonzero(earths == k), store) for k, store in enumerate(stores)]
    order = np.argsort(np.concatenate([rows for rows, _ in groups]))
    motion = [synthesize_displacement(store, source, stations.take(rows), contract) for rows, store in groups if len(rows)]
    return np.asarray(np.concatenate(motion)[order])


def synthesize_records(
    stores: tuple[GreensStore, ...],
    source: Source,
    stations: Stations,
    windows: Sequence[Window],
    realism: Realism,
    random: np.random.Generator,
) -> tuple[Record, ...]:
    """
    Synthesize the records of an event, one a station, with gains as of `Realism`, at the sampling rate of the stores.

    The Earth model of a path is drawn from `stores`. The windows, one a station, are relative to the origin time, which is ORIGIN_S (POSIX
    seconds).
    """
    step = stores[0].time_step_s
    motion = (realism.mix_earths or synthesize_mixed_displacement)(stores, source, stations, realism.one_earth_share, random)
    if realism.paths is not None:
        near = share_paths(stations.latitudes_deg, stations.longitudes_deg, realism.sharing_deg) if realism.sharing_deg else None
        motion = perturb_paths(motion, stations.distances_deg, step, replace(realism.paths, sharing=near), random)
        motion *= random.lognormal(0, realism.amplitude_sigma, (len(motion), 1))
    motion = np.pad(motion, ((0, 0), (int(PRE_EVENT_S / step), 0)))
    if realism.noise:
        motion = motion + draw_noise_displacement(len(motion), motion.shape[1], step, random, realism.character)
    if realism.instruments:
        motion = apply_instrument(motion, step, random)
    cuts = [_cut_window(trace, window, step) for trace, window in zip(motion, windows, strict=True)]
    records = tuple(
        Record(trace_id, start, 1 / step, _finish_trace(trace, realism, step, random), float(latitude), float(longitude))
        for trace_id, (start, trace), latitude, longitude in zip(
            stations.trace_ids, cuts, stations.latitudes_deg, stations.longitudes_deg, strict=True
        )
    )
    return scatter_gains(records, random) if realism.gains == "scattered" else records


def scatter_gains(records: Sequence[Record], random: np.random.Generator) -> tuple[Record, ...]:
    """Multiply each record by a gain of its own."""
    gains = draw_gains(len(records), random).astype(np.float32)
    return tuple(replace(record, samples=record.samples * gain) for record, gain in zip(records, gains, strict=True))


def _cut_window(trace: Floats, window: Window, step_s: float) -> tuple[float, Floats]:
    """Cut the window of one trace that begins PRE_EVENT_S before the origin; returns its start (POSIX seconds) and its samples."""
    first = min(max(int((PRE_EVENT_S + window.start_s) / step_s), 0), len(trace) - 2)
    return ORIGIN_S - PRE_EVENT_S + first * step_s, trace[first : first + max(int(window.duration_s / step_s), 2)]


def _finish_trace(trace: Floats, realism: Realism, step_s: float, random: np.random.Generator) -> Floats32:
    """Apply defects to one trace, and scale it to a maximum of 1 or to nanometers."""
    finished = apply_defects(trace[None], step_s, random)[0] if realism.defects else trace
    scale = 1.0 / (np.nanmax(np.abs(finished)) + 1e-300) if realism.gains == "none" else NANOMETERS
    return np.asarray(finished * scale, np.float32)
