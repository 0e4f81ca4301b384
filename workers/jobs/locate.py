"""POST /events/locate: where, when, how deep or which way?"""

import math
from datetime import UTC, datetime

from models.analysis.pipeline import EventLocation, locate_event
from models.analysis.sections import make_reference
from models.seismic.association.arrivals import Arrival
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg
from models.seismic.location.regions import CONFIDENCE, CONFIDENCE_90, EpicenterRegion
from models.seismic.waveforms import Gather
from workers.contracts import ArrivalEstimate, DistanceEstimate, Ellipse, Epicenter, LocateResult
from workers.exports.tables import locate_products
from workers.jobs import figures
from workers.jobs.context import JobContext, JobOutput
from workers.jobs.inputs import read_one_event, trial_epicenter, unread_warnings, version_of

HALF_WAY_KM = 180.0 * KM_PER_DEGREE


def locate_job(task: JobContext) -> JobOutput:
    """Raises what the reader raises, NoUsableTrace, TooFewStations, Canceled, Superseded."""
    records, gather, warnings = read_one_event(task)
    given = task.record.submission.options.event_type
    found = locate_event(task.desk.models.models, gather, trial_epicenter(task), given, task.progress.part(0.0, 0.85), records)
    task.progress("draw", 0.86)
    result = _result(task, gather, found)
    return JobOutput(
        result, warnings + unread_warnings(gather, found.readings), _figures(gather, found), locate_products(task.record, result)
    )


def _figures(gather: Gather, found: EventLocation) -> dict[str, bytes]:
    readings, origin_s = found.readings, found.origin.time_s
    title = f"{found.event_type}{_depth_or_force(found)}"
    return {
        "section": figures.draw_section(
            gather, readings, make_reference(found.location), origin_s, title, found.depth.depth_km if found.depth else 0.0
        ),
        "map": figures.draw_map(gather, readings, found.location, title, found.back_azimuths),
        "offsets": figures.draw_distances(gather, readings, origin_s, "predicted distances"),
        "residuals": figures.draw_residuals(gather, readings, found.location, "residuals of the predicted distances"),
    }


def _depth_or_force(found: EventLocation) -> str:
    if found.depth is not None:
        return f", {found.depth.depth_km:.0f} ± {found.depth.uncertainty_km:.0f} km deep"
    if found.force_azimuth is not None:
        opposite = " or the opposite" if found.force_azimuth.ambiguous else ""
        return f", force towards {found.force_azimuth.azimuth_deg:.0f}° ± {found.force_azimuth.uncertainty_deg:.0f}°{opposite}"
    return ""


def _result(task: JobContext, gather: Gather, found: EventLocation) -> LocateResult:
    depth, force = found.depth, found.force_azimuth
    names = ["offset", *(["event_type"] if found.classification else []), "depth" if depth else "force_azimuth"]
    return LocateResult(
        event_type=found.event_type,
        epicenter=_epicenter(found.location),
        alternatives=[_epicenter(other) for other in found.location.alternatives],
        origin_time=datetime.fromtimestamp(found.origin.time_s, UTC),
        origin_time_uncertainty_s=found.origin.uncertainty_s,
        depth_km=depth.depth_km if depth else None,
        depth_uncertainty_km=depth.uncertainty_km if depth else None,
        force_azimuth_deg=force.azimuth_deg if force else None,
        force_azimuth_uncertainty_deg=force.uncertainty_deg if force else None,
        force_azimuth_ambiguous=force.ambiguous if force else None,
        offsets=_offsets(gather, found),
        azimuthal_gap_deg=found.location.azimuthal_gap_deg,
        method=found.method,
        arrivals=[_arrival(gather, arrival) for arrival in found.arrivals],
        models=[version_of(task, name) for name in names],
    )


def _arrival(gather: Gather, arrival: Arrival) -> ArrivalEstimate:
    return ArrivalEstimate(
        trace=str(gather.trace_ids[arrival.trace_index]),
        phase=arrival.phase,
        time=datetime.fromtimestamp(arrival.time_s, UTC),
        residual_s=arrival.residual_s,
        uncertainty_s=arrival.uncertainty_s,
    )


def _epicenter(place: EpicenterRegion) -> Epicenter:
    inner, outer = (
        Ellipse(
            semi_major_km=min(times * place.semi_major_km, HALF_WAY_KM),
            semi_minor_km=min(times * place.semi_minor_km, HALF_WAY_KM),
            azimuth_deg=place.ellipse_azimuth_deg,
            confidence_level=100.0 * level,
        )
        for times, level in ((1.0, CONFIDENCE), (place.outer, CONFIDENCE_90))
    )
    return Epicenter(
        latitude=place.latitude_deg,
        longitude=place.longitude_deg,
        horizontal_uncertainty_km=place.horizontal_uncertainty_km,
        ellipse=inner,
        outer_ellipse=outer,
    )


def _offsets(gather: Gather, found: EventLocation) -> list[DistanceEstimate]:
    """The traces that a distance was read from, in the gather's order."""
    readings, location = found.readings, found.location
    azimuths = azimuth_deg(location.latitude_deg, location.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)
    said = (readings.distances_deg, readings.uncertainties_deg, location.residuals_deg, azimuths, location.used, readings.has_distance)
    back = [found.back_azimuths.get(place, (None, None)) for place in range(len(gather.trace_ids))]
    rows = zip(gather.trace_ids, back, *said, strict=True)
    return [
        DistanceEstimate(
            trace=str(trace),
            distance_deg=float(distance),
            distance_uncertainty_deg=float(uncertainty),
            residual_deg=None if math.isnan(residual) else float(residual),
            azimuth_deg=None if math.isnan(azimuth) else float(azimuth),
            back_azimuth_deg=towards[0],
            back_azimuth_uncertainty_deg=towards[1],
            used=bool(used),
        )
        for trace, towards, distance, uncertainty, residual, azimuth, used, read in rows
        if read
    ]
