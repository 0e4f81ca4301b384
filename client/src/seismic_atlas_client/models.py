"""
Models of the answers of the service, with the names of its contract.

Written by client/generate_models.py from openapi.json; change that, not this file.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from seismic_atlas_client.base import LocationResult, Model, Result

JobKind = Literal["classify", "locate", "cluster"]
"""Kinds of jobs."""


Status = Literal["queued", "running", "succeeded", "failed", "canceled"]
"""Status of a job; every accepted job ends in exactly one of the last three."""


class ReferencePoint(Model):
    """Epicenter that the distances in the record section are computed from, predicted or given in the submission."""

    latitude: float
    """Degrees."""

    longitude: float
    """Degrees."""

    source: Literal["predicted", "given"]
    """Predicted by the service, or given as trial epicenter."""


class ModelVersion(Model):
    """Name and version of a model behind a result."""

    name: str
    """Name of the model."""

    version: str
    """Version of its weights."""


class DetectionResult(Model):
    """Whether the records show an event at all: the strongest evidence against noise."""

    detected: bool
    """Whether noise reaches the statistic with a probability below 0.01."""

    statistic: float
    """Detection statistic: minus the decimal logarithm of the evidence's probability in ideal noise."""

    false_alarm_probability: float
    """How often noise, synthetic and recorded, reaches this statistic."""


class ClassEvidence(Model):
    """Natural logarithms of likelihood ratios against an earthquake, from what the record section does not show; 0 without evidence."""

    force: float
    """Of a single force, from arrivals above 0.3 Hz and waves near 1 Hz."""

    explosion: float
    """Of an explosion or collapse, from Love against Rayleigh waves, mb - Ms, first motions, depth, and waveforms of 28 to 150 s."""

    landslide: float | None
    """Of a landslide, from waves near 1 Hz and impulsive arrivals; None where they are not measured."""


class ClassifyResult(Result):
    """Result of POST /events/classify."""

    kind: Literal["classify"] = "classify"
    event_type: Literal["earthquake", "glacial", "other", "undetermined", "none"]
    """
    Earthquake (tectonic), glacial (glacial earthquake), other (an event that is neither), undetermined: no class reaches a probability
    of 0.8; or none: no event was detected.
    """

    probabilities: dict[str, float]
    """Of earthquake, glacial and other; they sum to 1; empty if no event was detected."""

    reference_point: ReferencePoint | None
    """None if no epicenter was found; the section then shows traces at their predicted distances."""

    traces_used: int
    """Number of traces with data in the section's window."""

    model: ModelVersion
    out_of_distribution: bool
    """Whether the probability of other is above 0.2."""

    novelty: float | None
    """
    Distance of the record section from the training sections; 97 % of the sections of earthquakes are below 1; None if no event was
    detected.
    """

    detection: DetectionResult | None = None
    """None in results of versions before detection."""

    evidence: ClassEvidence | None = None
    """Physical evidence of the class besides the record section."""


class Ellipse(Model):
    """Confidence ellipse of an epicenter."""

    semi_major_km: float
    """Kilometers."""

    semi_minor_km: float
    """Kilometers."""

    azimuth_deg: float
    """Azimuth of the major axis, degrees clockwise from north, 0 to 180."""

    confidence_level: float
    """Percent."""


class Epicenter(Model):
    """An epicenter with its 68 and 90 % confidence regions."""

    latitude: float
    """Degrees."""

    longitude: float
    """Degrees."""

    horizontal_uncertainty_km: float
    """Radius of the circle that holds the epicenter with 68 %."""

    ellipse: Ellipse
    """Confidence ellipse of 68 %."""

    outer_ellipse: Ellipse | None = None
    """Confidence ellipse of 90 %."""


