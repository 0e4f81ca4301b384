"""
Archives of real recordings from FDSN web services, for users who have network access.

Stations and waveforms are fetched with ObsPy's mass downloader (Krischer et al. 2015, doi:10.1088/1749-4699/8/1/014003). Files are kept
in `raw/<event>/` as served: waveforms in counts, and StationXML with the response. Existing files are never requested again, nor is an
event whose requests all succeeded. Requests are limited to one every `interval_s` seconds over all threads.
"""

import hashlib
import json
import logging
import threading
import time
import tomllib
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from obspy import UTCDateTime
from obspy.clients.fdsn import Client
from obspy.clients.fdsn.header import FDSNException, FDSNNoDataException
from obspy.clients.fdsn.mass_downloader import CircularDomain, MassDownloader, Restrictions
from pydantic import BaseModel, ConfigDict, Field, model_validator
from tqdm import tqdm

from models.errors import AtlasError
from models.seismic.io.channel_selection import select_channels
from models.seismic.io.inventory import attach_metadata, read_stationxml
from models.seismic.io.miniseed import MiniseedLimits, read_records, scan_miniseed
from models.seismic.waveforms import Record
from training.config import read_commit
from training.datasets.archive import ArchivedEvent, ArchiveWriter
from training.fdsn.event_lists import EventQuery, ListedEvent, convert_quakeml, read_event_list

LIMITS = MiniseedLimits(max_traces=5000, max_segments=50_000, max_samples=500_000_000, max_span_s=86_400.0)
REQUESTS = ("get_events", "get_stations", "get_stations_bulk", "get_waveforms", "get_waveforms_bulk")
COMPLETE = "complete.json"
log = logging.getLogger(__name__)


class Provider(BaseModel):
    """A data center by ObsPy's short name or base address; `services` gives single services an address of their own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    services: dict[str, str] = {}


class FdsnPlan(BaseModel):
    """Events, data centers, stations and time windows to download, and the limits on requests."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    catalog: Path | None = Field(None, description="csv, ndk or QuakeML file, or a folder of ndk files")
    event_service: Provider | None = Field(None, description="FDSN event service to query instead of a catalog")
    events: EventQuery
    providers: tuple[Provider, ...] = Field(min_length=1)
    range_deg: tuple[float, float] = (5.0, 160.0)
    before_s: float = Field(900.0, ge=0)
    after_s: float = Field(6300.0, gt=0)
    channels: tuple[str, ...] = ("LHZ", "BHZ", "HHZ")
    locations: tuple[str, ...] = ("", "00", "10")
    apart_km: float = Field(100.0, ge=0, description="minimum distance between two stations")
    threads: int = Field(2, ge=1, le=3, description="simultaneous requests to one provider")
    interval_s: float = Field(0.5, ge=0.05, description="minimum time between two requests")
    timeout_s: float = Field(120.0, gt=0)
    user_agent: str = "seismic-atlas/0.1 (ObsPy mass downloader)"
    events_per_shard: int = Field(50, ge=1)

    @model_validator(mode="after")
    def _check_event_source(self) -> "FdsnPlan":
        if (self.catalog is None) == (self.event_service is None):
            raise ValueError("the plan must name either a catalog or an event_service")
        return self


def read_plan(path: Path) -> FdsnPlan:
    """Read the plan of a TOML file; training/configs/fdsn_example.toml is an example."""
    return FdsnPlan.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))


