"""
The evaluator: events whose truth is known, through the serving chain, one `EventResult` each.

Everything that is reported of the served models as a whole (cards, pages, calibration of regions, summary) is a function of a sequence of
these results. Results are kept in `build/evaluation`, so that pages are written again without locating again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from models.analysis.detection import detect_event
from models.analysis.distances import DistanceReadings, predict_distances
from models.analysis.event_class import probability_at_ice_sheets
from models.analysis.pipeline import (
    Classification,
    EventLocation,
    Models,
    classify_event,
    locate_event,
    predict_depth,
    predict_event,
    predict_force_azimuth,
)
from models.analysis.refinement import refine_location
from models.analysis.sections import locate_by_readings, make_reference
from models.analysis.source import add_source
from models.array_types import Floats
from models.errors import TooFewStations, UnusableData
from models.imaging.conditioning import condition
from models.registry.earth_tables import load_earths
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.seismic.geodesy import KM_PER_DEGREE, distance_deg
from models.seismic.location.geometry_scales import HYPOCENTER_KEY, REGIONS_KEY
from models.seismic.location.region_calibration import scale_to_contain
from models.seismic.location.regions import EpicenterRegion
from models.seismic.location.solution import Location
from models.seismic.source.greens_tables import GreensTables
from models.seismic.waveforms import Gather, Record
from models.specs.event_type import EVENT_CLASSES
from models.specs.index import MODELS
from models.specs.pictures import CONDITIONING
from training.config import TrainingSettings
from training.evaluation.event_result import NAN, EpicenterResult, EventResult, ResultCache, Results, TraceResults, Truth, describe_models
from training.evaluation.event_sources import EventSource, LabeledEvent
from training.processes import map_in_processes
from training.synthesis.signal_to_noise import signal_to_noise

MIN_GROUP_VELOCITY_KM_S = 3.0
"""Slowest Rayleigh waves at the periods of the pictures."""


@dataclass(frozen=True)
class Switches:
    """Parts of the serving chain that can be switched off to measure what they contribute."""

    calibrated: bool = True
    """Enlarge regions and deviations by the factors in the card of the distance model."""
    surface_waves: bool = True
    """Use the surface-wave stack where it decides."""

    def label(self) -> str:
        """Suffix for a file name that tells which parts are off."""
        return ("" if self.calibrated else "-uncalibrated") + ("" if self.surface_waves else "-without-surface-waves")


AS_SERVED = Switches()


def open_models(settings: TrainingSettings, *, calibrated: bool = True) -> Models:
    """Open every served model, by name; optionally without the calibration of regions, depths and origin times."""
    store = open_store(settings.artifacts_dir)
    models = {spec.name: OnnxModel.load(store, spec) for spec in MODELS}
    if not calibrated:
        card = models["offset"].card
        kept = {name: value for name, value in card.calibration.items() if name not in (REGIONS_KEY, HYPOCENTER_KEY)}
        models["offset"] = replace(models["offset"], card=card.model_copy(update={"calibration": kept}))
    return models


def evaluate(source: EventSource, settings: TrainingSettings, switches: Switches = AS_SERVED) -> Iterator[EventResult]:
    """
    Classify and locate the events of a source, in order, and yield one result for each that could be read.

    Events are evaluated by `settings.processes` processes; results of an earlier run with the same events, weights and switches are
    read from the cache. Events without a usable trace are left out.
    """
    behavior = {"events": source.describe(), "models": describe_models(settings.artifacts_dir, calibrated=switches.calibrated)}
    cache = ResultCache(settings.build_dir / "evaluation" / f"{source.name}{switches.label()}.jsonl", behavior)
    known: Results = {key: row and EventResult.parse(row) for key, row in cache.read().items()}
    batches = source.batches(settings)
    missing = [rest for batch in batches if (rest := tuple(key for key in batch if key not in known))]
    for results in _evaluate_batches(source, settings, switches, missing):
        cache.append(results)
        known |= results
    yield from (result for batch in batches for key in batch if (result := known[key]) is not None)


def _evaluate_batches(
    source: EventSource, settings: TrainingSettings, switches: Switches, batches: Sequence[tuple[str, ...]]
) -> Iterator[Results]:
    work = partial(_evaluate_batch, source, settings, switches)
    return map_in_processes(work, batches, settings.processes, "evaluated", "batch")


def _evaluate_batch(source: EventSource, settings: TrainingSettings, switches: Switches, keys: tuple[str, ...]) -> Results:
    models, earths = open_models(settings, calibrated=switches.calibrated), load_earths(settings.artifacts_dir)
    return {key: evaluate_event(models, event, switches, earths) for key, event in source.load(keys, settings)}


def evaluate_event(
    models: Models, event: LabeledEvent, switches: Switches = AS_SERVED, earths: Mapping[str, GreensTables] | None = None
) -> EventResult | None:
    """
    Detect, classify and locate one event as the service does, with the source inversion where `earths` are given.

    An event that is not detected is located all the same, so that the result says what was left out; it is only classified where stations
    are too few. None where no trace can be read.
    """
    try:
        gather = condition(event.records, CONDITIONING)
        detection = detect_event(event.records, gather, models["offset"])
        try:
            located = add_source(_locate(models, gather, event.records, switches), gather, event.records, earths or {})
            classification = located.classification
        except TooFewStations:
            located, classification = None, classify_event(models, gather, records=event.records)
    except UnusableData:
        return None
    if classification is None:
        raise ValueError("an event whose type was not given has been located without a classification")
    answer = {} if located is None else _collect_answers(models, gather, located, classification, event.truth)
    readings = classification.readings if located is None else located.readings
    true_deg = distance_deg(event.truth.latitude_deg, event.truth.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)
    return EventResult(
        truth=event.truth,
        tested_by=event.tested_by,
        stations=int(readings.has_distance.sum()),
        horizontals=sum(record.horizontals is not None for record in event.records),
        traces=_compare_readings(gather, readings, true_deg, event.truth),
        probabilities=tuple(classification.probabilities[name] for name in EVENT_CLASSES),
        ood_score=classification.ood_score,
        fraction_in_window=measure_window_fraction(gather, true_deg, event.truth.origin_time_s),
        detected=detection.detected,
        false_alarm_probability=detection.false_alarm_probability,
        **answer,
    )


def _compare_readings(gather: Gather, readings: DistanceReadings, true_deg: Floats, truth: Truth) -> TraceResults:
    """Compare the readings of the traces with the truth, at the true distances [traces]."""
    return TraceResults(
        true_deg=true_deg,
        predicted_deg=readings.distances_deg,
        sigma_deg=readings.uncertainties_deg,
        origin_errors_s=readings.origin_times_s - truth.origin_time_s,
        snr=signal_to_noise(gather, true_deg, truth.depth_km, truth.origin_time_s),
        latitudes_deg=gather.latitudes_deg,
        longitudes_deg=gather.longitudes_deg,
    )


def _collect_answers(
    models: Models, gather: Gather, located: EventLocation, classification: Classification, truth: Truth
) -> dict[str, Any]:
    """Fields of the result of a located event."""
    reference, force = make_reference(located.location), located.force_azimuth
    answers = {
        "method": located.method,
        "epicenter": compare_location(located.location, truth),
        "by_distances": compare_location(locate_by_readings(gather, located.readings), truth),
        "origin_error_s": located.origin.time_s - truth.origin_time_s,
        "origin_sigma_s": located.origin.uncertainty_s,
        "depth_km": NAN if located.depth is None else located.depth.depth_km,
        "depth_sigma_km": NAN if located.depth is None else located.depth.uncertainty_km,
        "force_azimuth_deg": NAN if force is None else force.azimuth_deg,
        "force_azimuth_sigma_deg": NAN if force is None else force.uncertainty_deg,
        "force_azimuth_ambiguous": force is not None and force.ambiguous,
        "probability_at_ice": probability_at_ice_sheets(reference),
    }
    if truth.kind == "earthquake":
        depth = predict_depth(models["depth"], gather, classification.readings, reference)
        answers |= {"network_depth_km": depth.depth_km, "network_depth_sigma_km": depth.uncertainty_km}
    if truth.kind == "glacial":
        azimuth = predict_force_azimuth(models["force_azimuth"], gather, classification.readings, reference)
        answers |= {"network_force_azimuth_deg": azimuth.azimuth_deg, "network_force_azimuth_sigma_deg": azimuth.uncertainty_deg}
    return answers


def _locate(models: Models, gather: Gather, records: Sequence[Record], switches: Switches) -> EventLocation:
    """Locate as the service does, or without the surface-wave stack."""
    if switches.surface_waves:
        return locate_event(models, gather, records=records)
    readings = predict_distances(models["offset"], gather)
    by_distances = locate_by_readings(gather, readings)
    return predict_event(models, gather, readings, refine_location(records, gather, readings, by_distances, use_surface_waves=False))


def compare_location(location: Location, truth: Truth) -> EpicenterResult:
    """Compare a location with the truth; of its preferred and alternative regions the one counts that contains the truth most easily."""
    point = (truth.latitude_deg, truth.longitude_deg)
    regions: tuple[EpicenterRegion, ...] = (location, *location.alternatives)
    return EpicenterResult(
        error_km=float(distance_deg(*point, location.latitude_deg, location.longitude_deg)) * KM_PER_DEGREE,
        uncertainty_km=location.horizontal_uncertainty_km,
        gap_deg=location.azimuthal_gap_deg,
        effective_stations=location.effective_stations,
        scale_68=min(scale_to_contain(region, *point) for region in regions),
        scale_90=min(scale_to_contain(region, *point) / region.axis_ratio_90 for region in regions),
    )


def measure_window_fraction(gather: Gather, distances_deg: Floats, origin_s: float) -> float:
    """Fraction of the stations whose slowest surface waves arrive before the gather ends; NaN without an origin time."""
    arrivals_s = origin_s + distances_deg[np.isfinite(distances_deg)] * KM_PER_DEGREE / MIN_GROUP_VELOCITY_KM_S
    return float(np.mean(arrivals_s <= gather.start_time_s + gather.duration_s)) if np.isfinite(origin_s) else NAN
