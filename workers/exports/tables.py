"""Conversion of results to GeoJSON and CSV, and the formats of each kind of result."""

import csv
import io
import json
from collections.abc import Iterable

from workers.contracts import ClassifyResult, ClusterResult, JobRecord, LocateResult
from workers.exports.quakeml import QUAKEML_TYPES, epicentral_distance_deg, longitude_within_180, quakeml, rms_s


def locate_products(record: JobRecord, result: LocateResult) -> dict[str, bytes]:
    """Return a location by format: QuakeML, GeoJSON and CSV."""
    return {"quakeml": quakeml(record, result), "geojson": geojson(record, result), "csv": distances_csv(result)}


def classify_products(result: ClassifyResult) -> dict[str, bytes]:
    """Return a classification by format: CSV with a row a class."""
    rows = [(name, f"{probability:.6f}") for name, probability in result.probabilities.items()]
    return {"csv": _write_csv(("event_type", "probability"), rows)}


def cluster_products(result: ClusterResult) -> dict[str, bytes]:
    """Return a clustering by format: CSV with a row an event."""
    rows = [(assigned.event, assigned.cluster, f"{assigned.confidence:.6f}") for assigned in result.assignments]
    return {"csv": _write_csv(("event", "cluster", "confidence"), rows)}


def distances_csv(result: LocateResult) -> bytes:
    """Return the epicentral distances as CSV with a row a trace, in degrees."""
    names = ("trace", "distance_deg", "distance_uncertainty_deg", "residual_deg", "azimuth_deg", "back_azimuth_deg", "used")
    return _write_csv(names, [[getattr(estimate, name) for name in names] for estimate in result.offsets])


def geojson(record: JobRecord, result: LocateResult) -> bytes:
    """
    Return a location as a GeoJSON Feature (RFC 7946) with a Point of longitude and latitude in WGS 84.

    Depth is a property, because a third coordinate would be a height in meters. Properties are the fields of the USGS feeds
    (times in POSIX milliseconds, `dmin` and `gap` in degrees, `rms` in seconds, null without arrival times; `mag` is null)
    and this service's own fields.
    """
    fields = result.model_dump(mode="json", exclude={"offsets", "alternatives", "arrivals", "epicenter"})
    uncertainty = result.epicenter.model_dump(mode="json", exclude={"latitude", "longitude"})
    kind = dict(QUAKEML_TYPES)[result.event_type] or "event"
    used = [estimate for estimate in result.offsets if estimate.used]
    properties = {
        **fields,
        **uncertainty,
        "title": f"{kind} at {_format_epicenter(result)}",
        "type": kind,
        "mag": None,
        "magType": None,
        "place": None,
        "time": round(result.origin_time.timestamp() * 1000),
        "updated": round(record.created_at.timestamp() * 1000),
        "nst": len(used),
        "dmin": min((epicentral_distance_deg(estimate) for estimate in used), default=None),
        "rms": rms_s(result),
        "gap": result.azimuthal_gap_deg,
        "status": "automatic",
        "net": "atlas",
        "code": record.id,
    }
    point = [longitude_within_180(result.epicenter.longitude), result.epicenter.latitude]
    feature = {"type": "Feature", "id": record.id, "geometry": {"type": "Point", "coordinates": point}, "properties": properties}
    return json.dumps(feature, allow_nan=False).encode()


def _format_epicenter(result: LocateResult) -> str:
    """Return the epicenter as text, as in 3.30°N, 164.02°W."""
    latitude, longitude = result.epicenter.latitude, longitude_within_180(result.epicenter.longitude)
    return f"{abs(latitude):.2f}°{'N' if latitude >= 0 else 'S'}, {abs(longitude):.2f}°{'E' if longitude >= 0 else 'W'}"


def _write_csv(names: Iterable[str], rows: Iterable[Iterable[object]]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(names)
    writer.writerows(rows)
    return buffer.getvalue().encode()
