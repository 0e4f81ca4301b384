"""
Synthetic events for the source inversion: paths run through PREM, or the Earth of their land or sea, with full path scatter.

Their Green's functions are the series that the shipped tables are packed from (`python -m training build greens-serving`), on distances of
the tables. Noise and defects are as in training, and instruments too, responses unknown; or records are displacement of known gain.

These series end at periods of 22 s, but record sections show waves from 9 s on: of such events networks read depths that are too great.
Events for sections have the Green's functions of training, with waves from 10 s on, whose depths are seldom those of the tables.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import fft

from models.array_types import Floats, Floats32, Integers
from models.imaging.conditioning import condition
from models.seismic.earth.land import land_shares
from models.seismic.source.greens_tables import DEPTHS_KM, DISTANCES_DEG
from models.seismic.waveforms import Gather
from models.specs.pictures import CONDITIONING
from training.config import TrainingSettings
from training.earth.greens import FULL_STORES, GreensStore, GreensTable, load_stores
from training.experiments.source.three_components import condition_components, synthesize_components
from training.lookup_tables.source_greens import make_tables_config
from training.random_streams import Purpose, make_generator
from training.synthesis.events import EventSampler, draw_event_source, open_sampler, synthesize_event
from training.synthesis.records import ORIGIN_S, find_nearest_table
from training.synthesis.signal_to_noise import median_signal_to_noise
from training.synthesis.sources import NOISE, Source
from training.synthesis.station_geometry import pick_stations, snap_to_table
from training.synthesis.windows import draw_common_window

DECKS = ("prem-no-ocean", "continental", "oceanic")
PREM_SHARE = 0.25  # of the paths, whatever is above them: margins, plateaus, shields and basins differ from either crust
UPSAMPLING = 4  # from 10 s to 2.5 s
DEPTH_INDICES = tuple(range(0, len(DEPTHS_KM), 2))
MAGNITUDES = (4.7, 6.2)
STATIONS = (10, 40)
MIN_SNR = 3.0


@dataclass(frozen=True)
class MixedEvent:
    """
    A gather with its source; `azimuth_deg` of a force, None of other sources.

    `snr`: median signal-to-noise ratio, NaN where no trace has one. `horizontals` [traces, 2, samples]: motion to north and east on the
    gather's clock, None where not drawn.
    """

    kind: str
    gather: Gather
    source: Source
    azimuth_deg: float | None
    snr: float
    horizontals: Floats32 | None = None


def load_series(folder: Path, deck: str) -> GreensStore:
    """Load the series of an Earth model as a store, at every second depth, sampled every 2.5 s."""
    depths = tuple(float(DEPTHS_KM[k]) for k in DEPTH_INDICES)
    config = make_tables_config(deck).model_copy(update={"time_step_s": 10.0 / UPSAMPLING, "depths_km": depths})
    tables = [_load_table(folder / deck / f"strains_{k:02d}.npy", float(DEPTHS_KM[k])) for k in DEPTH_INDICES]
    return GreensStore(config, tuple(tables), _load_table(folder / deck / "forces.npy", 0.0))


def open_love_stores(settings: TrainingSettings, sampler: EventSampler) -> tuple[GreensStore, ...]:
    """Open the transverse series of the Earth models of a sampler."""
    return tuple(load_love_series(settings.build_dir / "greens_serving", store) for store in sampler.stores)


def load_love_series(folder: Path, like: GreensStore) -> GreensStore:
    """Load the transverse series of an Earth model as a store like that of the vertical ones."""
    folder = folder / like.config.deck
    strains = tuple(_load_table(folder / f"transverse_strains_{k:02d}.npy", float(DEPTHS_KM[k])) for k in DEPTH_INDICES)
    return replace(like, strains=strains, forces=_load_table(folder / "transverse_forces.npy", 0.0))


def _load_table(path: Path, depth_km: float) -> GreensTable:
    series = np.load(path)
    longer = fft.irfft(fft.rfft(series, axis=-1), UPSAMPLING * series.shape[-1], axis=-1) * UPSAMPLING
    scales = np.maximum(np.abs(longer).max(axis=-1), 1e-300) / 32767.0
    return GreensTable(depth_km, DISTANCES_DEG, np.round(longer / scales[..., None]).astype(np.int16), scales)


def open_mixed_sampler(settings: TrainingSettings, seed: int, *, known_responses: bool = False) -> EventSampler:
    """Open a sampler of events over the series of all Earth models; with known responses records are displacement in nanometers."""
    sampler = open_sampler(tuple(load_series(settings.build_dir / "greens_serving", deck) for deck in DECKS), settings, seed)
    if not known_responses:
        return sampler
    return replace(sampler, realism=replace(sampler.realism, instruments=False, gains="equal"))


def open_section_sampler(settings: TrainingSettings, seed: int) -> EventSampler:
    """Open a sampler of events with waves from 10 s on, as sections show them, each path through one of three Earth models."""
    return open_sampler(load_stores(settings.build_dir / "greens", FULL_STORES), settings, seed)


def draw_mixed_events(sampler: EventSampler, kind: str, count: int, seed: int, love: tuple[GreensStore, ...] = ()) -> Iterator[MixedEvent]:
    """
    Draw events of a kind ("glacial", "earthquake", "noise") of a median signal-to-noise ratio of 3 or more, noise excepted.

    With the stores of `love` there are horizontals, and gains that differ by the scatter of instruments.
    """
    number = 0
    while count:
        number += 1
        random = make_generator(seed, Purpose.SOURCES, number)
        magnitude = 0.0 if kind == NOISE else float(random.uniform(*MAGNITUDES))
        drawn = "earthquake" if kind == NOISE else kind
        source, year, azimuth = draw_event_source(sampler, drawn, random, magnitude)
        found = _synthesize(sampler, love if kind != NOISE else (), source, year, random)
        if found is None:
            continue
        gather, horizontals = found
        snr = median_signal_to_noise(gather, (source.latitude_deg, source.longitude_deg), source.depth_km, ORIGIN_S)
        if kind == NOISE or snr >= MIN_SNR:
            count -= 1
            yield MixedEvent(kind, gather, source, azimuth, snr, horizontals)


def _synthesize(
    sampler: EventSampler, love: tuple[GreensStore, ...], source: Source, year: int, random: np.random.Generator
) -> tuple[Gather, Floats32 | None] | None:
    """Synthesize and condition the records of a source, with horizontals where there are stores of Love waves."""
    count, range_deg = int(np.exp(random.uniform(*np.log(STATIONS)))), (5.0, 150.0)
    if not love:
        event = synthesize_event(sampler, source, year, count, range_deg, random)
        return None if event is None else (condition(event.records, CONDITIONING), None)
    epicenter = (source.latitude_deg, source.longitude_deg)
    chosen = pick_stations(sampler.stations, epicenter, year, count, range_deg, random)
    if len(chosen) < 3:
        return None
    stations = snap_to_table(sampler.stations, chosen, epicenter, find_nearest_table(sampler.store, source))
    windows = list(draw_common_window(stations, source.depth_km, random))
    earths = draw_path_earths(land_shares(*epicenter, stations.latitudes_deg, stations.longitudes_deg), random)
    return condition_components(synthesize_components(sampler.stores, love, source, stations, windows, earths, sampler.realism, random))


def draw_path_earths(shares: Floats, random: np.random.Generator) -> Integers:
    """Draw the Earth model of each path, by index in `DECKS`: PREM, else the continental one with its share of land [n], or the oceanic."""
    crusts = 2 - (random.uniform(size=len(shares)) < shares)
    return np.where(random.uniform(size=len(shares)) < PREM_SHARE, 0, crusts)
