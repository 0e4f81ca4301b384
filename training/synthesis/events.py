"""
Random synthetic events, drawn such that no trivial cue separates the classes.

Glacial earthquakes occur outside Greenland too, and earthquakes there; magnitudes and windows overlap; stations are the same.
"""

from dataclasses import dataclass, replace

import numpy as np

from models.seismic.waveforms import Record
from training.config import TrainingSettings
from training.earth.greens import GreensStore
from training.synthesis.catalogs import (
    SHALLOW_SCALE_KM,
    EarthquakeCatalog,
    GlacialCatalog,
    StationCatalog,
    draw_double_couples,
    is_depth_unresolved,
    load_earthquakes,
    load_glacial_earthquakes,
    load_stations,
)
from training.synthesis.noise import measure_noise_character
from training.synthesis.path_effects import PathScatter
from training.synthesis.records import Realism, find_nearest_table, synthesize_records
from training.synthesis.sources import NOISE, Source, make_anomalous, make_earthquake, make_glacial
from training.synthesis.station_geometry import Stations, pick_stations, snap_to_table
from training.synthesis.windows import NEAR_DEG, DrawWindows, draw_common_window

# Default fraction of magnitudes from 4.7 to 5.7 among events of distant networks.
SMALL_SHARE = 0.6
NOISE_MAGNITUDE = 0.0


@dataclass(frozen=True)
class EventSampler:
    """The catalogs, stores of Green's functions and effects that events are drawn from."""

    store: GreensStore
    earthquakes: EarthquakeCatalog
    glacial: GlacialCatalog
    stations: StationCatalog
    realism: Realism
    other_stores: tuple[GreensStore, ...] = ()

    @property
    def stores(self) -> tuple[GreensStore, ...]:
        """Stores of all Earth models, which share depths and distances."""
        return (self.store, *self.other_stores)


@dataclass(frozen=True)
class SyntheticEvent:
    """The records of a synthetic event, with its source, its stations, and the azimuth of its force if it has one."""

    source: Source
    stations: Stations
    records: tuple[Record, ...]
    year: int
    force_azimuth_deg: float | None = None


def open_sampler(
    store: GreensStore | tuple[GreensStore, ...], settings: TrainingSettings, seed: int, realism: Realism | None = None
) -> EventSampler:
    """
    Open catalogs, stations and noise of the data folder (or the stated distributions, of that seed) for sampling.

    Of several stores, one Earth model is drawn for each path. Without `realism` all path effects, noise and defects are as stated.
    """
    folder = settings.data_dir
    first, *others = store if isinstance(store, tuple) else (store,)
    catalogs = (load_earthquakes(folder, seed), load_glacial_earthquakes(folder, seed), load_stations(folder))
    return EventSampler(first, *catalogs, realism or Realism(PathScatter(), character=measure_noise_character(folder)), tuple(others))


def draw_depth_km(depth_km: float, random: np.random.Generator) -> float:
    """Return the depth of an earthquake of a catalog, or draw one from the surface down where the catalog does not resolve it."""
    return abs(float(random.normal(scale=SHALLOW_SCALE_KM))) if is_depth_unresolved(depth_km) else depth_km


def draw_earthquake(sampler: EventSampler, random: np.random.Generator, magnitudes: tuple[float, float]) -> tuple[Source, int]:
    """
    Draw an earthquake; returns its source and year.

    Epicenter and depth come from the catalog (half the time weighted toward deep events, and 15 % of epicenters from the glacial
    catalog), with depths from the surface down where it does not resolve them; the magnitude is uniform in the range, and the mechanism is
    the catalog's or, one time in three, a random double couple.
    """
    catalog, row = sampler.earthquakes, random.integers(len(sampler.earthquakes.years))
    if random.uniform() < 0.5:
        # Deep earthquakes are rare in the catalog, but are to be learned as well as shallow ones.
        row = random.choice(np.flatnonzero(catalog.depths_km >= random.uniform(0, 500)))
    moment = 10 ** (1.5 * random.uniform(*magnitudes) + 9.1)
    tensor = catalog.tensors[row] / catalog.moments[row] * moment
    if random.uniform() < 0.33:
        tensor = draw_double_couples(random, np.array([moment]))[0]
    latitude, longitude = catalog.latitudes_deg[row], catalog.longitudes_deg[row]
    depth_km = draw_depth_km(float(catalog.depths_km[row]), random)
    if random.uniform() < 0.15:
        glacier = random.integers(len(sampler.glacial.years))
        latitude, longitude = sampler.glacial.latitudes_deg[glacier], sampler.glacial.longitudes_deg[glacier]
    stored = sampler.store.table(depth_km).depth_km
    return make_earthquake((float(latitude), float(longitude), stored), tensor, sampler.store.time_step_s, random), int(catalog.years[row])


def draw_magnitude(random: np.random.Generator, small_share: float = SMALL_SHARE, largest: float = 8.2) -> float:
    """
    Draw a surface-wave magnitude: from 4.7 to 5.7 with probability `small_share`, else from 5.7 to `largest`.

    One law holds for glacial and tectonic earthquakes: with different ones, the noise level before the first arrival would tell the
    classes apart (`python -m training validate leakage`).
    """
    return float(random.uniform(4.7, 5.7) if random.uniform() < small_share else random.uniform(5.7, largest))


