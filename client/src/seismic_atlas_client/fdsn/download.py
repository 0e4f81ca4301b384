"""Download waveforms and metadata of chosen stations, and write them as a bundle."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from seismic_atlas_client.bundles import ZIP_TIME
from seismic_atlas_client.errors import FetchFailed
from seismic_atlas_client.fdsn.events import CatalogEvent, open_data_center
from seismic_atlas_client.fdsn.stations import (
    Candidate,
    choose_channel,
    choose_max_distance,
    choose_stations,
    find_largest_gap,
    measure_path,
)

DATA_CENTERS = ("EARTHSCOPE", "GEOFON")
BANDS = ("BH", "HH", "LH")
MAX_ROUNDS = 3
"""Requests for stations in place of those without data."""

Report = Callable[[str], None]


@dataclass(frozen=True)
class FetchPlan:
    """
    What to download: time window, stations, channels and data centers.

    `stations` are codes as in IU.ANMO, with wildcards, all of which are requested; without them up to `count` stations between the
    distances are chosen (`stations.choose_stations`). `before_s` and `after_s` are seconds about the origin time, or about the start
    and the end of a window.
    """

    data_centers: tuple[str, ...] = DATA_CENTERS
    stations: tuple[str, ...] = ()
    count: int = 24
    min_distance_deg: float = 0.0
    max_distance_deg: float | None = None
    bands: tuple[str, ...] = BANDS
    before_s: float = 300.0
    after_s: float = 5400.0


@dataclass(frozen=True)
class FetchedBundle:
    """A bundle that was written: its path, stations with waveforms, largest azimuthal gap in degrees, and what went wrong."""

    path: Path
    stations: tuple[Candidate, ...]
    azimuthal_gap_deg: float
    failures: tuple[str, ...] = ()
    event: CatalogEvent | None = None


@dataclass
class _Download:
    """Waveforms and metadata so far."""

    waveforms: list[bytes] = field(default_factory=list)
    metadata: dict[str, bytes] = field(default_factory=dict)
    delivered: list[Candidate] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def fetch_event(event: CatalogEvent, plan: FetchPlan, path: Path, report: Report = lambda _: None) -> FetchedBundle:
    """
    Download records of an event and write them as a zip bundle of waveforms.mseed and StationXML.

    Stations without data are replaced by others, up to three times. A data center that fails is left out.

    Parameters
    ----------
    event
        Origin of the event.
    plan
        Window, stations, channels and data centers.
    path
        The archive to write.
    report
        Called with what is being done.

    Raises
    ------
    FetchFailed
        No data center has a station or a waveform for the plan.

    """
    window = (event.time - plan.before_s, event.time + plan.after_s)
    largest = plan.max_distance_deg or choose_max_distance(event.magnitude)
    circle = {"latitude": event.latitude, "longitude": event.longitude, "minradius": plan.min_distance_deg, "maxradius": largest}
    done = _Download()
    candidates = [_measure(candidate, event) for candidate in _list_candidates(plan, window, circle, done, report)]
    _download_chosen(candidates, plan, window, done, report)
    return replace(_write_bundle(done, path), event=event)


def fetch_window(start: Any, end: Any, plan: FetchPlan, path: Path, report: Report = lambda _: None) -> FetchedBundle:  # noqa: ANN401
    """Download the records of `plan.stations` between two times (ObsPy UTCDateTime) and write them as a bundle; raises FetchFailed."""
    if not plan.stations:
        raise FetchFailed("a time window needs a list of stations, as in IU.ANMO,II.*")
    done = _Download()
    candidates = _list_candidates(plan, (start, end), {}, done, report)
    _download_chosen(candidates, replace(plan, count=len(candidates)), (start, end), done, report)
    return _write_bundle(done, path)


def _list_candidates(
    plan: FetchPlan, window: tuple[Any, Any], circle: dict[str, float], done: _Download, report: Report
) -> list[Candidate]:
    """List the stations with vertical channels of all data centers, each once; raises FetchFailed where there is none."""
    found: dict[str, Candidate] = {}
    for name in plan.data_centers:
        report(f"listing stations of {name}")
        try:
            for candidate in _request_stations(name, plan, window, circle):
                found.setdefault(candidate.code, candidate)
        except FetchFailed as error:
            done.failures.append(str(error))
    if not found:
        why = "; ".join(done.failures) or "no station has channels " + ", ".join(f"{band}Z" for band in plan.bands) + " there at that time"
        raise FetchFailed(f"no station was found: {why}")
    return list(found.values())


def _request_stations(name: str, plan: FetchPlan, window: tuple[Any, Any], circle: dict[str, float]) -> Iterator[Candidate]:
    client = open_data_center(name)
    from obspy.clients.fdsn.header import FDSNException, FDSNNoDataException  # noqa: PLC0415 -- an extra

    query = {
        "level": "channel",
        "channel": ",".join(f"{band}Z" for band in plan.bands),
        "starttime": window[0],
        "endtime": window[1],
        **circle,
    }
    if "includerestricted" in client.services.get("station", {}):
        query["includerestricted"] = False
    selections = [code.partition(".") for code in plan.stations] or [("*", ".", "*")]
    for network, _, station in selections:
        try:
            inventory = client.get_stations(network=network, station=station or "*", format="text", **query)
        except FDSNNoDataException:
            continue
        except (FDSNException, ValueError, OSError) as error:
            raise FetchFailed(f"{name} did not list its stations: {error}") from error
        yield from _read_inventory(inventory, name, plan.bands)


def _read_inventory(inventory: Any, data_center: str, bands: Sequence[str]) -> Iterator[Candidate]:  # noqa: ANN401
    for network in inventory:
        for station in network:
            chosen = choose_channel([(channel.location_code, channel.code) for channel in station], bands)
            if chosen is not None:
                place = (float(station.latitude), float(station.longitude))
                yield Candidate(network.code, station.code, *place, *chosen, data_center)


def _measure(candidate: Candidate, event: CatalogEvent) -> Candidate:
    distance_deg, azimuth_deg = measure_path(event.latitude, event.longitude, candidate.latitude, candidate.longitude)
    return replace(candidate, distance_deg=distance_deg, azimuth_deg=azimuth_deg)


def _download_chosen(candidates: Sequence[Candidate], plan: FetchPlan, window: tuple[Any, Any], done: _Download, report: Report) -> None:
    """Download the chosen stations, and others in place of those without data; all of them where the plan names stations."""
    left = list(candidates)
    count = len(left) if plan.stations else plan.count
    for _ in range(MAX_ROUNDS):
        chosen = choose_stations(left, count - len(done.delivered), done.delivered)
        if not chosen:
            break
        left = [candidate for candidate in left if candidate not in chosen]
        ordered = sorted(chosen, key=lambda candidate: candidate.data_center)
        for name, group in groupby(ordered, key=lambda candidate: candidate.data_center):
            stations = list(group)
            report(f"downloading {len(stations)} stations from {name}")
            try:
                _download_group(name, stations, window, done)
            except FetchFailed as error:
                done.failures.append(str(error))
    if not done.delivered:
        raise FetchFailed(
            "no waveforms were found: " + ("; ".join(done.failures) or f"{len(candidates)} stations have no data at that time")
        )


def _download_group(name: str, stations: Sequence[Candidate], window: tuple[Any, Any], done: _Download) -> None:
    """Download waveforms of stations of a data center in one request, and the metadata of those that have some."""
    client = open_data_center(name)
    from obspy.clients.fdsn.header import FDSNException, FDSNNoDataException  # noqa: PLC0415 -- an extra

    rows = [(one.network, one.station, one.location or "--", f"{one.band}?", *window) for one in stations]
    try:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "waveforms.mseed"
            client.get_waveforms_bulk(rows, filename=str(target))
            waveforms = target.read_bytes()
        present = _list_stations(waveforms)
        delivered = [one for one in stations if one.code in present]
        chosen = [row for row, one in zip(rows, stations, strict=True) if one.code in present]
        inventory = client.get_stations_bulk(chosen, level="response") if chosen else None
    except FDSNNoDataException:
        return
    except (FDSNException, OSError) as error:
        raise FetchFailed(f"{name} gave no data: {error}") from error
    if inventory is not None:
        done.waveforms.append(waveforms)
        buffer = io.BytesIO()
        inventory.write(buffer, format="STATIONXML")
        done.metadata[f"stations_{len(done.metadata) + 1}.xml"] = buffer.getvalue()
        done.delivered += delivered


def _list_stations(waveforms: bytes) -> set[str]:
    """Return the codes of the stations of miniSEED records."""
    import obspy  # noqa: PLC0415 -- an extra

    if not waveforms:
        return set()
    traces = obspy.read(io.BytesIO(waveforms), format="MSEED", headonly=True)  # noqa: TID251 -- of a named format
    return {f"{trace.stats.network}.{trace.stats.station}" for trace in traces}


def _write_bundle(done: _Download, path: Path) -> FetchedBundle:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("waveforms.mseed", ZIP_TIME), b"".join(done.waveforms), zipfile.ZIP_DEFLATED)
        for name, data in done.metadata.items():
            archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), data, zipfile.ZIP_DEFLATED)
    return FetchedBundle(path, tuple(done.delivered), find_largest_gap(done.delivered), tuple(done.failures))
