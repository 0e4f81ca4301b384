"""The face of fdsnws-event: queries of finished locations, and ObsPy's own client against it."""

import asyncio
import io
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
import uvicorn
from obspy import UTCDateTime
from obspy.clients.fdsn import Client
from obspy.io.quakeml.core import _read_quakeml, _validate

from app.main import create_app
from workers.contracts import Status
from workers.exports.geojson import geojson
from workers.exports.quakeml import quakeml
from workers.exports.tables import locate_many_products, locate_products
from workers.results import Ellipse, Epicenter, LocatedEvent, LocateManyResult, LocateResult, SourceEstimate
from workers.storage.result_keys import result_key

pytestmark = pytest.mark.anyio

ORIGIN = datetime(2010, 1, 1, tzinfo=UTC)
QUERY = "/fdsnws/event/1/query"


def located(latitude: float, longitude: float, days: float, depth_km: float | None, magnitude: float | None = None) -> LocateResult:
    ellipse = Ellipse(semi_major_km=30.0, semi_minor_km=18.0, azimuth_deg=40.0, confidence_level=68.0)
    return LocateResult(
        event_type="earthquake" if depth_km is not None else "glacial",
        epicenter=Epicenter(latitude=latitude, longitude=longitude, horizontal_uncertainty_km=21.0, ellipse=ellipse),
        origin_time=ORIGIN + timedelta(days=days),
        origin_time_uncertainty_s=1.0,
        depth_km=depth_km,
        depth_uncertainty_km=None if depth_km is None else 5.0,
        force_azimuth_deg=None,
        force_azimuth_uncertainty_deg=None,
        force_azimuth_ambiguous=None,
        offsets=[],
        azimuthal_gap_deg=90.0,
        models=[],
        source=SourceEstimate(
            kind="moment-tensor", constrains=True, log_likelihood=99.0, variance_reduction=0.5, moment_magnitude=magnitude
        ),
    )


async def finish(client, worker, files, result: LocateResult, headers=None) -> str:
    """Submit a job and let it end with this location."""
    job = (await client.post("/events/locate", files=files, headers=headers)).json()["id"]
    record = worker.begin(job)
    products = {"quakeml": quakeml(record, result), "geojson": geojson(record, result)}
    for name, data in products.items():
        worker.blobs.put(result_key(record, name), data)
    worker.blobs.put(result_key(record), result.model_dump_json().encode())
    worker.records.finish(job, record.attempt, Status.SUCCEEDED, formats=list(products))
    return job


@pytest.fixture
async def jobs(client, worker, files) -> list[str]:
    """Three events: shallow in Greenland, deep in Fiji, and without a depth in Greenland."""
    places = [(66.0, -38.0, 0.0, 10.0), (-18.0, -178.0, 1.0, 600.0, 6.2), (67.0, -33.0, 2.0, None)]
    return [await finish(client, worker, files, located(*place)) for place in places]


def read(document: bytes):
    return _read_quakeml(io.BytesIO(document))


async def test_a_query_without_conditions_returns_all_locations_latest_first(client, worker, files, jobs):
    worker.fail((await client.post("/events/locate", files=files)).json()["id"])
    answer = await client.get(QUERY)
    catalog = read(answer.content)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/xml")
    assert [str(event.resource_id).split("/")[-2] for event in catalog] == jobs[::-1]
    assert _validate(io.BytesIO(answer.content))


CONDITIONS = [
    ("starttime=2010-01-02&endtime=2010-01-02T12:00:00", [1]),
    ("minlat=60&orderby=time-asc", [0, 2]),
    ("minlongitude=170&maxlongitude=-170", [1]),
    ("latitude=-18&longitude=180&maxradius=5", [1]),
    ("mindepth=100", [1]),
    ("maxdepth=100", [0]),
    ("eventtype=ice quake", [2]),
    ("limit=1&offset=2", [1]),
    ("catalog=ATLAS", [2, 1, 0]),
    ("catalog=ISC", []),
    ("minmagnitude=6", [1]),
    ("maxmagnitude=6", []),
    ("magnitudetype=Mw&orderby=magnitude", [1]),
    ("orderby=magnitude-asc", [0, 2, 1]),
    ("format=xml&nodata=204&includearrivals=true&updatedafter=2020-01-01", [2, 1, 0]),
]
"""Queries, and the events of `jobs` that they select in their order."""


