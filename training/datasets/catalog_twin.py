"""
The catalog twin: every glacial earthquake of the Greenland catalog and an earthquake for each, at the stations of their day.

Magnitudes of glacial earthquakes are surface-wave magnitudes at long periods, calibrated on moment magnitudes of shallow
earthquakes (Ekstrom et al. 2003, doi:10.1126/science.1088057; Tsai & Ekstrom 2007); an earthquake whose moment magnitude is
the same sends waves of about the same size. So each glacial earthquake is given an unused earthquake of its year within
`magnitude_tolerance`. Where the Global CMT file holds nothing of that year, one of another year takes the date of the
glacial earthquake, for only the stations depend on the date. Place, azimuth, amplitude, mechanism and depth are as cataloged.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from models.seismic.waveforms import Record
from training.config import TrainingSettings
from training.datasets.archive import ArchivedEvent, Truth
from training.datasets.provenance import describe_provenance
from training.datasets.shards import make_archive, name_event
from training.datasets.splits import name_region_cell, split_by_group, split_by_year, split_randomly
from training.earth import greens
from training.random_streams import Purpose, make_generator
from training.synthesis.catalogs import EarthquakeCatalog, GlacialCatalog, load_earthquakes, load_glacial_earthquakes
from training.synthesis.events import EventSampler, SyntheticEvent, open_sampler, synthesize_event
from training.synthesis.records import ORIGIN_S
from training.synthesis.sources import Source, make_earthquake, make_glacial
from training.synthesis.station_geometry import select_stations_on_day


class ReplicaRecipe(BaseModel):
    """
    At how many stations, at which distances, how alike in magnitude.

    Moments and forces are the catalogs' times `louder`: what the noise keeps from the reader shows where they are ten times as large.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str | tuple[str, ...]
    events_per_shard: int
    stations: tuple[int, int]
    distances_deg: tuple[float, float]
    magnitude_tolerance: float
    seed: int
    louder: float = Field(1.0, exclude_if=lambda value: value == 1.0)


@dataclass(frozen=True)
class ReplicaEvent:
    """One event of the twin: row `row` of its catalog, when it is taken to have happened, its region and its parts."""

    kind: str
    row: int
    time_s: float
    year: int
    region: str
    split_random: str
    split_region: str
    split_year: str


def match_earthquakes(ice: GlacialCatalog, quakes: EarthquakeCatalog, tolerance: float, random: np.random.Generator) -> NDArray[np.int64]:
    """
    Row [glacial events] of an earthquake for each glacial one, none twice: of its year, alike in magnitude.

    Of any year where the catalog has none of that one; the nearest in magnitude where none lies within the tolerance.
    """
    free, magnitudes, chosen = np.ones(len(quakes.years), dtype=bool), quakes.magnitudes, np.zeros(len(ice.years), dtype=np.int64)
    covered = set(quakes.years.tolist())
    for event in random.permutation(len(ice.years)):
        same_year = quakes.years == ice.years[event] if int(ice.years[event]) in covered else np.ones_like(free)
        candidates = np.flatnonzero(free & same_year)
        apart = np.abs(magnitudes[candidates] - ice.magnitudes[event])
        alike = candidates[apart <= tolerance]
        chosen[event] = random.choice(alike) if len(alike) else candidates[apart.argmin()]
        free[chosen[event]] = False
    return chosen


def plan_replica(ice: GlacialCatalog, quakes: EarthquakeCatalog, recipe: ReplicaRecipe) -> list[ReplicaEvent]:
    """All events in random order with their parts: at random, by region (glaciers, cells of the globe) and by year."""
    random = make_generator(recipe.seed, Purpose.REPLICA_MATCHING, 0)
    rows = match_earthquakes(ice, quakes, recipe.magnitude_tolerance, random)
    count = len(rows)
    times = np.where(quakes.years[rows] == ice.years, quakes.times_s[rows], ice.times_s)
    cells = [name_region_cell(float(quakes.latitudes_deg[row]), float(quakes.longitudes_deg[row])) for row in rows]
    # Each class for itself, so that every part holds both in the stated shares.
    by_region = np.concatenate([split_by_group(ice.regions, recipe.seed), split_by_group(cells, recipe.seed)])
    years = np.concatenate([ice.years, ice.years])
    by_year, at_random = split_by_year(years), split_randomly(2 * count, recipe.seed)
    kinds, regions = ["glacial"] * count + ["earthquake"] * count, [*ice.regions, *cells]
    where, when = np.concatenate([np.arange(count), rows]), np.concatenate([ice.times_s, times])
    return [
        ReplicaEvent(
            kinds[k], int(where[k]), float(when[k]), int(years[k]), regions[k], str(at_random[k]), str(by_region[k]), str(by_year[k])
        )
        for k in random.permutation(2 * count)
    ]


