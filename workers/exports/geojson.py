"""Conversion of a location to GeoJSON (RFC 7946): the epicenter, its ellipses, stations, and alternatives."""

import json
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from models.array_types import Floats
from models.seismic.geodesy import KM_PER_DEGREE, destination, wrap_longitude_deg
from workers.contracts import JobRecord
from workers.exports.quakeml import (
    QUAKEML_TYPES,
    count_stations,
    epicentral_distance_deg,
    region_name,
    rms_s,
    used_traces,
)
from workers.results import Ellipse, Epicenter, LocateResult
from workers.settings import DEFAULT_AGENCY

VERTICES: Final = 72
MAX_SEMI_MAJOR_KM: Final = 80.0 * KM_PER_DEGREE
"""Larger ellipses exclude next to nothing and are not drawn."""

DIGITS: Final = 4
"""Decimal places of coordinates in degrees: 11 m."""

_NO_PROPERTIES: Final[Any] = {
    **dict.fromkeys(("kind", "offsets", "alternatives", "arrivals", "epicenter"), True),
    "source": dict.fromkeys(("traces", "correlations", "depth_profile", "azimuth_profile"), True),
}

Feature = dict[str, Any]
Ring = list[list[float]]


def geojson(record: JobRecord, result: LocateResult, agency: str = DEFAULT_AGENCY) -> bytes:
    """
    Return a location as a FeatureCollection in WGS 84, whose features are distinguished by their property `kind`.

    `epicenter` comes first: a Point with the properties of the USGS feeds (times in POSIX milliseconds, `dmin` and `gap` in degrees, `rms`
    of body waves in seconds, null without arrival times; `mag` is the moment magnitude where waveforms constrain one, else null) and the
    fields of the result; nodal planes and tensor of the source stand flat besides (`strike1`, `mrr`; in N m where the moment is known).
    Then `ellipse` (Polygon or MultiPolygon, of 68 and 90 %), `station`, and each `alternative` with its own ellipses. Depth is a property,
    because a third coordinate would be a height in meters. Where no event was detected, the first feature is of kind `no-event` without a
    geometry, and the only one.

    Parameters
    ----------
    record
        The record of the job.
    result
        Its location.
    agency
        Agency id, the property `net`.

    """
    if result.epicenter is None:
        features = [_no_event_feature(record, result, agency)]
    else:
        features = [
            _epicenter_feature(record, result, result.epicenter, agency),
            *_ellipse_features(result.epicenter, None),
            *_station_features(result, result.epicenter),
            *(feature for number, place in enumerate(result.alternatives, start=1) for feature in _alternative_features(place, number)),
        ]
    return json.dumps({"type": "FeatureCollection", "features": features}, allow_nan=False).encode()


def _feature(kind: str, geometry: dict[str, Any] | None, **properties: object) -> Feature:
    return {"type": "Feature", "geometry": geometry, "properties": {"kind": kind, **properties}}


def _point(latitude: float, longitude: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [round(float(wrap_longitude_deg(longitude)), DIGITS), round(latitude, DIGITS)]}


def _no_event_feature(record: JobRecord, result: LocateResult, agency: str) -> Feature:
    detection = None if result.detection is None else result.detection.model_dump(mode="json")
    properties = {
        "title": "No event detected",
        "type": dict(QUAKEML_TYPES)[result.event_type],
        "event_type": result.event_type,
        "detection": detection,
        "updated": round(record.created_at.timestamp() * 1000),
        "status": "automatic",
        "net": agency,
        "code": record.id,
    }
    return {"id": record.id, **_feature("no-event", None, **properties)}


def _epicenter_feature(record: JobRecord, result: LocateResult, epicenter: Epicenter, agency: str) -> Feature:
    fields = result.model_dump(mode="json", exclude=_NO_PROPERTIES)
    uncertainty = epicenter.model_dump(mode="json", exclude={"latitude", "longitude"})
    kind = dict(QUAKEML_TYPES)[result.event_type] or "event"
    used = used_traces(result)
    place = region_name(epicenter.latitude, epicenter.longitude)
    properties = {
        **fields,
        **uncertainty,
        "title": f"{kind}, {place}",
        "type": kind,
        **_source_properties(result),
        "place": place,
        "coordinates": format_epicenter(epicenter),
        "time": None if result.origin_time is None else round(result.origin_time.timestamp() * 1000),
        "updated": round(record.created_at.timestamp() * 1000),
        "nst": count_stations(used),
        "dmin": min((distance for distance in used.values() if distance is not None), default=None),
        "rms": rms_s(result),
        "rms_surface_waves": rms_s(result, surface_waves=True),
        "gap": result.azimuthal_gap_deg,
        "status": "automatic",
        "net": agency,
        "code": record.id,
    }
    return {"id": record.id, **_feature("epicenter", _point(epicenter.latitude, epicenter.longitude), **properties)}


def _source_properties(result: LocateResult) -> dict[str, object]:
    """Magnitude, nodal planes and tensor of the source by waveforms, flat, as tables of GIS programs want them."""
    source = result.source
    if source is None or not source.constrains:
        return {"mag": None, "magType": None}
    magnitude = source.moment_magnitude
    planes = {f"{name}{number}": value for number, plane in enumerate(source.nodal_planes, start=1) for name, value in plane.items()}
    moment = source.scalar_moment_n_m or 1.0
    tensor = {f"m{name}": float(f"{moment * value:.6g}") for name, value in (source.tensor or {}).items()}
    return {"mag": magnitude, "magType": None if magnitude is None else "Mw", **planes, **tensor}


