"""
Archives of random events of many kinds: anomalies to be clustered, and endless waveforms to train on.

A set follows from recipe, purpose and seed, an event from its number as well. Whoever knows the seed can draw the labels again: for a
blind test, hand out an archive without `labels` and without `made_from` in its manifest.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from training.config import TrainingSettings
from training.datasets.archive import ArchivedEvent, Truth
from training.datasets.catalog_replica import shift_to_origin
from training.datasets.shards import describe_provenance, make_archive, name_event
from training.earth import greens
from training.random_streams import Purpose, make_generator
from training.synthesis.catalogs import draw_times
from training.synthesis.events import EventSampler, draw_event_source, draw_magnitude, open_sampler, synthesize_event
from training.synthesis.station_geometry import select_stations_on_day


class MixtureRecipe(BaseModel):
    """Probabilities of the `kinds` of sources, and ranges of the number of stations and of their distances."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str | tuple[str, ...]
    events_per_shard: int
    stations: tuple[int, int]
    distances_deg: tuple[float, float]
    kinds: dict[str, float]


def draw_archived_event(sampler: EventSampler, recipe: MixtureRecipe, random: np.random.Generator, name: str) -> ArchivedEvent:
    """Draw an event with its truth at a random time of its year, again until at least three stations of that day are in the range."""
    kind = str(random.choice(list(recipe.kinds), p=list(recipe.kinds.values())))
    count = int(np.exp(random.uniform(*np.log(recipe.stations))))
    event = None
    while event is None:
        source, year, azimuth = draw_event_source(sampler, kind, random, draw_magnitude(random))
        time_s = float(draw_times(np.array([year]), random)[0])
        that_day = replace(sampler, stations=select_stations_on_day(sampler.stations, time_s))
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


def _draw_events(recipe: MixtureRecipe, purpose: Purpose, seed: int, settings: TrainingSettings, numbers: list[int]) -> list[ArchivedEvent]:
    sampler = open_sampler(greens.load_stores(settings.build_dir / "greens", recipe.store), settings, seed)
    return [draw_archived_event(sampler, recipe, make_generator(seed, purpose, number), name_event(number)) for number in numbers]


def write_mixture(recipe: MixtureRecipe, purpose: Purpose, seed: int, events: int, settings: TrainingSettings, folder: Path) -> Path:
    """Write an archive of that many events, drawn from the random streams of `purpose` and `seed`; one with fewer events grows."""
    stores = greens.load_stores(settings.build_dir / "greens", recipe.store)
    draw = partial(_draw_events, recipe, purpose, seed, settings)
    return make_archive(
        draw, events, folder, describe_provenance(recipe, seed, stores, settings), recipe.events_per_shard, settings.processes
    )
