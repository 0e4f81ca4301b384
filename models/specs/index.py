"""The declared models, as an explicit tuple."""

from models.errors import UnknownModel
from models.specs.depth import DEPTH
from models.specs.event_type import EVENT_TYPE
from models.specs.families import FAMILIES
from models.specs.force_azimuth import FORCE_AZIMUTH
from models.specs.offset import OFFSET
from models.specs.spec import ModelSpec

MODELS: tuple[ModelSpec, ...] = (EVENT_TYPE, OFFSET, DEPTH, FORCE_AZIMUTH, FAMILIES)


def find_spec(name: str) -> ModelSpec:
    """Return the declaration of a model; raises UnknownModel."""
    for spec in MODELS:
        if spec.name == name:
            return spec
    raise UnknownModel(f"no model {name!r} is declared; declared are {', '.join(spec.name for spec in MODELS)}")
