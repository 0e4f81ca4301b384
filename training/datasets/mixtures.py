"""
Archives of events of many kinds: anomalies to be grouped without knowing what they are, and endless waveforms to train on.

What a set holds follows from recipe, purpose and seed; an event from its number, too. Whoever knows a set's seed can draw its
labels again, so a set that shall stay blind is handed out without `labels` and with `describe_provenance` taken out of its manifest.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from training.config import TrainingSettings
from training.datasets.archive import ArchivedEvent, Truth
from training.datasets.catalog_twin import shift_to_origin
from training.datasets.provenance import describe_provenance
from training.datasets.shards import make_archive, name_event
from training.earth import greens
from training.random_streams import Purpose, make_generator
from training.synthesis.catalogs import draw_times
from training.synthesis.events import EventSampler, draw_event_source, draw_magnitude, open_sampler, synthesize_event
from training.synthesis.station_geometry import select_stations_on_day


class MixtureRecipe(BaseModel):
    """Which kinds in which shares, at how many stations, at which distances."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str | tuple[str, ...]
    events_per_shard: int
    stations: tuple[int, int]
    distances_deg: tuple[float, float]
    kinds: dict[str, float]


def draw_archived_event(world: EventSampler, recipe: MixtureRecipe, random: np.random.Generator, name: str) -> ArchivedEvent:
    """One event with its truth, at a random time of its year; drawn until at least three stations of that day saw it."""
    kind = str(random.choice(list(recipe.kinds), p=list(recipe.kinds.values())))
    count = int(np.exp(random.uniform(*np.log(recipe.stations))))
    event = None
    while event is None:
        source, year, azimuth = draw_event_source(world, kind, random, draw_magnitude(random))
        time_s = float(draw_times(np.array([year]), random)[0])
        that_day = replace(world, stations=select_stations_on_day(world.stations, time_s))
        event = synthesize_event(that_day, source, year, count, recipe.distances_deg, random)
    truth: Truth = {
        "kind": kind,
        "origin_time_s": time_s,
        "latitude_deg": source.latitude_deg,
        "longitude_deg": source.longitude_deg,
        "depth_km": source.depth_km,
        "force_azimuth_deg": azimuth,
    }
    return ArchivedEvent(name, shift_to_origin(event.records, time_s), truth)


def _draw(recipe: MixtureRecipe, purpose: Purpose, seed: int, settings: TrainingSettings, numbers: list[int]) -> list[ArchivedEvent]:
    world = open_sampler(greens.load_stores(settings.build_dir / "greens", recipe.store), settings, seed)
    return [draw_archived_event(world, recipe, make_generator(seed, purpose, number), name_event(number)) for number in numbers]


def write_mixture(recipe: MixtureRecipe, purpose: Purpose, seed: int, events: int, settings: TrainingSettings, folder: Path) -> Path:
    """An archive of that many events; asked for more later, it grows."""
    stores = greens.load_stores(settings.build_dir / "greens", recipe.store)
    draw = partial(_draw, recipe, purpose, seed, settings)
    return make_archive(
        draw, events, folder, describe_provenance(recipe, seed, stores, settings), recipe.events_per_shard, settings.processes
    )
