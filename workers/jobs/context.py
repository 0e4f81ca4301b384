"""What a job is given (`WorkerContext`, `JobContext`), how it reports progress, and what it returns (`JobOutput`)."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pydantic import BaseModel

from workers.bundles.parse import EventRecords
from workers.contracts import DataWarning, JobRecord
from workers.jobs.loaded_models import LoadedModels
from workers.problems import ModelVersionUnavailable
from workers.queue.dispatch import Dispatcher
from workers.queue.records import Records
from workers.queue.statistics import StageClock
from workers.results import ModelVersion
from workers.settings import Settings
from workers.storage.blobs import BlobStore
from workers.telemetry import Tracing

_MIN_REPORT_INTERVAL_S = 0.3


@dataclass(frozen=True)
class WorkerContext:
    """Resources that a worker process holds from start to end; `name` is its id in heartbeats and job records."""

    settings: Settings
    blobs: BlobStore
    records: Records
    dispatcher: Dispatcher
    models: LoadedModels
    name: str
    tracing: Tracing = field(default_factory=Tracing)


class JobProgress:
    """
    Reports the stage and progress of a job to its record, and thereby learns whether the job must stop.

    Every call may raise Canceled or Superseded. Within a stage at most one report every 0.3 s is written, because each is a
    write to the queue server's disk. `clock` sums the time of each stage.
    """

    def __init__(self, records: Records, record: JobRecord, low: float = 0.0, high: float = 1.0, clock: StageClock | None = None) -> None:
        self._records, self._record, self._low, self._high = records, record, low, high
        self.clock = StageClock() if clock is None else clock
        self._stage, self._last_report_s = "", 0.0

    def __call__(self, stage: str, fraction: float) -> None:
        """Report that a fraction, 0 to 1, of this section of the job is done."""
        self.clock.enter(stage)
        now_s = time.monotonic()
        if stage == self._stage and now_s - self._last_report_s < _MIN_REPORT_INTERVAL_S:
            return
        self._stage, self._last_report_s = stage, now_s
        done = self._low + (self._high - self._low) * min(max(fraction, 0.0), 1.0)
        self._records.advance(self._record.id, self._record.attempt, stage, done)

    def section(self, low: float, high: float) -> "JobProgress":
        """Return the progress of a section of this one, between two fractions of it."""
        width = self._high - self._low
        return JobProgress(self._records, self._record, self._low + width * low, self._low + width * high, self.clock)


@dataclass(frozen=True)
class JobContext:
    """
    One attempt at a job: the worker that runs it, the job's record, and its progress.

    `event` holds the records of one event where the job is that of one of many events, which are parsed already. `read_warnings`: data
    warnings of reading, which the record keeps also where the job fails.
    """

    worker: WorkerContext
    record: JobRecord
    progress: JobProgress
    event: EventRecords | None = None
    read_warnings: list[DataWarning] = field(default_factory=list)

    def model_version(self, name: str) -> ModelVersion:
        """Return name and version of a loaded model; raises KeyError."""
        return ModelVersion(name=name, version=self.worker.models.models[name].version)

    def check_model_versions(self) -> None:
        """Check the versions that the submission asks for against those loaded; raises ModelVersionUnavailable."""
        requested = self.record.submission.options.model_version
        if requested is None:
            return
        loaded = self.worker.models.versions()
        for pair in requested.split(","):
            name, _, version = pair.partition("=")
            if loaded.get(name) != version:
                found = f"version {loaded[name]}" if name in loaded else "not a model of this service"
                raise ModelVersionUnavailable(f"{name} was requested in version {version} and is {found}; GET /models lists all")

    def trial_epicenter(self) -> tuple[float, float] | None:
        """Return latitude and longitude in degrees of the trial epicenter in the options; None if it is not given."""
        options = self.record.submission.options
        return None if options.latitude is None or options.longitude is None else (options.latitude, options.longitude)


@dataclass(frozen=True)
class JobOutput:
    """
    Output of a job: the result, data warnings, figures (PNG by name), and the result in other formats (by format).

    `figure_data`: JSON by the name of the figure that shows it, for some of the figures.
    """

    result: BaseModel
    warnings: list[DataWarning] = field(default_factory=list)
    figures: Mapping[str, bytes] = MappingProxyType({})
    products: Mapping[str, bytes] = MappingProxyType({})
    figure_data: Mapping[str, bytes] = MappingProxyType({})
