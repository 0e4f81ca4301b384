"""What passes between the API, the queue and the workers: JSON and nothing else."""

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from models.specs.event_type import EventType


class JobKind(StrEnum):
    """The closed list of jobs."""

    CLASSIFY = "classify"
    LOCATE = "locate"
    CLUSTER = "cluster"


class Status(StrEnum):
    """Where a job stands; an accepted job ends in exactly one of the last three."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def terminal(self) -> bool:
        """Whether nothing follows this status."""
        return self in (Status.SUCCEEDED, Status.FAILED, Status.CANCELED)


class _Contract(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Part(_Contract):
    """One uploaded file, kept in the blob store under its digest."""

    name: str
    digest: str = Field(description="SHA-256 of the bytes, hexadecimal")
    size_bytes: int


class Options(_Contract):
    """The optional fields of a submission."""

    latitude: float | None = Field(None, ge=-90, le=90, description="latitude of a trial epicenter, degrees")
    longitude: float | None = Field(None, ge=-180, le=360, description="longitude of a trial epicenter, degrees")
    event_type: EventType | None = Field(None, description="locate: take this class and skip classification")
    k_min: int = Field(2, ge=2, description="cluster: smallest number of families looked at")
    k_max: int = Field(12, ge=2, description="cluster: largest number of families looked at")
    fine_tune: bool = Field(False, description="cluster: run DeepCluster training on the upload")
    seed: int = Field(3407, ge=0, le=2**32 - 1, description="seed of everything drawn at random")


class Submission(_Contract):
    """What a client asks for."""

    kind: JobKind
    parts: tuple[Part, ...]
    options: Options


class DataWarning(_Contract):
    """Something that was not as it should be and did not stop the job."""

    trace: str | None = Field(None, description="trace id, where one trace is concerned")
    part: str | None = Field(None, description="uploaded part or archive member, where one file is concerned")
    code: str
    detail: str


class PartProblem(_Contract):
    """A part at fault."""

    name: str
    code: str
    detail: str


class Problem(_Contract):
    """RFC 9457 problem details; `retryable` says whether the same request may succeed later."""

    type: str
    title: str
    status: int
    detail: str
    parts: list[PartProblem] = []
    retryable: bool = False


class JobRecord(_Contract):
    """A job as kept in Redis: the truth about its life (RQ's own status is not)."""

    id: str
    owner: str = Field("", description="owner of the submitter's key, empty where no keys are asked for")
    request_id: str = Field("", description="of the request that submitted it; the worker's log has it, too")
    submission: Submission
    status: Status = Status.QUEUED
    stage: str = "queued"
    progress: float = 0.0
    attempt: int = Field(0, description="how often a worker has begun it; also the fencing token of its writes")
    worker: str | None = None
    cancel_requested: bool = False
    created_at: AwareDatetime
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    problem: Problem | None = None
    warnings: list[DataWarning] = []
    figures: list[str] = Field([], description="names of the figures kept beside the result, without .png")
    formats: list[str] = Field([], description="formats of the result besides json")


class WorkerState(_Contract):
    """A worker's heartbeat."""

    id: str
    pid: int
    started_at: AwareDatetime
    execution_provider: str
    models: dict[str, str] = Field(description="name to version of each model whose digest and spec were verified")
    job: str | None = None


class ModelVersion(_Contract):
    """Which model said it."""

    name: str
    version: str


class ReferencePoint(_Contract):
    """The trial epicenter that the section was drawn at."""

    latitude: float
    longitude: float
    source: Literal["predicted", "given"]


class ClassifyResult(_Contract):
    """Answer of POST /events/classify."""

    event_type: EventType
    probabilities: dict[str, float]
    reference_point: ReferencePoint | None = Field(description="null without an epicenter; the section is then drawn at the offsets")
    traces_used: int
    model: ModelVersion
    out_of_distribution: bool
    novelty: float = Field(description="distance from the training sections; above 1 is out of distribution")


class Ellipse(_Contract):
    """Confidence ellipse of the epicenter."""

    semi_major_km: float
    semi_minor_km: float
    azimuth_deg: float = Field(description="of the major axis, clockwise from north, 0 to 180")
    confidence_level: float = Field(description="percent")


class Epicenter(_Contract):
    """Where it was, in degrees."""

    latitude: float
    longitude: float
    horizontal_uncertainty_km: float
    ellipse: Ellipse
    outer_ellipse: Ellipse | None = Field(None, description="the ellipse of the 90 % region")


class DistanceEstimate(_Contract):
    """The distance read off one trace."""

    trace: str
    distance_deg: float
    distance_uncertainty_deg: float
    residual_deg: float | None = Field(description="distance to the epicenter minus distance_deg; null without coordinates")
    azimuth_deg: float | None = Field(None, description="of the station, seen from the epicenter")
    back_azimuth_deg: float | None = Field(None, description="where waves came from by the station's own three components, where they tell")
    back_azimuth_uncertainty_deg: float | None = Field(None, description="half the width of what holds 68 %")
    used: bool


class ArrivalEstimate(_Contract):
    """An onset taken for a phase, where times were used."""

    trace: str
    phase: str = Field(description="P, PKP, PKPbc, PKPab, S, pP, sP, PP, or LR: the largest Rayleigh waves of 20 to 50 s")
    time: AwareDatetime
    residual_s: float = Field(description="observed minus predicted: ak135; LR, one group velocity")
    uncertainty_s: float


class LocateResult(_Contract):
    """Answer of POST /events/locate."""

    event_type: EventType
    epicenter: Epicenter
    alternatives: list[Epicenter] = Field([], description="other maxima of the posterior, likeliest first")
    origin_time: AwareDatetime
    origin_time_uncertainty_s: float
    depth_km: float | None
    depth_uncertainty_km: float | None
    force_azimuth_deg: float | None
    force_azimuth_uncertainty_deg: float | None
    force_azimuth_ambiguous: bool | None
    offsets: list[DistanceEstimate]
    azimuthal_gap_deg: float
    method: str = Field(
        "distances",
        description="observations that the epicenter was located by: distances, distances+polarization (three-component stations), "
        "distances+array-slowness (plane waves across an array), surface-wave-stack (in place of distances), or distances+arrival-times",
    )
    arrivals: list[ArrivalEstimate] = Field([], description="the onsets used, where times were used")
    models: list[ModelVersion]


class Assignment(_Contract):
    """The family of one event."""

    event: str
    cluster: int
    confidence: float
    outlier: bool = Field(False, description="much further from the middle of its family than the others of it")


class Selection(_Contract):
    """How well a number of families fits."""

    k: int
    loss: float = Field(description="cross-entropy in nats: of the assignment, or of DeepCluster's classifier after fine-tuning")
    stability: float = Field(description="mean adjusted Rand index over seeds and parts of the events")
    silhouette: float
    gap: float | None = Field(None, description="gap statistic: logarithm of the spread below that of events without families")
    excess: float | None = Field(None, description="silhouette above that of events without families; its maximum chooses k")


class Cluster(_Contract):
    """One family."""

    cluster: int
    size: int
    representatives: list[str]


class ClusterResult(_Contract):
    """Answer of POST /anomalies/cluster."""

    k: int
    k_of_smallest_loss: int | None = Field(None, description="what the rule of the smallest loss would choose")
    structure_found: bool
    assignments: list[Assignment]
    selection: list[Selection]
    clusters: list[Cluster]
    model: ModelVersion
    fine_tuned: bool
