"""Station metadata: StationXML and stations.csv of an upload, and a built-in list of permanent stations."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from lxml import etree
from lxml.etree import _Element as Element

from models.array_types import Floats
from models.errors import LimitExceeded, UnreadableMetadata
from models.seismic.data_issues import DataIssue, join_names
from models.seismic.geodesy import KM_PER_DEGREE, distance_deg
from models.seismic.io.horizontals import set_azimuths
from models.seismic.io.instrument_response import Instrument, read_instrument
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record, Response

MAX_DIFFERENCE_KM: Final = 1.0
"""Distance up to which two coordinates of a station agree: its sensors, and rounded coordinates, differ by less."""
MAX_MOVE_KM: Final = 100.0
"""The same from the built-in list: a station is moved to another site of its town, but a lost sign puts most of them farther away."""

_ALIASES = {
    **{"net": "network", "sta": "station", "lat": "latitude", "lon": "longitude", "elev": "elevation", "elevation_m": "elevation"},
    **dict.fromkeys(("starttime", "start_time", "startdate", "start_date"), "start"),
    **dict.fromkeys(("endtime", "end_time", "enddate", "end_date"), "end"),
    **{"loc": "location", "cha": "channel"},
}
_REQUIRED = ("network", "station", "latitude", "longitude")


@dataclass(frozen=True)
class Coordinates:
    """Coordinates of a sensor: degrees north, degrees east (-180 to 180), meters above sea level."""

    latitude_deg: float
    longitude_deg: float
    elevation_m: float | None = None


@dataclass(frozen=True)
class Epoch:
    """
    Metadata of a channel, or of a whole station (`location` and `channel` None), valid from `start_s` to `end_s` (POSIX).

    `coordinates` are None where the file states responses only. `part` is the file that states it, None for the built-in list, and
    `line` its line in a table of stations. `has_response` is false for formats that never state one.
    """

    location: str | None
    channel: str | None
    start_s: float
    end_s: float
    coordinates: Coordinates | None
    instrument: Instrument | None = None
    azimuth_deg: float | None = None
    part: str | None = None
    line: int | None = None
    has_response: bool = True

    @property
    def source(self) -> str:
        """Where this epoch is stated, for messages."""
        return f"line {self.line} of {self.part}" if self.line else self.part or "the built-in station list"

    def is_valid(self, time_s: float) -> bool:
        """Whether this epoch is valid at that time."""
        return self.start_s <= time_s <= self.end_s

    def describes(self, trace_id: TraceId, time_s: float) -> bool:
        """Whether this epoch is of that channel and valid at that time."""
        return (self.location, self.channel) == (trace_id.location, trace_id.channel) and self.is_valid(time_s)


@dataclass(frozen=True)
class Inventory:
    """Station metadata of one source: epochs by network and station; `issues` report entries that could not be used."""

    epochs: Mapping[tuple[str, str], Sequence[Epoch]]
    issues: tuple[DataIssue, ...] = ()

    def find_coordinate_epochs(self, trace_id: TraceId, time_s: float) -> list[Epoch]:
        """
        Look up the epochs that state the coordinates of a channel: its own at that time, else those of the station then, else at any time.

        The first one counts. There are several where the dates of a station's epochs do not say which one is valid at that time.
        """
        epochs = [epoch for epoch in self.epochs.get(trace_id.station_key, ()) if epoch.coordinates is not None]
        if not epochs:
            return []
        first = min(epochs, key=lambda epoch: (not epoch.describes(trace_id, time_s), not epoch.is_valid(time_s)))
        if first.channel is not None:
            return [first]
        return [epoch for epoch in epochs if epoch.channel is None and epoch.is_valid(time_s) == first.is_valid(time_s)]

    def response(self, trace_id: TraceId, time_s: float) -> Response | None:
        """Evaluate the response of exactly this channel at this time; None without one."""
        epoch = self._channel_epoch(trace_id, time_s)
        return epoch.instrument.evaluate() if epoch and epoch.instrument else None

    def azimuths_deg(self, record: Record) -> dict[TraceId, float]:
        """Look up the azimuths of a record's horizontal channels, clockwise from north; channels without one are missing."""
        trace_ids = record.horizontals.trace_ids if record.horizontals else ()
        epochs = {trace_id: self._channel_epoch(trace_id, record.start_time_s) for trace_id in trace_ids}
        return {trace_id: epoch.azimuth_deg for trace_id, epoch in epochs.items() if epoch and epoch.azimuth_deg is not None}

    def describes(self, trace_id: TraceId, time_s: float) -> bool:
        """Whether there is metadata of exactly this channel at this time, which then should include its response."""
        epoch = self._channel_epoch(trace_id, time_s)
        return epoch is not None and epoch.has_response

    def _channel_epoch(self, trace_id: TraceId, time_s: float) -> Epoch | None:
        epochs = self.epochs.get(trace_id.station_key, ())
        return next((epoch for epoch in epochs if epoch.describes(trace_id, time_s)), None)


