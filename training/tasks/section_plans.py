"""What the models that read sections learn from: how many sections of which recipes, and how each is fitted."""

from pydantic import BaseModel, ConfigDict

from models.specs.force_azimuth import FORCE_AZIMUTH
from training.config import TrainingSettings, load_recipe
from training.datasets.force_beams import make_force_shards
from training.datasets.sections import SectionRecipe, make_section_shards
from training.datasets.shards import Shards
from training.learning.fit import FitRecipe

FORCE_LIMITS = (
    "The axis is that of least squares; what the network adds is how sure it is, and the sign.",
    "Where stations stand to one side of the source, the axis of its force is hardly to be seen.",
    "An epicenter a degree off moves crests by a third of a period; paths unlike the mean Earth's and unknown responses turn them as well.",
)


class ExtraSections(BaseModel):
    """Shards of a recipe, apart by seed; `called`: the test set's name in the card."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str
    called: str
    train_shards: int
    validation_shards: int
    test_shards: int


class SectionPlan(BaseModel):
    """
    Size of the data set and one fit for each model.

    `also`: sections that a model learns from or is tested on besides the common ones. `starts_from`: the model, trained
    before, whose trunk another one starts from, wherever the two are of one shape; `continues`: the run in build/runs whose whole
    network a model goes on from instead. `forces`: glacial earthquakes drawn as beams, which are all that force_azimuth learns from.
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
    """Validation, test and training shards of a recipe, apart by seed."""
    sections = load_recipe(more.recipe, SectionRecipe)
    seeds = iter(range(more.train_shards + more.validation_shards + more.test_shards))
    counts = (more.validation_shards, more.test_shards, more.train_shards)
    draw = make_force_shards if more.recipe.startswith("force_") else make_section_shards
    validation, test, training = (draw(sections, settings, [next(seeds) for _ in range(count)]) for count in counts)
    return validation, test, training


def section_sets(plan: SectionPlan, name: str) -> tuple[ExtraSections, ...]:
    """What that model learns from and is tested on: the common sections, then its own; beams of forces."""
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


def section_limits(name: str, plan: SectionPlan, source: SectionRecipe, sections: int) -> tuple[str, ...]:
    """What the card says of the data that a model learned from."""
    chosen = plan.fits[name]
    stores = source.store
    earths = "one spherical Earth" if isinstance(stores, str) or len(stores) == 1 else f"{len(stores)} spherical Earths"
    learned = f"A ResNet50 of {chosen.width:g} times the usual width that learned from {sections:,} synthetic sections through {earths}"
    own = FORCE_LIMITS if name == FORCE_AZIMUTH.name else ()
    begun = f", begun with the weights of {plan.continues[name]}" if name in plan.continues else ""
    return f"{learned}, {chosen.epochs} times each{begun}.", *own, "No real glacial earthquake was available to test on."
