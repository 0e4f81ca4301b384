"""The card of an artifact, `card.json` beside `model.onnx`: declaration, origin, metrics, limits and calibration."""

from pathlib import Path
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from models.errors import DamagedArtifact
from models.specs.spec import Output


class _CardPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Metric(_CardPart):
    """A quantity measured with the exported file by the serving path; `low` and `high` bound its 95 % confidence interval."""

    name: str
    dataset: str
    value: float
    low: float | None = None
    high: float | None = None
    unit: str = "1"
    n: int = Field(ge=0, description="number of traces or events measured")


class Card(_CardPart):
    """The card of one version of one model."""

    name: str
    version: str
    task: str
    architecture: str
    spec_fingerprint: str = Field(description="fingerprint of the declaration (ModelSpec) that it was trained for")
    style: dict[str, Any] = Field(description="style of the pictures, as JSON")
    outputs: tuple[Output, ...]
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of model.onnx, hexadecimal")
    size_bytes: int = Field(gt=0)
    opset: int = Field(gt=0)
    created_at: AwareDatetime
    commit: str = Field(description="commit of the code that trained it")
    data: dict[str, Any] = Field(description="training data: store, seeds, sizes, fingerprint")
    metrics: tuple[Metric, ...] = ()
    limits: tuple[str, ...] = Field((), description="known limits of the model")
    calibration: dict[str, Any] = Field({}, description="temperatures, factors and coverage scales fitted on validation data")
    citation: str
    license: str = "MIT"

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and validate a card; raises DamagedArtifact where it is missing or invalid."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            name = _public_path(path)
            raise DamagedArtifact(f"{name} is not a valid model card ({type(error).__name__})", part=name) from error

    def save(self, path: Path) -> None:
        """Write the card as readable JSON."""
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _public_path(path: Path) -> str:
    """Model, version and file name, without the folders of the server."""
    return "/".join(path.parts[-3:])
