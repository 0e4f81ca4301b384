"""
The steps of training that all models share: fit, calibrate, export, compare with torch, and score by the serving path.

A model's task says what is specific to it: its data, its network, its calibration and its metrics.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch

from models.array_types import Floats32, Pictures
from models.networks.heads import PictureModel
from models.registry.card import Metric
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.specs.spec import ModelSpec
from training.config import TrainingSettings, load_recipe
from training.evaluation.card_writer import update_card
from training.export.artifact import compare_with_torch, export_artifact
from training.export.quantization import Predictions, QuantizationGate, QuantizationRecipe, Storage
from training.learning.checkpoint import BEST
from training.learning.fit import Batches, FitRecipe, fit_network


@dataclass(frozen=True)
class UnseenSet:
    """Test pictures under the name that cards give them, and the scoring of predictions for them."""

    name: str
    pictures: Pictures
    score: Callable[[Predictions], tuple[Metric, ...]]


@dataclass(frozen=True)
class FittedModel:
    """
    A fitted and calibrated network with what its card states.

    `data` and `limits` go into the card; `sample` are pictures on which torch and the artifact are compared, `sample_name` what the
    card calls them. Without a `gate` the weights are stored as the task's `storage`.
    """

    network: PictureModel
    calibration: dict[str, float]
    data: dict[str, Any]
    limits: tuple[str, ...]
    sample: Pictures
    sample_name: str
    gate: QuantizationGate | None = None


class TrainingTask(ABC):
    """The training of one model, from data to a scored artifact; `train_model` runs it."""

    spec: ModelSpec
    storage: ClassVar[Storage] = "float16"

    @abstractmethod
    def fit(self, settings: TrainingSettings, version: str) -> FittedModel:
        """Load the training data, fit the network, and calibrate it."""

    @abstractmethod
    def load_unseen_sets(self, settings: TrainingSettings) -> Iterator[UnseenSet]:
        """Load the sets that the artifact is scored on."""


def train_model(task: TrainingTask, settings: TrainingSettings, version: str) -> Path:
    """Fit, export and score a model; returns the folder of the artifact."""
    torch.set_num_threads(settings.processes)
    fitted = task.fit(settings, version)
    folder = export_artifact(
        fitted.network,
        task.spec,
        version,
        settings.artifacts_dir,
        data=fitted.data,
        limits=fitted.limits,
        calibration=fitted.calibration,
        gate=fitted.gate,
        storage=task.storage,
    )
    parity = compare_with_torch(fitted.network, folder / "model.onnx", fitted.sample)
    model = OnnxModel.load(open_store(settings.artifacts_dir), task.spec, threads=settings.processes)
    scores = [metric for unseen in task.load_unseen_sets(settings) for metric in unseen.score(model.run(unseen.pictures))]
    agreement = Metric(name="largest relative difference to PyTorch", dataset=fitted.sample_name, value=parity, n=len(fitted.sample))
    update_card(settings.artifacts_dir, task.spec.name, metrics=(*scores, agreement))
    return folder


@dataclass(frozen=True)
class NetworkData:
    """Training batches with the validation set, and what the card states about the data."""

    batches: Batches
    data: dict[str, Any]
    limits: tuple[str, ...]


class NetworkTask(TrainingTask):
    """
    The training of a model whose network is fitted by gradient descent.

    `parity_pictures` counts the validation pictures on which torch and the artifact are compared.
    """

    parity_pictures: ClassVar[int]

    @property
    @abstractmethod
    def fit_recipe(self) -> FitRecipe:
        """Width and hyperparameters."""

    @abstractmethod
    def make_network(self) -> PictureModel:
        """Make the untrained network, seeded by the recipe."""

    @abstractmethod
    def set_initial_weights(self, network: PictureModel, runs: Path, version: str) -> None:
        """Load the weights that training starts from, if the plan names a run in the folder `runs`."""

    def finish_weights(self, network: PictureModel, runs: Path) -> None:
        """Change the fitted weights, by those of other runs in the folder `runs`; by default they stay."""

    @abstractmethod
    def load_data(self, settings: TrainingSettings) -> NetworkData:
        """Draw or load training and validation data."""

    @abstractmethod
    def load_sample_pictures(self, settings: TrainingSettings) -> Pictures:
        """Load some validation pictures, from which statistics of normalization layers are set."""

    @abstractmethod
    def calibrate(self, network: Any, pictures: Pictures, truth: Floats32) -> dict[str, float]:  # noqa: ANN401  (the task's own network)
        """Calibrate the fitted network on the validation set; returns what was set, by name."""

    @abstractmethod
    def measure_stored(self, predictions: Predictions, truth: Floats32) -> tuple[Metric, ...]:
        """Measure predictions of a stored graph on validation pictures, for the check of its storage."""

    def fit(self, settings: TrainingSettings, version: str) -> FittedModel:
        """Load the data, fit the network in `runs/NAME-VERSION` of the build folder, and calibrate it on the validation set."""
        loaded, run = self.load_data(settings), f"{self.spec.name}-{version}"
        network, runs = self.make_network(), settings.build_dir / "runs"
        self.set_initial_weights(network, runs, version)
        fit_network(network, self.fit_recipe, loaded.batches, runs / run)
        self.finish_weights(network, runs)
        pictures, truth = loaded.batches.validation
        calibration = self.calibrate(network, pictures, truth)
        checks = load_recipe("quantization", QuantizationRecipe)
        gate = QuantizationGate(checks, pictures, truth, self.measure_stored, settings.build_dir / "exports" / run)
        sample = pictures[: self.parity_pictures]
        sample_name = f"{self.parity_pictures} validation pictures"
        return FittedModel(network, calibration, loaded.data, loaded.limits, sample, sample_name, gate)


def load_run(network: PictureModel, run: Path) -> None:
    """Load the best weights of a run's folder into a network of the same shape."""
    network.load_state_dict(torch.load(run / BEST, map_location="cpu", weights_only=True))


def average_with_run(network: torch.nn.Module, run: Path, share: float) -> None:
    """Average the weights of a network with the best ones of a run's folder, of the same shape, whose share is 0 to 1."""
    own, other = network.state_dict(), torch.load(run / BEST, map_location="cpu", weights_only=True)
    averaged = {name: torch.lerp(value, other[name], share) for name, value in own.items() if value.is_floating_point()}
    network.load_state_dict(own | averaged)


def load_backbone(network: PictureModel, run: Path) -> None:
    """Load the backbone of another model's run, wherever shapes agree; the other weights stay."""
    own, other = network.state_dict(), torch.load(run / BEST, map_location="cpu", weights_only=True)
    shared = [name for name in own if name.startswith("backbone.") and name in other and other[name].shape == own[name].shape]
    network.load_state_dict(own | {name: other[name] for name in shared})


def describe_earths(store: str | tuple[str, ...]) -> str:
    """Say through how many Earth models a recipe's records were synthesized."""
    return "one spherical Earth" if isinstance(store, str) or len(store) == 1 else f"{len(store)} spherical Earths"
