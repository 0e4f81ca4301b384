"""A location as QuakeML 1.2."""

import io
from collections.abc import Iterable
from math import sqrt
from statistics import median
from typing import Any, Final

from obspy import UTCDateTime
from obspy.core.event import (
    Arrival,
    Catalog,
    Comment,
    CreationInfo,
    Event,
    Origin,
    OriginQuality,
    OriginUncertainty,
    Pick,
    QuantityError,
    ResourceIdentifier,
    WaveformStreamID,
)

from workers.contracts import ArrivalEstimate, DistanceEstimate, JobRecord, LocateResult

QUAKEML_TYPES: Final = (("earthquake", "earthquake"), ("glacial", "ice quake"))
_KM_PER_DEG = 111.195
# IASPEI's name of an arrival that is not identified: an offset is read off the whole trace, not off one phase.
_WHOLE_TRACE = "x"


def quakeml(record: JobRecord, result: LocateResult) -> bytes:
    """
    One event of QuakeML 1.2 with one automatic origin.

    The schema has no place for a force nor for a second ellipse; both stand in comments. Each onset used is a pick and an
    arrival with its residual. An arrival of a whole trace's distance names the trace and points to no pick, for none was made.
    """
    origin = _origin(record, result)
    event = Event(
        resource_id=_smi(record, "event"),
        event_type=dict(QUAKEML_TYPES)[result.event_type],
        event_type_certainty="suspected",
        origins=[origin],
        picks=[_pick(record, row) for row in result.arrivals],
        comments=[_comment(record, text, "force") for text in _force(result)],
        creation_info=_creation(record),
        force_resource_id=False,
    )
    event.preferred_origin_id = origin.resource_id
    catalog = Catalog([event], resource_id=_smi(record, "catalog"), creation_info=_creation(record))
    buffer = io.BytesIO()
    catalog.write(buffer, format="QUAKEML", validate=False)
    return buffer.getvalue()


def _origin(record: JobRecord, result: LocateResult) -> Origin:
    epicenter = result.epicenter
    spread = epicenter.horizontal_uncertainty_km / _KM_PER_DEG
    return Origin(
        resource_id=_smi(record, "origin"),
        time=UTCDateTime(result.origin_time),
        time_errors=QuantityError(uncertainty=result.origin_time_uncertainty_s),
        latitude=epicenter.latitude,
        latitude_errors=QuantityError(uncertainty=spread),
        longitude=longitude_within_180(epicenter.longitude),
        longitude_errors=QuantityError(uncertainty=spread),
        **_depth(result),
        method_id=ResourceIdentifier(f"smi:local/seismic-atlas/method/{_said_by(result)}"),
        earth_model_id=ResourceIdentifier(f"smi:local/seismic-atlas/earth/{_said_by(result)}"),
        quality=_quality(result),
        origin_uncertainty=_uncertainty(result),
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        arrivals=[_arrival(record, row) for row in result.offsets] + _timed(record, result),
        comments=[_comment(record, text, "region") for text in _outer(result)],
        creation_info=_creation(record),
    )


def _depth(result: LocateResult) -> dict[str, Any]:
    if result.depth_km is None:
        return {}
    errors = QuantityError() if result.depth_uncertainty_km is None else QuantityError(uncertainty=1000.0 * result.depth_uncertainty_km)
    return {"depth": 1000.0 * result.depth_km, "depth_errors": errors, "depth_type": "other"}


def _uncertainty(result: LocateResult) -> OriginUncertainty:
    ellipse = result.epicenter.ellipse
    return OriginUncertainty(
        horizontal_uncertainty=1000.0 * result.epicenter.horizontal_uncertainty_km,
        min_horizontal_uncertainty=1000.0 * ellipse.semi_minor_km,
        max_horizontal_uncertainty=1000.0 * ellipse.semi_major_km,
        azimuth_max_horizontal_uncertainty=ellipse.azimuth_deg,
        preferred_description="uncertainty ellipse",
        confidence_level=ellipse.confidence_level,
    )


def _quality(result: LocateResult) -> OriginQuality:
    used = [offset for offset in result.offsets if offset.used]
    distances = [epicentral_deg(offset) for offset in used]
    stations = {tuple(offset.trace.split(".")[:2]) for offset in used}
    return OriginQuality(
        associated_phase_count=len(result.offsets) + len(result.arrivals),
        used_phase_count=len(used) + len(result.arrivals),
        associated_station_count=len({tuple(offset.trace.split(".")[:2]) for offset in result.offsets}),
        used_station_count=len(stations),
        standard_error=rms_s(result),
        azimuthal_gap=result.azimuthal_gap_deg,
        minimum_distance=min(distances, default=None),
        maximum_distance=max(distances, default=None),
        median_distance=median(distances) if distances else None,
    )


