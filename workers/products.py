"""Results in the formats of other programs: QuakeML 1.2, GeoJSON, CSV."""

import csv
import io
import json
from collections.abc import Iterable
from statistics import median
from typing import Any

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
    QuantityError,
    ResourceIdentifier,
)

from workers.contracts import ClassifyResult, ClusterResult, JobRecord, LocateResult, OffsetReading

_KM_PER_DEG = 111.195
_QUAKEML_TYPES = (("earthquake", "earthquake"), ("glacial", "ice quake"))
# IASPEI's name of an arrival that is not identified: an offset is read off the whole trace, not off one phase.
_WHOLE_TRACE = "x"


def locate_products(record: JobRecord, result: LocateResult) -> dict[str, bytes]:
    """A location by format."""
    return {"quakeml": quakeml(record, result), "geojson": geojson(record, result), "csv": offsets_csv(result)}


def classify_products(result: ClassifyResult) -> dict[str, bytes]:
    """A classification by format."""
    rows = [(name, f"{value:.6f}") for name, value in result.probabilities.items()]
    return {"csv": _csv(("event_type", "probability"), rows)}


def cluster_products(result: ClusterResult) -> dict[str, bytes]:
    """A clustering by format."""
    rows = [(row.event, row.cluster, f"{row.confidence:.6f}") for row in result.assignments]
    return {"csv": _csv(("event", "cluster", "confidence"), rows)}


def offsets_csv(result: LocateResult) -> bytes:
    """The offset of each trace, a row a trace, degrees."""
    names = ("trace", "distance_deg", "distance_uncertainty_deg", "residual_deg", "used")
    return _csv(names, [[getattr(row, name) for name in names] for row in result.offsets])


def geojson(record: JobRecord, result: LocateResult) -> bytes:
    """An RFC 7946 Feature: longitude and latitude in WGS 84; depth is a property, for a third coordinate would be a height in meters."""
    said = result.model_dump(mode="json", exclude={"offsets", "alternatives", "epicenter"})
    uncertainty = result.epicenter.model_dump(mode="json", exclude={"latitude", "longitude"})
    properties = {
        **said,
        **uncertainty,
        "type": dict(_QUAKEML_TYPES)[result.event_type],
        "time": round(result.origin_time.timestamp() * 1000),
        "nst": sum(offset.used for offset in result.offsets),
        "gap": result.azimuthal_gap_deg,
        "status": "automatic",
    }
    point = [_longitude(result.epicenter.longitude), result.epicenter.latitude]
    feature = {"type": "Feature", "id": record.id, "geometry": {"type": "Point", "coordinates": point}, "properties": properties}
    return json.dumps(feature, allow_nan=False).encode()


def quakeml(record: JobRecord, result: LocateResult) -> bytes:
    """
    One event of QuakeML 1.2 with one automatic origin.

    The schema has no place for a force; its azimuth stands in a comment. An arrival names its trace and its distance from
    the epicenter, and points to no pick, for none was made.
    """
    origin = _origin(record, result)
    event = Event(
        resource_id=_smi(record, "event"),
        event_type=dict(_QUAKEML_TYPES)[result.event_type],
        event_type_certainty="suspected",
        origins=[origin],
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
        longitude=_longitude(epicenter.longitude),
        longitude_errors=QuantityError(uncertainty=spread),
        **_depth(result),
        method_id=ResourceIdentifier(f"smi:local/seismic-atlas/method/{_said_by(result)}"),
        earth_model_id=ResourceIdentifier(f"smi:local/seismic-atlas/earth/{_said_by(result)}"),
        quality=_quality(result),
        origin_uncertainty=_uncertainty(result),
        evaluation_mode="automatic",
        evaluation_status="preliminary",
        arrivals=[_arrival(record, row) for row in result.offsets],
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
    distances = [_distance_deg(offset) for offset in used]
    stations = {tuple(offset.trace.split(".")[:2]) for offset in used}
    return OriginQuality(
        associated_phase_count=len(result.offsets),
        used_phase_count=len(used),
        associated_station_count=len({tuple(offset.trace.split(".")[:2]) for offset in result.offsets}),
        used_station_count=len(stations),
        azimuthal_gap=result.azimuthal_gap_deg,
        minimum_distance=min(distances, default=None),
        maximum_distance=max(distances, default=None),
        median_distance=median(distances) if distances else None,
    )


def _arrival(record: JobRecord, row: OffsetReading) -> Arrival:
    return Arrival(
        resource_id=_smi(record, f"arrival/{row.trace}"),
        pick_id=_smi(record, f"trace/{row.trace}"),
        phase=_WHOLE_TRACE,
        distance=_distance_deg(row),
        time_weight=float(row.used),
        comments=[_comment(record, f"offset read: {row.distance_deg} +- {row.distance_uncertainty_deg} degrees", f"offset/{row.trace}")],
    )


def _distance_deg(row: OffsetReading) -> float:
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


def _longitude(degrees: float) -> float:
    """Within -180 to 180."""
    return (degrees + 180.0) % 360.0 - 180.0


def _csv(names: Iterable[str], rows: Iterable[Iterable[object]]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(names)
    writer.writerows(rows)
    return buffer.getvalue().encode()
