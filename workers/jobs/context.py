"""What a job finds on its desk, what it says on the way, and what it leaves."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pydantic import BaseModel

from workers.contracts import DataWarning, JobRecord
from workers.jobs.loaded_models import LoadedModels
from workers.queue.dispatch import Dispatcher
from workers.queue.records import Records
from workers.settings import Settings
from workers.storage.blobs import BlobStore

_SAME_STAGE_S = 0.3


@dataclass(frozen=True)
class WorkerContext:
    """What a worker holds from start to end."""

    settings: Settings
    blobs: BlobStore
    records: Records
    dispatcher: Dispatcher
    models: LoadedModels
    worker: str


class JobProgress:
    """
    Says how far the job is, and so learns that it must stop: each call may raise Canceled or Superseded.

    Within a stage it speaks at most every 0.3 s: each word is a write to the queue server's disk.
    """

    def __init__(self, records: Records, record: JobRecord, low: float = 0.0, high: float = 1.0) -> None:
        self._records, self._record, self._low, self._high = records, record, low, high
        self._stage, self._said = "", 0.0

    def __call__(self, stage: str, fraction: float) -> None:
        """`fraction` of this part of the job, 0 to 1, is done."""
        now = time.monotonic()
        if stage == self._stage and now - self._said < _SAME_STAGE_S:
            return
        self._stage, self._said = stage, now
        done = self._low + (self._high - self._low) * min(max(fraction, 0.0), 1.0)
        self._records.advance(self._record.id, self._record.attempt, stage, done)

    def part(self, low: float, high: float) -> "JobProgress":
        """A progress of its own for the part of the job between two fractions."""
        return JobProgress(self._records, self._record, low, high)


@dataclass(frozen=True)
class JobContext:
    """One attempt at one job."""

    desk: WorkerContext
    record: JobRecord
    progress: JobProgress


@dataclass(frozen=True)
class JobOutput:
    """What a job leaves: figures by name (PNG), products by format, besides the result as JSON."""

    result: BaseModel
    warnings: list[DataWarning] = field(default_factory=list)
    figures: Mapping[str, bytes] = MappingProxyType({})
    products: Mapping[str, bytes] = MappingProxyType({})