def builtin_stations() -> dict[tuple[str, str], Coordinates]:
    """Read the coordinates of well-known permanent stations from the file beside this module, by network and station."""
    with (Path(__file__).parent / "builtin_stations.csv").open(newline="", encoding="utf-8") as file:
        return {
            (row["network"], row["station"]): _coordinates(row["latitude"], row["longitude"], row["elevation"])
            for row in csv.DictReader(file)
        }


def builtin_inventory() -> Inventory:
    """Read the built-in stations as an inventory, to be searched last."""
    return Inventory({key: (Epoch(None, None, -math.inf, math.inf, coordinates),) for key, coordinates in builtin_stations().items()})


def attach_metadata(records: Iterable[Record], inventories: Sequence[Inventory]) -> tuple[list[Record], list[DataIssue]]:
    """
    Attach coordinates, response and azimuths of the horizontals to records, each from the first inventory that has it.

    Missing and contradicting coordinates and missing responses are reported, contradictions once a station. Responses of records that
    are ground motion already are not attached.
    """
    completed: list[Record] = []
    issues: list[DataIssue] = []
    for record in records:
        trace_id, time_s = record.trace_id, record.start_time_s
        coordinates, issue = _choose_coordinates(
            trace_id, [inventory.find_coordinate_epochs(trace_id, time_s) for inventory in inventories]
        )
        issues += [issue] if issue and issue not in issues else []
        response = next(filter(None, (inventory.response(trace_id, time_s) for inventory in inventories)), None)
        if response is not None and record.is_ground_motion:
            response = None
            detail = "all samples are smaller than one count, so the response was taken as removed before and not removed again"
            issues.append(DataIssue(str(trace_id), None, "ground-motion", detail))
        elif response is None and (missing := _describe_missing_response(trace_id, time_s, inventories)):
            issues.append(DataIssue(str(trace_id), None, "no-response", f"{missing}; the record was used as it is"))
        azimuths = {known: azimuth for inventory in reversed(inventories) for known, azimuth in inventory.azimuths_deg(record).items()}
        horizontals = set_azimuths(record.horizontals, azimuths)
        completed.append(_with_coordinates(replace(record, response=response, horizontals=horizontals), coordinates))
    return completed, issues


def _describe_missing_response(trace_id: TraceId, time_s: float, inventories: Sequence[Inventory]) -> str | None:
    """Say why a channel has no response although metadata describe it, or responses of its station; None where there are none of these."""
    if any(inventory.describes(trace_id, time_s) for inventory in inventories):
        return "its metadata hold no response that can be evaluated (poles, zeros and a sensitivity to ground motion other than zero)"
    epochs = [epoch for inventory in inventories for epoch in inventory.epochs.get(trace_id.station_key, ()) if epoch.instrument]
    if not epochs:
        return None
    if any((epoch.location, epoch.channel) == (trace_id.location, trace_id.channel) for epoch in epochs):
        return "the response in its metadata is not valid at the time of the record; check the dates of the metadata"
    others = sorted({f"{epoch.location}.{epoch.channel}" for epoch in epochs})
    return f"the metadata have responses of other channels of its station alone ({join_names(others)}); check location and channel codes"


