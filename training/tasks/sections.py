"""The training of the models that read pictures of whole events: event_type and depth (record sections), force_azimuth (beams)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict

from models.array_types import Floats, Floats32, Pictures
from models.imaging.style import BeamStyle, SectionStyle, channels
from models.networks.heads import DepthModel, EventTypeModel, ForceAzimuthModel, PictureModel
from models.registry.card import Metric
from models.specs.depth import DEPTH
from models.specs.event_type import EVENT_TYPE
from models.specs.force_azimuth import FORCE_AZIMUTH
from models.specs.spec import ModelSpec
from training.config import TrainingSettings, load_recipe
from training.datasets.force_beams import TRUTH, make_force_shards
from training.datasets.sections import SectionRecipe, make_section_shards
from training.datasets.shards import Arrays, Shards
from training.evaluation.metrics import score_azimuth, score_depth, score_type
from training.export.quantization import Predictions
from training.learning.calibration import calibrate_azimuth, calibrate_depth, calibrate_type
from training.learning.fit import Batch, Batches, FitRecipe
from training.synthesis.sources import LABELS
from training.tasks.training_task import NetworkData, NetworkTask, UnseenSet, describe_earths, load_backbone, load_run

NO_REAL_EVENT = "No real glacial earthquake was available to test on."
FORCE_LIMITS = (
    "The axis of the force is that of linear least squares on the beam picture; the network adds its uncertainty and the sign.",
    "Where all stations are on one side of the source, the axis is poorly resolved.",
    "An epicenter that is one degree off shifts wave crests by a third of a period, which rotates the axis; so do paths unlike the mean"
    " Earth's and unknown instrument responses.",
)
Sections = tuple[Pictures, Floats32]
MAX_SHIFT_COLUMNS = 3
Augment = Callable[[Pictures, Floats32, np.random.Generator], Sections]


class ExtraSections(BaseModel):
    """Numbers of shards of one recipe, disjoint by seed; `called`: the test set's name in the card."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    called: str
    train_shards: int
    validation_shards: int
    test_shards: int


