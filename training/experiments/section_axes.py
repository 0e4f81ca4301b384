"""
Record sections whose axes fit the network, compared with sections of fixed axes at equal cost.

A section of fixed axes spans 0 to 180 degrees and 85 minutes: a local event fills a corner of it, and is seen in the enlarged first
arrivals alone. Here both axes end where the network does. The same events are drawn both ways, and the same small network is trained on
either.
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict

from models.analysis.combine import combine_origin_times
from models.analysis.distances import DistanceReadings
from models.analysis.sections import SectionReference, draw_section, place_traces
from models.array_types import Floats, Pictures
from models.errors import UnusableData
from models.imaging.record_section import draw_rows
from models.imaging.style import SectionStyle, fingerprint
from models.networks.heads import EventTypeModel
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.seismic.earth.travel_times import first_arrival_s
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.waveforms import Gather
from models.specs.event_type import CLASSES
from models.specs.offset import OFFSET
from models.specs.pictures import DISTANCE_SECTION
from training.config import TrainingSettings
from training.datasets.sections import SectionRecipe, read_event
from training.datasets.shards import Arrays, combine_fingerprints, make_shards
from training.datasets.splits import split_randomly
from training.earth import greens
from training.evaluation.metrics import format_fraction
from training.evaluation.pages import RESULTS, write_page
from training.experiments.resnet_depth.run import predict_right
from training.learning.fit import FitRecipe, fit_network
from training.synthesis.events import EventSampler, draw_distance_range, draw_event, open_sampler
from training.synthesis.windows import NEAR_DEG
from training.tasks.sections import shuffle_batches

TEMPLATE = Path(__file__).parent / "templates" / "section_axes.md"
AXES = ("fixed", "fitted")
MIN_EXTENT_DEG, MAX_EXTENT_DEG = 1.0, 180.0
MARGIN = 1.1  # of the distance axis beyond the farthest station
SLOWEST_KM_S = 2.4  # the time axis ends with waves of this velocity
MIN_WINDOW_S = 300.0
LEAD = 0.1  # fraction of the time axis before the origin time
RECIPE = SectionRecipe(
    store=("greens_10s", "greens_10s_continental", "greens_10s_oceanic"),
    events_per_shard=100,
    stations=(4, 40),
    near_share=0.5,
    small_share=0.25,
    timed_share=0.5,
    shortest_window_s=0.0,
    longest_window_s=18_000.0,
    kinds={"earthquake": 0.5, "glacial": 0.5},
    seed=3431,
)


class AxesTrial(BaseModel):
    """One training: the axes of its pictures, and the fit, whose seed draws split and weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    axes: str
    architecture: str = "resnet18"
    fit: FitRecipe


def draw_fitted_section(style: SectionStyle, gather: Gather, readings: DistanceReadings, reference: SectionReference | None) -> Pictures:
    """
    Draw a record section whose axes end where the network does, uint8 [channels + 1, rows, columns].

    Distance runs from 0 to a tenth beyond the farthest trace, time from a tenth of the window before the origin to waves of 2.4 km/s at
    that distance. The enlarged first arrivals follow in the same rows, and last a channel whose brightness states the logarithm of the
    distance axis.
    """
    assert style.close_up is not None  # noqa: S101  (for the type checker: the declared style has one)
    distances = place_traces(gather, readings, reference).distances_deg
    extent_deg = float(np.clip(MARGIN * np.nanmax(distances), MIN_EXTENT_DEG, MAX_EXTENT_DEG))
    window_s = float(np.clip(extent_deg * KM_PER_DEGREE / SLOWEST_KM_S / (1.0 - LEAD), MIN_WINDOW_S, style.window_s))
    origin_s = combine_origin_times(readings).time_s
    rows = np.clip(distances / extent_deg, 0.0, 1.0) ** style.axis_exponent * style.rows
    close_up = style.model_copy(update={"window_s": style.close_up.window_s, "bands": style.close_up.bands})
    first_s = first_arrival_s(distances, 0.0) - style.close_up.lead_s + origin_s
    scale = np.log(extent_deg / MIN_EXTENT_DEG) / np.log(MAX_EXTENT_DEG / MIN_EXTENT_DEG)
    return np.concatenate(
        [
            draw_rows(style.model_copy(update={"window_s": window_s}), gather, np.full(len(rows), origin_s - LEAD * window_s), rows),
            draw_rows(close_up, gather, first_s, rows),
            np.full((1, style.rows, style.columns), round(255.0 * scale), np.uint8),
        ]
    )