async def test_conditions_select_events(client, jobs):
    for query, expected in CONDITIONS:
        answer = await client.get(f"{QUERY}?{query}")
        found = [str(event.resource_id).split("/")[-2] for event in read(answer.content)] if answer.content else []
        assert (query, answer.status_code, found) == (query, 200 if expected else 204, [jobs[index] for index in expected])


async def test_an_event_is_found_by_its_id(client, jobs):
    for name in (jobs[1], f"smi:local/seismic-atlas/{jobs[1]}/event"):
        (event,) = read((await client.get(QUERY, params={"eventid": name})).content)
        assert event.preferred_origin().depth == 600_000.0


async def test_events_of_one_job_are_found_one_by_one(client, worker, files):
    job = (await client.post("/events/locate?many=true", files=files)).json()["id"]
    record = worker.begin(job)
    locations = {"a": located(1.0, 2.0, 0.0, 10.0), "b": located(40.0, 2.0, 1.0, 10.0)}
    products = {
        name: locate_products(record.model_copy(update={"id": f"{job}/{name}"}), result, "ATLAS") for name, result in locations.items()
    }
    events = [LocatedEvent(event=name, result=result, problem=None) for name, result in locations.items()]
    result = LocateManyResult(events=events, located=2)
    joined = locate_many_products(record, result, products)
    for name, data in joined.items():
        worker.blobs.put(result_key(record, name), data)
    worker.blobs.put(result_key(record), result.model_dump_json().encode())
    worker.records.finish(job, record.attempt, Status.SUCCEEDED, formats=list(joined))
    assert (await client.get(f"/jobs/{job}")).json()["result"]["located"] == 2
    (event,) = read((await client.get(f"{QUERY}?minlatitude=20")).content)
    assert event.resource_id.id == f"smi:local/seismic-atlas/{job}/b/event"
    assert len(read((await client.get(QUERY)).content)) == 2


async def test_the_text_format_has_a_line_an_event(client, jobs):
    answer = await client.get(f"{QUERY}?format=text&minlongitude=170&maxlongitude=-170")
    header, line = answer.text.splitlines()
    assert header.startswith("#EventID|Time|Latitude|Longitude|Depth/km|")
    cells = dict(zip(header[1:].split("|"), line.split("|"), strict=True))
    assert (cells["Time"], cells["Latitude"], cells["Depth/km"]) == ("2010-01-02T00:00:00.000000", "-18.0", "600")
    assert (cells["MagType"], cells["Magnitude"]) == ("Mw", "6.20")
    assert (cells["EventLocationName"], cells["EventType"]) == ("Fiji Islands Region", "earthquake")


async def test_a_malformed_query_is_refused(client):
    for query in ("minlatitude=north", "depth=3", "format=csv", "nodata=500", "limit=1&limit=2", "starttime=soon"):
        assert (query, (await client.get(f"{QUERY}?{query}")).status_code) == (query, 400)


async def test_no_events_are_404_where_the_client_asks_for_it(client):
    answer = await client.get(f"{QUERY}?nodata=404")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/no-events")


async def test_an_owner_sees_own_events_only(client, worker, files, make_key):
    ana, ben = make_key("ana"), make_key("ben")
    await finish(client, worker, files, located(1.0, 2.0, 0.0, 10.0), ana)
    assert len(read((await client.get(QUERY, headers=ana)).content)) == 1
    assert (await client.get(QUERY, headers=ben)).status_code == 204


@contextmanager
def serve(settings):
    """The application on a free port of loopback."""
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


async def test_obspys_client_queries_the_service(settings, jobs):
    def query(url: str) -> tuple[list[float], set[str]]:
        client = Client(url)
        catalog = client.get_events(starttime=UTCDateTime(2010, 1, 1, 12), latitude=-18, longitude=180, maxradius=10)
        return [event.preferred_origin().depth for event in catalog], client.services["available_event_catalogs"]

    with serve(settings) as url:
        assert await asyncio.to_thread(query, url) == ([600_000.0], {"ATLAS"})
