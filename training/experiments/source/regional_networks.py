"""
Synthetic explosions, collapses and earthquakes at few stations of three components, as nuclear tests and mines are recorded.

Stations are those of the catalog that operated at a time, so that azimuths have the gaps of real networks. Explosions and collapses release
tectonic stress as `models.seismic.earth.random_sources` has it; paths, noise, instruments and defects are those of `mixed_paths`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.array_types import Floats, Floats32
from models.registry.earth_tables import load_earths
from models.seismic.earth.land import land_shares
from models.seismic.earth.random_sources import SURFACE_DEPTH_KM, SURFACE_TENSORS, add_release, draw_mechanisms, to_spherical
from models.seismic.geodesy import destination
from models.seismic.source.greens_tables import GreensTables
from models.seismic.source.inversion import invert_source
from models.seismic.source.problem import EpicenterPrior
from models.seismic.source.solution import SourceSolution, describe_fit
from models.seismic.waveforms import Gather
from training.config import TrainingSettings
from training.earth.greens import GreensStore
from training.experiments.source.mixed_paths import draw_path_earths, open_love_stores, open_mixed_sampler
from training.experiments.source.three_components import condition_components, synthesize_components
from training.random_streams import Purpose, make_generator
from training.synthesis.events import EventSampler
from training.synthesis.records import ORIGIN_S, find_nearest_table
from training.synthesis.sources import Source, half_duration_s, make_tensor_source
from training.synthesis.station_geometry import Stations, pick_stations, snap_to_table
from training.synthesis.windows import draw_common_window

MAGNITUDES: Final = (3.8, 6.0)
DEPTHS_KM: Final = (1.0, 40.0)  # of earthquakes
STATIONS, DISTANCES_DEG = (4, 10), (0.5, 12.0)
EXPLOSION_S: Final = 2.0
COLLAPSE_S: Final = (2.0, 10.0)
GUESS_DEG: Final = (0.1, 1.0)
"""Smallest and largest standard deviation of the guessed epicenter: located by arrival times, and by distances alone."""
GUESS_S, GUESS_S_DEG = 2.0, 13.0  # of the origin time: constant, and for each degree of the epicenter's


@dataclass(frozen=True)
class Simulator:
    """
    What synthetic records are made of and inverted with.

    `sampler`: its records are displacement of known gain; `love`: stores of transverse displacement like its own; `earths`: the tables that
    ship.
    """

    sampler: EventSampler
    love: tuple[GreensStore, ...]
    earths: tuple[GreensTables, ...]


@dataclass(frozen=True)
class RegionalEvent:
    """
    The records of a synthetic source.

    `tensor` [6] in N m: nn, ee, dd, ne, nd, ed; `horizontals` [traces, 2, samples]: motion to north and east on the clock of the gather;
    `prior`: guess of epicenter and origin time; `azimuths_deg` [stations] from the source.
    """

    source: Source
    tensor: Floats
    gather: Gather
    horizontals: Floats32
    azimuths_deg: Floats
    prior: EpicenterPrior


def open_simulator(settings: TrainingSettings, seed: int) -> Simulator:
    """Open the series of all Earth models, catalogs, stations and noise, and the tables that ship."""
    sampler = open_mixed_sampler(settings, seed, known_responses=True)
    return Simulator(sampler, open_love_stores(settings, sampler), tuple(load_earths(settings.artifacts_dir).values()))


def draw_tensor(kind: str, random: np.random.Generator, depths_km: tuple[float, float] = DEPTHS_KM) -> tuple[Floats, float]:
    """Draw moment tensor [6] (nn, ee, dd, ne, nd, ed) of a scalar moment near 1, and depth in km, of a source of a kind."""
    mechanism, depth_km = draw_mechanisms(1, random), float(random.uniform(*depths_km))
    if kind in SURFACE_TENSORS:
        return add_release(kind, mechanism, random)[0], SURFACE_DEPTH_KM
    return mechanism[0], depth_km


def make_source(
    kind: str, tensor: Floats, hypocenter: tuple[float, float, float], moment: float, step_s: float, random: np.random.Generator
) -> Source:
    """Make the source of a moment tensor [6] (nn, ee, dd, ne, nd, ed) times a moment in N m; the hypocenter in degrees and km."""
    durations = {"explosion": EXPLOSION_S, "collapse": float(random.uniform(*COLLAPSE_S))}
    duration_s = durations.get(kind, 2.0 * half_duration_s(moment) * float(random.lognormal(0.0, 0.35)))
    return make_tensor_source(kind, hypocenter, to_spherical(moment * tensor[None])[0], duration_s, step_s, random)


def draw_regional_events(simulator: Simulator, kind: str, count: int, seed: int) -> Iterator[RegionalEvent]:
    """Draw so many events of a kind with enough stations."""
    number = 0
    while count:
        number += 1
        event = _draw_event(simulator, kind, make_generator(seed, Purpose.SOURCES, number))
        if event is not None:
            count -= 1
            yield event


def _draw_event(simulator: Simulator, kind: str, random: np.random.Generator) -> RegionalEvent | None:
    """Draw an event of a kind at an epicenter of the catalog; None with too few stations."""
    sampler, row = simulator.sampler, random.integers(len(simulator.sampler.earthquakes.years))
    epicenter = float(sampler.earthquakes.latitudes_deg[row]), float(sampler.earthquakes.longitudes_deg[row])
    tensor, depth_km = draw_tensor(kind, random)
    moment = 10.0 ** (1.5 * float(random.uniform(*MAGNITUDES)) + 9.1)
    hypocenter = (*epicenter, sampler.store.table(depth_km).depth_km)
    source = make_source(kind, tensor, hypocenter, moment, sampler.store.time_step_s, random)
    count = int(random.integers(STATIONS[0], STATIONS[1] + 1))
    chosen = pick_stations(sampler.stations, epicenter, int(sampler.earthquakes.years[row]), count, DISTANCES_DEG, random)
    if len(chosen) < STATIONS[0]:
        return None
    stations = snap_to_table(sampler.stations, chosen, epicenter, find_nearest_table(sampler.store, source))
    deviation_deg = float(np.exp(random.uniform(*np.log(GUESS_DEG))))
    return record_event(simulator, source, tensor * moment, stations, deviation_deg, random)


def record_event(
    simulator: Simulator, source: Source, tensor: Floats, stations: Stations, deviation_deg: float, random: np.random.Generator
) -> RegionalEvent:
    """Synthesize the records of a source at stations, with a guess of its epicenter of a standard deviation in degrees."""
    windows = list(draw_common_window(stations, source.depth_km, random))
    epicenter = source.latitude_deg, source.longitude_deg
    earths = draw_path_earths(land_shares(*epicenter, stations.latitudes_deg, stations.longitudes_deg), random)
    sampler = simulator.sampler
    records = synthesize_components(sampler.stores, simulator.love, source, stations, windows, earths, sampler.realism, random)
    gather, horizontals = condition_components(records)
    return RegionalEvent(source, tensor, gather, horizontals, stations.azimuths_deg, guess_source(epicenter, deviation_deg, random))


def guess_source(epicenter: tuple[float, float], deviation_deg: float, random: np.random.Generator) -> EpicenterPrior:
    """Guess epicenter and origin time, each coordinate of the epicenter with a standard deviation."""
    place = destination(*epicenter, float(random.uniform(0.0, 360.0)), deviation_deg * float(np.hypot(*random.normal(size=2))))
    late_s = float(random.normal(0.0, GUESS_S + GUESS_S_DEG * deviation_deg))
    return EpicenterPrior(float(place[0]), float(place[1]), deviation_deg, ORIGIN_S + late_s)


def invert_tensor(simulator: Simulator, event: RegionalEvent, *, horizontals: bool) -> SourceSolution | None:
    """Invert an event for a moment tensor, by verticals alone or all components; None where traces are too few."""
    fit = invert_source(
        event.gather,
        range(len(event.gather.trace_ids)),
        simulator.earths,
        event.prior,
        "tensor",
        "displacement",
        horizontals=event.horizontals if horizontals else None,
    )
    return None if fit is None else describe_fit(fit)
