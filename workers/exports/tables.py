"""Conversion of results to CSV, and the formats of each kind of result."""

import csv
import io
from collections.abc import Iterable

from workers.contracts import ClassifyResult, ClusterResult, JobRecord, LocateResult
from workers.exports.geojson import geojson
from workers.exports.quakeml import quakeml
from workers.settings import DEFAULT_AGENCY


def locate_products(record: JobRecord, result: LocateResult, agency: str = DEFAULT_AGENCY) -> dict[str, bytes]:
    """Return a location by format: QuakeML, GeoJSON and CSV."""
    documents = {"quakeml": quakeml(record, result, agency), "geojson": geojson(record, result, agency)}
    return {**documents, "csv": distances_csv(result)}


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
    names = ("trace", "distance_deg", "distance_uncertainty_deg", "residual_deg", "azimuth_deg", "back_azimuth_deg", "used")
    return _write_csv(names, [[getattr(estimate, name) for name in names] for estimate in result.offsets])


def _write_csv(names: Iterable[str], rows: Iterable[Iterable[object]]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(names)
    writer.writerows(rows)
    return buffer.getvalue().encode()