class DistanceEstimate(Model):
    """Epicentral distance predicted from one trace, and the back azimuth measured at its station."""

    trace: str
    """Network.station.location.channel."""

    distance_deg: float
    """Predicted epicentral distance, degrees."""

    distance_uncertainty_deg: float
    """
    One standard deviation; where the residual exceeds the joint deviation of prediction and epicentral distance, sqrt(residual_deg² -
    epicentral_distance_uncertainty_deg²), so that it covers the residual.
    """

    epicentral_distance_deg: float | None = None
    """Distance of the station from the located epicenter, degrees, on a sphere by geographic latitudes; None without coordinates."""

    epicentral_distance_uncertainty_deg: float | None = None
    """One standard deviation: that of the epicenter's region along the azimuth of the station; None as the distance."""

    residual_deg: float | None
    """Epicentral distance of the located epicenter minus distance_deg; None without coordinates."""

    azimuth_deg: float | None = None
    """Azimuth from the epicenter to the station, degrees clockwise from north."""

    back_azimuth_deg: float | None = None
    """Back azimuth from polarization analysis of the station's three components, degrees; None if not determined."""

    back_azimuth_uncertainty_deg: float | None = None
    """68 % half-width."""

    used: bool
    """
    Whether the epicentral distance is within four of the network's own standard deviations of distance_deg; other distances hardly
    weigh on the location.
    """


class ArrivalEstimate(Model):
    """A pick associated with a phase, in locations by arrival times."""

    trace: str
    """Network.station.location.channel."""

    phase: str
    """P, Pg, PKP, PKPbc, PKPab, S, Sg, pP, sP, PP, or LR: the peak of the 20 to 50 s Rayleigh-wave envelope."""

    time: AwareDatetime
    """Time of the pick, UTC."""

    residual_s: float
    """
    Observed minus predicted time; predicted by ak135 at geocentric latitudes, for LR by one group velocity, for epicenter, time and
    depth of the answer; where no depth is stated, for the source that fits the arrival times best.
    """

    uncertainty_s: float
    """One standard deviation of pick and travel time together."""

    pick_uncertainty_s: float | None = None
    """One standard deviation of the pick alone; None for LR."""

    distance_deg: float | None = None
    """As epicentral_distance_deg of the station."""

    azimuth_deg: float | None = None
    """Azimuth from the epicenter to the station, degrees clockwise from north."""


class Centroid(Model):
    """Epicenter (mean of the posterior) and time of the source by the inversion of waveforms."""

    latitude: float
    """Degrees."""

    longitude: float
    """Degrees."""

    horizontal_uncertainty_km: float
    """Radius of the circle of 68 % probability."""

    time: AwareDatetime
    """UTC."""

    time_uncertainty_s: float
    """One standard deviation."""


class DepthLikelihood(Model):
    """Largest log likelihood of a moment tensor at a depth."""

    depth_km: float
    """A depth of the tables."""

    log_likelihood: float
    """Against noise."""


class AzimuthLikelihood(Model):
    """Largest log likelihood of a force along an azimuth."""

    azimuth_deg: float
    """Clockwise from north."""

    log_likelihood: float
    """Against noise."""


class SourceTrace(Model):
    """Fit of one trace, 28 to 150 s: correlation, and shift of the observed waves after the synthetic ones."""

    trace: str
    """Network.station.location.channel."""

    distance_deg: float
    """From the best fitting source, which is near the centroid, by geocentric latitudes."""

    azimuth_deg: float
    """At that source, clockwise from north."""

    correlation: float
    """Of the Rayleigh waves, 0 to 1."""

    shift_s: float
    """Of the Rayleigh waves."""

    body_correlation: float | None = None
    """Of the body waves; None where they have no window of their own."""

    body_shift_s: float | None = None
    """Of the body waves."""

    love_correlation: float | None = None
    """Of the Love waves; None without horizontals."""

    love_shift_s: float | None = None
    """Of the Love waves."""


