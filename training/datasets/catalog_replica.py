"""
The synthetic catalog replica: one synthetic event for each cataloged one, at the stations that operated on its day.

It holds every glacial earthquake of the Greenland catalog, and a tectonic earthquake of equal magnitude for each. Magnitudes of
glacial earthquakes are surface-wave magnitudes at long periods, calibrated on moment magnitudes of shallow earthquakes (Ekstrom et al.
2003, doi:10.1126/science.1088057; Tsai & Ekstrom 2007), so an earthquake of equal moment magnitude radiates waves of about equal
amplitude. Each glacial earthquake is matched with an unused earthquake of its year within `magnitude_tolerance`. Where the Global CMT file
has none of that year, one of another year takes the date of the glacial earthquake, because only the stations depend on the date.
Epicenter, azimuth, amplitude, mechanism and depth are as cataloged. Gains are as of stations of unknown response.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models.array_types import Integers
from models.seismic.waveforms import Record
from training.config import TrainingSettings
from training.datasets.archive import ArchivedEvent, Truth
from training.datasets.shards import describe_provenance, make_archive, name_event
from training.datasets.splits import name_region_cell, split_by_group, split_by_year, split_randomly
from training.earth import greens
from training.random_streams import Purpose, make_generator
from training.synthesis.catalogs import EarthquakeCatalog, GlacialCatalog, load_earthquakes, load_glacial_earthquakes
from training.synthesis.events import EventSampler, SyntheticEvent, open_sampler, synthesize_event
from training.synthesis.records import ORIGIN_S, Gains
from training.synthesis.sources import Source, make_earthquake, make_glacial
from training.synthesis.station_geometry import select_stations_on_day


class ReplicaRecipe(BaseModel):
    """
    Ranges of the number of stations and of their distances, and the tolerance of matched magnitudes.

    `gains`: as of `Realism`. `moment_scale`: factor on the cataloged moments and forces, in unchanged noise, to measure what limits the
    models besides noise.
    """

    # The fields are part of the archive's fingerprint: a renamed field makes another archive.
    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str | tuple[str, ...]
    events_per_shard: int
    stations: tuple[int, int]
    distances_deg: tuple[float, float]
    magnitude_tolerance: float
    seed: int
    gains: Gains = "scattered"
    moment_scale: float = Field(1.0, exclude_if=lambda value: value == 1.0)


@dataclass(frozen=True)
class ReplicaEvent:
    """One event of the replica: its kind, row in its catalog, origin time, year, region, and its split in each of three ways."""

    kind: str
    row: int
    time_s: float
    year: int
    region: str
    split_random: str
    split_region: str
    split_year: str


def match_earthquakes(glacial: GlacialCatalog, tectonic: EarthquakeCatalog, tolerance: float, random: np.random.Generator) -> Integers:
    """
    Match each glacial earthquake with an earthquake of its year and magnitude; returns rows [glacial events], none twice.

    It is one of any year where the catalog has none of that year, and the nearest in magnitude where none is within the tolerance.
    """
    free, magnitudes, chosen = np.ones(len(tectonic.years), dtype=bool), tectonic.magnitudes, np.zeros(len(glacial.years), dtype=np.int64)
    covered = set(tectonic.years.tolist())
    for event in random.permutation(len(glacial.years)):
        same_year = tectonic.years == glacial.years[event] if int(glacial.years[event]) in covered else np.ones_like(free)
        candidates = np.flatnonzero(free & same_year)
        difference = np.abs(magnitudes[candidates] - glacial.magnitudes[event])
        similar = candidates[difference <= tolerance]
        chosen[event] = random.choice(similar) if len(similar) else candidates[difference.argmin()]
        free[chosen[event]] = False
    return chosen


def plan_replica(glacial: GlacialCatalog, tectonic: EarthquakeCatalog, recipe: ReplicaRecipe) -> list[ReplicaEvent]:
    """Plan all events in random order with their splits: at random, by region (glaciers, cells of the globe) and by year."""
    random = make_generator(recipe.seed, Purpose.REPLICA_MATCHING, 0)
    rows = match_earthquakes(glacial, tectonic, recipe.magnitude_tolerance, random)
    count = len(rows)
    times = np.where(tectonic.years[rows] == glacial.years, tectonic.times_s[rows], glacial.times_s)
    cells = [name_region_cell(float(tectonic.latitudes_deg[row]), float(tectonic.longitudes_deg[row])) for row in rows]
    # Each class by itself, so that every split holds both in the stated fractions.
    by_region = np.concatenate([split_by_group(glacial.regions, recipe.seed), split_by_group(cells, recipe.seed)])
    years = np.concatenate([glacial.years, glacial.years])
    by_year, at_random = split_by_year(years), split_randomly(2 * count, recipe.seed)
    kinds, regions = ["glacial"] * count + ["earthquake"] * count, [*glacial.regions, *cells]
    catalog_rows, origin_times_s = np.concatenate([np.arange(count), rows]), np.concatenate([glacial.times_s, times])
    return [
        ReplicaEvent(
            kinds[k],
            int(catalog_rows[k]),
            float(origin_times_s[k]),
            int(years[k]),
            regions[k],
            str(at_random[k]),
            str(by_region[k]),
            str(by_year[k]),
        )
        for k in random.permutation(2 * count)
    ]


def _make_source(sampler: EventSampler, row: ReplicaEvent, moment_scale: float, random: np.random.Generator) -> Source:
    if row.kind == "glacial":
        glacial = sampler.glacial
        epicenter = (float(glacial.latitudes_deg[row.row]), float(glacial.longitudes_deg[row.row]))
        amplitude, azimuth = moment_scale * float(glacial.amplitudes_kg_m[row.row]), float(glacial.azimuths_deg[row.row])
        return make_glacial(epicenter, amplitude, azimuth, sampler.store.time_step_s, random)
    tectonic = sampler.earthquakes
    depth = sampler.store.table(float(tectonic.depths_km[row.row])).depth_km
    hypocenter = (float(tectonic.latitudes_deg[row.row]), float(tectonic.longitudes_deg[row.row]), depth)
    return make_earthquake(hypocenter, moment_scale * tectonic.tensors[row.row], sampler.store.time_step_s, random)


def shift_to_origin(records: tuple[Record, ...], origin_s: float) -> tuple[Record, ...]:
    """Shift the records of a synthetic event to an origin time (POSIX seconds)."""
    return tuple(replace(record, start_time_s=record.start_time_s - ORIGIN_S + origin_s) for record in records)


def _describe_truth(sampler: EventSampler, row: ReplicaEvent, event: SyntheticEvent) -> Truth:
    glacial, tectonic = sampler.glacial, sampler.earthquakes
    is_glacial = row.kind == "glacial"
    return {
        "kind": row.kind,
        "catalog_name": (glacial.names if is_glacial else tectonic.names)[row.row],
        "origin_time_s": row.time_s,
        "year": row.year,
        "latitude_deg": event.source.latitude_deg,
        "longitude_deg": event.source.longitude_deg,
        "depth_km": event.source.depth_km,
        "catalog_depth_km": None if is_glacial else float(tectonic.depths_km[row.row]),
        "magnitude": float((glacial.magnitudes if is_glacial else tectonic.magnitudes)[row.row]),
        "force_azimuth_deg": float(glacial.azimuths_deg[row.row]) if is_glacial else None,
        "amplitude_kg_m": float(glacial.amplitudes_kg_m[row.row]) if is_glacial else None,
        "region": row.region,
        "split_random": row.split_random,
        "split_region": row.split_region,
        "split_year": row.split_year,
    }


def _draw_event(sampler: EventSampler, recipe: ReplicaRecipe, row: ReplicaEvent, number: int) -> ArchivedEvent:
    random = make_generator(recipe.seed, Purpose.REPLICA, number)
    count = int(np.exp(random.uniform(*np.log(recipe.stations))))
    realism = replace(sampler.realism, gains=recipe.gains)
    that_day = replace(sampler, stations=select_stations_on_day(sampler.stations, row.time_s), realism=realism)
    event = synthesize_event(
        that_day, _make_source(sampler, row, recipe.moment_scale, random), row.year, count, recipe.distances_deg, random
    )
    if event is None:
        raise ValueError(f"fewer than three stations are in range of {row.kind} {row.row}: widen distances_deg of the recipe")
    return ArchivedEvent(name_event(number), shift_to_origin(event.records, row.time_s), _describe_truth(sampler, row, event))


def draw_replica(recipe: ReplicaRecipe, settings: TrainingSettings, numbers: list[int]) -> list[ArchivedEvent]:
    """Draw the events of those numbers."""
    sampler = open_sampler(greens.load_stores(settings.build_dir / "greens", recipe.store), settings, recipe.seed)
    rows = plan_replica(sampler.glacial, sampler.earthquakes, recipe)
    return [_draw_event(sampler, recipe, rows[number], number) for number in numbers]


def select_replica_split(recipe: ReplicaRecipe, settings: TrainingSettings, split: str) -> list[int]:
    """Select the numbers of the events of a split (train, validation or test) of the random split, ascending."""
    folder = settings.data_dir
    rows = plan_replica(load_glacial_earthquakes(folder, recipe.seed), load_earthquakes(folder, recipe.seed), recipe)
    return [number for number, row in enumerate(rows) if row.split_random == split]


def write_replica(recipe: ReplicaRecipe, settings: TrainingSettings, folder: Path) -> Path:
    """Write the whole replica as an archive; an interrupted run continues."""
    sampler = open_sampler(greens.load_stores(settings.build_dir / "greens", recipe.store), settings, recipe.seed)
    made_from = describe_provenance(recipe, recipe.seed, sampler.stores, settings)
    count = 2 * len(sampler.glacial.years)
    return make_archive(partial(draw_replica, recipe, settings), count, folder, made_from, recipe.events_per_shard, settings.processes)
