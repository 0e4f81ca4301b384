"""The declaration of a model: what picture it reads, what quantities it says, in which units."""

import hashlib
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from models.imaging.style import Style, fingerprint


class Output(BaseModel):
    """A named output of the ONNX graph; `shape` without the batch axis."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    shape: tuple[int, ...]
    unit: str
    meaning: str


class ModelSpec(BaseModel):
    """
    A model as declared in code.

    The graph's one input is `pictures`, uint8 [batch, channels, rows, columns], drawn in `style`; everything behind the
    picture (scaling, softmax, uncertainty) is inside the graph.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    task: str
    style: Annotated[Style, Field(discriminator="kind")]
    architecture: str
    outputs: tuple[Output, ...]
    citation: str

    def fingerprint(self) -> str:
        """SHA-256 over style, edition and outputs; the architecture may change behind the same promise."""
        promise = "\n".join([fingerprint(self.style), *(output.model_dump_json() for output in self.outputs)])
        return hashlib.sha256(promise.encode()).hexdigest()
