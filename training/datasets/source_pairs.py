"""
Pairs of pictures of one source, the training data of the families model.

The second view has the same source time function and mechanism at another epicenter, rotated about the vertical, up to 60 % larger or
smaller, at other stations in other noise. A source is made larger until it is visible, because most anomalies drawn at random are
below the noise, and users upload events that they see.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from pydantic import BaseModel, ConfigDict

from models.analysis.distances import predict_distances
from models.analysis.sections import draw_section, draw_source, find_reference
from models.array_types import Floats, Pictures
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

ViewPictures = Mapping[str, Pictures]
Draw = Callable[["PairRecipe", TrainingSettings, int], Arrays]


class PairRecipe(BaseModel):
    """
    Number of sources of a shard, and ranges of the number of stations and of the maximum distance.

    `seen_db`: level in the source picture (which is relative to the noise) from which an event counts as visible. `shallow_km`,
    `deep_km`: maximum depth of a shallow and minimum depth of a deep earthquake.
    """

    # The fields are part of the data set's fingerprint: a renamed field makes another data set.

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
    """What views are drawn with: the event sampler, the exported offset model, and the recipe."""

    sampler: EventSampler
    offset: OnnxModel
    recipe: PairRecipe


def rotate_rates(rates: Floats, angle_rad: float) -> Floats:
    """
    Rotate rates clockwise about the vertical: a force [3, samples] (up, north, east) or a moment tensor [6, samples].

    Tensor components are rr, tt, pp, rt, rp, tp with r up, t south, p east: north is -t.
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


def move_source(sampler: EventSampler, source: Source, random: np.random.Generator) -> Source:
    """Move a source to the epicenter of a cataloged earthquake, rotate it, and scale it by up to 60 %; its depth stays."""
    row = random.integers(len(sampler.earthquakes.years))
    return replace(
        source,
        latitude_deg=float(sampler.earthquakes.latitudes_deg[row]),
        longitude_deg=float(sampler.earthquakes.longitudes_deg[row]),
        rates=rotate_rates(source.rates, float(random.uniform(0, 2 * np.pi))) * 10 ** float(random.uniform(-0.2, 0.2)),
        rupture_azimuth_deg=float(random.uniform(0, 360)),
    )


def draw_kind(sampler: EventSampler, recipe: PairRecipe, kind: str, random: np.random.Generator) -> tuple[Source, int]:
    """Draw a source of one of KINDS; returns it with its year."""
    while True:
        tectonic = kind in ("shallow", "deep")
        source, year, _ = events.draw_event_source(sampler, "earthquake" if tectonic else kind, random, events.draw_magnitude(random))
        if (kind == "shallow" and source.depth_km > recipe.shallow_km) or (kind == "deep" and source.depth_km < recipe.deep_km):
            continue
        return source, year


def draw_view(generator: PairGenerator, source: Source, year: int, random: np.random.Generator) -> tuple[ViewPictures, Source] | None:
    """Draw pictures of a source, scaled up until it is visible; returns them with the scaled source, None where it never is."""
    recipe = generator.recipe
    for _ in range(MAX_TRIES):
        count = int(np.exp(random.uniform(*np.log(recipe.stations))))
        range_deg = (recipe.nearest_deg, float(random.uniform(*recipe.farthest_deg)))
        event = events.synthesize_event(generator.sampler, source, year, count, range_deg, random)
        if event is None:
            return None
        try:
            gather = condition(event.records, CONDITIONING)
            if not is_visible(gather, recipe.seen_db):
                source = replace(source, rates=source.rates * MOMENT_FACTOR)
                continue
            return render_pictures(generator, gather), source
        except UnusableData:
            continue
    return None


def is_visible(gather: Gather, seen_db: float) -> bool:
    """Tell whether the source picture, drawn without distances, reaches a level of `seen_db` above the noise."""
    heights = render_source(SOURCE, gather, np.full(len(gather.trace_ids), np.nan))[1]
    return bool(heights.max() * SOURCE.dynamic_range_db / 255 >= seen_db)


def render_pictures(generator: PairGenerator, gather: Gather) -> ViewPictures:
    """Render the pictures of an event as serving does, at predicted distances."""
    readings = predict_distances(generator.offset, gather)
    reference = find_reference(gather, readings)
    section = draw_section(DISTANCE_SECTION, gather, readings, reference)
    return {"source": draw_source(SOURCE, gather, readings, reference), "distance": section}


def _draw_pair(generator: PairGenerator, kind: str, random: np.random.Generator) -> Arrays:
    """Draw sources of a kind until two views of one are visible; returns its pictures and truth."""
    while True:
        source, year = draw_kind(generator.sampler, generator.recipe, kind, random)
        first = draw_view(generator, source, year, random)
        if first is None:
            continue
        second = draw_view(generator, move_source(generator.sampler, first[1], random), year, random)
        if second is not None:
            pictures = {name: np.stack([first[0][name], second[0][name]]) for name in STYLES}
            parameters = describe_source(source, generator.sampler.store.time_step_s)
            return {**pictures, "truth": np.array([KINDS.index(kind), source.depth_km, *parameters])}


def open_generator(recipe: PairRecipe, settings: TrainingSettings) -> PairGenerator:
    """Open the recipe's stores and the exported offset model."""
    sampler = open_sampler(greens.load_stores(settings.build_dir / "greens", recipe.store), settings, recipe.seed)
    return PairGenerator(sampler, OnnxModel.load(open_store(settings.artifacts_dir), OFFSET, threads=1), recipe)


def draw_pairs(recipe: PairRecipe, settings: TrainingSettings, number: int) -> Arrays:
    """
    Draw one shard with all KINDS equally often.

    `source` and `distance` pictures uint8 [sources, 2 views, channels, rows, columns]; `truth` float64 [sources, 18]: kind (index in
    KINDS), depth [km], and the source parameters (`training.synthesis.source_parameters`).
    """
    generator, random = open_generator(recipe, settings), make_generator(recipe.seed, Purpose.FAMILIES, number)
    drawn = [_draw_pair(generator, KINDS[k % len(KINDS)], random) for k in range(recipe.events_per_shard)]
    return {name: np.stack([pair[name] for pair in drawn]) for name in (*STYLES, "truth")}


def make_pair_shards(recipe: PairRecipe, settings: TrainingSettings, numbers: list[int]) -> Shards:
    """Draw or load the shards of pairs of those numbers; another offset model makes another data set."""
    return make_named_shards(draw_pairs, "families", recipe, settings, numbers)


def make_named_shards(draw: Draw, name: str, recipe: PairRecipe, settings: TrainingSettings, numbers: list[int]) -> Shards:
    """
    Draw or load shards of pictures in STYLES.

    Parameters
    ----------
    draw : callable
        Draws the shard of a number; picklable.
    name : str
        Folder of the data sets.
    recipe, settings
        Passed to `draw`; the recipe, the stores, the styles and the offset model are fingerprinted.
    numbers : list of int
        One a shard.

    """
    stores = greens.load_stores(settings.build_dir / "greens", recipe.store)
    offset = open_store(settings.artifacts_dir).card(OFFSET.name).digest
    styles = [fingerprint(style) for style in STYLES.values()]
    data_fingerprint = combine_fingerprints(recipe, *styles, greens.fingerprint_stores(stores), offset, str(settings.data_dir is not None))
    return make_shards(partial(draw, recipe, settings), settings.build_dir / "data" / name, data_fingerprint, numbers, settings.processes)
