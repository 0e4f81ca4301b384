"""Pictures of single traces with their epicentral distance and origin time: the training data of the offset model."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict

from models.analysis.distances import find_record_spans
from models.array_types import Floats
from models.imaging.conditioning import condition
from models.imaging.render import render_traces
from models.imaging.style import AmplitudeStyle, FrequencyStyle, fingerprint
from models.seismic.earth.travel_times import first_arrival_s
from models.seismic.waveforms import Gather
from models.specs.offset import OFFSET
from models.specs.pictures import CONDITIONING
from models.specs.spec import ModelSpec
from training.config import TrainingSettings
from training.datasets.shards import Arrays, Shards, combine_fingerprints, make_shards
from training.earth import greens
from training.synthesis.events import (
    EventSampler,
    SyntheticEvent,
    draw_distance_range,
    draw_event_source,
    draw_magnitude,
    draw_near_magnitude,
    open_sampler,
    synthesize_event,
)
from training.synthesis.lateral_structure import LateralEarth, load_dispersion_map
from training.synthesis.noise import measure_noise_character
from training.synthesis.path_effects import PathScatter
from training.synthesis.records import ORIGIN_S, Realism
from training.synthesis.windows import NEAR_DEG, NO_ARRIVAL_S, draw_free_windows

LeftEdge = Literal["start", "before", "arrival", "anywhere"]
EDGES: tuple[LeftEdge, ...] = get_args(LeftEdge)
EARLIER_S = 700.0


class TraceRecipe(BaseModel):
    """
    Numbers of events and traces, and probabilities of kinds, distances, magnitudes and windows.

    `near_share`: probability of a local network; `small_share`: of a magnitude of 4.7 to 5.7 otherwise, else up to `largest_magnitude`;
    `left_edges`: probabilities of the pictures' left edges: "start" of the record; up to EARLIER_S "before" it; between it and "arrival"
    of P; "anywhere" in the record. `crusts`: whether paths through PREM get the dispersion of other crusts. `lateral_share`: probability
    that the paths of an event have the lateral structure of LITHO1.0 (from the data folder), instead of random Earth models.
    """

    # The fields are part of the data set's fingerprint, which cards state: a renamed field makes another data set.

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str | tuple[str, ...]
    events_per_shard: int
    traces_per_event: int
    near_share: float
    small_share: float
    largest_magnitude: float
    left_edges: dict[LeftEdge, float]
    crusts: bool
    lateral_share: float
    kinds: dict[str, float]
    seed: int


def draw_left_edges(gather: Gather, arrivals_s: Floats, shares: dict[LeftEdge, float], random: np.random.Generator) -> Floats:
    """
    Draw the left edge of the picture of each trace [traces], POSIX seconds.

    `arrivals_s` [traces] are first arrivals (POSIX seconds). A record that begins after the arrival has no edge between the two: its own
    start is taken.
    """
    starts, ends = find_record_spans(gather)
    which = random.choice(len(EDGES), len(starts), p=[shares[edge] for edge in EDGES])
    uniform = random.uniform(size=len(starts))
    before_arrival = starts + uniform * np.maximum(arrivals_s - starts, 0.0)
    return np.choose(which, (starts, starts - EARLIER_S * uniform, before_arrival, starts + uniform * (ends - starts)))


def _draw_event(sampler: EventSampler, recipe: TraceRecipe, random: np.random.Generator) -> SyntheticEvent | None:
    range_deg = draw_distance_range(recipe.near_share, random)
    kind = str(random.choice(list(recipe.kinds), p=list(recipe.kinds.values())))
    near = range_deg[1] <= NEAR_DEG
    magnitude = draw_near_magnitude(kind, random) if near else draw_magnitude(random, recipe.small_share, recipe.largest_magnitude)
    source, year, _ = draw_event_source(sampler, kind, random, magnitude)
    return synthesize_event(sampler, source, year, recipe.traces_per_event, range_deg, random, draw_free_windows)


def make_realism(recipe: TraceRecipe, settings: TrainingSettings) -> Realism:
    """Make the effects of a recipe; FileNotFoundError where it asks for lateral structure and the data folder has none."""
    usual = Realism(PathScatter(crusts=recipe.crusts), character=measure_noise_character(settings.data_dir))
    if not recipe.lateral_share:
        return usual
    return replace(usual, mix_earths=LateralEarth(load_dispersion_map(settings.data_dir, settings.build_dir), recipe.lateral_share))


def draw_gathers(
    recipe: TraceRecipe, settings: TrainingSettings, seed: int, realism: Realism | None = None
) -> Iterator[tuple[int, SyntheticEvent, Gather, np.random.Generator]]:
    """Draw the events of one shard: number, event, conditioned records, random stream; none of too few stations."""
    realism = realism or make_realism(recipe, settings)
    sampler = open_sampler(greens.load_stores(settings.build_dir / "greens", recipe.store), settings, recipe.seed, realism)
    random = np.random.default_rng([recipe.seed, seed])
    for number in range(recipe.events_per_shard):
        event = _draw_event(sampler, recipe, random)
        if event is not None:
            yield number, event, condition(event.records, CONDITIONING), random


def draw_traces(recipe: TraceRecipe, spec: ModelSpec, settings: TrainingSettings, seed: int, realism: Realism | None = None) -> Arrays:
    """
    Draw one shard in the style of a model that reads traces, with all effects as stated unless `realism` states others.

    Returns `pictures` uint8 [n, channels, rows, columns]; `truth` float32 [n, 2]: distance [degrees] and origin time after the left
    edge [s]; `event` int32 [n], the number of each trace's event. Pictures without any signal are left out.
    """
    style = spec.style
    assert isinstance(style, AmplitudeStyle | FrequencyStyle)  # noqa: S101  (for the type checker: trace models read traces)
    pictures, truth, events = [], [], []
    for number, event, gather, random in draw_gathers(recipe, settings, seed, realism):
        arrivals = np.nan_to_num(first_arrival_s(event.stations.distances_deg, event.source.depth_km), nan=NO_ARRIVAL_S)
        edges = draw_left_edges(gather, ORIGIN_S + arrivals, recipe.left_edges, random)
        drawn = render_traces(style, gather, edges)
        live = drawn.reshape(len(drawn), -1).any(axis=1)
        pictures.append(drawn[live])
        truth.append(np.stack([event.stations.distances_deg, ORIGIN_S - edges], axis=1)[live])
        events.append(np.full(int(live.sum()), number))
    return {
        "pictures": np.concatenate(pictures),
        "truth": np.concatenate(truth).astype(np.float32),
        "event": np.concatenate(events).astype(np.int32),
    }


def make_trace_shards(recipe: TraceRecipe, settings: TrainingSettings, seeds: list[int], spec: ModelSpec = OFFSET) -> Shards:
    """Draw or load the shards of those seeds, in the style of a model that reads traces."""
    stores = greens.load_stores(settings.build_dir / "greens", recipe.store)
    make_realism(recipe, settings)  # computes the dispersion map here, not in each process
    data_fingerprint = combine_fingerprints(
        recipe, fingerprint(spec.style), greens.fingerprint_stores(stores), str(settings.data_dir is not None)
    )
    folder: Path = settings.build_dir / "data" / spec.name
    return make_shards(partial(draw_traces, recipe, spec, settings), folder, data_fingerprint, seeds, settings.processes)