def _choose_coordinates(trace_id: TraceId, sources: Sequence[Sequence[Epoch]]) -> tuple[Coordinates | None, DataIssue | None]:
    """
    Choose the coordinates of a channel from the epochs that each source states, and report missing or contradicting ones.

    The first source with the station is used. If it contradicts itself (coordinates more than 1 km apart), the first other source that
    agrees with one of its epochs is used, else none. Differences from the built-in list alone are reported above `MAX_MOVE_KM`, for a
    station may have moved; the file's coordinates are used all the same.
    """
    stated = [epochs for epochs in sources if epochs]
    if not stated:
        detail = "not in the metadata of the upload nor in the built-in station list; without coordinates, not used for the location"
        return None, DataIssue(str(trace_id), None, "no-coordinates", detail)
    first = stated[0][0]
    inside = _find_contradiction(first, stated[0])
    every = [epoch for epochs in stated for epoch in epochs]
    other = (
        inside
        or _find_contradiction(first, [epoch for epoch in every if epoch.part is not None])
        or _find_contradiction(first, [epoch for epoch in every if epoch.part is None], MAX_MOVE_KM)
    )
    if other is None:
        return first.coordinates, None
    used = _find_agreeing(stated) if inside else first
    if used is None:
        outcome = "neither is used, and the station is not used for the location"
    else:
        outcome = f"those of {used.source} are used{', which agree with a line of the table' if inside and first.line else ''}"
    detail = f"{'.'.join(trace_id.station_key)} {_describe_difference(first, other)}; {outcome}; correct or remove the wrong coordinates"
    return used.coordinates if used else None, DataIssue(None, other.part or first.part, "contradicting-coordinates", detail)


def _find_contradiction(first: Epoch, others: Sequence[Epoch], apart_km: float = MAX_DIFFERENCE_KM) -> Epoch | None:
    """Find the epoch farthest from the first one, None where all are within a distance of it."""
    differing = [epoch for epoch in others if epoch.coordinates != first.coordinates]
    if not differing:
        return None
    differences_km = _difference_km(first, differing)
    farthest = int(np.argmax(differences_km))
    return differing[farthest] if differences_km[farthest] > apart_km else None


def _find_agreeing(stated: Sequence[Sequence[Epoch]]) -> Epoch | None:
    """Find the first epoch of a source after the first one that does not contradict itself and agrees with an epoch of the first source."""
    consistent = [epochs[0] for epochs in stated[1:] if _find_contradiction(epochs[0], epochs) is None]
    return next((epoch for epoch in consistent if _difference_km(epoch, stated[0]).min() <= MAX_DIFFERENCE_KM), None)


def _difference_km(first: Epoch, others: Sequence[Epoch]) -> Floats:
    """Compute the distances [others] of the coordinates of epochs from those of the first one."""
    latitudes, longitudes = np.array([_position(epoch) for epoch in others]).T
    return KM_PER_DEGREE * distance_deg(*_position(first), latitudes, longitudes)


def _position(epoch: Epoch) -> tuple[float, float]:
    """Latitude and longitude of an epoch that has coordinates, degrees."""
    assert epoch.coordinates is not None  # noqa: S101 -- `find_coordinate_epochs` lists no others
    return epoch.coordinates.latitude_deg, epoch.coordinates.longitude_deg


def _describe_difference(first: Epoch, other: Epoch) -> str:
    values = ["{}, {} in {}".format(*_position(epoch), epoch.source) for epoch in (first, other)]
    return f"has the coordinates {' and '.join(values)}, {_difference_km(first, [other])[0]:,.0f} km apart"