class RequestThrottle:
    """Rate limiter: spaces requests by `interval_s` over all threads, and counts requests and failures (no data is not a failure)."""

    def __init__(self, interval_s: float) -> None:
        self.interval_s = interval_s
        self.requests = self.failures = 0
        self._next_s = 0.0
        self._lock = threading.Lock()

    def _wait(self) -> None:
        with self._lock:
            slot_s = max(time.monotonic(), self._next_s)
            self._next_s = slot_s + self.interval_s
            self.requests += 1
        time.sleep(max(slot_s - time.monotonic(), 0.0))

    def throttle(self, request: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a request such that it waits for its turn and counts its failure."""

        @wraps(request)
        def wait_and_call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401  (ObsPy's own arguments)
            self._wait()
            try:
                return request(*arguments, **options)
            except FDSNNoDataException:
                raise
            except (FDSNException, OSError):
                with self._lock:
                    self.failures += 1
                raise

        return wait_and_call


def open_client(provider: Provider, plan: FdsnPlan, throttle: RequestThrottle) -> Any:  # noqa: ANN401  (ObsPy has no types)
    """Open ObsPy's client of a data center, with throttled requests; raises FDSNException if it does not answer."""
    client = Client(provider.name, user_agent=plan.user_agent, timeout=plan.timeout_s, service_mappings=dict(provider.services))
    for name in REQUESTS:
        setattr(client, name, throttle.throttle(getattr(client, name)))
    return client


def list_events(plan: FdsnPlan, throttle: RequestThrottle) -> list[ListedEvent]:
    """List the events that the plan selects, from its catalog or its event service."""
    if plan.catalog is not None:
        return plan.events.choose(read_event_list(plan.catalog))
    assert plan.event_service is not None  # noqa: S101  (the plan was validated)
    span = {"starttime": UTCDateTime(plan.events.start), "endtime": UTCDateTime(plan.events.end)}
    try:
        found = open_client(plan.event_service, plan, throttle).get_events(**span, minmagnitude=plan.events.min_magnitude)
    except FDSNNoDataException:
        return []
    return plan.events.choose(filter(None, map(convert_quakeml, found)))


def _event_folder(raw: Path, event: ListedEvent) -> Path:
    """Name an event's folder by time, so that events of equal names do not collide, and by name with letters and digits only."""
    name = "".join(letter if letter.isalnum() else "_" for letter in event.name)
    return raw / f"{UTCDateTime(event.time_s).strftime('%Y%m%dT%H%M%S')}_{name}"


def download_event(event: ListedEvent, plan: FdsnPlan, downloader: Any, throttle: RequestThrottle, folder: Path) -> None:  # noqa: ANN401
    """
    Download the missing files of one event to its folder; it is marked complete if no request failed.

    `downloader` is ObsPy's mass downloader with throttled clients, whose failures `throttle` counts.
    """
    failed_before = throttle.failures
    domain = CircularDomain(event.latitude_deg, event.longitude_deg, *plan.range_deg)
    restrictions = Restrictions(
        starttime=UTCDateTime(event.time_s - plan.before_s),
        endtime=UTCDateTime(event.time_s + plan.after_s),
        channel_priorities=plan.channels,
        location_priorities=plan.locations,
        minimum_interstation_distance_in_m=plan.apart_km * 1000.0,
        reject_channels_with_gaps=False,
        minimum_length=0.5,
    )
    downloader.download(domain, restrictions, str(folder / "waveforms"), str(folder / "stations"), threads_per_client=plan.threads)
    folder.mkdir(parents=True, exist_ok=True)
    if throttle.failures == failed_before:
        (folder / COMPLETE).write_text(json.dumps(event.truth, indent=1), encoding="utf-8")


def read_event_folder(folder: Path) -> tuple[Record, ...]:
    """Read one vertical record a station, in counts, with coordinates and response, from an event's folder; empty without waveforms."""
    files = sorted((folder / "waveforms").glob("*.mseed"))
    if not files:
        return ()
    try:
        records, issues = read_records([scan_miniseed(file.name, file.read_bytes()) for file in files], LIMITS)
        inventories = [read_stationxml(file.read_bytes(), file.name) for file in sorted((folder / "stations").glob("*.xml"))]
    except AtlasError as error:
        log.warning("event %s was skipped, its files could not be read: %s", folder.name, error)
        return ()
    located, _ = attach_metadata(records, inventories)
    return tuple(select_channels([record for record in located if record.latitude_deg is not None], issues)[0])


def _hash_name(event: ListedEvent) -> str:
    """Derive an archive name that is the same in every run and does not reveal the kind of event, as catalog names do."""
    return hashlib.sha256(f"{event.time_s:.3f} {event.name}".encode()).hexdigest()[:16]


def _write_archive(events: list[ListedEvent], plan: FdsnPlan, out: Path) -> None:
    """Write the complete events that have records and are not yet in the archive."""
    selection = plan.model_dump(mode="json", exclude={"threads", "interval_s", "timeout_s", "user_agent", "events_per_shard"})
    with ArchiveWriter(
        out / "archive", {"source": "FDSN web services", "commit": read_commit(), "plan": selection}, plan.events_per_shard
    ) as writer:
        for event in events:
            name, folder = _hash_name(event), _event_folder(out / "raw", event)
            if name in writer.kept or not (folder / COMPLETE).exists():
                continue
            records = read_event_folder(folder)
            if records:
                writer.add(ArchivedEvent(name, records, event.truth))


def fetch_plan(plan: FdsnPlan, out: Path) -> RequestThrottle:
    """
    Download the plan's events to `out/raw` and write them to `out/archive`; returns the counts of requests and failures.

    Run again after an interruption or a failure, it continues. Raises FDSNException if a service does not answer, ValueError where `out`
    was begun with another plan.
    """
    throttle = RequestThrottle(plan.interval_s)
    events = list_events(plan, throttle)
    waiting = [event for event in events if not (_event_folder(out / "raw", event) / COMPLETE).exists()]
    if waiting:
        clients = [open_client(provider, plan, throttle) for provider in plan.providers]
        downloader = MassDownloader(providers=clients, configure_logging=False)
        for event in tqdm(waiting, desc="events", unit="event"):
            download_event(event, plan, downloader, throttle, _event_folder(out / "raw", event))
    _write_archive(events, plan, out)
    return throttle
