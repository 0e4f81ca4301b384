"""The declaration of a model: the picture it reads, and the quantities it predicts with their units."""

import hashlib
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from models.imaging.style import Style, fingerprint


class Output(BaseModel):
    """A named output of the ONNX graph; `shape` excludes the batch axis."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    shape: tuple[int, ...]
    unit: str
    meaning: str


class ModelSpec(BaseModel):
    """
    The declaration of a model.

    The only input of its graph is `pictures`, uint8 [batch, channels, rows, columns], drawn in `style`. Everything after the picture
    (scaling, softmax, uncertainty) is computed inside the graph.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    task: str
    style: Annotated[Style, Field(discriminator="kind")]
    architecture: str
    outputs: tuple[Output, ...]
    citation: str

    def fingerprint(self) -> str:
        """Compute the SHA-256 of style, edition and outputs, hexadecimal; the architecture is not part of it and may change."""
        declaration = "\n".join([fingerprint(self.style), *(output.model_dump_json() for output in self.outputs)])
        return hashlib.sha256(declaration.encode()).hexdigest()
