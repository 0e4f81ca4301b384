"""Data of the ideas: training, validation and test traces through both models of paths, copies of observed geometries, observed records."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from models.analysis.distances import EARLIER_STARTS_S, find_live_traces, find_record_spans
from models.array_types import Floats, Integers, Pictures
from models.imaging.conditioning import condition
from models.imaging.render import render_traces
from models.imaging.style import FrequencyStyle, fingerprint
from models.seismic.geodesy import distance_deg
from models.seismic.waveforms import Gather
from models.specs.offset import OFFSET
from models.specs.pictures import CONDITIONING, TRACE_FREQUENCY
from training.config import TrainingSettings, load_recipe
from training.datasets.shards import Arrays, Shards, combine_fingerprints, make_shards
from training.datasets.traces import TraceRecipe, draw_traces, make_realism
from training.earth import greens
from training.earth.greens import GreensStore
from training.evaluation.event_sources import list_real_events, read_real_records, read_real_truth
from training.experiments.reader_ideas.backbones import Architecture
from training.experiments.release_gate.copies import draw_copy, read_geometry
from training.learning.fit import FitRecipe
from training.synthesis.lateral_structure import NODES, PERIODS_S
from training.synthesis.path_effects import PathScatter
from training.synthesis.records import Realism

Paths = Literal["random", "lateral"]
BOTH_PATHS: tuple[Paths, ...] = ("random", "lateral")
STYLE: FrequencyStyle = TRACE_FREQUENCY


class IdeaCell(BaseModel):
    """
    One idea: group, network, paths of its training data, and the name of the cell that it is compared with, if any.

    A cell that is not `trained` has the weights that its group starts from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    group: str
    architecture: Architecture
    paths: Paths
    base: str = ""
    trained: bool = True


class GroupRecipe(BaseModel):
    """
    What the cells of a group share: the stores of their traces and the fit, from random weights or from those of the shipped version.

    Where PREM's store is the only one, random paths have the dispersion of random proportions of three crusts. `shrink`: pictures are
    averaged over squares of so many pixels. `train_shards` are the first of the numbers after those of validation and test.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    store: tuple[str, ...]
    starts_from_shipped: bool
    shrink: int
    train_shards: int
    fit: FitRecipe


class IdeasRecipe(BaseModel):
    """
    Numbers of shards and events, copies of a geometry and their traces, seeds of trainings, groups, and cells in the order of training.

    `lateral_scatter`: factor on the random scatter of group delays that is left on lateral structure.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    seed: int
    events_per_shard: int
    validation_shards: int
    test_shards: int
    lateral_scatter: float
    copies: int
    copy_traces: int
    seeds: tuple[int, ...]
    groups: dict[str, GroupRecipe]
    cells: tuple[IdeaCell, ...]

    def number_shards(self, group: str) -> tuple[list[int], list[int], list[int]]:
        """Number the shards for validation, test and training of a group, disjoint."""
        edges = np.cumsum([0, self.validation_shards, self.test_shards, self.groups[group].train_shards])
        validation, test, train = (list(range(edges[k], edges[k + 1])) for k in range(3))
        return validation, test, train


@dataclass(frozen=True)
class ScoredSet:
    """Pictures to score: `pictures` [traces, starts, channels, rows, columns], true distances and event numbers [traces], by its shards."""

    name: str
    shards: Shards

    def load_truth(self) -> tuple[Floats, Integers, Integers]:
        """Load true distances [degrees], event numbers and numbers of copies [traces] of all shards."""
        arrays = self.shards.load_all(("true_deg", "event", "copy"))
        return arrays["true_deg"].astype(np.float64), arrays["event"].astype(np.int64), arrays["copy"].astype(np.int64)


def load_trace_recipe(plan: IdeasRecipe, group: str) -> TraceRecipe:
    """Load the recipe of traces, with the stores of a group, and the seed and the number of events of the ideas."""
    store = plan.groups[group].store
    changes = {"store": store, "crusts": len(store) == 1, "seed": plan.seed, "events_per_shard": plan.events_per_shard}
    return load_recipe("traces", TraceRecipe).model_copy(update=changes)


def choose_realism(paths: Paths, plan: IdeasRecipe, group: str, settings: TrainingSettings) -> Realism:
    """Choose the effects of training with random paths, or with lateral structure and what random scatter is left."""
    if paths == "random":
        return make_realism(load_trace_recipe(plan, group), settings)
    lateral = make_realism(load_trace_recipe(plan, group).model_copy(update={"lateral_share": 1.0}), settings)
    return replace(lateral, paths=PathScatter(dispersion=plan.lateral_scatter))


@cache
def load_group_stores(build_dir: Path, names: tuple[str, ...]) -> tuple[GreensStore, ...]:
    """Load stores of Green's functions once a process."""
    return greens.load_stores(build_dir / "greens", names)


def mark_data(paths: Paths, plan: IdeasRecipe, group: str, settings: TrainingSettings) -> str:
    """Fingerprint of what traces and copies through one model of paths are drawn from."""
    stores = load_group_stores(settings.build_dir, plan.groups[group].store)
    lateral = (plan.lateral_scatter, NODES, *PERIODS_S) if paths == "lateral" else ()
    parts = (load_trace_recipe(plan, group), fingerprint(STYLE), greens.fingerprint_stores(stores), paths, *map(str, lateral))
    return combine_fingerprints(*parts, str(settings.data_dir is not None))


