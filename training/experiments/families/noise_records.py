"""Pictures of records without an event, on which a clustering should claim no structure."""

from dataclasses import replace

import numpy as np

from models.imaging.conditioning import condition
from models.specs.pictures import CONDITIONING
from training.config import TrainingSettings
from training.datasets.shards import Arrays, Shards
from training.datasets.source_pairs import (
    KINDS,
    STYLES,
    PairGenerator,
    PairRecipe,
    ViewPictures,
    draw_kind,
    make_named_shards,
    open_generator,
    render_pictures,
)
from training.random_streams import Purpose, make_generator
from training.synthesis import events

NOISE_SCALE = 1e-9  # factor on a source that is to be far below any noise


def draw_noise_view(generator: PairGenerator, random: np.random.Generator) -> ViewPictures | None:
    """Draw pictures of noise at the stations of an event far below it; None with too few stations."""
    recipe = generator.recipe
    source, year = draw_kind(generator.sampler, recipe, str(random.choice(KINDS)), random)
    count = int(np.exp(random.uniform(*np.log(recipe.stations))))
    range_deg = (recipe.nearest_deg, float(random.uniform(*recipe.farthest_deg)))
    event = events.synthesize_event(generator.sampler, replace(source, rates=source.rates * NOISE_SCALE), year, count, range_deg, random)
    return None if event is None else render_pictures(generator, condition(event.records, CONDITIONING))


def draw_noise(recipe: PairRecipe, settings: TrainingSettings, number: int) -> Arrays:
    """Draw one shard of records without an event: `source` and `distance` pictures [events_per_shard, channels, rows, columns]."""
    generator, random = open_generator(recipe, settings), make_generator(recipe.seed, Purpose.FAMILIES_NOISE, number)
    drawn: list[ViewPictures] = []
    while len(drawn) < recipe.events_per_shard:
        view = draw_noise_view(generator, random)
        drawn += [] if view is None else [view]
    return {name: np.stack([pictures[name] for pictures in drawn]) for name in STYLES}


def make_noise_shards(recipe: PairRecipe, settings: TrainingSettings, numbers: list[int]) -> Shards:
    """Draw or load the shards of records without an event of those numbers."""
    return make_named_shards(draw_noise, "families_noise", recipe, settings, numbers)
