"""
Drawing events at random so that no trivial cue separates the classes.

Forces act elsewhere than in Greenland too, earthquakes there too; magnitudes, depths and windows overlap, stations are the same.
"""

from dataclasses import dataclass, replace

import numpy as np

from models.seismic.waveforms import Record
from training.config import TrainingSettings
from training.earth.greens import GreensStore
from training.synthesis.catalogs import (
    EarthquakeCatalog,
    GlacialCatalog,
    StationCatalog,
    draw_double_couples,
    load_earthquakes,
    load_glacial_earthquakes,
    load_stations,
)
from training.synthesis.instrument_defects import draw_window
from training.synthesis.noise import measure_noise_character
from training.synthesis.path_effects import PathScatter
from training.synthesis.records import Realism, find_nearest_table, synthesize_records
from training.synthesis.sources import NOISE, Source, make_anomalous, make_earthquake, make_glacial
from training.synthesis.station_geometry import Stations, pick_stations, snap_to_table

# Stations no further than this are a local or regional network.
NEAR_DEG = 15.0
# Of the events farther away so many are of magnitude 4.7 to 5.7, where nothing else is said.
SMALL_SHARE = 0.6
UNSEEN_MAGNITUDE = 0.0


@dataclass(frozen=True)
class EventSampler:
    """Everything that events are drawn from."""

    store: GreensStore
    earthquakes: EarthquakeCatalog
    glacial: GlacialCatalog
    stations: StationCatalog
    realism: Realism
    other_stores: tuple[GreensStore, ...] = ()

    @property
    def stores(self) -> tuple[GreensStore, ...]:
        """Stores of all Earth models, with the same depths and distances."""
        return (self.store, *self.other_stores)


@dataclass(frozen=True)
class SyntheticEvent:
    """A synthetic event with its truth."""

    source: Source
    stations: Stations
    records: tuple[Record, ...]
    year: int
    force_azimuth_deg: float | None = None


def open_sampler(
    store: GreensStore | tuple[GreensStore, ...], settings: TrainingSettings, seed: int, realism: Realism | None = None
) -> EventSampler:
    """One Earth or several (greens.load_all), catalogs and stations from the settings' data folder, else from the stated distributions."""
    folder = settings.data_dir
    first, *others = store if isinstance(store, tuple) else (store,)
    catalogs = (load_earthquakes(folder, seed), load_glacial_earthquakes(folder, seed), load_stations(folder))
    return EventSampler(first, *catalogs, realism or Realism(PathScatter(), character=measure_noise_character(folder)), tuple(others))


def draw_earthquake(world: EventSampler, random: np.random.Generator, magnitudes: tuple[float, float]) -> tuple[Source, int]:
    """
    An earthquake and its year.

    Place and depth come from the catalog, magnitude is uniform in the range, the mechanism is the catalog's or (one in three)
    a random double couple, so that rare mechanisms are seen at every place.
    """
    catalog, row = world.earthquakes, random.integers(len(world.earthquakes.years))
    if random.uniform() < 0.5:
        # Deep earthquakes are rare in the catalog and wanted as often as shallow ones.
        row = random.choice(np.flatnonzero(catalog.depths_km >= random.uniform(0, 500)))
    moment = 10 ** (1.5 * random.uniform(*magnitudes) + 9.1)
    tensor = catalog.tensors[row] / catalog.moments[row] * moment
    if random.uniform() < 0.33:
        tensor = draw_double_couples(random, np.array([moment]))[0]
    latitude, longitude, depth = catalog.latitudes_deg[row], catalog.longitudes_deg[row], catalog.depths_km[row]
    if random.uniform() < 0.15:
        place = random.integers(len(world.glacial.years))
        latitude, longitude = world.glacial.latitudes_deg[place], world.glacial.longitudes_deg[place]
    stored = world.store.table(float(depth)).depth_km
    return make_earthquake((float(latitude), float(longitude), stored), tensor, world.store.time_step_s, random), int(catalog.years[row])


def draw_magnitude(random: np.random.Generator, small_share: float = SMALL_SHARE, largest: float = 8.2) -> float:
    """
    Magnitude of surface waves, by one law for glacial and tectonic earthquakes: a share of 4.7 to 5.7, the others up to the largest.

    Otherwise the larger class is the one whose records show less noise, which a linear model tells from the level before the
    first arrival alone (python -m training leakage).
    """
    return float(random.uniform(4.7, 5.7) if random.uniform() < small_share else random.uniform(5.7, largest))