class SourceEstimate(Model):
    """Source by the inversion of long-period waveforms: a moment tensor at depth, or a single force with its history."""

    kind: Literal["moment-tensor", "single-force"]
    """Of a tectonic or of a glacial earthquake."""

    constrains: bool
    """
    Whether 3 traces fit, over more than 40 degrees of azimuth, with a log_likelihood of 30, and a moment tensor is at most 15 s later
    than the located origin; otherwise depth, force azimuth and epicenter of the answer do not rest on it.
    """

    log_likelihood: float
    """Against noise."""

    variance_reduction: float
    """Fraction of the energy explained at free gains, 0 to 1."""

    tensor: dict[str, float] | None = None
    """
    rr, tt, pp, rt, rp, tp (r up, t south, p east) of scalar moment 1; None of a force, and where mechanism_uncertainty_deg is above 60.
    """

    mechanism_uncertainty_deg: float | None = None
    """Rotation (Kagan angle) of the double couple that holds the true one with 68 %, degrees; None of a force."""

    nodal_planes: list[dict[str, float]] = Field(default_factory=list)
    """Strike, dip and rake (Aki & Richards) of the best double couple, degrees; empty as tensor is None."""

    double_couple: float | None = None
    """Fraction of the tensor that is a double couple, 0 to 1; the rest is CLVD."""

    scalar_moment_n_m: float | None = None
    """None where unknown, see amplitude_unknown."""

    moment_magnitude: float | None = None
    """Mw of the scalar moment."""

    moment_magnitude_uncertainty: float | None = None
    """Standard deviation, by the scatter over stations and the error that they share."""

    force_amplitude_kg_m: float | None = None
    """Mass times distance: the force integrated twice; None where unknown."""

    amplitude_unknown: str | None = None
    """Why there is neither scalar moment nor force amplitude."""

    response: Literal["known", "assumed-velocity"] = "known"
    """Assumed-velocity: most traces have none, and are taken for the velocity of broadband seismometers."""

    amplitude_traces: int = 0
    """Traces with a response that moment or amplitude rest on."""

    half_duration_s: float | None = None
    """Of the moment rate: 0, a point in time, is what the inversion supposes."""

    depth_km: float | None = None
    """Depth of the moment tensor; None for a force."""

    depth_uncertainty_km: float | None = None
    """Half the width of the interval about the depth that holds 68 %."""

    sign_probability: float | None = None
    """Of the force's direction against the opposite one; None where responses are unknown."""

    force_duration_s: float | None = None
    """Duration of the single force; None for a moment tensor."""

    centroid: Centroid | None = None
    """Of the inversion, whether or not the epicenter was moved to it."""

    depth_profile: list[DepthLikelihood] = Field(default_factory=list)
    """Of a moment tensor, at 29 depths from 3.5 to 680 km."""

    azimuth_profile: list[AzimuthLikelihood] = Field(default_factory=list)
    """Of a single force, every 10 degrees."""

    traces: list[SourceTrace] = Field(default_factory=list)
    """Traces used: those whose Rayleigh waves correlate by 0.3 and more."""

    correlations: dict[str, float] = Field(default_factory=dict)
    """Of the Rayleigh waves of each trace used."""


