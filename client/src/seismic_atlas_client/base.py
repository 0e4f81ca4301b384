"""Base classes of the models of answers: what every model ignores, and what a result knows beside its fields."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, PrivateAttr

from seismic_atlas_client.errors import MissingExtra, NoCatalog

if TYPE_CHECKING:
    from seismic_atlas_client.models import DataWarning


class Model(BaseModel):
    """An object of an answer. Fields that this version of the client does not know are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())


class Result(Model):
    """A result of a job; `kind` tells results apart."""

    _job_id: str = PrivateAttr("")
    _warnings: tuple[DataWarning, ...] = PrivateAttr(())

    @property
    def job_id(self) -> str:
        """Id of the job that the result is of; empty for a result that was not read from the service."""
        return self._job_id

    @property
    def warnings(self) -> tuple[DataWarning, ...]:
        """Defects of the data that did not stop the job, and what was done about them."""
        return self._warnings

    def bind_job(self, job_id: str, warnings: tuple[DataWarning, ...]) -> None:
        """Note the job that the result is of, and its warnings."""
        self._job_id, self._warnings = job_id, warnings


class LocationResult(Result):
    """A result that exists as QuakeML too."""

    _quakeml: bytes = PrivateAttr(b"")

    @property
    def quakeml(self) -> bytes:
        """
        The result as a QuakeML 1.2 document.

        Raises NoCatalog for a result that was not returned by `locate`, `locate_many` or `wait`.
        """
        if not self._quakeml:
            raise NoCatalog("this result has no QuakeML; results of `locate`, `locate_many` and `JobHandle.wait` have")
        return self._quakeml

    def bind_quakeml(self, document: bytes) -> None:
        """Keep the QuakeML document of the result."""
        self._quakeml = document

    def to_catalog(self) -> Any:  # noqa: ANN401 -- ObsPy has no types
        """
        Return the result as an ObsPy `Catalog` with events, origins, uncertainties, picks and arrivals.

        Raises MissingExtra without ObsPy, and NoCatalog as `quakeml` does.
        """
        try:
            from obspy import read_events  # noqa: PLC0415 -- an extra
        except ImportError as error:
            raise MissingExtra("a catalog", "obspy") from error
        return read_events(io.BytesIO(self.quakeml), format="QUAKEML")