def draw_near_magnitude(kind: str, random: np.random.Generator) -> float:
    """
    Draw the magnitude of an event that a local network records: 3.6 to 6.8 for earthquakes, 4.5 to 5.7 for all other kinds.

    No catalog holds a smaller glacial earthquake (4.6 and above in Greenland, 1993 to 2013), while local networks record small
    earthquakes; so weak signals at local distances are more likely earthquakes.
    """
    return float(random.uniform(3.6, 6.8) if kind == "earthquake" else random.uniform(4.5, 5.7))


def draw_distance_range(near_share: float, random: np.random.Generator) -> tuple[float, float]:
    """
    Draw the range of distances [degrees] of an event's stations.

    With probability `near_share` the network is local: 0.1 to 6 degrees six times in ten, else 2 to 15.
    """
    if random.uniform() >= near_share:
        return (3.0, 176.0)
    return (0.1, 6.0) if random.uniform() < 0.6 else (2.0, 15.0)


def draw_glacial(sampler: EventSampler, random: np.random.Generator, magnitude: float | None = None) -> tuple[Source, int, float]:
    """
    Draw a glacial earthquake; returns its source, year and force azimuth.

    Three in ten are at epicenters of the earthquake catalog, so that location is no cue. Without a magnitude the amplitude is 0.6
    to 8 times the catalog's.
    """
    catalog, row = sampler.glacial, random.integers(len(sampler.glacial.years))
    latitude, longitude = catalog.latitudes_deg[row], catalog.longitudes_deg[row]
    azimuth = float(catalog.azimuths_deg[row])
    if random.uniform() < 0.3:
        other = random.integers(len(sampler.earthquakes.years))
        latitude, longitude = sampler.earthquakes.latitudes_deg[other], sampler.earthquakes.longitudes_deg[other]
    if random.uniform() < 0.6:
        azimuth = float(random.uniform(0, 360))
    log_scale = float(random.uniform(-0.2, 0.9)) if magnitude is None else magnitude - float(catalog.magnitudes[row])
    amplitude = float(catalog.amplitudes_kg_m[row] * 10**log_scale)
    source = make_glacial((float(latitude), float(longitude)), amplitude, azimuth, sampler.store.time_step_s, random)
    return source, int(catalog.years[row]), azimuth


def draw_event_source(
    sampler: EventSampler, kind: str, random: np.random.Generator, magnitude: float | None = None
) -> tuple[Source, int, float | None]:
    """Draw a source of a kind, of the magnitude if glacial or tectonic; returns it with its year and force azimuth (None without)."""
    if kind == "glacial":
        return draw_glacial(sampler, random, magnitude)
    if kind == "earthquake":
        source, year = draw_earthquake(sampler, random, (5.3, 8.6) if magnitude is None else (magnitude, magnitude))
        return source, year, None
    row = random.integers(len(sampler.earthquakes.years))
    epicenter = (float(sampler.earthquakes.latitudes_deg[row]), float(sampler.earthquakes.longitudes_deg[row]))
    return make_anomalous(kind, epicenter, sampler.store.time_step_s, random), int(sampler.earthquakes.years[row]), None


def synthesize_event(
    sampler: EventSampler,
    source: Source,
    year: int,
    count: int,
    range_deg: tuple[float, float],
    random: np.random.Generator,
    draw_windows: DrawWindows = draw_common_window,
) -> SyntheticEvent | None:
    """
    Synthesize the records of a source at up to `count` stations, operating in a year, in a range of distances, in windows of some law.

    Returns None where fewer than three stations (or `count`, if less) are in the range.
    """
    epicenter = (source.latitude_deg, source.longitude_deg)
    chosen = pick_stations(sampler.stations, epicenter, year, count, range_deg, random)
    if len(chosen) < min(3, count):
        return None
    snapped = snap_to_table(sampler.stations, chosen, epicenter, find_nearest_table(sampler.store, source))
    windows = draw_windows(snapped, source.depth_km, random)
    records = synthesize_records(sampler.stores, source, snapped, windows, sampler.realism, random)
    return SyntheticEvent(source, snapped, records, year)


def draw_event(
    sampler: EventSampler,
    kind: str,
    count: int,
    random: np.random.Generator,
    range_deg: tuple[float, float] = (5.0, 160.0),
    small_share: float = SMALL_SHARE,
) -> SyntheticEvent:
    """
    Draw an event of a kind with up to `count` stations, again until enough are in the range of distances.

    The kind "noise" is an earthquake far below the noise. Networks within NEAR_DEG record the magnitudes of `draw_near_magnitude`,
    others those of `draw_magnitude`, which are small with probability `small_share`.
    """
    while True:
        magnitude = draw_near_magnitude(kind, random) if range_deg[1] <= NEAR_DEG else draw_magnitude(random, small_share)
        if kind == NOISE:
            source, year, azimuth = draw_event_source(sampler, "earthquake", random, NOISE_MAGNITUDE)
        else:
            source, year, azimuth = draw_event_source(sampler, kind, random, magnitude)
        event = synthesize_event(sampler, source, year, count, range_deg, random)
        if event is not None:
            return replace(event, force_azimuth_deg=azimuth)
