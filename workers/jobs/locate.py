"""Job of POST /events/locate: locate an event, with its origin time and its depth or force azimuth."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from models.analysis.clocks import find_clock_errors
from models.analysis.detection import Detection, detect_event
from models.analysis.hypocenter import MAX_DEPTH_ERROR_KM, MIN_SECTION_STATIONS, associate_with_answer
from models.analysis.pipeline import EventLocation, locate_event
from models.analysis.sections import make_reference
from models.analysis.source import add_source
from models.array_types import Floats
from models.seismic.data_issues import DataIssue, join_names
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, distance_deg
from models.seismic.location.reading_deviations import find_distance_deviations, widen_deviations
from models.seismic.location.regions import CONFIDENCE, CONFIDENCE_90, EpicenterRegion
from models.seismic.waveforms import Gather, Record
from workers.contracts import DataWarning
from workers.exports.tables import locate_products
from workers.jobs import figures
from workers.jobs.context import JobContext, JobOutput
from workers.jobs.detection import answer_no_event, late_warnings, mislabeled_warnings, to_detection_result, two_events_warnings
from workers.jobs.inputs import read_one_event, to_warnings, unread_warnings
from workers.jobs.source_answer import describe_inversion, name_depth_methods
from workers.jobs.source_figures import draw_inversion, write_waveform_fit
from workers.plots.depth_phases import depth_phases_figure
from workers.results import ArrivalEstimate, DistanceEstimate, Ellipse, Epicenter, LocateResult, ReferencePoint

MAX_SEMI_AXIS_KM = 180.0 * KM_PER_DEGREE


def locate_job(job: JobContext) -> JobOutput:
    """Locate the event of a submission, if one is detected; raises as `read_one_event` does, and TooFewStations, Canceled, Superseded."""
    agency = job.worker.settings.agency_id
    records, gather, warnings = read_one_event(job)
    job.progress("detect", 0.14)
    detection = detect_event(records, gather, job.worker.models.models["offset"])
    if not detection.detected:
        job.progress("draw", 0.5)
        noise = _describe_noise(detection)
        return answer_no_event(gather, detection, warnings, noise, locate_products(job.record, noise, agency))
    event_type = job.record.submission.options.event_type
    progress = job.progress.section(0.0, 0.85)
    found = locate_event(job.worker.models.models, gather, job.trial_epicenter(), event_type, progress, records)
    job.progress("source", 0.86)
    found = add_source(found, gather, records, job.worker.models.earths)
    job.progress("draw", 0.9)
    result = _to_result(job, gather, found, detection)
    return JobOutput(
        result,
        warnings
        + unread_warnings(gather, found.readings)
        + contradiction_warnings(gather, found)
        + clock_warnings(records, gather, found)
        + late_warnings(begins_late=found.begins_late)
        + mislabeled_warnings(mislabeled=found.mislabeled)
        + source_warnings(found)
        + two_events_warnings(found.second, found.origin.time_s),
        _draw_figures(gather, found) | draw_inversion(gather, found),
        locate_products(job.record, result, agency),
        {"section": _write_section(gather, records, found)} | write_waveform_fit(gather, found),
    )


def contradiction_warnings(gather: Gather, found: EventLocation) -> list[DataWarning]:
    """
    Return a data warning (code `contradicting-distances`) that names the traces whose distances contradict the location, if any do.

    None where there is no location that they could contradict, of records that carry the codes of other stations.
    """
    readings, location = found.readings, found.location
    contradicting = readings.has_distance & ~location.used & np.isfinite(location.residuals_deg)
    if found.mislabeled or not contradicting.any():
        return []
    names = join_names([str(gather.trace_ids[index]) for index in np.flatnonzero(contradicting)])
    count = f"{contradicting.sum()} of {readings.has_distance.sum()}"
    detail = (
        f"the distances of {count} traces contradict the location and are not used ({names}); "
        "check the coordinates and clocks of these stations, and whether the records hold other events"
    )
    return to_warnings([DataIssue(None, None, "contradicting-distances", detail)])


def clock_warnings(records: Sequence[Record], gather: Gather, found: EventLocation) -> list[DataWarning]:
    """Return a data warning (code `contradicting-times`) for each trace whose waves fit the event at another time than it states."""
    issues = []
    for one in find_clock_errors(records, gather, found):
        error = f"{abs(one.shift_s):.0f} s too {'late' if one.shift_s > 0.0 else 'early'}"
        detail = f"its waves fit the event if its times are {error}; its arrivals are not used; check its clock, time zone and coordinates"
        issues.append(DataIssue(str(gather.trace_ids[one.trace_index]), None, "contradicting-times", detail))
    return to_warnings(issues)


def source_warnings(found: EventLocation) -> list[DataWarning]:
    """Return a data warning (code `no-depth-or-force`) for an event that has neither a depth nor a force azimuth, if none else says why."""
    if found.mislabeled or found.depth is not None or found.force_azimuth is not None:
        return []
    detail = _explain_missing(found)
    return [] if detail is None else to_warnings([DataIssue(None, None, "no-depth-or-force", detail)])


def _explain_missing(found: EventLocation) -> str | None:
    """Say why an event has neither a depth nor a force azimuth, and how to get one; None where its class was given."""
    if found.event_type == "earthquake" and found.begins_late:
        return "no depth is stated: the records begin after the first arrivals; send records from some minutes before P"
    if found.event_type == "earthquake" and found.readings.withheld:
        limit = f"arrival times alone do not hold it to within {MAX_DEPTH_ERROR_KM:.0f} km"
        return f"no depth is stated: {limit}; send nearer stations, or longer records"
    if found.event_type == "earthquake" and found.readings.live.sum() >= MIN_SECTION_STATIONS:
        return (
            "no depth is stated: the waveforms by which the event is an earthquake do not constrain its depth; to have it read from the "
            "record section, state event_type=earthquake"
        )
    if found.event_type == "earthquake":
        read = f"it is read from record sections of at least {MIN_SECTION_STATIONS} stations"
        return f"no depth is stated: {read}, or from arrival times that hold it to within {MAX_DEPTH_ERROR_KM:.0f} km; send more stations"
    if found.event_type == "glacial":
        return (
            "no force azimuth is stated: the records do not constrain the direction of the force; send more stations on all sides of the "
            "epicenter, with horizontal components and instrument responses"
        )
    if found.classification is None:
        return None
    shares = ", ".join(f"{name} {probability:.2f}" for name, probability in found.classification.probabilities.items())
    reason = "neither an earthquake nor a glacial earthquake is probable enough to state a depth or a force azimuth"
    return f"{reason} ({shares}); to get one all the same, state event_type=earthquake or event_type=glacial"


def _describe_noise(detection: Detection) -> LocateResult:
    """Return the result where no event was detected: nothing that an event would have."""
    return LocateResult(
        event_type="none",
        epicenter=None,
        origin_time=None,
        origin_time_uncertainty_s=None,
        depth_km=None,
        depth_uncertainty_km=None,
        force_azimuth_deg=None,
        force_azimuth_uncertainty_deg=None,
        force_azimuth_ambiguous=None,
        offsets=[],
        azimuthal_gap_deg=None,
        method="none",
        models=[],
        detection=to_detection_result(detection),
    )


def _draw_figures(gather: Gather, found: EventLocation) -> dict[str, bytes]:
    readings, origin_s = found.readings, found.origin.time_s
    title = f"{figures.EVENT_NAMES[found.event_type]}{_describe_depth_or_force(found)}"
    drawn = {
        "section": figures.draw_event_section(
            gather, readings, make_reference(found.location), origin_s, title, found.depth.depth_km if found.depth else 0.0
        ),
        "map": figures.draw_map(gather, readings, found.location, title, found.back_azimuths),
    }
    if found.depth is not None and found.depth_phases is not None:
        stated = (found.depth.depth_km, found.depth.uncertainty_km)
        rests_on = (name_depth_methods(found) or "").replace("-", " ").replace("+", ", ")
        drawn["depth_phases"] = depth_phases_figure(found.depth_phases, stated, rests_on)
    if readings.withheld:
        return drawn
    return drawn | {
        "offsets": figures.draw_distances(gather, readings, origin_s, "Predicted distances"),
        "residuals": figures.draw_residuals(gather, readings, found.location, "Residuals of the predicted distances"),
    }


def _write_section(gather: Gather, records: Sequence[Record], found: EventLocation) -> bytes:
    reference, depth_km = make_reference(found.location), found.depth.depth_km if found.depth else 0.0
    return figures.write_event_section(gather, records, found.readings, reference, found.origin.time_s, depth_km)


def _describe_depth_or_force(found: EventLocation) -> str:
    if found.depth is not None:
        return f", depth {found.depth.depth_km:.0f} ± {found.depth.uncertainty_km:.0f} km"
    if found.force_azimuth is not None:
        opposite = " or opposite" if found.force_azimuth.ambiguous else ""
        return f", force azimuth {found.force_azimuth.azimuth_deg:.0f}° ± {found.force_azimuth.uncertainty_deg:.0f}°{opposite}"
    return ""


def _to_result(job: JobContext, gather: Gather, found: EventLocation, detection: Detection) -> LocateResult:
    depth, force = found.depth, found.force_azimuth
    names = ["offset", *(["event_type"] if found.classification else [])]
    names += {"earthquake": ["depth"], "glacial": ["force_azimuth"]}.get(found.event_type, [])
    names = [] if found.readings.withheld else names
    return LocateResult(
        event_type=found.event_type,
        probabilities=dict(found.classification.probabilities) if found.classification else {},
        epicenter=_epicenter(found.location),
        alternatives=[_epicenter(other) for other in found.location.alternatives],
        origin_time=datetime.fromtimestamp(found.origin.time_s, UTC),
        origin_time_uncertainty_s=found.origin.uncertainty_s,
        depth_km=depth.depth_km if depth else None,
        depth_uncertainty_km=depth.uncertainty_km if depth else None,
        depth_interval_90_km=list(depth.interval_90_km) if depth and depth.interval_90_km else None,
        origin_time_depth_correlation=found.depth_time_correlation,
        force_azimuth_deg=force.azimuth_deg if force else None,
        force_azimuth_uncertainty_deg=force.uncertainty_deg if force else None,
        force_azimuth_ambiguous=force.ambiguous if force else None,
        offsets=state_distances(gather, found),
        azimuthal_gap_deg=found.location.azimuthal_gap_deg,
        method=found.method,
        arrivals=state_arrivals(gather, found),
        models=[job.model_version(name) for name in names],
        detection=to_detection_result(detection),
        depth_method=name_depth_methods(found),
        force_method=force.method if force else None,
        source=describe_inversion(gather, found),
        reference_point=state_trial_epicenter(found),
    )


def state_trial_epicenter(found: EventLocation) -> ReferencePoint | None:
    """Return the trial epicenter that the section for the class was drawn around; None where none was given, or the class was."""
    reference = None if found.classification is None else found.classification.reference
    if reference is None or reference.source != "given":
        return None
    return ReferencePoint(latitude=reference.latitude_deg, longitude=reference.longitude_deg, source=reference.source)


def state_arrivals(gather: Gather, found: EventLocation) -> list[ArrivalEstimate]:
    """
    Return the associated picks with distances and azimuths of their stations from the located epicenter.

    Phases and residuals are those of the stated hypocenter; where no depth is stated, those of the source that fits arrival times best.
    None where the epicenter and time of the answer are others, those of a force by the waveforms, from which residuals would differ.
    """
    if found.method == "waveform-inversion":
        return []
    stations = (found.location.latitude_deg, found.location.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)
    distances, azimuths = distance_deg(*stations), azimuth_deg(*stations)
    arrivals = found.arrivals
    if found.candidates is not None and found.depth is not None:
        arrivals = associate_with_answer(found.candidates, arrivals, found.location, found.origin, found.depth)
    return [
        ArrivalEstimate(
            trace=str(gather.trace_ids[arrival.trace_index]),
            phase=arrival.phase,
            time=datetime.fromtimestamp(arrival.time_s, UTC),
            residual_s=arrival.residual_s,
            uncertainty_s=arrival.uncertainty_s,
            pick_uncertainty_s=arrival.pick_uncertainty_s or None,
            distance_deg=float(distances[arrival.trace_index]),
            azimuth_deg=float(azimuths[arrival.trace_index]),
        )
        for arrival in arrivals
    ]


def _epicenter(region: EpicenterRegion) -> Epicenter:
    ellipse_68, ellipse_90 = (
        Ellipse(
            semi_major_km=min(scale * region.semi_major_km, MAX_SEMI_AXIS_KM),
            semi_minor_km=min(scale * region.semi_minor_km, MAX_SEMI_AXIS_KM),
            azimuth_deg=region.ellipse_azimuth_deg,
            confidence_level=100.0 * level,
        )
        for scale, level in ((1.0, CONFIDENCE), (region.axis_ratio_90, CONFIDENCE_90))
    )
    return Epicenter(
        latitude=region.latitude_deg,
        longitude=region.longitude_deg,
        horizontal_uncertainty_km=region.horizontal_uncertainty_km,
        ellipse=ellipse_68,
        outer_ellipse=ellipse_90,
    )


def state_distances(gather: Gather, found: EventLocation) -> list[DistanceEstimate]:
    """Return the estimates of the traces that a distance was read from, in the order of the gather."""
    readings, location = found.readings, found.location
    stations = (location.latitude_deg, location.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)
    azimuths = azimuth_deg(*stations)
    deviations = find_distance_deviations(location, azimuths)
    columns = {
        "distance_deg": readings.distances_deg,
        "distance_uncertainty_deg": widen_deviations(readings.uncertainties_deg, location.residuals_deg, deviations),
        "epicentral_distance_deg": distance_deg(*stations),
        "epicentral_distance_uncertainty_deg": deviations,
        "residual_deg": location.residuals_deg,
        "azimuth_deg": azimuths,
    }
    return [_state_distance(gather, found, index, columns) for index in np.flatnonzero(readings.has_distance).tolist()]


def _state_distance(gather: Gather, found: EventLocation, index: int, columns: dict[str, Floats]) -> DistanceEstimate:
    """Return the estimate of one trace; a value that is not known is None."""
    values = {name: float(column[index]) for name, column in columns.items()}
    back_azimuth, uncertainty = found.back_azimuths.get(index, (None, None))
    return DistanceEstimate.model_validate(
        {name: None if math.isnan(value) else value for name, value in values.items()}
        | {
            "trace": str(gather.trace_ids[index]),
            "back_azimuth_deg": back_azimuth,
            "back_azimuth_uncertainty_deg": uncertainty,
            "used": bool(found.location.used[index]),
        }
    )
