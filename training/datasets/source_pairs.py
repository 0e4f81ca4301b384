"""
Pictures of unlabelled events to learn families from: each source seen twice, the second time somewhere else.

The second view is the same history and mechanism at another place, turned about the vertical, a little larger or smaller, at
other stations in other noise. What both have in common is the source: no label says so, the generator does. A source is made
larger until it is seen, as events are that anybody uploads: most anomalies drawn at random drown in the noise.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from models.analysis.distances import predict_distances
from models.analysis.sections import draw_section, draw_source, find_reference
from models.errors import UnusableData
from models.imaging.conditioning import condition
from models.imaging.render import render_source
from models.imaging.style import SectionStyle, SourceStyle, fingerprint
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.seismic.waveforms import Gather
from models.specs.offset import OFFSET
from models.specs.pictures import CONDITIONING, DISTANCE_SECTION, SOURCE
from training.config import TrainingSettings
from training.datasets.shards import Arrays, Shards, combine_fingerprints, make_shards
from training.earth import greens
from training.random_streams import Purpose, make_generator
from training.synthesis import events
from training.synthesis.events import EventSampler, open_sampler
from training.synthesis.source_parameters import describe_source
from training.synthesis.sources import Source

STYLES: dict[str, SourceStyle | SectionStyle] = {"source": SOURCE, "distance": DISTANCE_SECTION}
KINDS = ("shallow", "deep", "glacial", "explosion", "collapse", "landslide", "slow_earthquake", "resonance")
MOMENT_FACTOR, MAX_TRIES = 2.5, 8
UNSEEN = 1e-9  # of its size: what is left of a source is far below any noise

Pictures = Mapping[str, NDArray[np.uint8]]
Draw = Callable[["PairRecipe", TrainingSettings, int], Arrays]


class PairRecipe(BaseModel):
    """
    How many sources of each shard, at how many stations, at distances up to a largest one drawn between two.

    `seen_db`: how far over the noise's usual heights the clearer half of the traces must stand at some period, so that an event
    counts as seen. `shallow_km`, `deep_km`: earthquakes above the one and below the other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str | tuple[str, ...]
    events_per_shard: int
    stations: tuple[int, int]
    nearest_deg: float
    farthest_deg: tuple[float, float]
    seen_db: float
    shallow_km: float
    deep_km: float
    seed: int


@dataclass(frozen=True)
class PairGenerator:
    """What views are drawn with."""

    world: EventSampler
    offset: OnnxModel
    recipe: PairRecipe


def rotate_rates(rates: NDArray[np.float64], angle_rad: float) -> NDArray[np.float64]:
    """
    Rates of a force [3, samples] (up, north, east) or a moment tensor [6, samples] (rr, tt, pp, rt, rp, tp), turned clockwise.

    r up, t south, p east: north is -t.
    """
    cosine, sine = np.cos(angle_rad), np.sin(angle_rad)
    if len(rates) == 3:
        up, north, east = rates
        return np.stack([up, cosine * north - sine * east, sine * north + cosine * east])
    rr, tt, pp, rt, rp, tp = rates
    return np.stack(
        [
            rr,
            cosine**2 * tt + sine**2 * pp + 2 * cosine * sine * tp,
            sine**2 * tt + cosine**2 * pp - 2 * cosine * sine * tp,
            cosine * rt + sine * rp,
            cosine * rp - sine * rt,
            cosine * sine * (pp - tt) + (cosine**2 - sine**2) * tp,
        ]
    )


def move_source(world: EventSampler, source: Source, random: np.random.Generator) -> Source:
    """The same history and mechanism at the place of another earthquake, turned, within 60 % of its size."""
    row = random.integers(len(world.earthquakes.years))
    return replace(
        source,
        latitude_deg=float(world.earthquakes.latitudes_deg[row]),
        longitude_deg=float(world.earthquakes.longitudes_deg[row]),
        rates=rotate_rates(source.rates, float(random.uniform(0, 2 * np.pi))) * 10 ** float(random.uniform(-0.2, 0.2)),
        rupture_azimuth_deg=float(random.uniform(0, 360)),
    )


def draw_kind(world: EventSampler, recipe: PairRecipe, kind: str, random: np.random.Generator) -> tuple[Source, int]:
    """A source of one of KINDS and its year."""
    while True:
        tectonic = kind in ("shallow", "deep")
        source, year, _ = events.draw_event_source(world, "earthquake" if tectonic else kind, random, events.draw_magnitude(random))
        if (kind == "shallow" and source.depth_km > recipe.shallow_km) or (kind == "deep" and source.depth_km < recipe.deep_km):
            continue
        return source, year


def draw_view(studio: PairGenerator, source: Source, year: int, random: np.random.Generator) -> tuple[Pictures, Source] | None:
    """Pictures as serving draws them, and the source as large as it had to be; None where it is never seen."""
    recipe = studio.recipe
    for _ in range(MAX_TRIES):
        count = int(np.exp(random.uniform(*np.log(recipe.stations))))
        reach = (recipe.nearest_deg, float(random.uniform(*recipe.farthest_deg)))
        event = events.synthesize_event(studio.world, source, year, count, reach, random)
        if event is None:
            return None
        try:
            gather = condition(event.records, CONDITIONING)
            if not is_visible(gather, recipe.seen_db):
                source = replace(source, rates=source.rates * MOMENT_FACTOR)
                continue
            return render_pictures(studio, gather), source
        except UnusableData:
            continue
    return None


