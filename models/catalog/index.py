"""Every declared model, an explicit tuple."""

from models.catalog.depth import DEPTH
from models.catalog.event_type import EVENT_TYPE
from models.catalog.families import FAMILIES
from models.catalog.force_azimuth import FORCE_AZIMUTH
from models.catalog.offset import OFFSET
from models.catalog.spec import ModelSpec
from models.errors import UnknownModel

MODELS: tuple[ModelSpec, ...] = (EVENT_TYPE, OFFSET, DEPTH, FORCE_AZIMUTH, FAMILIES)


def find(name: str) -> ModelSpec:
    """The declaration of that name; raises UnknownModel."""
    for spec in MODELS:
        if spec.name == name:
            return spec
    raise UnknownModel(f"no model {name!r}; there are {', '.join(spec.name for spec in MODELS)}")