def _alternative_features(epicenter: Epicenter, number: int) -> Iterator[Feature]:
    place = region_name(epicenter.latitude, epicenter.longitude)
    uncertainty = epicenter.model_dump(mode="json", exclude={"latitude", "longitude"})
    yield _feature("alternative", _point(epicenter.latitude, epicenter.longitude), alternative=number, place=place, **uncertainty)
    yield from _ellipse_features(epicenter, number)


def _ellipse_features(epicenter: Epicenter, alternative: int | None) -> Iterator[Feature]:
    for ellipse in filter(None, (epicenter.ellipse, epicenter.outer_ellipse)):
        if ellipse.semi_major_km <= MAX_SEMI_MAJOR_KM:
            geometry = ellipse_geometry(epicenter.latitude, epicenter.longitude, ellipse)
            yield _feature("ellipse", geometry, confidence_level=ellipse.confidence_level, alternative=alternative)


def _station_features(result: LocateResult, epicenter: Epicenter) -> Iterator[Feature]:
    """Yield the stations with coordinates, which follow from distance and azimuth, with what was predicted for them and their arrivals."""
    estimates = {estimate.trace: estimate for estimate in result.offsets}
    places = {arrival.trace: (arrival.distance_deg, arrival.azimuth_deg) for arrival in result.arrivals}
    places |= {trace: (epicentral_distance_deg(estimate), estimate.azimuth_deg) for trace, estimate in estimates.items()}
    for trace, (distance_deg, azimuth_deg) in places.items():
        if distance_deg is None or azimuth_deg is None:
            continue
        latitude, longitude = destination(epicenter.latitude, epicenter.longitude, azimuth_deg, distance_deg)
        estimate = estimates.get(trace)
        yield _feature(
            "station",
            _point(float(latitude), float(longitude)),
            trace=trace,
            distance_deg=distance_deg,
            distance_uncertainty_deg=estimate and estimate.epicentral_distance_uncertainty_deg,
            predicted_distance_deg=estimate and estimate.distance_deg,
            predicted_distance_uncertainty_deg=estimate and estimate.distance_uncertainty_deg,
            azimuth_deg=azimuth_deg,
            residual_deg=estimate and estimate.residual_deg,
            used=estimate is not None and estimate.used,
            arrivals=[{"phase": arrival.phase, "residual_s": arrival.residual_s} for arrival in result.arrivals if arrival.trace == trace],
        )


def ellipse_geometry(latitude: float, longitude: float, ellipse: Ellipse) -> dict[str, Any]:
    """
    Return the outline of an ellipse on the sphere as a Polygon, or a MultiPolygon where it crosses the antimeridian.

    An ellipse about a pole is closed along the parallel of the pole, as flat maps need it. Rings run counterclockwise.
    """
    angles = np.linspace(0.0, 2.0 * np.pi, VERTICES, endpoint=False)
    along, across = ellipse.semi_major_km * np.cos(angles), ellipse.semi_minor_km * np.sin(angles)
    azimuths = ellipse.azimuth_deg - np.degrees(np.arctan2(across, along))  # decreasing: counterclockwise
    latitudes, longitudes = destination(latitude, longitude, azimuths, np.hypot(along, across) / KM_PER_DEGREE)
    center = float(wrap_longitude_deg(longitude))
    unwrapped = np.degrees(np.unwrap(np.radians(np.append(longitudes, longitudes[0]))))
    unwrapped += 360.0 * np.round((center - unwrapped.mean()) / 360.0)
    ring = np.column_stack((unwrapped[:-1], latitudes))
    turns = round((unwrapped[-1] - unwrapped[0]) / 360.0)
    if turns:
        ring = _close_at_pole(ring, turns, 90.0 if latitude > 0 else -90.0)
    parts = [_round_ring(part - (shift, 0.0)) for shift in (-360.0, 0.0, 360.0) if len(part := _clip(ring, shift - 180.0, shift + 180.0))]
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": [parts[0]]}
    return {"type": "MultiPolygon", "coordinates": [[part] for part in parts]}


def _close_at_pole(ring: Floats, turns: int, pole: float) -> Floats:
    """Close a ring [n, 2] that goes once around a pole: on to its first vertex one turn later, to the pole, and back along it."""
    last = ring[0, 0] + 360.0 * turns
    return np.vstack((ring, (last, ring[0, 1]), (last, pole), (ring[0, 0], pole)))


def _clip(ring: Floats, west: float, east: float) -> Floats:
    """Clip a ring [n, 2] to a range of longitudes (after Sutherland & Hodgman 1974); empty where nothing of it lies inside."""
    for bound, sign in ((west, 1.0), (east, -1.0)):
        kept: list[Floats] = []
        for start, end in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            inside, next_inside = sign * (start[0] - bound) >= 0, sign * (end[0] - bound) >= 0
            kept += [start] if inside else []
            if inside != next_inside:
                fraction = (bound - start[0]) / (end[0] - start[0])
                kept.append(start + fraction * (end - start))
        ring = np.array(kept).reshape(-1, 2)
    return ring if len(ring) > 2 else ring[:0]


def _round_ring(ring: Floats) -> Ring:
    points = [[round(float(longitude), DIGITS), round(float(latitude), DIGITS)] for longitude, latitude in ring]
    return [*points, points[0]]


def format_epicenter(epicenter: Epicenter) -> str:
    """Return the epicenter as text, as in 3.30°N, 164.02°W."""
    latitude, longitude = epicenter.latitude, float(wrap_longitude_deg(epicenter.longitude))
    return f"{abs(latitude):.2f}°{'N' if latitude >= 0 else 'S'}, {abs(longitude):.2f}°{'E' if longitude >= 0 else 'W'}"