class SectionPlan(BaseModel):
    """
    Numbers of shards of the common sections, and one fit for each model.

    `also`: further sections that a model is trained or tested on. `starts_from`: the model, trained before with the same version,
    whose backbone another one starts from, wherever shapes agree. `continues`: the run in build/runs whose whole network a model
    starts from instead. `forces`: beams of glacial earthquakes, the only data of force_azimuth.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    train_shards: int
    validation_shards: int
    test_shards: int
    also: dict[str, tuple[ExtraSections, ...]]
    starts_from: dict[str, str]
    continues: dict[str, str] = {}
    forces: ExtraSections
    fits: dict[str, FitRecipe]


def load_sections(settings: TrainingSettings, more: ExtraSections) -> tuple[Shards, Shards, Shards]:
    """Draw or load the validation, test and training shards of a recipe."""
    sections = load_recipe(more.recipe, SectionRecipe)
    seeds = iter(range(more.train_shards + more.validation_shards + more.test_shards))
    counts = (more.validation_shards, more.test_shards, more.train_shards)
    make = make_force_shards if more.recipe.startswith("force_") else make_section_shards
    validation, test, training = (make(sections, settings, [next(seeds) for _ in range(count)]) for count in counts)
    return validation, test, training


def list_section_sets(plan: SectionPlan, name: str) -> tuple[ExtraSections, ...]:
    """List the data sets of a model: the common sections first, then its own; for force_azimuth the beams alone."""
    if name == FORCE_AZIMUTH.name:
        return (plan.forces,)
    common = ExtraSections(
        recipe="sections",
        called="synthetic test events, at predicted distances",
        train_shards=plan.train_shards,
        validation_shards=plan.validation_shards,
        test_shards=plan.test_shards,
    )
    return (common, *plan.also.get(name, ()))


@dataclass(frozen=True)
class SectionTask(NetworkTask):
    """
    The training of one model that reads sections or beams.

    `kinds` of sources that it is trained on; `column` of the shards' truth that it predicts; `network(width, channels)` makes it;
    `calibration` and `scoring` are functions for its outputs.
    """

    spec: ModelSpec
    kinds: tuple[str, ...]
    column: int
    network: Callable[[float, int], PictureModel]
    augment: Augment
    calibration: Callable[[Any, Pictures, Floats32], dict[str, float]]
    scoring: Callable[[Predictions, Floats, str], tuple[Metric, ...]]
    parity_pictures: ClassVar[int] = 16

    @property
    def plan(self) -> SectionPlan:
        """The recipe `section_models`."""
        return load_recipe("section_models", SectionPlan)

    @property
    def fit_recipe(self) -> FitRecipe:
        """The model's fit."""
        return self.plan.fits[self.spec.name]

    def make_network(self) -> PictureModel:
        """Make the untrained network."""
        recipe = self.fit_recipe
        torch.manual_seed(recipe.seed)
        return self.network(recipe.width, channels(self.spec.style))

    def set_initial_weights(self, network: PictureModel, runs: Path, version: str) -> None:
        """Load the run that the plan continues, or the backbone of the model that it starts from."""
        name, plan = self.spec.name, self.plan
        if name in plan.continues:
            load_run(network, runs / plan.continues[name])
        elif name in plan.starts_from:
            load_backbone(network, runs / f"{plan.starts_from[name]}-{version}")

    def load_data(self, settings: TrainingSettings) -> NetworkData:
        """Draw or load training and validation pictures of all of the model's data sets."""
        name, plan, recipe = self.spec.name, self.plan, self.fit_recipe
        sets = list_section_sets(plan, name)
        validation, _, training = zip(*(load_sections(settings, more) for more in sets), strict=True)
        held_out, (pictures, truth) = self._load(validation), self._load(training)
        source = load_recipe(sets[0].recipe, SectionRecipe)
        data = {
            "sections": len(truth),
            "recipe": source.model_dump(mode="json"),
            "width": recipe.width,
            "begun_with": plan.continues.get(name, ""),
        }
        batches = shuffle_batches(pictures, truth, held_out, recipe, self.augment)
        return NetworkData(batches, data, describe_section_limits(name, plan, source, len(truth)))

    def load_sample_pictures(self, settings: TrainingSettings) -> Pictures:
        """Load the validation pictures of the model's first data set."""
        validation, _, _ = load_sections(settings, list_section_sets(self.plan, self.spec.name)[0])
        return self._load([validation])[0]

    def calibrate(self, network: PictureModel, pictures: Pictures, truth: Floats32) -> dict[str, float]:
        """Calibrate by the model's own function."""
        return self.calibration(network, pictures, truth)

    def score(self, truth: Floats32, called: str, predictions: Predictions) -> tuple[Metric, ...]:
        """Score predictions against truth [n, 1] by the model's own function; `called`: the set's name in the card."""
        return self.scoring(predictions, truth[:, 0].astype(np.float64), called)

    def measure_stored(self, predictions: Predictions, truth: Floats32) -> tuple[Metric, ...]:
        """Score predictions on validation pictures."""
        return self.score(truth, "validation", predictions)

    def load_unseen_sets(self, settings: TrainingSettings) -> Iterator[UnseenSet]:
        """Load the test pictures of each of the model's data sets."""
        for more in list_section_sets(self.plan, self.spec.name):
            shards = load_sections(settings, more)[1]
            if shards.paths:
                pictures, truth = self._load([shards])
                yield UnseenSet(more.called, pictures, partial(self.score, truth, more.called))

    def _load(self, sets: Sequence[Shards]) -> Sections:
        """Load pictures and truth [n, 1] of all those shards, concatenated."""
        loaded = [self._select(shards.load_all((self._picture_name, "truth"))) for shards in sets if shards.paths]
        return np.concatenate([pictures for pictures, _ in loaded]), np.concatenate([truth for _, truth in loaded])

    @property
    def _picture_name(self) -> str:
        """The name under which shards hold the pictures that the model reads."""
        style = self.spec.style
        if isinstance(style, BeamStyle):
            return "beam"
        assert isinstance(style, SectionStyle)  # noqa: S101  (for the type checker: the others read sections)
        return style.vertical_axis

    def _select(self, arrays: Arrays) -> Sections:
        """Select the rows of the model's kinds; beams hold glacial earthquakes only."""
        pictures, truth = arrays[self._picture_name], arrays["truth"]
        if self.spec is not FORCE_AZIMUTH:
            rows = np.isin(truth[:, 0], [LABELS.index(kind) for kind in self.kinds])
            pictures, truth = pictures[rows], truth[rows]
        return pictures, truth[:, self.column : self.column + 1].astype(np.float32)


