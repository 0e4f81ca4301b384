"""Response bodies of the API, as documented in openapi.json."""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from workers.contracts import DataWarning, JobKind, Problem, Status
from workers.results import ClassifyResult, ClusterResult, LocateManyResult, LocateResult

Result = Annotated[ClassifyResult | LocateResult | LocateManyResult | ClusterResult, Field(discriminator="kind")]


class Links(BaseModel):
    """Paths of a job on this server."""

    self: str = Field(description="this job")
    result: str | None = Field(description="the result, once the job has succeeded; `?format=` selects one of `formats`")
    events: str = Field(description="progress as server-sent events")
    figures: list[str] = Field(description="figures of the result (PNG)")
    bundle: str | None = Field(None, description="everything of a job that has ended, as a zip archive")


class Job(BaseModel):
    """A job; every accepted job ends in exactly one of the states `succeeded`, `failed` and `canceled`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "7f0c2f0f7c0e4a6fb1a9c3a7d5f0a1b2",
                    "kind": "locate",
                    "status": "running",
                    "stage": "search",
                    "progress": 0.6,
                    "created_at": "2026-11-22T18:27:44Z",
                    "started_at": "2026-11-22T18:27:45Z",
                    "finished_at": None,
                    "result": None,
                    "problem": None,
                    "warnings": [],
                    "formats": [],
                    "links": {
                        "self": "/jobs/7f0c2f0f7c0e4a6fb1a9c3a7d5f0a1b2",
                        "result": None,
                        "events": "/jobs/7f0c2f0f7c0e4a6fb1a9c3a7d5f0a1b2/events",
                        "figures": [],
                    },
                }
            ]
        }
    )

    id: str
    kind: JobKind
    status: Status
    stage: str = Field(description="current stage of the processing")
    progress: float = Field(ge=0, le=1, description="fraction of the job that is done, 0 to 1")
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    result: Result | None = Field(description="result, if the job has succeeded")
    problem: Problem | None = Field(description="problem details (RFC 9457), if the job has failed")
    warnings: list[DataWarning] = Field(
        description="defects of the data, and what was done about them; of a failed job those found when its records were read"
    )
    formats: list[str] = Field(description="formats in which the result is available")
    links: Links


class JobSummary(BaseModel):
    """A job in a list: what `Job` has, without its result."""

    id: str
    kind: JobKind
    status: Status
    stage: str
    progress: float = Field(ge=0, le=1)
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    problem: Problem | None
    parts: list[str] = Field(description="names of the first uploaded parts")
    formats: list[str]
    links: Links


class JobList(BaseModel):
    """Jobs of the caller, newest first."""

    jobs: list[JobSummary]
    next: str | None = Field(description="`cursor` of the next page; null at the end")


class CallbackSecret(BaseModel):
    """Key that verifies the signatures of callbacks (Standard Webhooks)."""

    secret: str


class ProblemExplanation(BaseModel):
    """What a problem `type` means, and what can be done about it."""

    type: str
    title: str
    status: int
    retryable: bool
    meaning: str
    advice: str


class Progress(BaseModel):
    """Progress of a job: the data of a `progress` event."""

    id: str
    status: Status
    stage: str
    progress: float


class Live(BaseModel):
    """The API process runs."""

    status: str = "live"


class Check(BaseModel):
    """One check of readiness."""

    name: str
    ok: bool
    detail: str


class Ready(BaseModel):
    """The service is ready to process jobs."""

    status: str = "ready"
    checks: list[Check]
    workers: int = Field(description="number of live workers")
    execution_provider: str = Field(description="ONNX Runtime execution provider of the workers")
    models: dict[str, str] = Field(description="versions of the models that every worker has verified, by name")


class NotReadyProblem(Problem):
    """The service is not ready: a problem that lists every check."""

    checks: list[Check]


_HEADERS: dict[str, Any] = {
    "Retry-After": {"description": "Seconds after which to retry, if the problem is `retryable`", "schema": {"type": "integer"}}
}

PROBLEM_RESPONSE: dict[str, Any] = {
    "description": "Problem details (RFC 9457); `type` is stable",
    "headers": _HEADERS,
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}

_NOT_READY = {
    key: value for key, value in NotReadyProblem.model_json_schema(ref_template="#/components/schemas/{model}").items() if key != "$defs"
}
NOT_READY_RESPONSE: dict[str, Any] = {
    "description": "Not ready: problem details (RFC 9457) with all checks",
    "headers": _HEADERS,
    "content": {"application/problem+json": {"schema": _NOT_READY}},
}
