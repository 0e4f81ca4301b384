"""
FDSN station, event and dataselect services of a folder, as a process: prints its address, serves until ended.

The folder has inventory.xml, events.xml, and waveforms.mseed for dataselect. There is no well-kept server of the first two services to
install, so ObsPy selects and writes here what a client asks for; the descriptions of the services (WADL) are those of ObsPy's own tests.
`write_bundle_folder` makes such a folder of a shipped bundle, `serve_fdsn` runs the process.
"""

import csv
import io
import itertools
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import obspy
from obspy import UTCDateTime, read_events, read_inventory
from obspy.core.event import Catalog, Event, Magnitude, Origin, ResourceIdentifier
from obspy.core.inventory import Channel, Inventory, Network, Site, Station
from obspy.io.stationtxt.core import inventory_to_station_text

WADL = Path(obspy.__file__).parent / "clients" / "fdsn" / "tests" / "data"
WADLS = {"station": "2014-01-07_iris_station.wadl", "dataselect": "2014-01-07_iris_dataselect.wadl", "event": "event.wadl"}
TIMES = ("starttime", "endtime")
NUMBERS = ("latitude", "longitude", "minradius", "maxradius")
CODES = ("network", "station", "location", "channel")
EVENT_ID = "us7000demo"
Selection = dict[str, object]


def document(thing: object, form: str) -> bytes:
    buffer = io.BytesIO()
    thing.write(buffer, format=form)
    return buffer.getvalue()


def expand(codes: dict[str, str]) -> list[dict[str, str]]:
    """The selections that lists of codes stand for, as in `channel=BHZ,LHZ`; `--` is an empty code."""
    given = {name: [code.replace("--", "") for code in text.split(",")] for name, text in codes.items() if text != "*"}
    return [dict(zip(given, values, strict=True)) for values in itertools.product(*given.values())]


class Services(BaseHTTPRequestHandler):
    """Answers queries by what ObsPy selects; 204 where that is nothing."""

    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")

    def answer(self, body: bytes | None) -> None:
        """The response, empty for None."""
        self.send_response(204 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def stations(self, query: dict[str, str], selections: list[Selection]) -> bytes | None:
        """StationXML or channel lines of the stations that any selection names."""
        known = read_inventory(str(self.folder / "inventory.xml"))
        found = Inventory([], "test")
        for selection in selections:
            found += known.select(**selection)
        if not len(found):
            return None
        if query.get("format") == "text":
            return inventory_to_station_text(found, query["level"]).encode()
        return document(found, "STATIONXML")

    def waveforms(self, selections: list[Selection]) -> bytes | None:
        """The records that any selection names, cut to its time."""
        known = obspy.read(str(self.folder / "waveforms.mseed"), format="MSEED")  # noqa: TID251 -- written by the test
        found = obspy.Stream()
        for selection in selections:
            times = [UTCDateTime(selection[name]) for name in TIMES]
            found += known.select(**{name: selection[name] for name in CODES if name in selection}).slice(*times)
        return document(found, "MSEED") if found else None

    def events(self, query: dict[str, str]) -> bytes | None:
        """The events of an id, or of a span of time and of magnitudes."""
        known = read_events(str(self.folder / "events.xml"))
        if "eventid" in query:
            known.events = [event for event in known if str(event.resource_id).endswith(f"/{query['eventid']}")]
        else:
            wanted = [f"time >= {query['starttime']}", f"time <= {query['endtime']}", f"magnitude >= {query.get('minmagnitude', -9)}"]
            known = known.filter(*wanted)
        return document(known, "QUAKEML") if len(known) else None

    def do_GET(self) -> None:
        """Describe a service, or answer one selection."""
        path = urlsplit(self.path)
        query = dict(parse_qsl(path.query))
        service = path.path.split("/")[2]
        if path.path.endswith("application.wadl") and service in WADLS:
            self.answer((WADL / WADLS[service]).read_bytes())
        elif not path.path.endswith("/query"):
            self.send_error(404)
        elif service == "event":
            self.answer(self.events(query))
        else:
            times = {name: UTCDateTime(query[name]) for name in TIMES if name in query}
            circle = {name: float(query[name]) for name in NUMBERS if name in query}
            selections = [{**times, **circle, **codes} for codes in expand({name: query[name] for name in CODES if name in query})]
            self.answer(self.stations(query, selections) if service == "station" else self.waveforms(selections))

    def do_POST(self) -> None:
        """Answer selections of channels and times, one a line."""
        lines = self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines()
        query = dict(line.split("=", 1) for line in lines if "=" in line)
        rows = [line.split() for line in lines if line and "=" not in line]
        selections: list[Selection] = [
            {**codes, "starttime": UTCDateTime(row[4]), "endtime": UTCDateTime(row[5])}
            for row in rows
            for codes in expand(dict(zip(CODES, row[:4], strict=True)))
        ]
        self.answer(self.waveforms(selections) if "dataselect" in self.path else self.stations(query, selections))

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@contextmanager
def serve_fdsn(folder: Path) -> Iterator[str]:
    """Run the services of a folder in a process of their own; yield their address."""
    with subprocess.Popen([sys.executable, __file__, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def write_bundle_folder(bundle: Path, folder: Path, event: dict[str, object]) -> None:
    """
    Write the folder of a bundle with waveforms.mseed and stations.csv, as those that ship with the service.

    `event` has latitude, longitude, depth_km and origin_time, as in `app/demo_bundles/truth.json`; its id is EVENT_ID.
    """
    with zipfile.ZipFile(bundle) as archive:
        (folder / "waveforms.mseed").write_bytes(archive.read("waveforms.mseed"))
        rows = list(csv.DictReader(io.TextIOWrapper(archive.open("stations.csv"))))
    traces = obspy.read(str(folder / "waveforms.mseed"), format="MSEED", headonly=True)  # noqa: TID251 -- of this repository
    networks: dict[str, list[Station]] = {}
    for row in rows:
        latitude, longitude, elevation = (float(row[name]) for name in ("latitude", "longitude", "elevation"))
        channels = [
            Channel(trace.stats.channel, trace.stats.location, latitude, longitude, elevation, 0.0, azimuth=0.0, dip=-90.0, sample_rate=1.0)
            for trace in traces.select(network=row["network"], station=row["station"])
        ]
        station = Station(row["station"], latitude, longitude, elevation, channels=channels, site=Site(row["station"]))
        for part in (station, *channels):
            part.start_date = UTCDateTime(1990, 1, 1)
        station.creation_date = UTCDateTime(1990, 1, 1)
        networks.setdefault(row["network"], []).append(station)
    inventory = Inventory([Network(code, stations=stations) for code, stations in networks.items()], "synthetic")
    inventory.write(str(folder / "inventory.xml"), format="STATIONXML")
    origin = Origin(time=UTCDateTime(str(event["origin_time"])), latitude=event["latitude"], longitude=event["longitude"])
    origin.depth = 1000.0 * float(str(event.get("depth_km", 0.0)))
    written = Event(resource_id=ResourceIdentifier(f"quakeml:local/{EVENT_ID}"), origins=[origin], magnitudes=[Magnitude(mag=6.5)])
    Catalog([written]).write(str(folder / "events.xml"), format="QUAKEML")


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Services)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201  (the test reads it)
    server.serve_forever()
