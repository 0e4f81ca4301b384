"""Located events of an owner, and the documents of fdsnws-event that list them."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from app.fdsn.event_query import CatalogEvent, FdsnQuery
from models.errors import AtlasError
from workers.contracts import JobKind, JobRecord, Status
from workers.queue.job_index import MAX_PAGE, JobIndex
from workers.storage.blobs import BlobStore
from workers.storage.catalog_documents import cut_events, event_public_id, join_events
from workers.storage.result_keys import result_key

CATALOG_ID: Final = "smi:local/seismic-atlas/catalog"
MAX_SCANNED_JOBS: Final = 5_000
_COLUMNS: Final = (
    "EventID|Time|Latitude|Longitude|Depth/km|Author|Catalog|Contributor|ContributorID|MagType|Magnitude|MagAuthor",
    "EventLocationName|EventType",
)
Found = list[tuple[CatalogEvent, JobRecord]]


def find_events(query: FdsnQuery, owner: str, index: JobIndex, blobs: BlobStore) -> Found:
    """
    Find the located events of an owner that a query selects, in its order.

    Parameters
    ----------
    query
        The conditions, order and page.
    owner
        Owner of the jobs.
    index, blobs
        Where jobs and their results are.

    Returns
    -------
    list of tuple
        Events with the records of their jobs. At most `MAX_SCANNED_JOBS` of the latest jobs are looked at.

    """
    located = ((event, record) for record in _list_located(owner, index) for event in _read_events(record, blobs))
    found = [(event, record) for event, record in located if query.selects(event)]
    found.sort(key=lambda pair: _sort_key(query, pair[0]), reverse=not query.orderby.endswith("-asc"))
    return found[query.offset - 1 : query.offset - 1 + query.limit]


def _sort_key(query: FdsnQuery, event: CatalogEvent) -> tuple[float, datetime]:
    """Key of the order of a query: time, or magnitude with events without one as the smallest, then time."""
    smallest = float("-inf") if event.magnitude is None else event.magnitude
    return (smallest if query.orderby.startswith("magnitude") else 0.0), event.time


def _list_located(owner: str, index: JobIndex) -> Iterator[JobRecord]:
    cursor, scanned = None, 0
    while scanned < MAX_SCANNED_JOBS:
        page = index.list_jobs(owner, JobKind.LOCATE, Status.SUCCEEDED, MAX_PAGE, cursor)
        yield from page.records
        cursor, scanned = page.next, scanned + MAX_PAGE
        if cursor is None:
            return


def _read_events(record: JobRecord, blobs: BlobStore) -> list[CatalogEvent]:
    """Read the located events of a job; none where no event was detected, or its result is no longer kept."""
    if not {"geojson", "quakeml"} <= set(record.formats):
        return []
    try:
        features = json.loads(blobs.get(result_key(record, "geojson"))).get("features", [])
        return [_make_event(record, feature) for feature in features if feature["properties"].get("kind") == "epicenter"]
    except (AtlasError, ValueError, KeyError):
        return []


def _make_event(record: JobRecord, feature: dict[str, Any]) -> CatalogEvent:
    longitude, latitude = feature["geometry"]["coordinates"][:2]
    properties = feature["properties"]
    return CatalogEvent(
        id=feature["id"],
        time=datetime.fromtimestamp(properties["time"] / 1000.0, UTC),
        updated=record.finished_at or record.created_at,
        latitude=latitude,
        longitude=longitude,
        depth_km=properties["depth_km"],
        magnitude=properties["mag"],
        event_type=properties["type"],
        place=properties["place"],
        agency=properties["net"],
    )


def join_quakeml(found: Found, blobs: BlobStore) -> bytes:
    """Join the QuakeML of the events to one catalog; each document is read once, though it may hold many of them."""
    documents = {record.id: record for _, record in found}
    cut = {job_id: cut_events(blobs.get(result_key(record, "quakeml"))) for job_id, record in documents.items()}
    return join_events([cut[record.id][event_public_id(event.id)] for event, record in found], CATALOG_ID)


def write_text(found: Sequence[tuple[CatalogEvent, JobRecord]]) -> bytes:
    """Write events as the text format of the specification, a line an event, with its moment magnitude where known."""
    lines = [f"#{'|'.join(_COLUMNS)}"]
    for event, _ in found:
        depth = "" if event.depth_km is None else f"{event.depth_km:g}"
        time = event.time.strftime("%Y-%m-%dT%H:%M:%S.%f")
        source = ("seismic-atlas", event.agency, event.agency, event.id)
        size = ("", "", "") if event.magnitude is None else ("Mw", f"{event.magnitude:.2f}", event.agency)
        cells = (event.id, time, event.latitude, event.longitude, depth, *source, *size, event.place, event.event_type)
        lines.append("|".join(map(str, cells)))
    return ("\n".join(lines) + "\n").encode()
