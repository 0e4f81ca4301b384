"""Pictures of single traces with their epicentral distance and origin time: the training data of the offset model."""

from functools import partial
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from models.imaging.conditioning import condition
from models.imaging.render import render_traces
from models.imaging.style import AmplitudeStyle, FrequencyStyle, fingerprint
from models.seismic.waveforms import Gather
from models.specs.offset import OFFSET
from models.specs.spec import ModelSpec
from training.config import TrainingSettings
from training.datasets.shards import Arrays, Shards, combine_fingerprints, make_shards
from training.earth import greens
from training.synthesis.events import (
    NEAR_DEG,
    EventSampler,
    SyntheticEvent,
    draw_distance_range,
    draw_event_source,
    draw_magnitude,
    draw_near_magnitude,
    open_sampler,
    synthesize_event,
)
from training.synthesis.records import ORIGIN_S


class TraceRecipe(BaseModel):
    """
    Numbers of events and traces, and probabilities of kinds, distances, magnitudes and windows.

    `near_share`: probability of a local network; `small_share`: of a magnitude of 4.7 to 5.7 otherwise, else up to `largest_magnitude`;
    `first_window_share`: of a picture that begins where the gather does, which serving tries first, else anywhere in it.
    """

    # The fields are part of the data set's fingerprint, which cards state: a renamed field makes another data set.

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str | tuple[str, ...]
    events_per_shard: int
    traces_per_event: int
    near_share: float
    small_share: float
    largest_magnitude: float
    first_window_share: float
    kinds: dict[str, float]
    seed: int


def draw_window_start(gather: Gather, window_s: float, first_share: float, random: np.random.Generator) -> float:
    """Draw the start of a picture's window: the gather's start with probability `first_share`, else any (where the gather is longer)."""
    spare = gather.duration_s - window_s
    first = spare <= 0.05 * window_s or random.uniform() < first_share
    return gather.start_time_s + (0.0 if first else float(random.uniform(0, spare)))


def _draw_event(sampler: EventSampler, recipe: TraceRecipe, random: np.random.Generator) -> SyntheticEvent | None:
    range_deg = draw_distance_range(recipe.near_share, random)
    kind = str(random.choice(list(recipe.kinds), p=list(recipe.kinds.values())))
    near = range_deg[1] <= NEAR_DEG
    magnitude = draw_near_magnitude(kind, random) if near else draw_magnitude(random, recipe.small_share, recipe.largest_magnitude)
    source, year, _ = draw_event_source(sampler, kind, random, magnitude)
    return synthesize_event(sampler, source, year, recipe.traces_per_event, range_deg, random)


def draw_traces(recipe: TraceRecipe, spec: ModelSpec, settings: TrainingSettings, seed: int) -> Arrays:
    """
    Draw one shard in the style of a model that reads traces.

    Returns `pictures` uint8 [n, channels, rows, columns]; `truth` float32 [n, 2]: distance [degrees] and origin time after the left
    edge [s]; `event` int32 [n], the number of each trace's event. Pictures without any signal are left out.
    """
    style = spec.style
    assert isinstance(style, AmplitudeStyle | FrequencyStyle)  # noqa: S101  (for the type checker: trace models read traces)
    sampler = open_sampler(greens.load_stores(settings.build_dir / "greens", recipe.store), settings, recipe.seed)
    random = np.random.default_rng([recipe.seed, seed])
    pictures, truth, events = [], [], []
    for number in range(recipe.events_per_shard):
        event = _draw_event(sampler, recipe, random)
        if event is None:
            continue
        gather = condition(event.records, style.conditioning)
        start = draw_window_start(gather, style.window_s, recipe.first_window_share, random)
        drawn = render_traces(style, gather, start)
        live = drawn.reshape(len(drawn), -1).any(axis=1)
        pictures.append(drawn[live])
        lag = np.full(len(drawn), ORIGIN_S - start)
        truth.append(np.stack([event.stations.distances_deg, lag], axis=1)[live])
        events.append(np.full(int(live.sum()), number))
    return {
        "pictures": np.concatenate(pictures),
        "truth": np.concatenate(truth).astype(np.float32),
        "event": np.concatenate(events).astype(np.int32),
    }


def make_trace_shards(recipe: TraceRecipe, settings: TrainingSettings, seeds: list[int], spec: ModelSpec = OFFSET) -> Shards:
    """Draw or load the shards of those seeds, in the style of a model that reads traces."""
    stores = greens.load_stores(settings.build_dir / "greens", recipe.store)
    data_fingerprint = combine_fingerprints(
        recipe, fingerprint(spec.style), greens.fingerprint_stores(stores), str(settings.data_dir is not None)
    )
    folder: Path = settings.build_dir / "data" / spec.name
    return make_shards(partial(draw_traces, recipe, spec, settings), folder, data_fingerprint, seeds, settings.processes)