def is_visible(gather: Gather, seen_db: float) -> bool:
    """Whether heights over the noise, to which distances are nothing, reach that many decibels in the source picture."""
    heights = render_source(SOURCE, gather, np.full(len(gather.trace_ids), np.nan))[1]
    return bool(heights.max() * SOURCE.dynamic_range_db / 255 >= seen_db)


def draw_noise_view(studio: PairGenerator, random: np.random.Generator) -> Pictures | None:
    """Pictures of an upload in which nothing happens: noise at the stations of an event that is far too small; None where they are few."""
    recipe = studio.recipe
    source, year = draw_kind(studio.world, recipe, str(random.choice(KINDS)), random)
    count = int(np.exp(random.uniform(*np.log(recipe.stations))))
    reach = (recipe.nearest_deg, float(random.uniform(*recipe.farthest_deg)))
    event = events.synthesize_event(studio.world, replace(source, rates=source.rates * UNSEEN), year, count, reach, random)
    return None if event is None else render_pictures(studio, condition(event.records, CONDITIONING))


def render_pictures(studio: PairGenerator, gather: Gather) -> Pictures:
    """What serving draws of an event, at the distances that it reads."""
    readings = predict_distances(studio.offset, gather)
    reference = find_reference(gather, readings)
    section = draw_section(DISTANCE_SECTION, gather, readings, reference)
    return {"source": draw_source(SOURCE, gather, readings, reference), "distance": section}


def draw_noise(recipe: PairRecipe, settings: TrainingSettings, number: int) -> Arrays:
    """One shard of uploads without an event: `source` and `distance` [events_per_shard, channels, rows, columns]."""
    studio, random, drawn = open_generator(recipe, settings), make_generator(recipe.seed, Purpose.FAMILIES_NOISE, number), list[Pictures]()
    while len(drawn) < recipe.events_per_shard:
        seen = draw_noise_view(studio, random)
        drawn += [] if seen is None else [seen]
    return {name: np.stack([pictures[name] for pictures in drawn]) for name in STYLES}


def _pair(studio: PairGenerator, kind: str, random: np.random.Generator) -> Arrays:
    """Two views of one source, drawn until there are two."""
    while True:
        source, year = draw_kind(studio.world, studio.recipe, kind, random)
        first = draw_view(studio, source, year, random)
        if first is None:
            continue
        second = draw_view(studio, move_source(studio.world, first[1], random), year, random)
        if second is not None:
            pictures = {name: np.stack([first[0][name], second[0][name]]) for name in STYLES}
            described = describe_source(source, studio.world.store.time_step_s)
            return {**pictures, "truth": np.array([KINDS.index(kind), source.depth_km, *described])}


def open_generator(recipe: PairRecipe, settings: TrainingSettings) -> PairGenerator:
    """The world of the recipe's stores, and the offset model that is served."""
    world = open_sampler(greens.load_stores(settings.build_dir / "greens", recipe.store), settings, recipe.seed)
    return PairGenerator(world, OnnxModel.load(open_store(settings.artifacts_dir), OFFSET, threads=1), recipe)


def draw_pairs(recipe: PairRecipe, settings: TrainingSettings, number: int) -> Arrays:
    """
    One shard, all KINDS alike often: `source` and `distance` uint8 [sources, 2 views, channels, rows, columns], `truth` [sources, 18].

    Truth: kind (index in KINDS), depth in km, and what the source is like (training.descriptions).
    """
    studio, random = open_generator(recipe, settings), make_generator(recipe.seed, Purpose.FAMILIES, number)
    drawn = [_pair(studio, KINDS[k % len(KINDS)], random) for k in range(recipe.events_per_shard)]
    return {name: np.stack([pair[name] for pair in drawn]) for name in (*STYLES, "truth")}


def make_pair_shards(recipe: PairRecipe, settings: TrainingSettings, numbers: list[int]) -> Shards:
    """Shards of those numbers; another offset model makes another data set."""
    return _shards(draw_pairs, "families", recipe, settings, numbers)


def make_noise_shards(recipe: PairRecipe, settings: TrainingSettings, numbers: list[int]) -> Shards:
    """The same without events."""
    return _shards(draw_noise, "families_noise", recipe, settings, numbers)


def _shards(draw: Draw, name: str, recipe: PairRecipe, settings: TrainingSettings, numbers: list[int]) -> Shards:
    stores = greens.load_stores(settings.build_dir / "greens", recipe.store)
    offset = open_store(settings.artifacts_dir).card(OFFSET.name).digest
    styles = [fingerprint(style) for style in STYLES.values()]
    mark = combine_fingerprints(recipe, *styles, greens.fingerprint_stores(stores), offset, str(settings.data_dir is not None))
    return make_shards(partial(draw, recipe, settings), settings.build_dir / "data" / name, mark, numbers, settings.processes)
