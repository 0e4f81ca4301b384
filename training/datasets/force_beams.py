"""
Glacial earthquakes as beams over trial force azimuths, with event parameters that explain errors: the training data of force_azimuth.

The offset model reads only the events that are located by distances, because that takes ten times as long as everything else.
"""

from functools import partial

import numpy as np

from models.analysis.combine import combine_origin_times
from models.analysis.distances import predict_distances
from models.analysis.sections import LEAD_S, compute_placement, find_reference
from models.errors import UnusableData
from models.imaging.conditioning import condition
from models.imaging.render import render_beam, render_section
from models.imaging.style import Style, fingerprint
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.seismic.waveforms import Gather
from models.specs.offset import OFFSET
from models.specs.pictures import AZIMUTH_SECTION, CONDITIONING, FORCE_BEAM
from training.config import TrainingSettings
from training.datasets.sections import SectionRecipe, displace_epicenter
from training.datasets.shards import Arrays, Shards, combine_fingerprints, make_shards
from training.earth import greens
from training.random_streams import Purpose, make_generator
from training.synthesis.events import EventSampler, SyntheticEvent, draw_distance_range, draw_event, open_sampler
from training.synthesis.records import ORIGIN_S
from training.synthesis.signal_to_noise import signal_to_noise

STYLES: dict[str, Style] = {"beam": FORCE_BEAM, "azimuth": AZIMUTH_SECTION}
TRUTH = ("force azimuth", "snr", "one-sidedness", "epicenter error", "located by times", "stations")


def _locate(
    gather: Gather, event: SyntheticEvent, model: OnnxModel | None, random: np.random.Generator
) -> tuple[tuple[float, float], float] | None:
    """Locate an event: with typical errors of arrival times, or, given a model, by predicted distances; None where that fails."""
    if model is None:
        reference, origin_s = displace_epicenter(event.source, random)
        return (reference.latitude_deg, reference.longitude_deg), origin_s
    readings = predict_distances(model, gather)
    found = find_reference(gather, readings)
    return None if found is None else ((found.latitude_deg, found.longitude_deg), combine_origin_times(readings).time_s)


def _draw_event(sampler: EventSampler, model: OnnxModel, plan: SectionRecipe, random: np.random.Generator) -> Arrays | None:
    """Draw both pictures of one event and its truth; None where its data are unusable or its window is not kept."""
    count = int(np.exp(random.uniform(*np.log(plan.stations))))
    event = draw_event(sampler, "glacial", count, random, draw_distance_range(plan.near_share, random), plan.small_share)
    timed = random.uniform() < plan.timed_share
    if not plan.shortest_window_s <= event.records[0].duration_s <= plan.longest_window_s:
        return None
    try:
        gather = condition(event.records, CONDITIONING)
        located = _locate(gather, event, None if timed else model, random)
    except UnusableData:
        return None
    if located is None:
        return None
    placement, origin_s = compute_placement(gather, *located[0]), located[1]
    true = compute_placement(gather, event.source.latitude_deg, event.source.longitude_deg)
    error_deg = placement.distances_deg - true.distances_deg
    snr = signal_to_noise(gather, true.distances_deg, 0.0, ORIGIN_S)
    truth = [
        np.nan if event.force_azimuth_deg is None else event.force_azimuth_deg,
        np.median(snr[np.isfinite(snr)]) if np.isfinite(snr).any() else np.nan,
        np.abs(np.exp(1j * np.radians(true.azimuths_deg)).mean()),
        np.abs(error_deg).max(),
        timed,
        len(event.records),
    ]
    return {
        "beam": render_beam(FORCE_BEAM, gather, origin_s, placement),
        "azimuth": render_section(AZIMUTH_SECTION, gather, origin_s - LEAD_S, placement),
        "truth": np.array(truth, np.float64),
    }


def draw_force_beams(plan: SectionRecipe, settings: TrainingSettings, number: int) -> Arrays:
    """
    Draw one shard: `beam` and `azimuth` pictures uint8 [events, channels, rows, columns], and `truth` float64 [events, 6].

    Columns of truth, as in TRUTH: force azimuth [degrees]; median signal-to-noise ratio (`training.synthesis.signal_to_noise`);
    mean resultant length of the station azimuths, 0 for stations all around and 1 for all in one direction; largest error of a station's
    distance due to the epicenter [degrees]; whether arrival times located it; number of records.
    """
    sampler = open_sampler(greens.load_stores(settings.build_dir / "greens", plan.store), settings, plan.seed)
    model = OnnxModel.load(open_store(settings.artifacts_dir), OFFSET, threads=1)
    random = make_generator(plan.seed, Purpose.FORCES, number)
    events = [_draw_event(sampler, model, plan, random) for _ in range(plan.events_per_shard)]
    kept = [event for event in events if event is not None]
    return {name: np.stack([event[name] for event in kept]) for name in (*STYLES, "truth")}


def make_force_shards(plan: SectionRecipe, settings: TrainingSettings, numbers: list[int]) -> Shards:
    """Draw or load the shards of those numbers; the offset model is part of their fingerprint only where it locates events."""
    stores = greens.load_stores(settings.build_dir / "greens", plan.store)
    offset = open_store(settings.artifacts_dir).card(OFFSET.name).digest if plan.timed_share < 1.0 else ""
    styles = [fingerprint(style) for style in STYLES.values()]
    data_fingerprint = combine_fingerprints(plan, *styles, greens.fingerprint_stores(stores), offset, str(settings.data_dir is not None))
    return make_shards(
        partial(draw_force_beams, plan, settings), settings.build_dir / "data" / "forces", data_fingerprint, numbers, settings.processes
    )
