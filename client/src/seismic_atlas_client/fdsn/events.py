"""Events of catalogs by their id, from FDSN event services."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from seismic_atlas_client.errors import FetchFailed, MissingExtra

EVENT_SERVICES = (
    (re.compile(r"\d{8}_\d{7}"), "EMSC"),
    (re.compile(r"\d{4,}"), "ISC"),
)
"""Forms of event ids, and ObsPy's name of the service that gives such ids; all others are those of the USGS."""

DEFAULT_EVENT_SERVICE = "USGS"
TIMEOUT_S = 60.0


@dataclass(frozen=True)
class CatalogEvent:
    """Origin of an event in a catalog, or a time and a place given instead."""

    time: Any
    """Origin time, an ObsPy UTCDateTime."""

    latitude: float
    longitude: float
    depth_km: float | None = None
    magnitude: float | None = None
    event_id: str = ""


@cache
def open_data_center(name: str) -> Any:  # noqa: ANN401 -- ObsPy has no types
    """
    Open ObsPy's client of an FDSN data center, by its short name or base address; its services are asked for once.

    Raises MissingExtra without ObsPy, and FetchFailed if the data center does not answer or the name is unknown.
    """
    try:
        from obspy.clients.fdsn import Client  # noqa: PLC0415 -- an extra
        from obspy.clients.fdsn.header import FDSNException  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra("fetching from FDSN web services", "obspy") from error
    try:
        return Client(name, timeout=TIMEOUT_S, user_agent="seismic-atlas-client")
    except (FDSNException, ValueError, OSError) as error:
        raise FetchFailed(f"the data center {name} cannot be used: {error}") from error


def choose_event_service(event_id: str) -> str:
    """Return the event service of an id by its form: EMSC for 20240101_0000123, ISC for digits, else USGS."""
    return next((name for form, name in EVENT_SERVICES if form.fullmatch(event_id)), DEFAULT_EVENT_SERVICE)


def find_event(event_id: str, service: str | None = None) -> CatalogEvent:
    """
    Return the preferred origin of an event by its id.

    Parameters
    ----------
    event_id
        Id in the catalog of the service, such as us7000abcd.
    service
        ObsPy's short name or the address of an FDSN event service; None: chosen by the form of the id.

    Raises
    ------
    FetchFailed
        The service does not answer, or has no event of this id, or none with an origin.

    """
    name = service or choose_event_service(event_id)
    client = open_data_center(name)
    from obspy.clients.fdsn.header import FDSNException, FDSNNoDataException  # noqa: PLC0415 -- an extra

    if "event" not in client.services:
        raise FetchFailed(f"{name} has no event service; name one with an event service")
    try:
        found = client.get_events(eventid=event_id)
    except FDSNNoDataException as error:
        raise FetchFailed(f"{name} has no event {event_id!r}; check the id, or name another event service") from error
    except (FDSNException, OSError) as error:
        raise FetchFailed(f"{name} did not answer for event {event_id!r}: {error}") from error
    return _read_origin(found, event_id, name)


def _read_origin(catalog: Any, event_id: str, service: str) -> CatalogEvent:  # noqa: ANN401 -- ObsPy has no types
    origins = [event.preferred_origin() or next(iter(event.origins), None) for event in catalog[:1]]
    if not origins or origins[0] is None:
        raise FetchFailed(f"{service} has no origin of event {event_id!r}")
    event, origin = catalog[0], origins[0]
    magnitude = event.preferred_magnitude() or next(iter(event.magnitudes), None)
    return CatalogEvent(
        time=origin.time,
        latitude=float(origin.latitude),
        longitude=float(origin.longitude),
        depth_km=None if origin.depth is None else float(origin.depth) / 1000.0,
        magnitude=None if magnitude is None else float(magnitude.mag),
        event_id=event_id,
    )