def shift_columns(pictures: Pictures, truth: Floats32, random: np.random.Generator) -> Sections:
    """Shift section and close-up in time, each by up to MAX_SHIFT_COLUMNS columns, as another window or origin time would."""
    bands = pictures.shape[1] // 2
    shifted = np.empty_like(pictures)
    for k, picture in enumerate(pictures):
        for half in (slice(0, bands), slice(bands, None)):
            shifted[k, half] = np.roll(picture[half], random.integers(-MAX_SHIFT_COLUMNS, MAX_SHIFT_COLUMNS + 1), axis=2)
    return shifted, truth


def rotate_force(pictures: Pictures, truth: Floats32, random: np.random.Generator) -> Sections:
    """Rotate and mirror the Earth about the epicenter: roll and reverse the rows of the beam, and change the force azimuth with them."""
    rows = pictures.shape[2]
    steps, mirrored = random.integers(0, rows, len(pictures)), random.uniform(size=len(pictures)) < 0.5
    rotated = np.stack([np.roll(picture, step, axis=1) for picture, step in zip(pictures, steps, strict=True)])
    rotated[mirrored] = rotated[mirrored][:, :, ::-1]
    azimuths = truth + (steps * 360.0 / rows)[:, None]
    return rotated, (np.where(mirrored[:, None], -azimuths, azimuths) % 360.0).astype(np.float32)


def shuffle_batches(pictures: Pictures, truth: Floats32, held_out: Sections, recipe: FitRecipe, augment: Augment | None = None) -> Batches:
    """Make batches of pictures in memory, shuffled and (by `augment`) altered anew in each epoch; `held_out` is the validation set."""

    def train(epoch: int) -> Iterator[Batch]:
        random = np.random.default_rng([recipe.seed, epoch])
        order = random.permutation(len(truth))
        for start in range(0, len(order) - recipe.batch + 1, recipe.batch):
            rows = order[start : start + recipe.batch]
            yield (pictures[rows], truth[rows]) if augment is None else augment(pictures[rows], truth[rows], random)

    return Batches(train, len(truth) // recipe.batch, held_out)


def describe_section_limits(name: str, plan: SectionPlan, source: SectionRecipe, sections: int) -> tuple[str, ...]:
    """Write the card's limits: what the model was trained on, and what it cannot do."""
    recipe = plan.fits[name]
    trained = f"A ResNet50 of {recipe.width:g} times the usual width, trained on {sections:,} synthetic sections"
    start = f", starting from the weights of {plan.continues[name]}" if name in plan.continues else ""
    own = FORCE_LIMITS if name == FORCE_AZIMUTH.name else ()
    return f"{trained} through {describe_earths(source.store)}, {recipe.epochs} times each{start}.", *own, NO_REAL_EVENT


EVENT_TYPE_TASK = SectionTask(
    EVENT_TYPE,
    LABELS,
    0,
    lambda width, inputs: EventTypeModel(EVENT_TYPE.architecture, width, inputs, 2),
    shift_columns,
    calibrate_type,
    score_type,
)
DEPTH_TASK = SectionTask(
    DEPTH,
    ("earthquake",),
    1,
    lambda width, inputs: DepthModel(DEPTH.architecture, width, inputs),
    shift_columns,
    calibrate_depth,
    score_depth,
)
FORCE_AZIMUTH_TASK = SectionTask(
    FORCE_AZIMUTH,
    ("glacial",),
    TRUTH.index("force azimuth"),
    lambda width, inputs: ForceAzimuthModel(FORCE_AZIMUTH.architecture, width, inputs),
    rotate_force,
    calibrate_azimuth,
    score_azimuth,
)
