"""
Lists of real events to fetch recordings of: catalog files, or any FDSN event service.

Global CMT as ndk files or as csv (Ekstrom et al. 2012, doi:10.1016/j.pepi.2012.04.002), Greenland glacial earthquakes as csv
(Tsai & Ekstrom 2007, doi:10.1029/2006JF000596; Veitch & Nettles 2012; Olsen & Nettles 2017), any csv with time and place, QuakeML.
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
# QuakeML's words for what an event was, as the kinds of training.sources; all others keep their QuakeML word.
KIND_OF = {"nuclear explosion": "explosion", "mining explosion": "explosion", "quarry blast": "explosion", "ice quake": "glacial"}


@dataclass(frozen=True)
class ListedEvent:
    """A real event as its catalog tells it; `details` holds what the kind has besides time [POSIX seconds] and place."""

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
        """What is known of the event; a moment tensor as `mrr_n_m` and so on, r up, t south, p east."""
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
    """Which events of a list or service are wanted; `most` counts from the earliest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: datetime
    end: datetime
    min_magnitude: float | None = None
    most: int | None = Field(None, ge=1)

    def wants(self, event: ListedEvent) -> bool:
        """Whether the event lies in the span and is large enough; one without a magnitude is taken for large enough."""
        small = None not in (event.magnitude, self.min_magnitude) and (event.magnitude or 0.0) < (self.min_magnitude or 0.0)
        return not small and _utc(self.start).timestamp() <= event.time_s < _utc(self.end).timestamp()

    def choose(self, events: Iterator[ListedEvent]) -> list[ListedEvent]:
        """The events wanted, in order of time."""
        return sorted(filter(self.wants, events), key=lambda event: (event.time_s, event.name))[: self.most]


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _posix(text: str) -> float:
    return _utc(datetime.fromisoformat(text)).timestamp()


def _row_event(row: Mapping[str, str]) -> ListedEvent:
    """One line of a csv: glacial where there is a force azimuth, else an earthquake, with its tensor where there is one."""
    if "force_azimuth_deg" in row:
        place = float(row["centroid_latitude"]), float(row["centroid_longitude"]), 0.0
        amplitude = float(row["amplitude_1e14_kg_m"]) * 1e14
        details = {"force_azimuth_deg": float(row["force_azimuth_deg"]), "amplitude_kg_m": amplitude}
        magnitude = float(row["magnitude_msw"]) if row.get("magnitude_msw") else None
        return ListedEvent(row["event_name"], "glacial", _posix(row["centroid_time"]), *place, magnitude, details)
    place = float(row["latitude"]), float(row["longitude"]), float(row["depth_km"])
    name = row.get("event_name") or row.get("iris_event_id") or row["origin_time"]
    size = row.get("mw") or row.get("magnitude")
    tensor = {f"{m}_n_m": float(row[m]) * DYNE_CM_TO_N_M for m in TENSOR if m in row}
    return ListedEvent(name, "earthquake", _posix(row["origin_time"]), *place, float(size) if size else None, tensor)


def convert_quakeml(event: QuakeMLEvent) -> ListedEvent | None:
    """An event of ObsPy's with its preferred origin, magnitude and tensor [N m]; None where it has no origin with place and time."""
    origin = event.preferred_origin() or next(iter(event.origins), None)
    if origin is None or None in (origin.time, origin.latitude, origin.longitude):
        return None
    size = event.preferred_magnitude() or next(iter(event.magnitudes), None)
    kind = event.event_type or "earthquake"
    named = (note.text for note in event.event_descriptions if note.type == "earthquake name")
    name = next(named, str(event.resource_id).rstrip("/").rsplit("/", 1)[-1])
    place = float(origin.latitude), float(origin.longitude), float(origin.depth or 0.0) / 1000.0
    return ListedEvent(
        name, KIND_OF.get(kind, kind), float(origin.time.timestamp), *place, None if size is None else float(size.mag), _tensor(event)
    )


def _tensor(event: QuakeMLEvent) -> dict[str, float]:
    tensor = next((f.moment_tensor.tensor for f in event.focal_mechanisms if f.moment_tensor and f.moment_tensor.tensor), None)
    values = [] if tensor is None else [tensor[f"m_{name[1:]}"] for name in TENSOR]
    usable = bool(values) and None not in values
    return {f"{m}_n_m": float(value) for m, value in zip(TENSOR, values, strict=True)} if usable else {}


def read_event_list(path: Path) -> Iterator[ListedEvent]:
    """
    The events of a csv, an ndk or a QuakeML file, or of all ndk files of a folder.

    Raises KeyError or ValueError for a csv that is none of those that this module names.
    """
    if path.is_dir():
        for file in sorted(path.glob("*.ndk")):
            yield from read_event_list(file)
    elif path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8") as handle:
            yield from map(_row_event, csv.DictReader(handle))
    else:
        events = read_events(str(path), format="NDK" if path.suffix == ".ndk" else "QUAKEML")
        yield from filter(None, map(convert_quakeml, events))