def _arrival(record: JobRecord, row: DistanceEstimate) -> Arrival:
    return Arrival(
        resource_id=_smi(record, f"arrival/{row.trace}"),
        pick_id=_smi(record, f"trace/{row.trace}"),
        phase=_WHOLE_TRACE,
        distance=epicentral_deg(row),
        azimuth=row.azimuth_deg,
        time_weight=float(row.used),
        comments=[_comment(record, _read(row), f"offset/{row.trace}")],
    )


def _read(row: DistanceEstimate) -> str:
    """What was read off a trace, in words."""
    distance = f"offset read: {row.distance_deg} +- {row.distance_uncertainty_deg} degrees"
    if row.back_azimuth_deg is None:
        return distance
    return f"{distance}; back azimuth by its own motion: {row.back_azimuth_deg} +- {row.back_azimuth_uncertainty_deg} degrees"


def _pick(record: JobRecord, row: ArrivalEstimate) -> Pick:
    network, station, location, channel = row.trace.split(".")
    return Pick(
        resource_id=_smi(record, f"pick/{row.trace}/{row.phase}"),
        time=UTCDateTime(row.time),
        time_errors=QuantityError(uncertainty=row.uncertainty_s),
        waveform_id=WaveformStreamID(network, station, location, channel),
        phase_hint=row.phase,
        evaluation_mode="automatic",
        creation_info=_creation(record),
    )


def _timed(record: JobRecord, result: LocateResult) -> list[Arrival]:
    """Arrivals of the onsets, where their stations stand."""
    places = {row.trace: row for row in result.offsets}
    return [
        Arrival(
            resource_id=_smi(record, f"arrival/{row.trace}/{row.phase}"),
            pick_id=_smi(record, f"pick/{row.trace}/{row.phase}"),
            phase=row.phase,
            distance=epicentral_deg(places[row.trace]) if row.trace in places else None,
            azimuth=places[row.trace].azimuth_deg if row.trace in places else None,
            time_residual=row.residual_s,
            time_weight=1.0,
        )
        for row in result.arrivals
    ]


def rms_s(result: LocateResult) -> float | None:
    """Root mean square of the residuals of the onsets in seconds; None where no onset was used."""
    squares = [row.residual_s**2 for row in result.arrivals]
    return sqrt(sum(squares) / len(squares)) if squares else None


def _outer(result: LocateResult) -> Iterable[str]:
    ellipse = result.epicenter.outer_ellipse
    if ellipse is not None:
        yield f"{ellipse.confidence_level:.0f} % ellipse: {1000.0 * ellipse.semi_major_km:.0f} by {1000.0 * ellipse.semi_minor_km:.0f} m"


def epicentral_deg(row: DistanceEstimate) -> float:
    """From the epicenter, where the station's place is known; else as read."""
    return row.distance_deg + (row.residual_deg or 0.0)


def _force(result: LocateResult) -> Iterable[str]:
    if result.force_azimuth_deg is not None:
        said = f"force azimuth {result.force_azimuth_deg:.1f} +- {result.force_azimuth_uncertainty_deg or 0.0:.1f} degrees"
        yield f"{said} clockwise from north{', or the opposite' if result.force_azimuth_ambiguous else ''}"


def _said_by(result: LocateResult) -> str:
    """The method and the versions of the models behind it, as the end of a resource id."""
    return "/".join([result.method, *(f"{model.name}-{model.version}" for model in result.models)])


def _comment(record: JobRecord, text: str, what: str) -> Comment:
    return Comment(text=text, resource_id=_smi(record, f"comment/{what}"))


def _smi(record: JobRecord, what: str) -> ResourceIdentifier:
    return ResourceIdentifier(f"smi:local/seismic-atlas/{record.id}/{what}")


def _creation(record: JobRecord) -> CreationInfo:
    return CreationInfo(author="seismic-atlas", creation_time=UTCDateTime(record.created_at))


def longitude_within_180(degrees: float) -> float:
    """Within -180 to 180."""
    return (degrees + 180.0) % 360.0 - 180.0
