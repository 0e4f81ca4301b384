"""Conversion of results to CSV, and the formats of each kind of result."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Any

from workers.contracts import JobRecord
from workers.exports.geojson import geojson
from workers.exports.quakeml import quakeml
from workers.results import ClassifyResult, ClusterResult, LocatedEvent, LocateManyResult, LocateResult
from workers.storage.catalog_documents import cut_events, join_events


def locate_products(record: JobRecord, result: LocateResult, agency: str) -> dict[str, bytes]:
    """Return a location by format: QuakeML, GeoJSON and CSV; `agency` is the agency id of the first two."""
    documents = {"quakeml": quakeml(record, result, agency), "geojson": geojson(record, result, agency)}
    return {**documents, "csv": distances_csv(result)}


def locate_many_products(record: JobRecord, result: LocateManyResult, products: Mapping[str, Mapping[str, bytes]]) -> dict[str, bytes]:
    """
    Join the locations of many events by format: one QuakeML catalog, one GeoJSON collection, and CSV with a row an event.

    Parameters
    ----------
    record
        The record of the job.
    result
        All events.
    products
        The products of each located event by its name.

    """
    features = [
        {**feature, "properties": {**feature["properties"], "event": name}}
        for name, formats in products.items()
        for feature in json.loads(formats["geojson"])["features"]
    ]
    cut = [event for formats in products.values() for event in cut_events(formats["quakeml"]).values()]
    return {
        "quakeml": join_events(cut, f"smi:local/seismic-atlas/{record.id}/catalog"),
        "geojson": json.dumps({"type": "FeatureCollection", "features": features}).encode(),
        "csv": _write_csv(_EVENT_COLUMNS, [_event_row(event) for event in result.events]),
    }


_EVENT_COLUMNS = (
    "event",
    "event_type",
    "origin_time",
    "latitude",
    "longitude",
    "horizontal_uncertainty_km",
    "depth_km",
    "depth_uncertainty_km",
    "azimuthal_gap_deg",
    "method",
    "problem",
)


def _event_row(event: LocatedEvent) -> list[object]:
    """Return the row of one event, with empty cells for what it does not have."""
    fields: dict[str, Any] = {} if event.result is None else event.result.model_dump(mode="json")
    fields |= fields.get("epicenter") or {}
    own = {"event": event.event, "problem": None if event.problem is None else event.problem.detail}
    return [{**fields, **own}.get(name) for name in _EVENT_COLUMNS]


def classify_products(result: ClassifyResult) -> dict[str, bytes]:
    """Return a classification by format: CSV with a row a class; one row without a probability where no event was detected."""
    rows = [(name, f"{probability:.4g}") for name, probability in result.probabilities.items()] or [(result.event_type, "")]
    return {"csv": _write_csv(("event_type", "probability"), rows)}


def cluster_products(result: ClusterResult) -> dict[str, bytes]:
    """Return a clustering by format: CSV with a row an event; whether structure was found is the same in all rows."""
    rows = [
        (assigned.event, assigned.cluster, f"{assigned.confidence:.3g}", assigned.outlier, result.structure_found)
        for assigned in result.assignments
    ]
    return {"csv": _write_csv(("event", "cluster", "confidence", "outlier", "structure_found"), rows)}


def distances_csv(result: LocateResult) -> bytes:
    """Return the epicentral distances as CSV with a row a trace, in degrees."""
    readings = ("trace", "distance_deg", "distance_uncertainty_deg", "residual_deg", "azimuth_deg", "back_azimuth_deg", "used")
    names = (*readings, "epicentral_distance_deg", "epicentral_distance_uncertainty_deg")
    return _write_csv(names, [[getattr(estimate, name) for name in names] for estimate in result.offsets])


def _write_csv(names: Iterable[str], rows: Iterable[Iterable[object]]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(names)
    writer.writerows(rows)
    return buffer.getvalue().encode()
