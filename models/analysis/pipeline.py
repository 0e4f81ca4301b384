"""What one event was and where: the chain of readings from a conditioned gather to an answer, in the words of the field."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from models.analysis.class_prior import tectonic_prior_odds
from models.analysis.distances import DistanceReadings, OriginTime, combine_origin_times, predict_distances
from models.analysis.refinement import Method, RefinedLocation, combine_depths, has_short_period_arrivals, with_origin
from models.analysis.sections import (
    SectionReference,
    draw_beam,
    draw_section,
    draw_source,
    find_reference,
    locate_by_readings,
    make_reference,
)
from models.analysis.station_subset import TO_CLASSIFY, predict_distances_on_subset, refine_on_subset
from models.imaging.style import SectionStyle
from models.registry.inference import OnnxModel
from models.seismic.association.arrivals import Arrival
from models.seismic.association.locate import ArrivalTimeSolution
from models.seismic.location.distances import Location
from models.seismic.waveforms import Gather, Record
from models.specs.event_type import CLASSES
from models.specs.pictures import DISTANCE_SECTION

EventType = Literal["earthquake", "glacial"]
Models = Mapping[str, OnnxModel]
Progress = Callable[[str, float], None]

# Glacial earthquakes radiate next to nothing above 0.3 Hz (their forces last 30 s and more), which is why catalogs of short-period
# arrivals missed them (Ekstrom, Nettles & Abers 2003, doi:10.1126/science.1088057): first arrivals heard there at five stations or
# more are that much likelier tectonic.
SHORT_PERIOD_ODDS: Final = 20.0

# A force azimuth whose direction is less sure than this against the opposite one is called ambiguous.
MIN_SIGN_PROBABILITY: Final = 0.9


@dataclass(frozen=True)
class Classification:
    """
    `probabilities` by class; `novelty` above 1 is further from the training sections than nearly all of validation.

    `reference` is None where no epicenter was found and the section is drawn at the offsets. `traces_used` counts the traces
    with data in the section's window.
    """

    event_type: EventType
    probabilities: dict[str, float]
    novelty: float
    out_of_distribution: bool
    readings: DistanceReadings
    reference: SectionReference | None
    traces_used: int


@dataclass(frozen=True)
class DepthEstimate:
    """Kilometers below the surface, and one standard deviation."""

    depth_km: float
    uncertainty_km: float


@dataclass(frozen=True)
class ForceAzimuthEstimate:
    """Degrees clockwise from north, one standard deviation modulo 180; ambiguous where the opposite direction may be true."""

    azimuth_deg: float
    uncertainty_deg: float
    ambiguous: bool


@dataclass(frozen=True)
class EventLocation:
    """
    Where and when, and the depth of an earthquake or the force azimuth of a glacial one (the other is None).

    `method` says what the epicenter rests on; `arrivals` are those of the times, none where only offsets were used;
    `back_azimuths` as in `Refined`.
    """

    event_type: EventType
    location: Location
    origin: OriginTime
    depth: DepthEstimate | None
    force_azimuth: ForceAzimuthEstimate | None
    readings: DistanceReadings
    classification: Classification | None
    method: Method = "offsets"
    arrivals: tuple[Arrival, ...] = ()
    back_azimuths: Mapping[int, tuple[float, float]] = field(default_factory=dict)


def no_progress(stage: str, share: float) -> None:
    """Progress that nobody watches."""


def classify_event(
    models: Models,
    gather: Gather,
    given: tuple[float, float] | None = None,
    progress: Progress = no_progress,
    records: Sequence[Record] = (),
) -> Classification:
    """
    Tectonic or glacial, from the section at the given epicenter (latitude, longitude) or the predicted one.

    `records` are the original ones in the gather's order; with them the predicted epicenter rests on times as well, and the
    readings returned have the origin time that these say.
    `progress(stage, share done)` is called before each stage and may raise to end the work. Raises NoUsableTrace.
    """
    progress("offsets", 0.2)
    readings = predict_distances_on_subset(models["offset"], gather)
    progress("search", 0.7)
    reference, timed = find_reference(gather, readings, given), None
    if given is None and reference is not None and reference.location is not None:
        refined = refine_on_subset(records, gather, readings, reference.location, TO_CLASSIFY)
        reference, timed = make_reference(refined.location), refined.timed
        readings = with_origin(readings, refined.origin)
    progress("event type", 0.8)
    return _classify(models["event_type"], gather, readings, reference, _tectonic_odds(timed))


def locate_event(
    models: Models,
    gather: Gather,
    given: tuple[float, float] | None = None,
    event_type: EventType | None = None,
    progress: Progress = no_progress,
    records: Sequence[Record] = (),
) -> EventLocation:
    """
    Epicenter and origin time from offsets and arrival times; at that epicenter depth from the section, or force azimuth from the beams.

    `records` are the original ones in the gather's order; without them the offsets alone are used. The class is taken as given,
    or read off the section at the given or predicted epicenter first. `progress(stage, share done)` is called before each stage
    and may raise to end the work. Raises NoUsableTrace, TooFewStations.
    """
    progress("offsets", 0.2)
    readings = predict_distances(models["offset"], gather)
    progress("search", 0.6)
    refined = refine_on_subset(records, gather, readings, locate_by_readings(gather, readings))
    return predict_event(models, gather, readings, refined, given, event_type, progress)


def predict_event(
    models: Models,
    gather: Gather,
    readings: DistanceReadings,
    refined: RefinedLocation,
    given: tuple[float, float] | None = None,
    event_type: EventType | None = None,
    progress: Progress = no_progress,
) -> EventLocation:
    """What the sections at a refined epicenter and origin time say; arguments as of `post_locate`."""
    location, timed = refined.location, refined.timed
    found, shown = make_reference(location), with_origin(readings, refined.origin)
    classification = None
    if event_type is None:
        progress("event type", 0.7)
        trial = found if given is None else find_reference(gather, readings, given)
        classification = _classify(models["event_type"], gather, shown, trial, _tectonic_odds(timed))
        event_type = classification.event_type
    progress("depth" if event_type == "earthquake" else "force azimuth", 0.85)
    return EventLocation(
        event_type=event_type,
        location=location,
        origin=refined.origin or combine_origin_times(readings),
        depth=_depth(models["depth"], gather, shown, found, timed) if event_type == "earthquake" else None,
        force_azimuth=predict_force_azimuth(models["force_azimuth"], gather, shown, found) if event_type == "glacial" else None,
        readings=readings,
        classification=classification,
        method=refined.method,
        arrivals=() if timed is None else timed.arrivals,
        back_azimuths=refined.back_azimuths,
    )


def _depth(
    model: OnnxModel, gather: Gather, readings: DistanceReadings, reference: SectionReference, timed: ArrivalTimeSolution | None
) -> DepthEstimate:
    """What the section and the times say of the depth, each with the weight of its own uncertainty."""
    read = predict_depth(model, gather, readings, reference)
    if timed is None:
        return read
    both = ((read.depth_km, read.uncertainty_km), (timed.depth_km, timed.depth_uncertainty_km))
    return DepthEstimate(*combine_depths(*both))


def embed_event(models: Models, gather: Gather) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Embedding [n] of an unlabelled event, and its section for people: at the predicted epicenter, or at the offsets."""
    model, readings = models["families"], predict_distances(models["offset"], gather)
    reference = find_reference(gather, readings)
    section = draw_section(DISTANCE_SECTION, gather, readings, reference)
    style = model.spec.style
    picture = draw_source(style, gather, readings, reference) if style.kind == "source" else section
    return np.asarray(model.run(picture[None])["embedding"][0]), section


