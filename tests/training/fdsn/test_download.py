"""Downloads into an archive, from a portable-fdsnws-dataselect process and a station and event service on loopback."""

import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from obspy import Stream, Trace, UTCDateTime
from obspy.core.event import Catalog, Event, Magnitude, Origin, ResourceIdentifier
from obspy.core.inventory import Channel, Inventory, Network, Response, Site, Station
from obspy.geodetics import locations2degrees

from tests.support import fdsn_server
from training.config import RECIPES
from training.datasets.archive import read_events
from training.fdsn.download import FdsnPlan, Provider, RequestThrottle, fetch_plan, read_plan
from training.fdsn.event_lists import EventQuery

ORIGIN = UTCDateTime(2010, 5, 6, 2, 42, 47)
PLACE = (-18.0, -70.5)
GAIN = 6e8
# Code, latitude, longitude; BBB stands beside AAA, NEAR too near, MUTE has metadata and no data.
STATIONS = (("AAA", 34.9, -106.5), ("BBB", 34.95, -106.5), ("CCC", 55.0, -60.0), ("NEAR", -18.5, -70.0), ("MUTE", 40.0, -100.0))
COLUMNS = (
    "network TEXT, station TEXT, location TEXT, channel TEXT, quality TEXT, version INTEGER, starttime TEXT, endtime TEXT, "
    "samplerate REAL, filename TEXT, byteoffset INTEGER, bytes INTEGER, hash TEXT, timeindex TEXT, timespans TEXT, timerates TEXT, "
    "format TEXT, filemodtime TEXT, updated TEXT, scanned TEXT"
)


def counts(code: str) -> np.ndarray:
    return np.random.default_rng(len(code) * ord(code[0])).integers(-50_000, 50_000, 4800).astype(np.int32)


def response() -> Response:
    return Response.from_paz(
        zeros=[0j, 0j],
        poles=[-0.037 + 0.037j, -0.037 - 0.037j],
        stage_gain=GAIN,
        stage_gain_frequency=0.05,
        input_units="M/S",
        output_units="COUNTS",
        normalization_factor=1.0,
    )


def write_metadata(folder: Path) -> None:
    stations = []
    for code, latitude, longitude in STATIONS:
        channel = Channel("LHZ", "00", latitude, longitude, 100.0, 0.0, azimuth=0.0, dip=-90.0, sample_rate=1.0, response=response())
        channel.start_date, channel.end_date = UTCDateTime(2000, 1, 1), UTCDateTime(2020, 1, 1)
        stations.append(
            Station(code, latitude, longitude, 100.0, channels=[channel], site=Site("here"), creation_date=UTCDateTime(2000, 1, 1))
        )
    Inventory([Network("XX", stations=stations)], "test").write(str(folder / "inventory.xml"), format="STATIONXML")
    events = [
        Event(
            resource_id=ResourceIdentifier(f"smi:local/{name}"),
            event_type="earthquake",
            origins=[Origin(time=ORIGIN + later, latitude=PLACE[0], longitude=PLACE[1], depth=35_000.0)],
            magnitudes=[Magnitude(mag=size)],
        )
        for name, later, size in (("large", 0, 6.2), ("small", 500, 4.0))
    ]
    Catalog(events).write(str(folder / "events.xml"), format="QUAKEML")


def write_waveforms(folder: Path) -> None:
    """One miniSEED file a station and the index of them that mseedindex would make."""
    with sqlite3.connect(folder / "index.sqlite") as index:
        index.execute(f"CREATE TABLE tsindex ({COLUMNS})")
        for code, *_ in STATIONS[:4]:
            header = {"network": "XX", "station": code, "location": "00", "channel": "LHZ", "starttime": ORIGIN - 900}
            trace, path = Trace(counts(code), header), folder / f"{code}.mseed"
            Stream([trace]).write(str(path), format="MSEED", encoding="STEIM2", reclen=512)
            begin, end = (moment.strftime("%Y-%m-%dT%H:%M:%S.%f") for moment in (trace.stats.starttime, trace.stats.endtime))
            size, now = path.stat().st_size, "2020-01-01T00:00:00"
            row = ("XX", code, "00", "LHZ", "D", 1, begin, end, 1.0, str(path), 0, size, "", None, None, None, "2", now, now, now)
            index.execute(f"INSERT INTO tsindex VALUES ({','.join('?' * len(row))})", row)  # noqa: S608  (question marks alone)
    index.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    served = tmp_path_factory.mktemp("served")
    write_metadata(served)
    write_waveforms(served)
    return served