class LocateResult(LocationResult):
    """Result of POST /events/locate. Without a detected event there is no epicenter, origin time, depth or force."""

    kind: Literal["locate"] = "locate"
    event_type: Literal["earthquake", "glacial", "other", "undetermined", "none"]
    """As for classify, or as given; if none, what follows from an event is None or empty."""

    probabilities: dict[str, float] = Field(default_factory=dict)
    """Of earthquake, glacial and other; they sum to 1; empty if no event was detected or the type was given."""

    epicenter: Epicenter | None
    """None if no event was detected."""

    alternatives: list[Epicenter] = Field(default_factory=list)
    """Other modes of the posterior, most probable first."""

    origin_time: AwareDatetime | None
    """None if no event was detected."""

    origin_time_uncertainty_s: float | None
    """One standard deviation."""

    depth_km: float | None
    """Of an earthquake, or of an other event whose arrival times hold it; None where the class is glacial or undetermined."""

    depth_uncertainty_km: float | None
    """Half the width of the interval about the depth that holds 68 %."""

    depth_interval_90_km: list[float] | None = None
    """The two depths that enclose 90 %; much wider than the uncertainty where another depth is less probable but possible."""

    origin_time_depth_correlation: float | None = None
    """
    Correlation of the errors of origin time and depth, -1 to 1, where arrival times determine both: positive where a deeper source has
    a later origin.
    """

    force_azimuth_deg: float | None
    """
    Of a glacial earthquake: direction in which the horizontal force on the Earth acts first, degrees clockwise from north; None for
    others, and where records leave it open.
    """

    force_azimuth_uncertainty_deg: float | None
    """One standard deviation."""

    force_azimuth_ambiguous: bool | None
    """Whether the opposite direction fits nearly as well."""

    offsets: list[DistanceEstimate]
    """Epicentral distances predicted from single traces."""

    azimuthal_gap_deg: float | None
    """None if no event was detected."""

    method: str = "distances"
    """
    Observations that the epicenter was located by: distances, distances+polarization (three-component stations),
    distances+array-slowness (plane waves across an array), distances+surface-wave-stack, distances+arrival-times, arrival-times
    (records too short for distances), waveform-inversion (of long-period waveforms), or none (no event was detected).
    """

    arrivals: list[ArrivalEstimate] = Field(default_factory=list)
    """The associated picks, in locations by arrival times."""

    models: list[ModelVersion]
    """The models that answered."""

    detection: DetectionResult | None = None
    """None in results of versions before detection."""

    depth_method: str | None = None
    """Section, arrival-times, depth-phases, waveform-inversion, or some of them joined by +."""

    force_method: str | None = None
    """Beams (network) or waveform-inversion."""

    source: SourceEstimate | None = None
    """None if not inverted: class, distances or number of traces do not allow it."""

    reference_point: ReferencePoint | None = None
    """Trial epicenter given in the submission, around which the record section for the class was drawn; None without."""


class PartProblem(Model):
    """A part that caused a problem."""

    name: str
    """Name of the part or archive member."""

    code: str
    """Stable code of the problem."""

    detail: str
    """What was found in it."""


class Problem(Model):
    """Problem details (RFC 9457); `retryable` is true if the same request may succeed later."""

    type: str
    """/problems/ and a stable code, which the documentation explains."""

    title: str
    """The kind of problem in a few words."""

    status: int
    """HTTP status."""

    detail: str
    """What was found, and what to do."""

    parts: list[PartProblem] = Field(default_factory=list)
    """Files at fault."""

    retryable: bool = False
    """Whether the same request may succeed later."""


class LocatedEvent(Model):
    """One of many events: its location, or the problem of its data."""

    event: str
    """Name of the folder or file."""

    result: LocateResult | None
    """None where the event has a problem."""

    problem: Problem | None
    """Why the event has no result."""


class LocateManyResult(LocationResult):
    """Result of POST /events/locate with many=true, in the order of the archive."""

    kind: Literal["locate_many"] = "locate_many"
    events: list[LocatedEvent]
    """One entry for each folder or file."""

    located: int
    """Number of events with a result."""


class Assignment(Model):
    """Assignment of one event to a family."""

    event: str
    """Name of the folder or file."""

    cluster: int
    """Number of its family."""

    confidence: float
    """Probability of this family among all, 0 to 1."""

    outlier: bool = False
    """Whether the event is much further from the center of its family than the family's other events."""


class Selection(Model):
    """Scores of one number of families k."""

    k: int
    """Number of families."""

    loss: float
    """Cross-entropy in nats of the assignment, or of DeepCluster's classifier after fine-tuning."""

    stability: float
    """Mean adjusted Rand index between clusterings with different seeds and subsets of the events."""

    silhouette: float
    """Mean silhouette of the events, -1 to 1."""

    gap: float | None = None
    """Gap statistic: log dispersion of reference data without clusters minus that of the events."""

    excess: float | None = None
    """Silhouette minus that of data without clusters; the k with its maximum is chosen."""


class Cluster(Model):
    """One family of events."""

    cluster: int
    """Number of the family."""

    size: int
    """Number of its events."""

    representatives: list[str]
    """Events nearest its center."""


class ClusterResult(Result):
    """Result of POST /anomalies/cluster."""

    kind: Literal["cluster"] = "cluster"
    k: int
    """Number of families."""

    k_of_smallest_loss: int | None = None
    """K with the minimum loss."""

    structure_found: bool
    """Whether k families fit better than events without structure would."""

    assignments: list[Assignment]
    """The family of each event."""

    selection: list[Selection]
    """Scores of each number of families."""

    clusters: list[Cluster]
    """Size and representatives of each family."""

    model: ModelVersion
    fine_tuned: bool
    """Whether the embedding was trained on the upload."""


