"""JSON contracts between the API, the queue and the workers: submissions, job records and problems (results: `workers.results`)."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from models.specs.event_type import EventType

SCHEMA_VERSION = 2
"""
Version of job records, raised when a worker of the release before would process a new record wrongly, such as by ignoring an option.

Records without a version are of 0.1. A worker leaves records of a higher version to workers of that release.
"""


MAX_CALLBACK_URL = 2_000
"""Characters of a callback URL."""


class JobKind(StrEnum):
    """Kinds of jobs."""

    CLASSIFY = "classify"
    LOCATE = "locate"
    CLUSTER = "cluster"


class Status(StrEnum):
    """Status of a job; every accepted job ends in exactly one of the last three."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def terminal(self) -> bool:
        """Return whether the job has ended."""
        return self in (Status.SUCCEEDED, Status.FAILED, Status.CANCELED)


class Contract(BaseModel):
    """Base of all contracts: fields that are not declared are refused."""

    model_config = ConfigDict(extra="forbid")


class Part(Contract):
    """One uploaded file, stored in the blob store under its digest."""

    name: str
    digest: str = Field(description="SHA-256 of the bytes, hexadecimal")
    size_bytes: int


def _parse_time(text: object) -> object:
    """Parse an ISO 8601 date and time, in UTC where it names no zone; pydantic alone would read a year as seconds."""
    if not isinstance(text, str):
        return text
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError("not a time; write ISO 8601 in UTC, as in 2013-05-24T05:40:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


UtcTime = Annotated[AwareDatetime, BeforeValidator(_parse_time)]


class Options(Contract):
    """Optional fields of a submission."""

    latitude: float | None = Field(None, ge=-90, le=90, description="latitude of the trial epicenter, degrees")
    longitude: float | None = Field(None, ge=-180, le=360, description="longitude of the trial epicenter, degrees")
    event_type: EventType | None = Field(None, description="locate: use this event type instead of classifying the event")
    starttime: UtcTime | None = Field(
        None, description="time from which samples are read, ISO 8601 in UTC; cuts files of whole days", examples=["2013-05-24T05:40:00"]
    )
    endtime: UtcTime | None = Field(
        None, description="time up to which samples are read, ISO 8601 in UTC", examples=["2013-05-24T07:00:00"]
    )
    many: bool = Field(
        False, description="locate: each folder, and each waveform file at the top, of an archive is an event of its own; one catalog"
    )
    k_min: int = Field(2, ge=2, description="cluster: minimum number of families considered")
    k_max: int = Field(12, ge=2, description="cluster: maximum number of families considered")
    fine_tune: bool = Field(False, description="cluster: train DeepCluster on the uploaded events")
    callback_url: str | None = Field(
        None, max_length=MAX_CALLBACK_URL, description="address that is sent a signed message (webhook) when the job has ended"
    )
    model_version: str | None = Field(
        None,
        pattern=r"^[a-z_]+=[\w.-]+(,[a-z_]+=[\w.-]+)*$",
        description="versions of models that must be the ones of the service, as in event_type=5,offset=9; the job fails otherwise",
    )
    seed: int = Field(3407, ge=0, le=2**32 - 1, description="seed of all random numbers")


class Submission(Contract):
    """A client's request for a job: kind, uploaded parts and options."""

    kind: JobKind
    parts: tuple[Part, ...]
    options: Options


class DataWarning(Contract):
    """A data-quality issue that did not stop the job."""

    trace: str | None = Field(None, description="id of the trace concerned; null if it is not one trace")
    part: str | None = Field(None, description="uploaded part or archive member concerned; null if it is not one file")
    code: str = Field(description="stable code of the kind of issue")
    detail: str = Field(description="what was found, and what was done")


class PartProblem(Contract):
    """A part that caused a problem."""

    name: str = Field(description="name of the part or archive member")
    code: str = Field(description="stable code of the problem")
    detail: str = Field(description="what was found in it")


class Problem(Contract):
    """Problem details (RFC 9457); `retryable` is true if the same request may succeed later."""

    type: str = Field(description="/problems/ and a stable code, which the documentation explains")
    title: str = Field(description="the kind of problem in a few words")
    status: int = Field(description="HTTP status")
    detail: str = Field(description="what was found, and what to do")
    parts: list[PartProblem] = Field([], description="files at fault")
    retryable: bool = Field(False, description="whether the same request may succeed later")


class JobRecord(Contract):
    """Record of a job in Redis. It is authoritative; RQ's own status of a job is not."""

    schema_version: int = Field(1, ge=1, description="version of the record; 1 where a record of 0.1 states none")
    id: str
    owner: str = Field("", description="owner of the API key of the submission; empty if no keys are required")
    request_id: str = Field("", description="id of the HTTP request of the submission; also in the worker's log")
    trace_context: str = Field("", description="`traceparent` of that request; empty where it is not traced")
    submission: Submission
    status: Status = Status.QUEUED
    stage: str = "queued"
    progress: float = 0.0
    attempt: int = Field(0, description="number of attempts started; also the fencing token of the attempt's writes")
    worker: str | None = None
    cancel_requested: bool = False
    created_at: AwareDatetime
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    problem: Problem | None = None
    warnings: list[DataWarning] = []
    figures: list[str] = Field([], description="names of the figures of the result, without .png")
    formats: list[str] = Field([], description="formats of the result besides JSON")


class WorkerState(Contract):
    """Heartbeat of a worker."""

    id: str
    pid: int
    started_at: AwareDatetime
    execution_provider: str
    models: dict[str, str] = Field(description="versions of the loaded models by name; digest and spec of each were verified")
    job: str | None = None
    memory_bytes: int = Field(0, description="resident memory of the process; 0 where a release before states none")
    cpu_s: float = Field(0.0, description="CPU time of the process since its start, seconds")
    warm: bool = Field(True, description="whether all compiled loops are loaded; 0.1, which does not state it, counts as warm")
