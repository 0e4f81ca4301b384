"""
FDSN station and event services of a folder with inventory.xml and events.xml, as a process: prints its address, serves until ended.

There is no well-kept server of these two services to install, so ObsPy selects and writes here what a client asks for; the
descriptions of the services (WADL) are those of ObsPy's own tests. Waveforms are served by portable-fdsnws-dataselect.
"""

import io
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import obspy
from obspy import UTCDateTime, read_events, read_inventory
from obspy.core.inventory import Inventory
from obspy.io.stationtxt.core import inventory_to_station_text

WADL = Path(obspy.__file__).parent / "clients" / "fdsn" / "tests" / "data"
TIMES = ("starttime", "endtime")
NUMBERS = ("latitude", "longitude", "minradius", "maxradius")
CODES = ("network", "station", "location", "channel")


def document(thing: object, form: str) -> bytes:
    buffer = io.BytesIO()
    thing.write(buffer, format=form)
    return buffer.getvalue()


class Services(BaseHTTPRequestHandler):
    """Answers queries by what ObsPy selects; 204 where that is nothing."""

    folder = Path(sys.argv[1])

    def answer(self, body: bytes | None) -> None:
        """The response, empty for None."""
        self.send_response(204 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def stations(self, query: dict[str, str], selections: list[dict[str, object]]) -> bytes | None:
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

    def do_GET(self) -> None:
        """Describe a service, or answer one selection."""
        path = urlsplit(self.path)
        query = dict(parse_qsl(path.query))
        service = path.path.split("/")[2]
        if path.path.endswith("application.wadl"):
            name = "2014-01-07_iris_station.wadl" if service == "station" else "event.wadl"
            self.answer((WADL / name).read_bytes())
        elif not path.path.endswith("/query"):
            self.send_error(404)
        elif service == "station":
            times = {name: UTCDateTime(query[name]) for name in TIMES if name in query}
            circle = {name: float(query[name]) for name in NUMBERS if name in query}
            codes = {name: query[name] for name in CODES if query.get(name, "*") != "*"}
            self.answer(self.stations(query, [{**times, **circle, **codes}]))
        else:
            wanted = [f"time >= {query['starttime']}", f"time <= {query['endtime']}", f"magnitude >= {query.get('minmagnitude', -9)}"]
            found = read_events(str(self.folder / "events.xml")).filter(*wanted)
            self.answer(document(found, "QUAKEML") if len(found) else None)

    def do_POST(self) -> None:
        """Answer selections of channels and times, one a line."""
        lines = self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines()
        query = dict(line.split("=", 1) for line in lines if "=" in line)
        rows = [line.split() for line in lines if line and "=" not in line]
        spans = [{"starttime": UTCDateTime(row[4]), "endtime": UTCDateTime(row[5])} for row in rows]
        codes = [dict(zip(CODES, (code.replace("--", "") for code in row[:4]), strict=True)) for row in rows]
        self.answer(self.stations(query, [{**code, **span} for code, span in zip(codes, spans, strict=True)]))

    def log_message(self, *_: object) -> None:
        """Be quiet."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Services)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)  # noqa: T201  (the test reads it)
    server.serve_forever()