def read_stations_csv(data: bytes, part: str, max_bytes: float = math.inf) -> Inventory:
    """
    Read a table of stations with the columns network, station, latitude, longitude and, if given, elevation, start and end, in any order.

    Start and end (ISO 8601) bound the time for which a line is valid; dates that cannot be read do not. With the columns location and
    channel, as in the text format of FDSN web services at channel level, a line is valid for that channel, and an azimuth is read. Other
    columns, spaces and a byte order mark are ignored; columns may be separated by commas, semicolons, bars or tabs. Raises
    UnreadableMetadata where columns are missing or no line is valid, and LimitExceeded above `max_bytes`.
    """
    check_metadata_size(data, part, max_bytes)
    text = data.decode("utf-8-sig", errors="replace").replace("\0", "").lstrip()
    rows = csv.reader(io.StringIO(text), delimiter=max(",;|\t", key=text.split("\n", 1)[0].count), skipinitialspace=True)
    epochs: dict[tuple[str, str], list[Epoch]] = {}
    issues = []
    try:
        columns = _columns(next(rows, []), part)
        for number, row in enumerate(rows, start=2):
            try:
                key, epoch = _read_row(dict(zip(columns, row, strict=False)))
            except (KeyError, ValueError):
                if any(cell.strip() for cell in row):
                    quoted = "".join(letter for letter in ",".join(row) if letter.isprintable())[:60]
                    detail = f"line {number} ({quoted}) holds no station with codes and valid coordinates; left out"
                    issues.append(DataIssue(None, part, "bad-station", detail))
                continue
            epochs.setdefault(key, []).append(replace(epoch, part=part, line=number))
    except csv.Error as error:
        raise UnreadableMetadata(f"{part} is not a table of stations: {error}", part=part) from error
    if not epochs:
        first = "".join(f": {issue.detail.split(' holds ')[0]}" for issue in issues[:1])
        raise UnreadableMetadata(f"{part} holds no station with codes and valid coordinates{first}", part=part)
    return Inventory(epochs, tuple(issues))


def read_stationxml(data: bytes, part: str, max_bytes: float = math.inf) -> Inventory:
    """
    Read stations, channels and responses from StationXML; no entity is resolved and nothing is fetched.

    Raises UnreadableMetadata, and LimitExceeded above `max_bytes`: a document is parsed as a whole, with several times its size in memory.
    """
    check_metadata_size(data, part, max_bytes)
    root = parse_xml(data, part)
    if etree.QName(root).localname != "FDSNStationXML":
        raise UnreadableMetadata(f"{part} is XML, but neither StationXML nor a SeisComP inventory", part=part)
    epochs: dict[tuple[str, str], list[Epoch]] = {}
    issues: list[DataIssue] = []
    for network in root.iterfind("./{*}Network"):
        for station in network.iterfind("./{*}Station"):
            key = network.get("code", "").strip(), station.get("code", "").strip()
            epochs.setdefault(key, []).extend(replace(epoch, part=part) for epoch in _station_epochs(station, key, part, issues))
    if not any(epoch.coordinates for station in epochs.values() for epoch in station):
        raise UnreadableMetadata(f"{part} holds no station with coordinates", part=part)
    return Inventory(epochs, tuple(issues))


