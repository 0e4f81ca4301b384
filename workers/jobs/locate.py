"""POST /events/locate: where, when, how deep or which way?"""

import math
from datetime import UTC, datetime

from models.analysis.events import EventLocation, locate_event
from models.analysis.sections import reference_at
from models.seismic.posterior import Maximum
from models.seismic.waveforms import Gather
from workers.contracts import Ellipse, Epicenter, LocateResult, OffsetReading
from workers.jobs import drawing
from workers.jobs.desk import Outcome, Task
from workers.jobs.reading import one_gather, trial_epicenter, unread, version_of
from workers.products import locate_products

CONFIDENCE_PERCENT = 68.0


def locate(task: Task) -> Outcome:
    """Raises what the reader raises, NoUsableTrace, TooFewStations, Canceled, Superseded."""
    gather, warnings = one_gather(task)
    given = task.record.submission.options.event_type
    found = locate_event(task.desk.models.models, gather, trial_epicenter(task), given, task.progress.part(0.0, 0.85))
    task.progress("draw", 0.86)
    result = _result(task, gather, found)
    return Outcome(result, warnings + unread(gather, found.readings), _figures(gather, found), locate_products(task.record, result))


def _figures(gather: Gather, found: EventLocation) -> dict[str, bytes]:
    readings, origin_s = found.readings, found.origin.time_s
    title = f"{found.event_type}{_depth_or_force(found)}"
    return {
        "section": drawing.section(gather, readings, reference_at(found.location), origin_s, title),
        "map": drawing.map_of(gather, readings, found.location, title),
        "offsets": drawing.offsets(gather, readings, origin_s, "predicted distances"),
    }


def _depth_or_force(found: EventLocation) -> str:
    if found.depth is not None:
        return f", {found.depth.depth_km:.0f} ± {found.depth.uncertainty_km:.0f} km deep"
    if found.force_azimuth is not None:
        opposite = " or the opposite" if found.force_azimuth.ambiguous else ""
        return f", force towards {found.force_azimuth.azimuth_deg:.0f}° ± {found.force_azimuth.uncertainty_deg:.0f}°{opposite}"
    return ""


def _result(task: Task, gather: Gather, found: EventLocation) -> LocateResult:
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
        models=[version_of(task, name) for name in names],
    )


def _epicenter(place: Maximum) -> Epicenter:
    ellipse = Ellipse(
        semi_major_km=place.semi_major_km,
        semi_minor_km=place.semi_minor_km,
        azimuth_deg=place.ellipse_azimuth_deg,
        confidence_level=CONFIDENCE_PERCENT,
    )
    return Epicenter(
        latitude=place.latitude_deg,
        longitude=place.longitude_deg,
        horizontal_uncertainty_km=place.horizontal_uncertainty_km,
        ellipse=ellipse,
    )


def _offsets(gather: Gather, found: EventLocation) -> list[OffsetReading]:
    """The traces that a distance was read from, in the gather's order."""
    readings, location = found.readings, found.location
    said = (readings.distances_deg, readings.uncertainties_deg, location.residuals_deg, location.used, readings.read)
    rows = zip(gather.trace_ids, *said, strict=True)
    return [
        OffsetReading(
            trace=str(trace),
            distance_deg=float(distance),
            distance_uncertainty_deg=float(uncertainty),
            residual_deg=None if math.isnan(residual) else float(residual),
            used=bool(used),
        )
        for trace, distance, uncertainty, residual, used, read in rows
        if read
    ]
