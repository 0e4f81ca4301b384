"""
The analysis of one event, from a conditioned gather to an answer: classify, locate, or embed.

Distances of the traces (offset network), epicenter, refinement by arrival times or waves, record section at the epicenter, and from it
class and depth, or force azimuth from beams.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from models.analysis.combine import DepthEstimate, OriginTime, set_origin_time
from models.analysis.depth import DepthDensity, measure_depth_phases
from models.analysis.distances import DistanceReadings, RecordsTooShort, predict_distances, read_distances
from models.analysis.event_class import (
    MIN_CLASS_PROBABILITY,
    NO_EVIDENCE,
    PhysicalEvidence,
    choose_class,
    doubt_class,
    weigh_classes,
)
from models.analysis.hypocenter import Hypocenter, combine_hypocenter, relocate_at_depth
from models.analysis.physical_evidence import collect_evidence
from models.analysis.refinement import Method, RefinedLocation, find_location
from models.analysis.sections import (
    SectionReference,
    draw_beam,
    draw_section,
    draw_source,
    find_reference,
    make_reference,
)
from models.analysis.station_subset import predict_distances_on_subset
from models.array_types import Floats32, Pictures
from models.errors import TooFewStations
from models.imaging.style import SectionStyle
from models.registry.inference import OnnxModel, Quantities
from models.seismic.association.arrivals import Arrival
from models.seismic.association.candidates import Candidates
from models.seismic.association.second_source import SecondSource
from models.seismic.depth_phases.likelihood import DepthPhases
from models.seismic.location.solution import Location
from models.seismic.source.solution import SourceSolution
from models.seismic.waveforms import Gather, Record
from models.specs.event_type import CLASSES, ClassAnswer, EventClass, EventType
from models.specs.pictures import DISTANCE_SECTION

Models = Mapping[str, OnnxModel]
ReportProgress = Callable[[str, float], None]
"""Called with stage and fraction done (0 to 1) before each stage; may raise to end the work."""

MIN_DISTURBING_RATIO: Final = 1.0 / 3.0  # of a second event's amplitude: half a magnitude less
MIN_SIGN_PROBABILITY: Final = 0.9  # of a force's direction against the opposite one; below it the azimuth is called ambiguous
MAX_FORCE_DEVIATION_DEG: Final = 40.0  # of an azimuth that is stated: 52 degrees is that of a direction of which nothing is known


@dataclass(frozen=True)
class Classification:
    """
    Class of an event, `undetermined` where none reaches a probability of 0.8, and the probabilities [0, 1] of all classes.

    `ood_score`: distance of the section from the training sections; above 1 it lies farther than nearly all sections of validation.
    `reference` is None where no epicenter was found and the section is drawn at predicted distances. `traces_used` counts the traces with
    data in the section's window. `second`: another event in the same records, which makes the class uncertain where its waves are
    at least a third as large. `begins_late`, `mislabeled`: see `RefinedLocation`; both make the class uncertain too.
    """

    event_type: ClassAnswer
    probabilities: dict[EventClass, float]
    ood_score: float
    readings: DistanceReadings
    reference: SectionReference | None
    traces_used: int
    evidence: PhysicalEvidence = NO_EVIDENCE
    second: SecondSource | None = None
    begins_late: bool = False
    mislabeled: bool = False

    @property
    def out_of_distribution(self) -> bool:
        """Whether the event may well be neither a tectonic nor a glacial earthquake: that has a probability above 0.2."""
        return self.probabilities["other"] > 1.0 - MIN_CLASS_PROBABILITY


@dataclass(frozen=True)
class ForceAzimuthEstimate:
    """
    Azimuth of a horizontal force in degrees clockwise from north, and its standard deviation modulo 180 degrees.

    `ambiguous` where the probability of the stated direction against the opposite one is below 0.9. `method`: by the network, which reads
    beams, or by the source inversion.
    """

    azimuth_deg: float
    uncertainty_deg: float
    ambiguous: bool
    method: Literal["beams", "waveform-inversion"] = "beams"

    @property
    def is_constrained(self) -> bool:
        """Whether the deviation excludes any direction, so that the azimuth is worth stating."""
        return self.uncertainty_deg <= MAX_FORCE_DEVIATION_DEG


@dataclass(frozen=True)
class EventLocation:
    """
    Epicenter and origin time, with the depth of an earthquake or the force azimuth of a glacial one (the other is None).

    An `other` event has a depth where arrival times hold one, an `undetermined` one has neither depth nor force azimuth.
    `depth_time_correlation`: of the errors of depth and origin time, None unless arrival times determine both. `method`, `arrivals`
    (empty where arrival times were not accepted) and `back_azimuths` are as in `RefinedLocation`; `candidates` are of the arrivals.
    `classification` is None where the class was given. `source`: see `models.analysis.source`, None before an inversion. `second`: another
    event in the same records. `depth_phases`: None where none were looked for. `depth_density`: that of the depth before an inversion.
    `begins_late`, `mislabeled`: see `RefinedLocation`; then no depth is read from the section, and with `mislabeled` no force.
    """

    event_type: ClassAnswer
    location: Location
    origin: OriginTime
    depth: DepthEstimate | None
    force_azimuth: ForceAzimuthEstimate | None
    readings: DistanceReadings
    classification: Classification | None
    depth_time_correlation: float | None = None
    method: Method = "distances"
    arrivals: tuple[Arrival, ...] = ()
    back_azimuths: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    source: SourceSolution | None = None
    second: SecondSource | None = None
    depth_phases: DepthPhases | None = None
    depth_density: DepthDensity | None = None
    begins_late: bool = False
    candidates: Candidates | None = None
    mislabeled: bool = False


def no_progress(stage: str, fraction: float) -> None:
    """Ignore the progress of an analysis."""


def classify_event(
    models: Models,
    gather: Gather,
    given: tuple[float, float] | None = None,
    progress: ReportProgress = no_progress,
    records: Sequence[Record] = (),
) -> Classification:
    """
    Classify an event as tectonic earthquake, glacial earthquake or other event from its record section and epicenter.

    Parameters
    ----------
    models, gather : mapping of str to OnnxModel, Gather
        Open models by name, of which "offset" and "event_type" are used; the conditioned records.
    given : tuple of float, optional
        Trial epicenter (latitude, longitude) in degrees to draw the section at; located from the records where omitted.
    progress : callable
        Called at the beginning of each stage; see `ReportProgress`.
    records : sequence of Record
        Original records in the gather's order. With them a located epicenter is refined by `refine_location`.

    Returns
    -------
    Classification
        Its readings have the origin time of the refinement, where that determines one.

    Raises
    ------
    NoUsableTrace
        If no trace has enough data in any window.

    """
    progress("offsets", 0.2)
    readings = read_distances(models["offset"], gather, records, predict_distances_on_subset)
    progress("search", 0.7)
    reference = None if given is None else SectionReference(*given, "given")
    refined: RefinedLocation | None = None
    if given is None or readings.withheld:
        refined = _find_location_if_any(records, gather, readings)
        if refined is not None:
            reference = reference or make_reference(refined.location)
            readings = set_origin_time(readings, refined.origin)
    progress("event type", 0.8)
    return _predict_class(models["event_type"], gather, readings, reference, refined, records)


def _find_location_if_any(records: Sequence[Record], gather: Gather, readings: DistanceReadings) -> RefinedLocation | None:
    """Locate as an answer to `locate` does; None where that fails: a class needs no epicenter."""
    try:
        return find_location(records, gather, readings)
    except (TooFewStations, RecordsTooShort) as error:
        if isinstance(error, RecordsTooShort) and not len(records):
            raise  # there is nothing to pick
        return None


def locate_event(
    models: Models,
    gather: Gather,
    given: tuple[float, float] | None = None,
    event_type: EventType | None = None,
    progress: ReportProgress = no_progress,
    records: Sequence[Record] = (),
) -> EventLocation:
    """
    Locate an event and determine its origin time, and at that epicenter its depth (earthquake) or force azimuth (glacial).

    Parameters
    ----------
    models : mapping of str to OnnxModel
        Open models by name; all but "families" may be used.
    gather : Gather
        The conditioned records.
    given : tuple of float, optional
        Trial epicenter (latitude, longitude) in degrees of the section that is classified; the located one where omitted.
    event_type : {"earthquake", "glacial"}, optional
        Class of the event; classified from its section where omitted.
    progress : callable
        Called at the beginning of each stage; see `ReportProgress`.
    records : sequence of Record
        Original records in the gather's order; without them the location uses predicted distances, array slowness and surface waves only.

    Raises
    ------
    NoUsableTrace
        If no trace has enough data in any window, and arrival times do not locate the event either.
    TooFewStations
        If fewer than two stations have coordinates and a predicted distance.

    """
    progress("offsets", 0.2)
    readings = read_distances(models["offset"], gather, records)
    progress("search", 0.6)
    refined = find_location(records, gather, readings)
    return predict_event(models, gather, readings, refined, given, event_type, progress, records)


def predict_event(
    models: Models,
    gather: Gather,
    readings: DistanceReadings,
    refined: RefinedLocation,
    given: tuple[float, float] | None = None,
    event_type: EventType | None = None,
    progress: ReportProgress = no_progress,
    records: Sequence[Record] = (),
) -> EventLocation:
    """
    Predict class, and depth or force azimuth, of an event whose location is already refined.

    Parameters
    ----------
    models, gather, readings, refined, given, event_type, progress, records
        As for `locate_event`; distances of all traces; the location and origin time that the pictures are drawn at.

    """
    reference, shown = make_reference(refined.location), set_origin_time(readings, refined.origin)
    classification: Classification | None = None
    answer: ClassAnswer | None = event_type
    if answer is None:
        progress("event type", 0.7)
        trial = reference if given is None else find_reference(gather, readings, given)
        classification = _predict_class(models["event_type"], gather, shown, trial, refined, records)
        answer = classification.event_type
    from_section, force_azimuth = _read_section(models, gather, shown, refined, answer, progress)
    phases = measure_depth_phases(records, gather, refined) if answer in {"earthquake", "other"} else None
    refined, hypocenter = _find_hypocenter(gather, readings, refined, from_section, answer, phases)
    return EventLocation(
        event_type=answer,
        location=refined.location,
        origin=hypocenter.origin,
        depth=hypocenter.depth,
        force_azimuth=force_azimuth,
        readings=readings,
        classification=classification,
        depth_time_correlation=hypocenter.correlation,
        method=refined.method,
        arrivals=refined.arrivals,
        back_azimuths=refined.back_azimuths,
        second=refined.second,
        depth_phases=phases,
        depth_density=hypocenter.density,
        begins_late=refined.begins_late,
        candidates=None if refined.arrival_solution is None else refined.arrival_solution.candidates,
        mislabeled=refined.mislabeled,
    )


def _find_hypocenter(
    gather: Gather,
    readings: DistanceReadings,
    refined: RefinedLocation,
    from_section: DepthEstimate | None,
    answer: ClassAnswer,
    phases: DepthPhases | None,
) -> tuple[RefinedLocation, Hypocenter]:
    """Combine depth and origin time, of events without a section by arrival times alone, and locate once more where that is needed."""
    by_arrivals = answer == "other" or (answer == "earthquake" and not refined.begins_late)
    stations = (gather.latitudes_deg, gather.longitudes_deg)
    section, at_surface = None if refined.begins_late else from_section, answer == "glacial"
    found = combine_hypocenter(readings, refined, section, stations, depth_of_arrivals=by_arrivals, at_surface=at_surface, phases=phases)
    return relocate_at_depth(gather, readings, refined, found)


def _read_section(
    models: Models, gather: Gather, readings: DistanceReadings, refined: RefinedLocation, answer: ClassAnswer, progress: ReportProgress
) -> tuple[DepthEstimate | None, ForceAzimuthEstimate | None]:
    """Predict the depth of an earthquake or a constrained force azimuth of a glacial one, where traces are long enough to be drawn."""
    progress("force azimuth" if answer == "glacial" else "depth", 0.85)
    if readings.withheld or refined.mislabeled:
        return None, None
    reference = make_reference(refined.location)
    if answer == "earthquake":
        return predict_depth(models["depth"], gather, readings, reference), None
    if answer == "glacial":
        force = predict_force_azimuth(models["force_azimuth"], gather, readings, reference)
        return None, force if force.is_constrained else None
    return None, None


def embed_event(models: Models, gather: Gather) -> tuple[Floats32, Pictures]:
    """
    Compute the embedding [n] of an event with the families model, and draw its record section for display.

    The section stands at the located epicenter, or at predicted distances where stations are too few. Raises NoUsableTrace.
    """
    model, readings = models["families"], predict_distances(models["offset"], gather)
    reference = find_reference(gather, readings)
    section = draw_section(DISTANCE_SECTION, gather, readings, reference)
    style = model.spec.style
    picture = draw_source(style, gather, readings, reference) if style.kind == "source" else section
    return np.asarray(model.run(picture[None])["embedding"][0]), section


def predict_depth(model: OnnxModel, gather: Gather, readings: DistanceReadings, reference: SectionReference) -> DepthEstimate:
    """Predict the depth of an earthquake from its record section at an epicenter."""
    outputs = _predict_scalars(model, draw_section(section_style(model), gather, readings, reference))
    return DepthEstimate(max(outputs["depth_km"], 0.0), outputs["depth_uncertainty_km"])


def predict_force_azimuth(
    model: OnnxModel, gather: Gather, readings: DistanceReadings, reference: SectionReference
) -> ForceAzimuthEstimate:
    """Predict the azimuth of a horizontal force from beams of trial forces at an epicenter; ValueError for a model of other pictures."""
    style = model.spec.style
    if style.kind != "beam":
        raise ValueError(f"model {model.name} reads pictures of kind {style.kind!r}, not 'beam'")
    outputs = _predict_scalars(model, draw_beam(style, gather, readings, reference))
    ambiguous = outputs["sign_probability"] < MIN_SIGN_PROBABILITY
    return ForceAzimuthEstimate(outputs["force_azimuth_deg"] % 360.0, outputs["force_azimuth_uncertainty_deg"], ambiguous)


def section_style(model: OnnxModel) -> SectionStyle:
    """Return the style of a model that reads record sections; ValueError for a model of other pictures."""
    if model.spec.style.kind != "section":
        raise ValueError(f"model {model.name} reads pictures of kind {model.spec.style.kind!r}, not 'section'")
    return model.spec.style


def _predict_class(
    model: OnnxModel,
    gather: Gather,
    readings: DistanceReadings,
    reference: SectionReference | None,
    refined: RefinedLocation | None,
    records: Sequence[Record],
) -> Classification:
    """Class probabilities of the network (equal ones without a section), weighed with prior odds and with what it does not show."""
    outputs: Quantities = {"probabilities": np.full((1, len(CLASSES)), 1.0 / len(CLASSES), np.float32), "novelty": np.zeros(1, np.float32)}
    if not readings.withheld:
        outputs = model.run(draw_section(section_style(model), gather, readings, reference)[None])
    arrivals, second = (None, None) if refined is None else (refined.arrival_solution, refined.second)
    evidence = collect_evidence(records, gather, readings, reference, arrivals)
    probabilities = weigh_classes(outputs["probabilities"][0].astype(np.float64), reference, evidence)
    is_disturbed = second is not None and (second.amplitude_ratio is None or second.amplitude_ratio >= MIN_DISTURBING_RATIO)
    begins_late, mislabeled = refined is not None and refined.begins_late, refined is not None and refined.mislabeled
    if is_disturbed or begins_late or mislabeled:
        probabilities = doubt_class(probabilities)
    return Classification(
        event_type=choose_class(probabilities),
        probabilities=probabilities,
        ood_score=float(outputs["novelty"][0]),
        readings=readings,
        reference=reference,
        traces_used=int(readings.live.sum()),
        evidence=evidence,
        second=second,
        begins_late=begins_late,
        mislabeled=mislabeled,
    )


def _predict_scalars(model: OnnxModel, picture: Pictures) -> dict[str, float]:
    return {name: float(values[0]) for name, values in model.run(picture[None]).items()}
