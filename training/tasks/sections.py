"""Train, calibrate, export and score the models that read sections: event_type, depth, force_azimuth."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.array_types import Floats
from models.imaging.style import BeamStyle, SectionStyle, channels
from models.networks.heads import DepthModel, EventTypeModel, ForceAzimuthModel, PictureModel
from models.registry.card import Metric
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.specs.depth import DEPTH
from models.specs.event_type import EVENT_TYPE
from models.specs.force_azimuth import FORCE_AZIMUTH
from models.specs.spec import ModelSpec
from training.config import TrainingSettings, load_recipe
from training.datasets.augmentation import Augment, Sections, rotate_force, shift_columns
from training.datasets.force_beams import TRUTH
from training.datasets.sections import SectionRecipe
from training.datasets.shards import Arrays, Shards
from training.evaluation.section_metrics import score_azimuth, score_depth, score_type
from training.export.artifact import add_metrics, compare_with_torch, export_artifact
from training.export.quantization import QuantizationGate, QuantizationRecipe
from training.learning.calibration import calibrate_azimuth, calibrate_depth, calibrate_type
from training.learning.fit import Batches, FitRecipe, fit_network
from training.synthesis.sources import LABELS
from training.tasks.section_plans import SectionPlan, load_sections, section_limits, section_sets


@dataclass(frozen=True)
class SectionTask:
    """What sets one section model apart: which events, which truth column, how it is calibrated and scored."""

    spec: ModelSpec
    kinds: tuple[str, ...]
    column: int
    network: Callable[[FitRecipe], PictureModel]
    augment: Augment
    calibrate: Callable[[Any, NDArray[np.uint8], NDArray[np.float32]], dict[str, float]]
    score: Callable[[dict[str, NDArray[np.float32]], Floats, str], tuple[Metric, ...]]


def _inputs(spec: ModelSpec) -> int:
    return channels(spec.style)


TASKS: tuple[SectionTask, ...] = (
    SectionTask(
        EVENT_TYPE,
        LABELS,
        0,
        lambda f: EventTypeModel(EVENT_TYPE.architecture, f.width, _inputs(EVENT_TYPE), 2),
        shift_columns,
        calibrate_type,
        score_type,
    ),
    SectionTask(
        DEPTH,
        ("earthquake",),
        1,
        lambda f: DepthModel(DEPTH.architecture, f.width, _inputs(DEPTH)),
        shift_columns,
        calibrate_depth,
        score_depth,
    ),
    SectionTask(
        FORCE_AZIMUTH,
        ("glacial",),
        TRUTH.index("force azimuth"),
        lambda f: ForceAzimuthModel(FORCE_AZIMUTH.architecture, f.width, _inputs(FORCE_AZIMUTH)),
        rotate_force,
        calibrate_azimuth,
        score_azimuth,
    ),
)


def task_of(name: str) -> SectionTask:
    """The task of the model of that name."""
    return next(task for task in TASKS if task.spec.name == name)


def _key(task: SectionTask) -> str:
    """What shards call the pictures that the task reads."""
    style = task.spec.style
    if isinstance(style, BeamStyle):
        return "beam"
    assert isinstance(style, SectionStyle)  # noqa: S101  (for the type checker: the others read sections)
    return style.vertical_axis


def _select(task: SectionTask, arrays: Arrays) -> Sections:
    """Pictures and truth [n, 1] of the kinds that the task is about."""
    truth = arrays["truth"]
    if task.spec is FORCE_AZIMUTH:
        return arrays[_key(task)], truth[:, task.column : task.column + 1].astype(np.float32)
    rows = np.isin(truth[:, 0], [LABELS.index(kind) for kind in task.kinds])
    return arrays[_key(task)][rows], truth[rows, task.column : task.column + 1].astype(np.float32)


def _batches(
    pictures: NDArray[np.uint8],
    truth: NDArray[np.float32],
    held_out: Sections,
    plan: FitRecipe,
    augment: Augment,
) -> Batches:
    def train(epoch: int) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
        random = np.random.default_rng([plan.seed, epoch])
        order = random.permutation(len(truth))
        for start in range(0, len(order) - plan.batch + 1, plan.batch):
            rows = order[start : start + plan.batch]
            yield augment(pictures[rows], truth[rows], random)

    return Batches(train, len(truth) // plan.batch, held_out)


def _loaded(task: SectionTask, parts: Sequence[Shards]) -> Sections:
    """Sections of all those shards, joined."""
    found = [_select(task, shards.load_all((_key(task), "truth"))) for shards in parts if shards.paths]
    return np.concatenate([pictures for pictures, _ in found]), np.concatenate([truth for _, truth in found])


def load_backbone(network: PictureModel, path: Path) -> None:
    """Give the network the weights of another reader's trunk, kept in that file, wherever their shapes agree."""
    own, other = network.state_dict(), torch.load(path, map_location="cpu", weights_only=True)
    shared = [name for name in own if name.startswith("trunk.") and name in other and other[name].shape == own[name].shape]
    network.load_state_dict(own | {name: other[name] for name in shared})


