"""
Lists of real events whose recordings are to be downloaded: catalog files, or an FDSN event service.

Global CMT as ndk files or as csv (Ekstrom et al. 2012, doi:10.1016/j.pepi.2012.04.002), Greenland glacial earthquakes as csv
(Tsai & Ekstrom 2007, doi:10.1029/2006JF000596; Veitch & Nettles 2012; Olsen & Nettles 2017), any csv with hypocenters, QuakeML.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from obspy import read_events
from obspy.core.event import Event as QuakeMLEvent
from pydantic import BaseModel, ConfigDict, Field

TENSOR = ("mrr", "mtt", "mpp", "mrt", "mrp", "mtp")
DYNE_CM_TO_N_M = 1e-7
# QuakeML event types as kinds of `training.synthesis.sources`; all others keep their QuakeML name.
KIND_OF = {"nuclear explosion": "explosion", "mining explosion": "explosion", "quarry blast": "explosion", "ice quake": "glacial"}


@dataclass(frozen=True)
class ListedEvent:
    """A cataloged event: POSIX origin time, hypocenter, magnitude; `details`: moment tensor [N m], or force azimuth and amplitude."""

    name: str
    kind: str
    time_s: float
    latitude_deg: float
    longitude_deg: float
    depth_km: float
    magnitude: float | None = None
    details: Mapping[str, float] = field(default_factory=dict)

    @property
    def truth(self) -> dict[str, float | str | None]:
        """The event's labels; a moment tensor as `mrr_n_m` and so on, with r up, t south, p east."""
        return {
            "kind": self.kind,
            "catalog_name": self.name,
            "origin_time_s": self.time_s,
            "latitude_deg": self.latitude_deg,
            "longitude_deg": self.longitude_deg,
            "depth_km": self.depth_km,
            "magnitude": self.magnitude,
            **self.details,
        }


class EventQuery(BaseModel):
    """Selection of events by time span and magnitude, at most the earliest `most` of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: datetime
    end: datetime
    min_magnitude: float | None = None
    most: int | None = Field(None, ge=1)

    def wants(self, event: ListedEvent) -> bool:
        """Tell whether an event is in the time span and large enough; one without a magnitude counts as large enough."""
        small = None not in (event.magnitude, self.min_magnitude) and (event.magnitude or 0.0) < (self.min_magnitude or 0.0)
        return not small and _as_utc(self.start).timestamp() <= event.time_s < _as_utc(self.end).timestamp()

    def choose(self, events: Iterator[ListedEvent]) -> list[ListedEvent]:
        """Choose the wanted events, sorted by time."""
        return sorted(filter(self.wants, events), key=lambda event: (event.time_s, event.name))[: self.most]


def _as_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parse_time(text: str) -> float:
    return _as_utc(datetime.fromisoformat(text)).timestamp()


def _read_row(row: Mapping[str, str]) -> ListedEvent:
    """Read one row of a csv: glacial if it has a force azimuth, else an earthquake, with its moment tensor if there is one."""
    if "force_azimuth_deg" in row:
        hypocenter = float(row["centroid_latitude"]), float(row["centroid_longitude"]), 0.0
        amplitude = float(row["amplitude_1e14_kg_m"]) * 1e14
        details = {"force_azimuth_deg": float(row["force_azimuth_deg"]), "amplitude_kg_m": amplitude}
        magnitude = float(row["magnitude_msw"]) if row.get("magnitude_msw") else None
        return ListedEvent(row["event_name"], "glacial", _parse_time(row["centroid_time"]), *hypocenter, magnitude, details)
    hypocenter = float(row["latitude"]), float(row["longitude"]), float(row["depth_km"])
    name = row.get("event_name") or row.get("iris_event_id") or row["origin_time"]
    size = row.get("mw") or row.get("magnitude")
    tensor = {f"{m}_n_m": float(row[m]) * DYNE_CM_TO_N_M for m in TENSOR if m in row}
    return ListedEvent(name, "earthquake", _parse_time(row["origin_time"]), *hypocenter, float(size) if size else None, tensor)


def convert_quakeml(event: QuakeMLEvent) -> ListedEvent | None:
    """Convert an ObsPy event with its preferred origin and magnitude and its tensor [N m]; None without origin time and epicenter."""
    origin = event.preferred_origin() or next(iter(event.origins), None)
    if origin is None or None in (origin.time, origin.latitude, origin.longitude):
        return None
    size = event.preferred_magnitude() or next(iter(event.magnitudes), None)
    kind = event.event_type or "earthquake"
    named = (note.text for note in event.event_descriptions if note.type == "earthquake name")
    name = next(named, str(event.resource_id).rstrip("/").rsplit("/", 1)[-1])
    hypocenter = float(origin.latitude), float(origin.longitude), float(origin.depth or 0.0) / 1000.0
    return ListedEvent(
        name,
        KIND_OF.get(kind, kind),
        float(origin.time.timestamp),
        *hypocenter,
        None if size is None else float(size.mag),
        _read_tensor(event),
    )


def _read_tensor(event: QuakeMLEvent) -> dict[str, float]:
    tensor = next((f.moment_tensor.tensor for f in event.focal_mechanisms if f.moment_tensor and f.moment_tensor.tensor), None)
    values = [] if tensor is None else [tensor[f"m_{name[1:]}"] for name in TENSOR]
    usable = bool(values) and None not in values
    return {f"{m}_n_m": float(value) for m, value in zip(TENSOR, values, strict=True)} if usable else {}


def read_event_list(path: Path) -> Iterator[ListedEvent]:
    """
    Read the events of a csv, an ndk or a QuakeML file, or of all ndk files of a folder.

    Raises KeyError or ValueError for a csv with other columns than this module knows.
    """
    if path.is_dir():
        for file in sorted(path.glob("*.ndk")):
            yield from read_event_list(file)
    elif path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as handle:
            yield from map(_read_row, csv.DictReader(handle))
    else:
        events = read_events(str(path), format="NDK" if path.suffix == ".ndk" else "QUAKEML")
        yield from filter(None, map(convert_quakeml, events))