def draw_near_magnitude(kind: str, random: np.random.Generator) -> float:
    """
    Magnitude of events that a local network records: from 3.6 up for earthquakes, from 4.5 up for glacial ones.

    Local networks send small earthquakes, and no catalog holds a smaller glacial one (4.6 and above in Greenland, 1993 to 2013),
    so a record of noise next to its stations is more likely a small earthquake. Far from the source one law holds for both.
    """
    return float(random.uniform(3.6, 6.8) if kind == "earthquake" else random.uniform(4.5, 5.7))


def draw_distance_range(near_share: float, random: np.random.Generator) -> tuple[float, float]:
    """Distances at which an event's stations stand: of the near ones six in ten within 6 degrees, the others 2 to 15."""
    if random.uniform() >= near_share:
        return (3.0, 176.0)
    return (0.1, 6.0) if random.uniform() < 0.6 else (2.0, 15.0)


def draw_glacial(world: EventSampler, random: np.random.Generator, magnitude: float | None = None) -> tuple[Source, int, float]:
    """
    A glacial earthquake, its year and force azimuth; three in ten lie elsewhere on Earth, so that place is no cue.

    Without a magnitude, 0.6 to 8 times the catalog's amplitude.
    """
    catalog, row = world.glacial, random.integers(len(world.glacial.years))
    latitude, longitude = catalog.latitudes_deg[row], catalog.longitudes_deg[row]
    azimuth = float(catalog.azimuths_deg[row])
    if random.uniform() < 0.3:
        other = random.integers(len(world.earthquakes.years))
        latitude, longitude = world.earthquakes.latitudes_deg[other], world.earthquakes.longitudes_deg[other]
    if random.uniform() < 0.6:
        azimuth = float(random.uniform(0, 360))
    louder = float(random.uniform(-0.2, 0.9)) if magnitude is None else magnitude - float(catalog.magnitudes[row])
    amplitude = float(catalog.amplitudes_kg_m[row] * 10**louder)
    source = make_glacial((float(latitude), float(longitude)), amplitude, azimuth, world.store.time_step_s, random)
    return source, int(catalog.years[row]), azimuth


def draw_event_source(
    world: EventSampler, kind: str, random: np.random.Generator, magnitude: float | None = None
) -> tuple[Source, int, float | None]:
    """A source of that kind (glacial and tectonic ones of that magnitude, if given), the year, and the force azimuth if any."""
    if kind == "glacial":
        return draw_glacial(world, random, magnitude)
    if kind == "earthquake":
        source, year = draw_earthquake(world, random, (5.3, 8.6) if magnitude is None else (magnitude, magnitude))
        return source, year, None
    row = random.integers(len(world.earthquakes.years))
    place = (float(world.earthquakes.latitudes_deg[row]), float(world.earthquakes.longitudes_deg[row]))
    return make_anomalous(kind, place, world.store.time_step_s, random), int(world.earthquakes.years[row]), None


def synthesize_event(
    world: EventSampler, source: Source, year: int, count: int, range_deg: tuple[float, float], random: np.random.Generator
) -> SyntheticEvent | None:
    """The event at up to `count` stations; None where fewer than three stand in the range."""
    place = (source.latitude_deg, source.longitude_deg)
    chosen = pick_stations(world.stations, place, year, count, range_deg, random)
    if len(chosen) < min(3, count):
        return None
    seen = snap_to_table(world.stations, chosen, place, find_nearest_table(world.store, source))
    window = draw_window(float(seen.distances_deg.min()), float(seen.distances_deg.max()), random)
    return SyntheticEvent(source, seen, synthesize_records(world.stores, source, seen, window, world.realism, random), year)


def draw_event(
    world: EventSampler,
    kind: str,
    count: int,
    random: np.random.Generator,
    range_deg: tuple[float, float] = (5.0, 160.0),
    small_share: float = SMALL_SHARE,
) -> SyntheticEvent:
    """
    An event of that kind at up to `count` stations, drawn until enough stations saw it; a near one has a near magnitude.

    Of kind "noise" it is an earthquake too small to be seen anywhere.
    """
    while True:
        magnitude = draw_near_magnitude(kind, random) if range_deg[1] <= NEAR_DEG else draw_magnitude(random, small_share)
        if kind == NOISE:
            source, year, azimuth = draw_event_source(world, "earthquake", random, UNSEEN_MAGNITUDE)
        else:
            source, year, azimuth = draw_event_source(world, kind, random, magnitude)
        event = synthesize_event(world, source, year, count, range_deg, random)
        if event is not None:
            return replace(event, force_azimuth_deg=azimuth)
