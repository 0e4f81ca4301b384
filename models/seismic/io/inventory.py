"""Where stations stand: from the bundle's StationXML or stations.csv first, from an own table of permanent stations last."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from lxml import etree
from lxml.etree import _Element as Element

from models.errors import LimitExceeded, UnreadableMetadata
from models.seismic.data_issues import DataIssue
from models.seismic.io.horizontals import pointed
from models.seismic.io.instrument_response import Instrument, read_instrument
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record, Response

_ALIASES = {"net": "network", "sta": "station", "lat": "latitude", "lon": "longitude", "elev": "elevation", "elevation_m": "elevation"}
_NEEDED = ("network", "station", "latitude", "longitude")


@dataclass(frozen=True)
class Coordinates:
    """A place on the ground: degrees north, degrees east (-180 to 180), meters above sea level."""

    latitude_deg: float
    longitude_deg: float
    elevation_m: float | None = None


@dataclass(frozen=True)
class Epoch:
    """What was true of a channel, or of all channels (`channel` None), from `start_s` to `end_s` (POSIX)."""

    location: str | None
    channel: str | None
    start_s: float
    end_s: float
    coordinates: Coordinates
    instrument: Instrument | None = None
    azimuth_deg: float | None = None

    def describes(self, trace_id: TraceId, time_s: float) -> bool:
        """Whether this is about that channel at that time."""
        return (self.location, self.channel) == (trace_id.location, trace_id.channel) and self.start_s <= time_s <= self.end_s


@dataclass(frozen=True)
class Inventory:
    """One source of station metadata, by network and station; `issues` tell what in it could not be used."""

    epochs: Mapping[tuple[str, str], Sequence[Epoch]]
    issues: tuple[DataIssue, ...] = ()

    def coordinates(self, trace_id: TraceId, time_s: float) -> Coordinates | None:
        """Of the channel at that time, else of the station at that time, else of the station at any time; None if unknown."""
        known = self.epochs.get(trace_id.station_key, ())
        ranked = sorted(known, key=lambda e: (not e.describes(trace_id, time_s), not e.start_s <= time_s <= e.end_s))
        return ranked[0].coordinates if ranked else None

    def response(self, trace_id: TraceId, time_s: float) -> Response | None:
        """Of exactly this channel at this time."""
        epoch = self._channel_epoch(trace_id, time_s)
        return epoch.instrument.evaluate() if epoch and epoch.instrument else None

    def azimuths_deg(self, record: Record) -> dict[TraceId, float]:
        """Towards where its horizontal channels are positive, clockwise from north, of those that the book tells it of."""
        epochs = {
            known: self._channel_epoch(known, record.start_time_s) for known in (record.horizontals.trace_ids if record.horizontals else ())
        }
        return {known: epoch.azimuth_deg for known, epoch in epochs.items() if epoch and epoch.azimuth_deg is not None}

    def describes(self, trace_id: TraceId, time_s: float) -> bool:
        """Whether the channel at that time is in the book, and so its response should be."""
        return self._channel_epoch(trace_id, time_s) is not None

    def _channel_epoch(self, trace_id: TraceId, time_s: float) -> Epoch | None:
        return next((e for e in self.epochs.get(trace_id.station_key, ()) if e.describes(trace_id, time_s)), None)


def builtin_stations() -> dict[tuple[str, str], Coordinates]:
    """Well-known permanent stations, by network and station; read from the file beside this module at every call."""
    with (Path(__file__).parent / "builtin_stations.csv").open(newline="", encoding="utf-8") as file:
        return {
            (row["network"], row["station"]): _coordinates(row["latitude"], row["longitude"], row["elevation"])
            for row in csv.DictReader(file)
        }


def builtin_inventory() -> Inventory:
    """The own table as the last book to look into."""
    return Inventory({key: (_always(place),) for key, place in builtin_stations().items()})


def attach_metadata(records: Iterable[Record], books: Sequence[Inventory]) -> tuple[list[Record], list[DataIssue]]:
    """The records with coordinates and response from the first book that knows them; what none knows is remarked."""
    located, issues = [], []
    for record in records:
        trace_id, time_s = record.trace_id, record.start_time_s
        place = next(filter(None, (book.coordinates(trace_id, time_s) for book in books)), None)
        response = next(filter(None, (book.response(trace_id, time_s) for book in books)), None)
        if place is None:
            issues.append(DataIssue(str(trace_id), None, "no-coordinates", "not in the bundle's metadata nor in the own station table"))
        if response is not None and _is_ground_motion(record):
            response = None
            issues.append(DataIssue(str(trace_id), None, "ground-motion", "below one count throughout: its response was removed before"))
        elif response is None and any(book.describes(trace_id, time_s) for book in books):
            issues.append(DataIssue(str(trace_id), None, "no-response", "its StationXML holds no response that can be evaluated"))
        told = {known: azimuth for book in reversed(books) for known, azimuth in book.azimuths_deg(record).items()}
        located.append(_placed(replace(record, response=response, horizontals=pointed(record.horizontals, told)), place))
    return located, issues


def read_stations_csv(data: bytes, part: str, max_bytes: float = math.inf) -> Inventory:
    """
    `network,station,latitude,longitude,elevation` in any order; further columns, spaces and a byte order mark are passed over.

    Raises UnreadableMetadata where columns are missing or no line can be used, LimitExceeded over `max_bytes`.
    """
    _check_size(data, part, max_bytes)
    text = data.decode("utf-8-sig", errors="replace").replace("\0", "")
    header = text.lstrip().split("\n", 1)[0]
    rows = csv.reader(io.StringIO(text.lstrip()), delimiter=max(",;|\t", key=header.count), skipinitialspace=True)
    epochs: dict[tuple[str, str], list[Epoch]] = {}
    issues = []
    try:
        columns = _columns(next(rows, []), part)
        for number, row in enumerate(rows, start=2):
            try:
                key, place = _station(dict(zip(columns, row, strict=False)))
            except (KeyError, ValueError):
                if any(cell.strip() for cell in row):
                    issues.append(
                        DataIssue(None, part, "bad-station", f"line {number} holds no station with codes and coordinates; left out")
                    )
                continue
            epochs.setdefault(key, []).append(_always(place))
    except csv.Error as error:
        raise UnreadableMetadata(f"{part} is no table of stations: {error}", part=part) from error
    if not epochs:
        raise UnreadableMetadata(f"{part} holds no station with codes and coordinates", part=part)
    return Inventory(epochs, tuple(issues))


def read_stationxml(data: bytes, part: str, max_bytes: float = math.inf) -> Inventory:
    """
    Stations, channels and responses of a StationXML document; no entity is resolved and nothing is fetched.

    Raises UnreadableMetadata, and LimitExceeded over `max_bytes`: it is parsed as a whole, at several times its size in memory.
    """
    _check_size(data, part, max_bytes)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableMetadata(f"{part} is no well-formed XML: {error}", part=part) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableMetadata(f"{part} declares a document type, which no StationXML needs", part=part)
    if etree.QName(root).localname != "FDSNStationXML":
        raise UnreadableMetadata(f"{part} is XML, but no FDSNStationXML", part=part)
    epochs: dict[tuple[str, str], list[Epoch]] = {}
    issues = []
    for network in root.iterfind("./{*}Network"):
        for station in network.iterfind("./{*}Station"):
            key = network.get("code", "").strip(), station.get("code", "").strip()
            try:
                epochs.setdefault(key, []).extend(_station_epochs(station))
            except ValueError:
                issues.append(DataIssue(None, part, "bad-station", f"{'.'.join(key)} has no proper coordinates or dates; left out"))
    if not any(epochs.values()):
        raise UnreadableMetadata(f"{part} holds no station with coordinates", part=part)
    return Inventory(epochs, tuple(issues))


def _station_epochs(station: Element) -> list[Epoch]:
    """The station itself and each of its channels; raises ValueError."""
    epochs = [Epoch(None, None, *_dates(station), _place(station))]
    for channel in station.iterfind("./{*}Channel"):
        response = channel.find("./{*}Response")
        instrument = None if response is None else read_instrument(response)
        location = channel.get("locationCode", "").strip().replace("--", "")
        code, azimuth = channel.get("code", "").strip(), channel.findtext("./{*}Azimuth")
        epochs.append(Epoch(location, code, *_dates(channel), _place(channel), instrument, float(azimuth) if azimuth else None))
    return epochs


def _dates(element: Element) -> tuple[float, float]:
    return _posix(element.get("startDate"), -math.inf), _posix(element.get("endDate"), math.inf)


def _posix(date: str | None, otherwise: float) -> float:
    """Seconds since 1970 of an XML date, in UTC where it names no zone."""
    if not date:
        return otherwise
    moment = datetime.fromisoformat(date.strip())
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _place(element: Element) -> Coordinates:
    texts = [element.findtext(f"./{{*}}{name}") or "" for name in ("Latitude", "Longitude", "Elevation")]
    return _coordinates(*texts)


def _coordinates(latitude: str, longitude: str, elevation: str) -> Coordinates:
    """Raises ValueError for what is no place."""
    north, east = float(latitude), float(longitude)
    if not (-90 <= north <= 90 and -180 <= east <= 360):
        raise ValueError("outside the Earth's degrees")
    height = float(elevation) if elevation.strip() else None
    return Coordinates(north, east - 360 if east > 180 else east, height if height is not None and math.isfinite(height) else None)


def _columns(header: Sequence[str], part: str) -> list[str]:
    names = [name.strip().lstrip("#").strip().lower() for name in header]
    columns = [_ALIASES.get(name, name) for name in names]
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise UnreadableMetadata(f"{part} lacks the columns {', '.join(missing)}", part=part)
    return columns


def _station(row: Mapping[str, str]) -> tuple[tuple[str, str], Coordinates]:
    key = row["network"].strip(), row["station"].strip()
    if not key[1]:
        raise ValueError("no station code")
    return key, _coordinates(row["latitude"], row["longitude"], row.get("elevation", ""))


def _always(place: Coordinates) -> Epoch:
    return Epoch(None, None, -math.inf, math.inf, place)


def _is_ground_motion(record: Record) -> bool:
    """Whether no sample reaches one count, as in meters or meters per second: a digitizer's counts are whole numbers."""
    return float(np.nanmax(np.abs(record.samples), initial=0.0)) < 1.0


def _placed(record: Record, place: Coordinates | None) -> Record:
    if place is None:
        return record
    return replace(record, latitude_deg=place.latitude_deg, longitude_deg=place.longitude_deg, elevation_m=place.elevation_m)


def _check_size(data: bytes, part: str, max_bytes: float) -> None:
    if len(data) > max_bytes:
        raise LimitExceeded(f"{part} holds {len(data):,} bytes of metadata; at most {max_bytes:,} are read", part=part)