def predict_depth(model: OnnxModel, gather: Gather, readings: DistanceReadings, reference: SectionReference) -> DepthEstimate:
    """Depth from the section at an epicenter."""
    said = _scalars(model, draw_section(section_style(model), gather, readings, reference))
    return DepthEstimate(max(said["depth_km"], 0.0), said["depth_uncertainty_km"])


def predict_force_azimuth(
    model: OnnxModel, gather: Gather, readings: DistanceReadings, reference: SectionReference
) -> ForceAzimuthEstimate:
    """Force azimuth from the beams of trial forces at an epicenter; ValueError for a model that reads something else."""
    style = model.spec.style
    if style.kind != "beam":
        raise ValueError(f"{model.name} reads no beams")
    said = _scalars(model, draw_beam(style, gather, readings, reference))
    ambiguous = said["sign_probability"] < MIN_SIGN_PROBABILITY
    return ForceAzimuthEstimate(said["force_azimuth_deg"] % 360.0, said["force_azimuth_uncertainty_deg"], ambiguous)


def section_style(model: OnnxModel) -> SectionStyle:
    """The style of a model that reads sections; ValueError for another."""
    if model.spec.style.kind != "section":
        raise ValueError(f"{model.name} reads traces, not sections")
    return model.spec.style


def _tectonic_odds(timed: ArrivalTimeSolution | None) -> float:
    """How much likelier the arrivals are of a tectonic than of a glacial earthquake."""
    return SHORT_PERIOD_ODDS if has_short_period_arrivals(timed) else 1.0


def _classify(
    model: OnnxModel, gather: Gather, readings: DistanceReadings, reference: SectionReference | None, tectonic_odds: float
) -> Classification:
    said = model.run(draw_section(section_style(model), gather, readings, reference)[None])
    odds = tectonic_odds * tectonic_prior_odds(reference)
    weights = np.where(np.array(CLASSES) == "earthquake", odds, 1.0) * said["probabilities"][0]
    probabilities = dict(zip(CLASSES, (weights / weights.sum()).tolist(), strict=True))
    novelty = float(said["novelty"][0])
    return Classification(
        event_type=cast(EventType, max(CLASSES, key=probabilities.__getitem__)),
        probabilities=probabilities,
        novelty=novelty,
        out_of_distribution=novelty > 1.0,
        readings=readings,
        reference=reference,
        traces_used=int(readings.live.sum()),
    )


def _scalars(model: OnnxModel, picture: NDArray[np.uint8]) -> dict[str, float]:
    return {name: float(values[0]) for name, values in model.run(picture[None]).items()}
