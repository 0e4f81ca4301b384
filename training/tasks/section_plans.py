"""The data sets and hyperparameters of the models that read sections or beams: event_type, depth, force_azimuth."""

from pydantic import BaseModel, ConfigDict

from models.specs.force_azimuth import FORCE_AZIMUTH
from training.config import TrainingSettings, load_recipe
from training.datasets.force_beams import make_force_shards
from training.datasets.sections import SectionRecipe, make_section_shards
from training.datasets.shards import Shards
from training.learning.fit import FitRecipe


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
        called="synthetic test events, predicted offsets",
        train_shards=plan.train_shards,
        validation_shards=plan.validation_shards,
        test_shards=plan.test_shards,
    )
    return (common, *plan.also.get(name, ()))