def parse_xml(data: bytes, part: str) -> Element:
    """Parse XML without entities, document type or network; raises UnreadableMetadata."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise UnreadableMetadata(
            f"{part} is not well-formed XML: {str(error).split(' (<string>')[0]}; export or download it again", part=part
        ) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableMetadata(f"{part} declares a document type, which station metadata do not need", part=part)
    return root


def _station_epochs(station: Element, key: tuple[str, str], part: str, issues: list[DataIssue]) -> Iterator[Epoch]:
    """Yield the epochs of the station itself and of each of its channels; one without valid values is left out with an issue."""
    coordinates = None
    try:
        epoch = Epoch(None, None, *_dates(station), _read_coordinates(station))
        coordinates = epoch.coordinates
        yield epoch
    except ValueError:
        issues.append(DataIssue(None, part, "bad-station", f"{'.'.join(key)} has no valid coordinates or dates; left out"))
    for channel in station.iterfind("./{*}Channel"):
        location, code = channel.get("locationCode", "").strip().replace("--", ""), channel.get("code", "").strip()
        try:
            yield _channel_epoch(channel, location, code, coordinates)
        except ValueError:
            name = ".".join((*key, location, code))
            issues.append(DataIssue(None, part, "bad-station", f"the channel {name} has no valid coordinates, dates or azimuth; left out"))


def _channel_epoch(channel: Element, location: str, code: str, station: Coordinates | None) -> Epoch:
    """Epoch of a channel, at the coordinates of its station where it states none; raises ValueError."""
    stated = any(channel.find(f"./{{*}}{name}") is not None for name in ("Latitude", "Longitude"))
    coordinates = _read_coordinates(channel) if stated else station
    response, azimuth = channel.find("./{*}Response"), channel.findtext("./{*}Azimuth")
    instrument = None if response is None else read_instrument(response)
    return Epoch(location, code, *_dates(channel), coordinates, instrument, float(azimuth) if azimuth else None)


def _dates(element: Element) -> tuple[float, float]:
    return _posix(element.get("startDate"), -math.inf), _posix(element.get("endDate"), math.inf)


def _posix(date: str | None, otherwise: float) -> float:
    """POSIX time of an XML date, in UTC where it names no zone."""
    if not date:
        return otherwise
    moment = datetime.fromisoformat(date.strip())
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _read_coordinates(element: Element) -> Coordinates:
    texts = [element.findtext(f"./{{*}}{name}") or "" for name in ("Latitude", "Longitude", "Elevation")]
    return _coordinates(*texts)


def _coordinates(latitude: str, longitude: str, elevation: str) -> Coordinates:
    """Parse coordinates; raises ValueError for invalid ones."""
    north, east = float(latitude), float(longitude)
    if not (-90 <= north <= 90 and -180 <= east <= 360):
        raise ValueError("latitude or longitude out of range")
    height = float(elevation) if elevation.strip() else None
    return Coordinates(north, east - 360 if east > 180 else east, height if height is not None and math.isfinite(height) else None)


def _columns(header: Sequence[str], part: str) -> list[str]:
    names = [name.strip().lstrip("#").strip().lower() for name in header]
    columns = [_ALIASES.get(name, name) for name in names]
    missing = [name for name in _REQUIRED if name not in columns]
    if missing:
        raise UnreadableMetadata(f"{part} lacks the columns {', '.join(missing)}", part=part)
    return columns


def _read_row(row: Mapping[str, str]) -> tuple[tuple[str, str], Epoch]:
    key = row["network"].strip(), row["station"].strip()
    if not key[1]:
        raise ValueError("no station code")
    coordinates = _coordinates(row["latitude"], row["longitude"], row.get("elevation", ""))
    channel = row.get("channel", "").strip() or None
    location = row.get("location", "").strip().replace("--", "") if channel else None
    azimuth = row.get("azimuth", "").strip() if channel else ""
    try:
        start_s, end_s = _posix(row.get("start", "").strip(), -math.inf), _posix(row.get("end", "").strip(), math.inf)
    except ValueError:
        start_s, end_s = -math.inf, math.inf
    return key, Epoch(location, channel, start_s, end_s, coordinates, None, float(azimuth) if azimuth else None, has_response=False)


def _with_coordinates(record: Record, coordinates: Coordinates | None) -> Record:
    if coordinates is None:
        return record
    latitude, longitude, elevation = coordinates.latitude_deg, coordinates.longitude_deg, coordinates.elevation_m
    return replace(record, latitude_deg=latitude, longitude_deg=longitude, elevation_m=elevation)


def check_metadata_size(data: bytes, part: str, max_bytes: float) -> None:
    """Raise LimitExceeded for more bytes of metadata than are read."""
    if len(data) > max_bytes:
        raise LimitExceeded(f"{part} holds {len(data):,} bytes of metadata; at most {max_bytes:,} are read", part=part)