def begin_training(network: PictureModel, name: str, plan: SectionPlan, runs: Path, version: str) -> None:
    """Give the network the weights that its training begins with, if the plan names any."""
    if name in plan.continues:
        network.load_state_dict(torch.load(runs / plan.continues[name] / "best.pt", map_location="cpu", weights_only=True))
    elif name in plan.starts_from:
        load_backbone(network, runs / f"{plan.starts_from[name]}-{version}" / "best.pt")


def untrained_section_model(name: str) -> PictureModel:
    """The network of that model that training from scratch begins with."""
    return task_of(name).network(load_recipe("section_models", SectionPlan).fits[name])


def sample_section_pictures(name: str, settings: TrainingSettings) -> NDArray[np.uint8]:
    """Pictures that the model is validated on."""
    validation, _, _ = load_sections(settings, section_sets(load_recipe("section_models", SectionPlan), name)[0])
    return _loaded(task_of(name), [validation])[0]


def load_unseen_sections(name: str, plan: SectionPlan, settings: TrainingSettings) -> dict[str, Sections]:
    """Pictures and truth of each of the model's test sets, by what cards call them."""
    drawn = {more.called: load_sections(settings, more)[1] for more in section_sets(plan, name)}
    return {called: _loaded(task_of(name), [shards]) for called, shards in drawn.items() if shards.paths}


def train(name: str, settings: TrainingSettings, version: str) -> Path:
    """The whole way from sections to a scored artifact of that model; returns its folder."""
    task, plan = task_of(name), load_recipe("section_models", SectionPlan)
    sources = section_sets(plan, name)
    validation, _, training = zip(*(load_sections(settings, more) for more in sources), strict=True)
    chosen, held_out, (pictures, truth) = plan.fits[name], _loaded(task, validation), _loaded(task, training)
    torch.manual_seed(chosen.seed)
    torch.set_num_threads(settings.processes)
    network, runs = task.network(chosen), settings.build_dir / "runs"
    begin_training(network, name, plan, runs, version)
    fit_network(network, chosen, _batches(pictures, truth, held_out, chosen, task.augment), runs / f"{name}-{version}")
    calibration = task.calibrate(network, *held_out)
    source = load_recipe(sources[0].recipe, SectionRecipe)
    data = {
        "sections": len(truth),
        "recipe": source.model_dump(mode="json"),
        "width": chosen.width,
        "begun_with": plan.continues.get(name, ""),
    }
    gate = QuantizationGate(
        load_recipe("shipping", QuantizationRecipe),
        *held_out,
        lambda said, truth: task.score(said, truth[:, 0].astype(np.float64), "validation"),
        settings.build_dir / "exports" / f"{name}-{version}",
    )
    place = export_artifact(
        network,
        task.spec,
        version,
        settings.artifacts_dir,
        data=data,
        limits=section_limits(name, plan, source, len(truth)),
        calibration=calibration,
        gate=gate,
    )
    parity = compare_with_torch(network, place / "model.onnx", held_out[0][:16])
    model = OnnxModel.load(open_store(settings.artifacts_dir), task.spec, threads=settings.processes)
    unseen = load_unseen_sections(name, plan, settings).items()
    scores = [task.score(model.run(seen), true[:, 0].astype(np.float64), called) for called, (seen, true) in unseen]
    agreement = Metric(name="largest difference to torch, relative", dataset="16 validation pictures", value=parity, n=16)
    add_metrics(place, (*chain.from_iterable(scores), agreement))
    return place