@pytest.fixture(scope="module")
def provider(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = f"[server]\ninterface = 127.0.0.1\nport = {port}\n"
    (folder / "server.ini").write_text(f"[index_db]\npath = {folder / 'index.sqlite'}\n{server}[logging]\npath = {folder / 'log'}\n")
    metadata = [sys.executable, str(Path(fdsn_server.__file__)), str(folder)]
    dataselect = [sys.executable, "-u", "-m", "portable_fdsnws_dataselect.server", str(folder / "server.ini")]
    with (
        subprocess.Popen(metadata, stdout=subprocess.PIPE, text=True) as one,
        subprocess.Popen(dataselect, stdout=subprocess.PIPE, text=True) as other,
    ):
        address, started = one.stdout.readline().strip(), other.stdout.readline()
        assert "Started dataselect server" in started
        yield Provider(name=address, services={"dataselect": f"http://127.0.0.1:{port}/fdsnws/dataselect/1"})
        one.terminate()
        other.terminate()


@pytest.fixture
def plan(provider):
    return FdsnPlan(
        event_service=provider,
        events=EventQuery(start="2010-05-06", end="2010-05-07", min_magnitude=5.0),
        providers=(provider,),
        before_s=600,
        after_s=3000,
        interval_s=0.05,
        timeout_s=20,
        range_deg=(10, 120),
    )


def test_recordings_have_coordinates_and_response(plan, tmp_path):
    done = fetch_plan(plan, tmp_path / "set")
    (event,) = read_events(tmp_path / "set" / "archive")

    assert done.failures == 0
    assert event.truth["kind"] == "earthquake"
    assert event.truth["magnitude"] == 6.2
    assert event.truth["depth_km"] == 35.0
    assert {record.trace_id.station for record in event.records} in ({"AAA", "CCC"}, {"BBB", "CCC"}), "100 km apart and far enough"
    record = next(record for record in event.records if record.trace_id.station == "CCC")
    sent = counts("CCC")[300:3901].astype(float)
    assert record.start_time_s == ORIGIN.timestamp - 600
    np.testing.assert_allclose(record.samples, sent - sent.mean(), atol=0.05)
    assert locations2degrees(55.0, -60.0, record.latitude_deg, record.longitude_deg) < 1e-3
    known = response().get_evalresp_response_for_frequencies([0.02], output="VEL")[0]
    at = np.interp(0.02, record.response.frequencies_hz, np.abs(record.response.velocity_response))
    assert at == pytest.approx(abs(known), rel=0.02)


def test_neither_name_nor_waveforms_reveal_the_kind(plan, tmp_path):
    fetch_plan(plan, tmp_path / "set")
    (event,) = read_events(tmp_path / "set" / "archive")
    waveforms = b"".join(path.read_bytes() for path in (tmp_path / "set" / "archive" / "waveforms").iterdir())
    assert "large" not in event.name
    assert b"earthquake" not in waveforms


def test_existing_files_are_not_requested_again(plan, tmp_path):
    first = fetch_plan(plan, tmp_path / "set")
    before = (tmp_path / "set" / "archive" / "manifest.json").read_text()
    again = fetch_plan(plan, tmp_path / "set")
    assert first.requests > 3
    assert again.requests == 1, "the event service alone"
    assert (tmp_path / "set" / "archive" / "manifest.json").read_text() == before


def test_a_download_continues_after_a_failure(plan, folder, tmp_path):
    (folder / "CCC.mseed").rename(folder / "gone")
    broken = fetch_plan(plan, tmp_path / "set")
    assert broken.failures > 0
    assert not list(read_events(tmp_path / "set" / "archive"))
    (folder / "gone").rename(folder / "CCC.mseed")
    assert fetch_plan(plan, tmp_path / "set").failures == 0
    (event,) = read_events(tmp_path / "set" / "archive")
    assert len(event.records) == 2


def test_requests_are_spaced_over_all_threads():
    throttle = RequestThrottle(0.05)
    begin = time.monotonic()
    with ThreadPoolExecutor(3) as threads:
        moments = list(threads.map(throttle.throttle(lambda _: time.monotonic() - begin), range(5)))
    assert np.diff(sorted(moments)).min() > 0.03
    assert throttle.requests == 5


def test_the_example_plan_is_valid():
    plan = read_plan(RECIPES / "fdsn_example.toml")
    assert [provider.name for provider in plan.providers] == ["EARTHSCOPE", "GEOFON"]


@pytest.mark.parametrize("change", [{"threads": 4}, {"interval_s": 0.0}, {"event_service": None}, {"providers": ()}])
def test_a_plan_with_too_many_requests_or_without_events_is_refused(change):
    good = {"event_service": {"name": "X"}, "events": {"start": "2010-01-01", "end": "2011-01-01"}, "providers": [{"name": "X"}]}
    assert FdsnPlan.model_validate(good).threads == 2
    with pytest.raises(ValueError, match=next(iter(change)).split("_")[0]):
        FdsnPlan.model_validate({**good, **change})
