"""JSON contracts of the results of jobs."""

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import AwareDatetime, Field, field_validator

from models.specs.event_type import ClassAnswer
from workers.contracts import Contract, Problem


class _Rounded(Contract):
    """A part of a result: numbers have six significant digits, and times milliseconds, in all formats."""

    @field_validator("*", mode="after")
    @classmethod
    def _round_value(cls, value: Any) -> Any:  # noqa: ANN401 -- any field
        return _round_number(value)


def _round_number(value: Any) -> Any:  # noqa: ANN401 -- any value
    if isinstance(value, dict):
        return {name: _round_number(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_round_number(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, datetime):
        return datetime.fromtimestamp(round(value.timestamp(), 3), UTC)
    return value


class ModelVersion(Contract):
    """Name and version of a model behind a result."""

    name: str = Field(description="name of the model")
    version: str = Field(description="version of its weights")


class ReferencePoint(_Rounded):
    """Epicenter that the distances in the record section are computed from, predicted or given in the submission."""

    latitude: float = Field(description="degrees")
    longitude: float = Field(description="degrees")
    source: Literal["predicted", "given"] = Field(description="predicted by the service, or given as trial epicenter")


class DetectionResult(_Rounded):
    """Whether the records show an event at all: the strongest evidence against noise."""

    detected: bool = Field(description="whether noise reaches the statistic with a probability below 0.01")
    statistic: float = Field(description="detection statistic: minus the decimal logarithm of the evidence's probability in ideal noise")
    false_alarm_probability: float = Field(ge=0, le=1, description="how often noise, synthetic and recorded, reaches this statistic")


AnsweredType = ClassAnswer | Literal["none"]
"""Event types of an answer: the classes, and none where no event was detected."""


class ClassEvidence(_Rounded):
    """Natural logarithms of likelihood ratios against an earthquake, from what the record section does not show; 0 without evidence."""

    force: float = Field(description="of a single force, from arrivals above 0.3 Hz and waves near 1 Hz")
    explosion: float = Field(
        description="of an explosion or collapse, from Love against Rayleigh waves, mb - Ms, first motions, depth, and waveforms of 28 to "
        "150 s"
    )
    landslide: float | None = Field(
        description="of a landslide, from waves near 1 Hz and impulsive arrivals; null where they are not measured"
    )


class ClassifyResult(_Rounded):
    """Result of POST /events/classify."""

    kind: Literal["classify"] = "classify"
    event_type: AnsweredType = Field(
        description="earthquake (tectonic), glacial (glacial earthquake), other (an event that is neither), undetermined: no class "
        "reaches a probability of 0.8; or none: no event was detected"
    )
    probabilities: dict[str, float] = Field(description="of earthquake, glacial and other; they sum to 1; empty if no event was detected")
    reference_point: ReferencePoint | None = Field(
        description="null if no epicenter was found; the section then shows traces at their predicted distances"
    )
    traces_used: int = Field(description="number of traces with data in the section's window")
    model: ModelVersion
    out_of_distribution: bool = Field(description="whether the probability of other is above 0.2")
    novelty: float | None = Field(
        description="distance of the record section from the training sections; 97 % of the sections of earthquakes are below 1; null "
        "if no event was detected"
    )
    detection: DetectionResult | None = Field(None, description="null in results of versions before detection")
    evidence: ClassEvidence | None = Field(None, description="physical evidence of the class besides the record section")


class Ellipse(_Rounded):
    """Confidence ellipse of an epicenter."""

    semi_major_km: float = Field(description="kilometers")
    semi_minor_km: float = Field(description="kilometers")
    azimuth_deg: float = Field(description="azimuth of the major axis, degrees clockwise from north, 0 to 180")
    confidence_level: float = Field(description="percent")


class Epicenter(_Rounded):
    """An epicenter with its 68 and 90 % confidence regions."""

    latitude: float = Field(description="degrees")
    longitude: float = Field(description="degrees")
    horizontal_uncertainty_km: float = Field(description="radius of the circle that holds the epicenter with 68 %")
    ellipse: Ellipse = Field(description="confidence ellipse of 68 %")
    outer_ellipse: Ellipse | None = Field(None, description="confidence ellipse of 90 %")


class DistanceEstimate(_Rounded):
    """Epicentral distance predicted from one trace, and the back azimuth measured at its station."""

    trace: str = Field(description="network.station.location.channel")
    distance_deg: float = Field(description="predicted epicentral distance, degrees")
    distance_uncertainty_deg: float = Field(
        description="one standard deviation; where the residual exceeds the joint deviation of prediction and epicentral distance, "
        "sqrt(residual_deg² - epicentral_distance_uncertainty_deg²), so that it covers the residual"
    )
    epicentral_distance_deg: float | None = Field(
        None,
        description="distance of the station from the located epicenter, degrees, on a sphere by geographic latitudes; null without "
        "coordinates",
    )
    epicentral_distance_uncertainty_deg: float | None = Field(
        None, description="one standard deviation: that of the epicenter's region along the azimuth of the station; null as the distance"
    )
    residual_deg: float | None = Field(
        description="epicentral distance of the located epicenter minus distance_deg; null without coordinates"
    )
    azimuth_deg: float | None = Field(None, description="azimuth from the epicenter to the station, degrees clockwise from north")
    back_azimuth_deg: float | None = Field(
        None, description="back azimuth from polarization analysis of the station's three components, degrees; null if not determined"
    )
    back_azimuth_uncertainty_deg: float | None = Field(None, description="68 % half-width")
    used: bool = Field(
        description="whether the epicentral distance is within four of the network's own standard deviations of distance_deg; other "
        "distances hardly weigh on the location"
    )


class ArrivalEstimate(_Rounded):
    """A pick associated with a phase, in locations by arrival times."""

    trace: str = Field(description="network.station.location.channel")
    phase: str = Field(description="P, Pg, PKP, PKPbc, PKPab, S, Sg, pP, sP, PP, or LR: the peak of the 20 to 50 s Rayleigh-wave envelope")
    time: AwareDatetime = Field(description="time of the pick, UTC")
    residual_s: float = Field(
        description="observed minus predicted time; predicted by ak135 at geocentric latitudes, for LR by one group velocity, for "
        "epicenter, time and depth of the answer; where no depth is stated, for the source that fits the arrival times best"
    )
    uncertainty_s: float = Field(description="one standard deviation of pick and travel time together")
    pick_uncertainty_s: float | None = Field(None, description="one standard deviation of the pick alone; null for LR")
    distance_deg: float | None = Field(None, description="as epicentral_distance_deg of the station")
    azimuth_deg: float | None = Field(None, description="azimuth from the epicenter to the station, degrees clockwise from north")


class Centroid(_Rounded):
    """Epicenter (mean of the posterior) and time of the source by the inversion of waveforms."""

    latitude: float = Field(description="degrees")
    longitude: float = Field(description="degrees")
    horizontal_uncertainty_km: float = Field(description="radius of the circle of 68 % probability")
    time: AwareDatetime = Field(description="UTC")
    time_uncertainty_s: float = Field(description="one standard deviation")


class SourceTrace(_Rounded):
    """Fit of one trace, 28 to 150 s: correlation, and shift of the observed waves after the synthetic ones."""

    trace: str = Field(description="network.station.location.channel")
    distance_deg: float = Field(description="from the best fitting source, which is near the centroid, by geocentric latitudes")
    azimuth_deg: float = Field(description="at that source, clockwise from north")
    correlation: float = Field(description="of the Rayleigh waves, 0 to 1")
    shift_s: float = Field(description="of the Rayleigh waves")
    body_correlation: float | None = Field(None, description="of the body waves; null where they have no window of their own")
    body_shift_s: float | None = Field(None, description="of the body waves")
    love_correlation: float | None = Field(None, description="of the Love waves; null without horizontals")
    love_shift_s: float | None = Field(None, description="of the Love waves")


class DepthLikelihood(_Rounded):
    """Largest log likelihood of a moment tensor at a depth."""

    depth_km: float = Field(description="a depth of the tables")
    log_likelihood: float = Field(description="against noise")


class AzimuthLikelihood(_Rounded):
    """Largest log likelihood of a force along an azimuth."""

    azimuth_deg: float = Field(description="clockwise from north")
    log_likelihood: float = Field(description="against noise")


class SourceEstimate(_Rounded):
    """Source by the inversion of long-period waveforms: a moment tensor at depth, or a single force with its history."""

    kind: Literal["moment-tensor", "single-force"] = Field(description="of a tectonic or of a glacial earthquake")
    constrains: bool = Field(
        description="whether 3 traces fit, over more than 40 degrees of azimuth, with a log_likelihood of 30, and a moment tensor is at "
        "most 15 s later than the located origin; otherwise depth, force azimuth and epicenter of the answer do not rest on it"
    )
    log_likelihood: float = Field(description="against noise")
    variance_reduction: float = Field(description="fraction of the energy explained at free gains, 0 to 1")
    tensor: dict[str, float] | None = Field(
        None,
        description="rr, tt, pp, rt, rp, tp (r up, t south, p east) of scalar moment 1; null of a force, and where "
        "mechanism_uncertainty_deg is above 60",
    )
    mechanism_uncertainty_deg: float | None = Field(
        None, description="rotation (Kagan angle) of the double couple that holds the true one with 68 %, degrees; null of a force"
    )
    nodal_planes: list[dict[str, float]] = Field(
        [], description="strike, dip and rake (Aki & Richards) of the best double couple, degrees; empty as tensor is null"
    )
    double_couple: float | None = Field(None, description="fraction of the tensor that is a double couple, 0 to 1; the rest is CLVD")
    scalar_moment_n_m: float | None = Field(None, description="null where unknown, see amplitude_unknown")
    moment_magnitude: float | None = Field(None, description="Mw of the scalar moment")
    moment_magnitude_uncertainty: float | None = Field(
        None, description="standard deviation, by the scatter over stations and the error that they share"
    )
    force_amplitude_kg_m: float | None = Field(None, description="mass times distance: the force integrated twice; null where unknown")
    amplitude_unknown: str | None = Field(None, description="why there is neither scalar moment nor force amplitude")
    response: Literal["known", "assumed-velocity"] = Field(
        "known", description="assumed-velocity: most traces have none, and are taken for the velocity of broadband seismometers"
    )
    amplitude_traces: int = Field(0, description="traces with a response that moment or amplitude rest on")
    half_duration_s: float | None = Field(None, description="of the moment rate: 0, a point in time, is what the inversion supposes")
    depth_km: float | None = Field(None, description="depth of the moment tensor; null for a force")
    depth_uncertainty_km: float | None = Field(None, description="half the width of the interval about the depth that holds 68 %")
    sign_probability: float | None = Field(
        None, description="of the force's direction against the opposite one; null where responses are unknown"
    )
    force_duration_s: float | None = Field(None, description="duration of the single force; null for a moment tensor")
    centroid: Centroid | None = Field(None, description="of the inversion, whether or not the epicenter was moved to it")
    depth_profile: list[DepthLikelihood] = Field([], description="of a moment tensor, at 29 depths from 3.5 to 680 km")
    azimuth_profile: list[AzimuthLikelihood] = Field([], description="of a single force, every 10 degrees")
    traces: list[SourceTrace] = Field([], description="traces used: those whose Rayleigh waves correlate by 0.3 and more")
    correlations: dict[str, float] = Field({}, description="of the Rayleigh waves of each trace used")


class LocateResult(_Rounded):
    """Result of POST /events/locate. Without a detected event there is no epicenter, origin time, depth or force."""

    kind: Literal["locate"] = "locate"
    event_type: AnsweredType = Field(description="as for classify, or as given; if none, what follows from an event is null or empty")
    probabilities: dict[str, float] = Field(
        {}, description="of earthquake, glacial and other; they sum to 1; empty if no event was detected or the type was given"
    )
    epicenter: Epicenter | None = Field(description="null if no event was detected")
    alternatives: list[Epicenter] = Field([], description="other modes of the posterior, most probable first")
    origin_time: AwareDatetime | None = Field(description="null if no event was detected")
    origin_time_uncertainty_s: float | None = Field(description="one standard deviation")
    depth_km: float | None = Field(
        description="of an earthquake, or of an other event whose arrival times hold it; null where the class is glacial or undetermined"
    )
    depth_uncertainty_km: float | None = Field(description="half the width of the interval about the depth that holds 68 %")
    depth_interval_90_km: list[float] | None = Field(
        None,
        description="the two depths that enclose 90 %; much wider than the uncertainty where another depth is less probable but possible",
    )
    origin_time_depth_correlation: float | None = Field(
        None,
        description="correlation of the errors of origin time and depth, -1 to 1, where arrival times determine both: positive where a "
        "deeper source has a later origin",
    )
    force_azimuth_deg: float | None = Field(
        description="of a glacial earthquake: direction in which the horizontal force on the Earth acts first, degrees clockwise from "
        "north; null for others, and where records leave it open"
    )
    force_azimuth_uncertainty_deg: float | None = Field(description="one standard deviation")
    force_azimuth_ambiguous: bool | None = Field(description="whether the opposite direction fits nearly as well")
    offsets: list[DistanceEstimate] = Field(description="epicentral distances predicted from single traces")
    azimuthal_gap_deg: float | None = Field(description="null if no event was detected")
    method: str = Field(
        "distances",
        description="observations that the epicenter was located by: distances, distances+polarization (three-component stations), "
        "distances+array-slowness (plane waves across an array), distances+surface-wave-stack, distances+arrival-times, "
        "arrival-times (records too short for distances), waveform-inversion (of long-period waveforms), or none (no event was detected)",
    )
    arrivals: list[ArrivalEstimate] = Field([], description="the associated picks, in locations by arrival times")
    models: list[ModelVersion] = Field(description="the models that answered")
    detection: DetectionResult | None = Field(None, description="null in results of versions before detection")
    depth_method: str | None = Field(
        None, description="section, arrival-times, depth-phases, waveform-inversion, or some of them joined by +"
    )
    force_method: str | None = Field(None, description="beams (network) or waveform-inversion")
    source: SourceEstimate | None = Field(None, description="null if not inverted: class, distances or number of traces do not allow it")
    reference_point: ReferencePoint | None = Field(
        None, description="trial epicenter given in the submission, around which the record section for the class was drawn; null without"
    )


class LocatedEvent(Contract):
    """One of many events: its location, or the problem of its data."""

    event: str = Field(description="name of the folder or file")
    result: LocateResult | None = Field(description="null where the event has a problem")
    problem: Problem | None = Field(description="why the event has no result")


class LocateManyResult(Contract):
    """Result of POST /events/locate with many=true, in the order of the archive."""

    kind: Literal["locate_many"] = "locate_many"
    events: list[LocatedEvent] = Field(description="one entry for each folder or file")
    located: int = Field(description="number of events with a result")


class Assignment(_Rounded):
    """Assignment of one event to a family."""

    event: str = Field(description="name of the folder or file")
    cluster: int = Field(description="number of its family")
    confidence: float = Field(description="probability of this family among all, 0 to 1")
    outlier: bool = Field(
        False, description="whether the event is much further from the center of its family than the family's other events"
    )


class Selection(_Rounded):
    """Scores of one number of families k."""

    k: int = Field(description="number of families")
    loss: float = Field(description="cross-entropy in nats of the assignment, or of DeepCluster's classifier after fine-tuning")
    stability: float = Field(description="mean adjusted Rand index between clusterings with different seeds and subsets of the events")
    silhouette: float = Field(description="mean silhouette of the events, -1 to 1")
    gap: float | None = Field(None, description="gap statistic: log dispersion of reference data without clusters minus that of the events")
    excess: float | None = Field(None, description="silhouette minus that of data without clusters; the k with its maximum is chosen")


class Cluster(Contract):
    """One family of events."""

    cluster: int = Field(description="number of the family")
    size: int = Field(description="number of its events")
    representatives: list[str] = Field(description="events nearest its center")


class ClusterResult(_Rounded):
    """Result of POST /anomalies/cluster."""

    kind: Literal["cluster"] = "cluster"
    k: int = Field(description="number of families")
    k_of_smallest_loss: int | None = Field(None, description="k with the minimum loss")
    structure_found: bool = Field(description="whether k families fit better than events without structure would")
    assignments: list[Assignment] = Field(description="the family of each event")
    selection: list[Selection] = Field(description="scores of each number of families")
    clusters: list[Cluster] = Field(description="size and representatives of each family")
    model: ModelVersion
    fine_tuned: bool = Field(description="whether the embedding was trained on the upload")