def draw_idea_traces(paths: Paths, plan: IdeasRecipe, group: str, settings: TrainingSettings, seed: int) -> Arrays:
    """Draw one shard of traces through a model of paths, as `training.datasets.traces.draw_traces` does."""
    return draw_traces(load_trace_recipe(plan, group), OFFSET, settings, seed, choose_realism(paths, plan, group, settings))


def make_idea_shards(paths: Paths, plan: IdeasRecipe, group: str, settings: TrainingSettings, seeds: list[int]) -> Shards:
    """Make the shards of some numbers through a model of paths; all cells share them."""
    draw = partial(draw_idea_traces, paths, plan, group, settings)
    mark = mark_data(paths, plan, group, settings)
    return make_shards(draw, settings.build_dir / "data" / "reader_ideas", mark, seeds, settings.processes)


def average_squares(pictures: Pictures, factor: int) -> Pictures:
    """Average pictures [..., rows, columns] over squares of so many pixels."""
    if factor == 1:
        return pictures
    rows, columns = pictures.shape[-2] // factor, pictures.shape[-1] // factor
    squares = pictures.reshape(*pictures.shape[:-2], rows, factor, columns, factor)
    return np.asarray(np.rint(squares.mean(axis=(-3, -1), dtype=np.float32)), np.uint8)


def render_starts(gather: Gather) -> tuple[Pictures, Integers]:
    """
    Render pictures [traces, starts, channels, rows, columns] of the traces that are long enough, whose indices are returned too.

    A trace has one picture from its first sample and one from each earlier start that serving averages over; windows later in a long
    record, of which serving chooses one, are left out.
    """
    starts = find_record_spans(gather)[0]
    rows = np.flatnonzero(find_live_traces(gather, starts, STYLE.window_s))
    if not len(rows):
        return make_no_pictures(), rows
    gather = gather.subset(rows)
    return np.stack([render_traces(STYLE, gather, starts[rows] - earlier) for earlier in EARLIER_STARTS_S], axis=1), rows


def _gather_arrays(parts: Sequence[tuple[Pictures, Floats, int]], event: int) -> Arrays:
    """Join pictures, true distances and number of the copy of the gathers of one event."""
    return {
        "pictures": np.concatenate([make_no_pictures(), *(pictures for pictures, _, _ in parts)]),
        "true_deg": np.concatenate([np.zeros(0), *(true for _, true, _ in parts)]),
        "copy": np.concatenate([np.zeros(0), *(np.full(len(true), number) for _, true, number in parts)]).astype(np.int32),
        "event": np.full(sum(len(true) for _, true, _ in parts), event, np.int32),
    }


def make_no_pictures() -> Pictures:
    """Make an empty array [0, starts, channels, rows, columns] of pictures."""
    return np.zeros((0, len(EARLIER_STARTS_S), len(STYLE.zooms), STYLE.rows, STYLE.columns), np.uint8)


def draw_copies(paths: Paths, plan: IdeasRecipe, group: str, settings: TrainingSettings, folder: Path, number: int) -> Arrays:
    """Draw the copies of the event of that number in a folder: through the Earth models in turn, or through lateral structure."""
    geometry, realism = read_geometry(list_real_events(folder)[number]), choose_realism(paths, plan, group, settings)
    stores = load_group_stores(settings.build_dir, plan.groups[group].store)
    random, parts = np.random.default_rng([plan.seed, 5, number]), []
    for copy in range(plan.copies if geometry.windows else 0):
        through = (stores[copy % len(stores)],) if paths == "random" else stores
        gather, true = draw_copy(geometry, through, realism, plan.copy_traces, random)
        pictures, rows = render_starts(gather)
        parts.append((pictures, true[rows], copy))
    return _gather_arrays(parts, number)


def read_observed_pictures(folder: Path, number: int) -> Arrays:
    """Read the whole records of the event of that number in a folder of real events."""
    event = list_real_events(folder)[number]
    truth = read_real_truth(event)
    records = [record for record in read_real_records(event) if record.latitude_deg is not None and record.longitude_deg is not None]
    places = np.array([(record.latitude_deg, record.longitude_deg) for record in records], np.float64).reshape(-1, 2)
    true = np.asarray(distance_deg(truth.latitude_deg, truth.longitude_deg, places[:, 0], places[:, 1]))
    pictures, rows = render_starts(condition(records, CONDITIONING))
    return _gather_arrays([(pictures, true[rows], 0)], number)


def make_scored_sets(plan: IdeasRecipe, group: str, settings: TrainingSettings, folder: Path) -> tuple[ScoredSet, ...]:
    """Make the copies through both models of paths and the stores of a group, and the observed records, of a folder of real events."""
    numbers, target = list(range(len(list_real_events(folder)))), settings.build_dir / "data" / "reader_ideas_scored"
    names, sets = combine_fingerprints(*(event.name for event in list_real_events(folder))), []
    for paths in BOTH_PATHS:
        mark = combine_fingerprints(mark_data(paths, plan, group, settings), names, plan.copies, plan.copy_traces)
        draw = partial(draw_copies, paths, plan, group, settings, folder)
        sets.append(ScoredSet(f"copies, {paths} paths", make_shards(draw, target, mark, numbers, settings.processes)))
    mark = combine_fingerprints("observed", names, fingerprint(STYLE))
    sets.append(ScoredSet("observed", make_shards(partial(read_observed_pictures, folder), target, mark, numbers, settings.processes)))
    return tuple(sets)
