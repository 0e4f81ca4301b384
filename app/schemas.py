"""What the API answers, as documented in openapi.json."""

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from workers.contracts import ClassifyResult, ClusterResult, DataWarning, JobKind, LocateResult, Problem, Status

Result = ClassifyResult | LocateResult | ClusterResult


class Links(BaseModel):
    """Where to go from here; paths on this server."""

    self: str = Field(description="the job")
    result: str | None = Field(description="the result, once the job has succeeded; `?format=` chooses among `formats`")
    events: str = Field(description="server-sent events of progress")
    figures: list[str] = Field(description="what was drawn, PNG")


class Job(BaseModel):
    """A job; accepted, it ends in exactly one of `succeeded`, `failed` and `canceled`."""

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
    stage: str = Field(description="what the worker is doing, in a word")
    progress: float = Field(ge=0, le=1, description="0 to 1")
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    result: Result | None = Field(description="the answer of a job that has succeeded")
    problem: Problem | None = Field(description="why the job has failed, as it would be said over HTTP")
    warnings: list[DataWarning] = Field(description="what was not as it should be and did not stop the job")
    formats: list[str] = Field(description="formats in which the result can be had")
    links: Links


class Progress(BaseModel):
    """One step of a job, as told in its event stream."""

    id: str
    status: Status
    stage: str
    progress: float


class Live(BaseModel):
    """The process runs."""

    status: str = "live"


class Check(BaseModel):
    """One thing that readiness needs."""

    name: str
    ok: bool
    detail: str


class Ready(BaseModel):
    """The service can serve."""

    status: str = "ready"
    checks: list[Check]
    workers: int = Field(description="workers alive")
    execution_provider: str = Field(description="ONNX Runtime's execution provider of the workers")
    models: dict[str, str] = Field(description="name to version of each model that the workers have verified")


class NotReadyProblem(Problem):
    """Why the service cannot serve: a problem with every check and its outcome."""

    checks: list[Check]


_HEADERS: dict[str, Any] = {"Retry-After": {"description": "seconds, where `retryable`", "schema": {"type": "integer"}}}

PROBLEM_RESPONSE: dict[str, Any] = {
    "description": "What went wrong (RFC 9457); `type` is stable",
    "headers": _HEADERS,
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}

_NOT_READY = {
    key: value for key, value in NotReadyProblem.model_json_schema(ref_template="#/components/schemas/{model}").items() if key != "$defs"
}
NOT_READY_RESPONSE: dict[str, Any] = {
    "description": "Not ready (RFC 9457)",
    "headers": _HEADERS,
    "content": {"application/problem+json": {"schema": _NOT_READY}},
}