def _source(world: EventSampler, row: ReplicaEvent, louder: float, random: np.random.Generator) -> Source:
    if row.kind == "glacial":
        ice = world.glacial
        place = (float(ice.latitudes_deg[row.row]), float(ice.longitudes_deg[row.row]))
        amplitude, azimuth = louder * float(ice.amplitudes_kg_m[row.row]), float(ice.azimuths_deg[row.row])
        return make_glacial(place, amplitude, azimuth, world.store.time_step_s, random)
    quakes = world.earthquakes
    depth = world.store.table(float(quakes.depths_km[row.row])).depth_km
    where = (float(quakes.latitudes_deg[row.row]), float(quakes.longitudes_deg[row.row]), depth)
    return make_earthquake(where, louder * quakes.tensors[row.row], world.store.time_step_s, random)


def shift_to_origin(records: tuple[Record, ...], origin_s: float) -> tuple[Record, ...]:
    """The records of a synthetic event, moved to that origin time (POSIX seconds)."""
    return tuple(replace(record, start_time_s=record.start_time_s - ORIGIN_S + origin_s) for record in records)


def _truth(world: EventSampler, row: ReplicaEvent, event: SyntheticEvent) -> Truth:
    ice, quakes = world.glacial, world.earthquakes
    is_ice = row.kind == "glacial"
    return {
        "kind": row.kind,
        "catalog_name": (ice.names if is_ice else quakes.names)[row.row],
        "origin_time_s": row.time_s,
        "year": row.year,
        "latitude_deg": event.source.latitude_deg,
        "longitude_deg": event.source.longitude_deg,
        "depth_km": event.source.depth_km,
        "catalog_depth_km": None if is_ice else float(quakes.depths_km[row.row]),
        "magnitude": float((ice.magnitudes if is_ice else quakes.magnitudes)[row.row]),
        "force_azimuth_deg": float(ice.azimuths_deg[row.row]) if is_ice else None,
        "amplitude_kg_m": float(ice.amplitudes_kg_m[row.row]) if is_ice else None,
        "region": row.region,
        "split_random": row.split_random,
        "split_region": row.split_region,
        "split_year": row.split_year,
    }


def _event(world: EventSampler, recipe: ReplicaRecipe, row: ReplicaEvent, number: int) -> ArchivedEvent:
    random = make_generator(recipe.seed, Purpose.REPLICA, number)
    count = int(np.exp(random.uniform(*np.log(recipe.stations))))
    that_day = replace(world, stations=select_stations_on_day(world.stations, row.time_s))
    event = synthesize_event(that_day, _source(world, row, recipe.louder, random), row.year, count, recipe.distances_deg, random)
    if event is None:
        raise ValueError(f"fewer than three stations saw {row.kind} {row.row}; widen distances_deg")
    return ArchivedEvent(name_event(number), shift_to_origin(event.records, row.time_s), _truth(world, row, event))


def draw_replica(recipe: ReplicaRecipe, settings: TrainingSettings, numbers: list[int]) -> list[ArchivedEvent]:
    """The events of those numbers."""
    world = open_sampler(greens.load_stores(settings.build_dir / "greens", recipe.store), settings, recipe.seed)
    rows = plan_replica(world.glacial, world.earthquakes, recipe)
    return [_event(world, recipe, rows[number], number) for number in numbers]


def select_replica_split(recipe: ReplicaRecipe, settings: TrainingSettings, part: str) -> list[int]:
    """Numbers of the events of a part of the random split, ascending."""
    folder = settings.data_dir
    rows = plan_replica(load_glacial_earthquakes(folder, recipe.seed), load_earthquakes(folder, recipe.seed), recipe)
    return [number for number, row in enumerate(rows) if row.split_random == part]


def write_replica(recipe: ReplicaRecipe, settings: TrainingSettings, folder: Path) -> Path:
    """The whole twin as an archive; a stopped run goes on where it was."""
    world = open_sampler(greens.load_stores(settings.build_dir / "greens", recipe.store), settings, recipe.seed)
    stated = describe_provenance(recipe, recipe.seed, world.stores, settings)
    count = 2 * len(world.glacial.years)
    return make_archive(partial(draw_replica, recipe, settings), count, folder, stated, recipe.events_per_shard, settings.processes)
