"""Results in the formats of other programs: GeoJSON, CSV, and QuakeML (in `quakeml`)."""

import csv
import io
import json
from collections.abc import Iterable

from workers.contracts import ClassifyResult, ClusterResult, JobRecord, LocateResult
from workers.exports.quakeml import QUAKEML_TYPES, epicentral_deg, longitude_within_180, quakeml, rms_s


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
    names = ("trace", "distance_deg", "distance_uncertainty_deg", "residual_deg", "azimuth_deg", "back_azimuth_deg", "used")
    return _csv(names, [[getattr(row, name) for name in names] for row in result.offsets])


def geojson(record: JobRecord, result: LocateResult) -> bytes:
    """
    An RFC 7946 Feature: longitude and latitude in WGS 84; depth is a property, for a third coordinate would be a height in meters.

    Properties have the names of the USGS's feeds where those have one (times in milliseconds, `dmin` and `gap` in degrees, `rms`
    in seconds, null without times; there is no magnitude), and this service's own beside them.
    """
    said = result.model_dump(mode="json", exclude={"offsets", "alternatives", "arrivals", "epicenter"})
    uncertainty = result.epicenter.model_dump(mode="json", exclude={"latitude", "longitude"})
    kind = dict(QUAKEML_TYPES)[result.event_type]
    used = [offset for offset in result.offsets if offset.used]
    properties = {
        **said,
        **uncertainty,
        "title": f"{kind} at {_written(result)}",
        "type": kind,
        "mag": None,
        "magType": None,
        "place": None,
        "time": round(result.origin_time.timestamp() * 1000),
        "updated": round(record.created_at.timestamp() * 1000),
        "nst": len(used),
        "dmin": min((epicentral_deg(offset) for offset in used), default=None),
        "rms": rms_s(result),
        "gap": result.azimuthal_gap_deg,
        "status": "automatic",
        "net": "atlas",
        "code": record.id,
    }
    point = [longitude_within_180(result.epicenter.longitude), result.epicenter.latitude]
    feature = {"type": "Feature", "id": record.id, "geometry": {"type": "Point", "coordinates": point}, "properties": properties}
    return json.dumps(feature, allow_nan=False).encode()


def _written(result: LocateResult) -> str:
    """The epicenter as people write it."""
    latitude, longitude = result.epicenter.latitude, longitude_within_180(result.epicenter.longitude)
    return f"{abs(latitude):.2f}°{'N' if latitude >= 0 else 'S'}, {abs(longitude):.2f}°{'E' if longitude >= 0 else 'W'}"


def _csv(names: Iterable[str], rows: Iterable[Iterable[object]]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(names)
    writer.writerows(rows)
    return buffer.getvalue().encode()