class DataWarning(Model):
    """A data-quality issue that did not stop the job."""

    trace: str | None = None
    """Id of the trace concerned; None if it is not one trace."""

    part: str | None = None
    """Uploaded part or archive member concerned; None if it is not one file."""

    code: str
    """Stable code of the kind of issue."""

    detail: str
    """What was found, and what was done."""


class Links(Model):
    """Paths of a job on this server."""

    self: str
    """This job."""

    result: str | None
    """The result, once the job has succeeded; `?format=` selects one of `formats`."""

    events: str
    """Progress as server-sent events."""

    figures: list[str]
    """Figures of the result (PNG)."""

    bundle: str | None = None
    """Everything of a job that has ended, as a zip archive."""


class Job(Model):
    """A job; every accepted job ends in exactly one of the states `succeeded`, `failed` and `canceled`."""

    id: str
    kind: JobKind
    status: Status
    stage: str
    """Current stage of the processing."""

    progress: float
    """Fraction of the job that is done, 0 to 1."""

    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    result: Annotated[ClassifyResult | LocateResult | LocateManyResult | ClusterResult, Field(discriminator="kind")] | None
    """Result, if the job has succeeded."""

    problem: Problem | None
    """Problem details (RFC 9457), if the job has failed."""

    warnings: list[DataWarning]
    """Defects of the data, and what was done about them; of a failed job those found when its records were read."""

    formats: list[str]
    """Formats in which the result is available."""

    links: Links


class JobSummary(Model):
    """A job in a list: what `Job` has, without its result."""

    id: str
    kind: JobKind
    status: Status
    stage: str
    progress: float
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    problem: Problem | None
    parts: list[str]
    """Names of the first uploaded parts."""

    formats: list[str]
    links: Links


class JobList(Model):
    """Jobs of the caller, newest first."""

    jobs: list[JobSummary]
    next: str | None
    """`cursor` of the next page; None at the end."""


class Output(Model):
    """A named output of the ONNX graph; `shape` excludes the batch axis."""

    name: str
    shape: list[int]
    unit: str
    meaning: str


class Metric(Model):
    """A quantity measured with the exported file by the serving path; `low` and `high` bound its 95 % confidence interval."""

    name: str
    dataset: str
    value: float
    low: float | None = None
    high: float | None = None
    unit: str = "1"
    n: int
    """Number of traces or events measured."""


class Card(Model):
    """The card of one version of one model."""

    name: str
    version: str
    task: str
    architecture: str
    spec_fingerprint: str
    """Fingerprint of the declaration (ModelSpec) that it was trained for."""

    style: dict[str, Any]
    """Style of the pictures, as JSON."""

    outputs: list[Output]
    digest: str
    """SHA-256 of model.onnx, hexadecimal."""

    size_bytes: int
    opset: int
    created_at: AwareDatetime
    commit: str
    """Commit of the code that trained it."""

    data: dict[str, Any]
    """Training data: store, seeds, sizes, fingerprint."""

    metrics: list[Metric] = Field(default_factory=list)
    limits: list[str] = Field(default_factory=list)
    """Known limits of the model."""

    calibration: dict[str, Any] = Field(default_factory=dict)
    """Temperatures, factors and coverage scales fitted on validation data."""

    citation: str
    license: str = "MIT"


class Check(Model):
    """One check of readiness."""

    name: str
    ok: bool
    detail: str


class Ready(Model):
    """The service is ready to process jobs."""

    status: str = "ready"
    checks: list[Check]
    workers: int
    """Number of live workers."""

    execution_provider: str
    """ONNX Runtime execution provider of the workers."""

    models: dict[str, str]
    """Versions of the models that every worker has verified, by name."""


class ProblemExplanation(Model):
    """What a problem `type` means, and what can be done about it."""

    type: str
    title: str
    status: int
    retryable: bool
    meaning: str
    advice: str
