"""
Record sections of whole events, drawn as serving draws them: at distances and epicenters that the offset model predicts.

Every event passes the serving chain (condition, predict_distances, find_reference, draw_section) with the exported offset model, so that
models are trained on the pictures that they will be served.
"""

from dataclasses import replace
from functools import partial

import numpy as np
from pydantic import BaseModel, ConfigDict

from models.analysis.distances import DistanceReadings, predict_distances
from models.analysis.sections import SectionReference, draw_section, find_reference
from models.errors import UnusableData
from models.imaging.conditioning import condition
from models.imaging.style import fingerprint
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.seismic.waveforms import Gather
from models.specs.offset import OFFSET
from models.specs.pictures import CONDITIONING, DISTANCE_SECTION
from training.config import TrainingSettings
from training.datasets.shards import Arrays, Shards, combine_fingerprints, make_shards
from training.earth import greens
from training.synthesis.events import EventSampler, SyntheticEvent, draw_distance_range, draw_event, open_sampler
from training.synthesis.records import ORIGIN_S
from training.synthesis.sources import LABELS, Source

MIN_ORIGIN_ERROR_S, ORIGIN_ERROR_S_PER_DEG = 2.0, 8.0


class SectionRecipe(BaseModel):
    """
    Numbers of events and stations, probabilities of kinds, and the windows that are kept.

    `near_share`: probability of a local network; `small_share`: of a magnitude of 4.7 to 5.7 otherwise; `timed_share`: of a section
    drawn at an epicenter and origin time as arrival times give them, instead of those from predicted distances.
    """

    # The fields are part of the data set's fingerprint, which cards state: a renamed field makes another data set.

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: str | tuple[str, ...]
    events_per_shard: int
    stations: tuple[int, int]
    near_share: float
    small_share: float
    timed_share: float
    shortest_window_s: float
    longest_window_s: float
    kinds: dict[str, float]
    seed: int


def displace_epicenter(source: Source, random: np.random.Generator) -> tuple[SectionReference, float]:
    """
    Draw an epicenter 0.1 to 1 degree from the true one, and an origin time (POSIX seconds) with an error that grows with that distance.

    These are the typical errors after refinement with arrival times, drawn because the refinement takes seconds an event.
    """
    error_deg = 10.0 ** random.uniform(-1.0, 0.0)
    north, east = random.normal(0.0, error_deg, 2)
    latitude = float(np.clip(source.latitude_deg + north, -89.9, 89.9))
    longitude = float((source.longitude_deg + east / np.cos(np.radians(latitude)) + 180.0) % 360.0 - 180.0)
    origin_s = ORIGIN_S + random.normal(0.0, MIN_ORIGIN_ERROR_S + ORIGIN_ERROR_S_PER_DEG * error_deg)
    return SectionReference(latitude, longitude, "predicted"), origin_s


def read_event(
    event: SyntheticEvent, model: OnnxModel, timed: bool, random: np.random.Generator
) -> tuple[Gather, DistanceReadings, SectionReference | None]:
    """Condition and read an event as serving does; if `timed`, with origin times and epicenter as arrival times leave them."""
    gather = condition(event.records, CONDITIONING)
    readings = predict_distances(model, gather)
    if not timed:
        return gather, readings, find_reference(gather, readings)
    reference, origin_s = displace_epicenter(event.source, random)
    return gather, replace(readings, origin_times_s=np.where(readings.has_distance, origin_s, np.nan)), reference


def _draw_event(sampler: EventSampler, model: OnnxModel, recipe: SectionRecipe, random: np.random.Generator) -> Arrays | None:
    """Draw the section of one event and its truth; None where its data are unusable or its window is not kept."""
    kind = str(random.choice(list(recipe.kinds), p=list(recipe.kinds.values())))
    count = int(np.exp(random.uniform(*np.log(recipe.stations))))
    event = draw_event(sampler, kind, count, random, draw_distance_range(recipe.near_share, random), recipe.small_share)
    if not recipe.shortest_window_s <= event.records[0].duration_s <= recipe.longest_window_s:
        return None
    timed = random.uniform() < recipe.timed_share
    try:
        gather, readings, reference = read_event(event, model, timed, random)
        picture = draw_section(DISTANCE_SECTION, gather, readings, reference)
    except UnusableData:
        return None
    predicted = (np.nan, np.nan) if reference is None else (reference.latitude_deg, reference.longitude_deg)
    truth = [LABELS.index(kind), event.source.depth_km, np.nan if event.force_azimuth_deg is None else event.force_azimuth_deg]
    locations = [event.source.latitude_deg, event.source.longitude_deg, *predicted, ORIGIN_S, len(event.records)]
    error = np.nanmedian(np.abs(readings.distances_deg - event.stations.distances_deg))
    return {"distance": picture, "truth": np.array([*truth, *locations, error])}


def draw_sections(recipe: SectionRecipe, settings: TrainingSettings, seed: int) -> Arrays:
    """
    Draw one shard: `distance` pictures uint8 [events, channels, rows, columns], `truth` float64 [events, 10].

    Columns of truth: kind (index in LABELS), depth [km], force azimuth [degrees or NaN], true latitude and longitude, predicted latitude
    and longitude, origin time, number of records, median error of the predicted distances [degrees].
    """
    sampler = open_sampler(greens.load_stores(settings.build_dir / "greens", recipe.store), settings, recipe.seed)
    model = OnnxModel.load(open_store(settings.artifacts_dir), OFFSET, threads=1)
    random = np.random.default_rng([recipe.seed, 77, seed])
    events = [_draw_event(sampler, model, recipe, random) for _ in range(recipe.events_per_shard)]
    kept = [event for event in events if event is not None]
    return {name: np.stack([event[name] for event in kept]) for name in ("distance", "truth")}


def make_section_shards(recipe: SectionRecipe, settings: TrainingSettings, seeds: list[int]) -> Shards:
    """Draw or load the shards of those seeds; another offset model makes another data set."""
    stores = greens.load_stores(settings.build_dir / "greens", recipe.store)
    offset = open_store(settings.artifacts_dir).card(OFFSET.name).digest
    data_fingerprint = combine_fingerprints(
        recipe, fingerprint(DISTANCE_SECTION), greens.fingerprint_stores(stores), offset, str(settings.data_dir is not None)
    )
    return make_shards(
        partial(draw_sections, recipe, settings), settings.build_dir / "data" / "sections", data_fingerprint, seeds, settings.processes
    )
