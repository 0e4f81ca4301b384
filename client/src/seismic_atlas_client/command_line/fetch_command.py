"""The command that fetches a bundle from FDSN web services."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from seismic_atlas_client.command_line import arguments as given
from seismic_atlas_client.command_line.session import Session
from seismic_atlas_client.command_line.tables import format_coordinates
from seismic_atlas_client.errors import MissingExtra
from seismic_atlas_client.fdsn.download import BANDS, DATA_CENTERS, FetchedBundle, FetchPlan, fetch_event, fetch_window
from seismic_atlas_client.fdsn.events import CatalogEvent, find_event

BAND_LIST = ",".join(BANDS)


def fetch(
    context: typer.Context,
    event: Annotated[str | None, typer.Argument(help="Id of an event in a catalog, as us7000abcd.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Zip file to write.")] = None,
    time: Annotated[str | None, typer.Option(help="Origin time, instead of an id; ISO 8601 in UTC.")] = None,
    latitude: Annotated[float | None, typer.Option(min=-90, max=90, help="Latitude of the epicenter, degrees.")] = None,
    longitude: Annotated[float | None, typer.Option(min=-180, max=360, help="Longitude of the epicenter, degrees.")] = None,
    start: Annotated[str | None, typer.Option(help="Begin of a window, instead of an event; ISO 8601 in UTC.")] = None,
    end: Annotated[str | None, typer.Option(help="End of the window.")] = None,
    stations: Annotated[str | None, typer.Option(help="Stations as IU.ANMO,II.*; all of them are fetched.")] = None,
    event_service: given.EventService = None,
    data_center: given.DataCenters = None,
    count: given.StationCount = 24,
    bands: given.Bands = BAND_LIST,
    min_distance: given.MinDistance = 0.0,
    max_distance: given.MaxDistance = None,
    before: given.Before = 300.0,
    after: given.After = 5400.0,
) -> None:
    """
    Fetch records of an event from FDSN web services and write them as a bundle.

    The event is an id in a catalog, or --time with --latitude and --longitude; or give --start, --end and --stations. Without --stations
    they are chosen such that azimuths, and then distances, are covered evenly.
    """
    session: Session = context.obj
    chosen = tuple(filter(None, (stations or "").split(",")))
    plan = make_plan(data_center, chosen, count, (min_distance, max_distance), bands, (before, after))
    if event is not None:
        fetch_by_id(session, event, event_service, plan, output or Path(f"{event}.zip"))
    elif time is not None and latitude is not None and longitude is not None:
        _fetch(session, CatalogEvent(parse_time(time), latitude, longitude), plan, output or Path("event.zip"))
    elif start is not None and end is not None and chosen:
        _fetch(session, (parse_time(start), parse_time(end)), plan, output or Path("window.zip"))
    else:
        raise typer.BadParameter("give an event id; or --time, --latitude and --longitude; or --start, --end and --stations")


def make_plan(
    data_centers: list[str] | None,
    stations: tuple[str, ...] = (),
    count: int = 24,
    distances_deg: tuple[float, float | None] = (0.0, None),
    bands: str = BAND_LIST,
    window_s: tuple[float, float] = (300.0, 5400.0),
) -> FetchPlan:
    """
    Make the plan of a download from the options of a command.

    Parameters
    ----------
    data_centers
        Names or addresses; without any, the defaults of FetchPlan.
    stations
        Codes of stations, all of which are fetched.
    count
        Number of stations to choose otherwise.
    distances_deg
        Minimum and maximum distance; None: by magnitude.
    bands
        Band and instrument codes, separated by commas.
    window_s
        Seconds before and after the origin time.

    """
    return FetchPlan(
        data_centers=tuple(data_centers or DATA_CENTERS),
        stations=stations,
        count=count,
        min_distance_deg=distances_deg[0],
        max_distance_deg=distances_deg[1],
        bands=tuple(bands.upper().split(",")),
        before_s=window_s[0],
        after_s=window_s[1],
    )


def fetch_by_id(session: Session, event_id: str, service: str | None, plan: FetchPlan, path: Path) -> FetchedBundle:
    """Find an event and fetch its records, with messages on what is done; raises FetchFailed."""
    found = find_event(event_id, service)
    magnitude = "" if found.magnitude is None else f", magnitude {found.magnitude:.1f}"
    depth = "" if found.depth_km is None else f", depth {found.depth_km:.0f} km"
    session.say(f"{event_id}: {found.time}, {format_coordinates(found.latitude, found.longitude)}{depth}{magnitude}")
    return _fetch(session, found, plan, path)


def parse_time(text: str) -> Any:  # noqa: ANN401 -- ObsPy has no types
    """Parse a time as an ObsPy UTCDateTime; raises a usage error for other text."""
    try:
        from obspy import UTCDateTime  # noqa: PLC0415 -- an extra
    except ImportError as error:
        raise MissingExtra("fetching from FDSN web services", "obspy") from error
    try:
        return UTCDateTime(text)
    except (TypeError, ValueError) as error:
        raise typer.BadParameter(f"{text!r} is not a time; write it as 2013-05-24T05:44:49") from error


def _fetch(session: Session, what: CatalogEvent | tuple[Any, Any], plan: FetchPlan, path: Path) -> FetchedBundle:
    with session.show_progress("asking FDSN services") as update:

        def report(text: str) -> None:
            update(text, None)

        fetched = fetch_event(what, plan, path, report) if isinstance(what, CatalogEvent) else fetch_window(*what, plan, path, report)
    for failure in fetched.failures:
        session.say(f"left out: {failure}")
    distances = [station.distance_deg for station in fetched.stations]
    where = f", {min(distances):.0f} to {max(distances):.0f}° away, azimuthal gap {fetched.azimuthal_gap_deg:.0f}°" if fetched.event else ""
    session.say(f"{fetched.path.name}: {len(fetched.stations)} stations{where}")
    return fetched