def _draw_event(sampler: EventSampler, model: OnnxModel, random: np.random.Generator) -> Arrays | None:
    kind = str(random.choice(list(RECIPE.kinds), p=list(RECIPE.kinds.values())))
    count = int(np.exp(random.uniform(*np.log(RECIPE.stations))))
    event = draw_event(sampler, kind, count, random, draw_distance_range(RECIPE.near_share, random), RECIPE.small_share)
    timed = random.uniform() < RECIPE.timed_share
    try:
        gather, readings, reference = read_event(event, model, timed, random)
        fixed = draw_section(DISTANCE_SECTION, gather, readings, reference)
        fitted = draw_fitted_section(DISTANCE_SECTION, gather, readings, reference)
    except UnusableData:
        return None
    near = event.stations.distances_deg.max() <= NEAR_DEG
    return {"fixed": fixed, "fitted": fitted, "truth": np.array([CLASSES.index(kind), float(near)])}


def draw_both_sections(settings: TrainingSettings, seed: int) -> Arrays:
    """Draw one shard: pictures `fixed` and `fitted` of the same events, and `truth` [events, 2]: index of the class, local network."""
    sampler = open_sampler(greens.load_stores(settings.build_dir / "greens", RECIPE.store), settings, RECIPE.seed)
    model = OnnxModel.load(open_store(settings.artifacts_dir), OFFSET, threads=1)
    random = np.random.default_rng([RECIPE.seed, seed])
    drawn = [_draw_event(sampler, model, random) for _ in range(RECIPE.events_per_shard)]
    kept = [event for event in drawn if event is not None]
    return {name: np.stack([event[name] for event in kept]) for name in (*AXES, "truth")}


def run_axes_trial(arrays: Arrays, trial: AxesTrial, folder: Path) -> dict[str, Floats]:
    """Train one network on 56 % of the events, stop it by 24 %; return whether each of the others is right, and whether it is local."""
    pictures, truth = arrays[trial.axes], arrays["truth"][:, :1].astype(np.float32)
    parts = split_randomly(len(truth), trial.fit.seed)
    train, validation, test = (parts == part for part in ("train", "validation", "test"))
    torch.manual_seed(trial.fit.seed)
    network = EventTypeModel(trial.architecture, trial.fit.width, pictures.shape[1], len(CLASSES))
    batches = shuffle_batches(pictures[train], truth[train], (pictures[validation], truth[validation]), trial.fit)
    fit_network(network, trial.fit, batches, folder, devices=1)
    right = predict_right(network, pictures[test], arrays["truth"][test, 0].astype(np.int64))
    return {"right": right.astype(np.float64), "near": arrays["truth"][test, 1]}


def write_section_axes_page(settings: TrainingSettings, command: str, shards: int, seeds: int, epochs: int) -> Path:
    """Train both kinds of axes with each seed, and write the page of their accuracies."""
    torch.set_num_threads(settings.processes)
    stores = greens.load_stores(settings.build_dir / "greens", RECIPE.store)
    offset = open_store(settings.artifacts_dir).card(OFFSET.name)
    mark = combine_fingerprints(RECIPE, fingerprint(DISTANCE_SECTION), greens.fingerprint_stores(stores), offset.digest, "axes 1")
    folder = settings.build_dir / "data" / "section_axes"
    drawn = make_shards(partial(draw_both_sections, settings), folder, mark, list(range(shards)), settings.processes)
    arrays = drawn.load_all((*AXES, "truth"))
    found: dict[str, list[dict[str, Floats]]] = {axes: [] for axes in AXES}
    for seed in range(seeds):
        fit = FitRecipe(width=0.25, epochs=epochs, batch=32, learning_rate=2e-3, weight_decay=1e-4, patience=epochs, seed=3407 + seed)
        for axes in AXES:
            checkpoints = settings.build_dir / "section_axes" / f"{mark[:12]}-{shards}-{epochs}" / f"{axes}-{seed}"
            found[axes].append(run_axes_trial(arrays, AxesTrial(axes=axes, fit=fit), checkpoints))
    return write_page(
        RESULTS / "section_axes.md",
        TEMPLATE,
        command,
        events=f"{len(arrays['truth']):,}",
        version=offset.version,
        seeds=str(seeds),
        epochs=str(epochs),
        table="\n".join(_format_row(axes, found[axes]) for axes in AXES),
    )


def _format_row(axes: str, trials: list[dict[str, Floats]]) -> str:
    """Tabulate accuracies on all test events, on those of local networks, and on the others."""
    right, near = (np.concatenate([trial[name] for trial in trials]) for name in ("right", "near"))
    parts = (np.ones(len(near), bool), near == 1.0, near == 0.0)
    return f"| {axes} | " + " | ".join(f"{format_fraction(list(right[rows] == 1.0))}, n = {int(rows.sum()):,}" for rows in parts) + " |"
