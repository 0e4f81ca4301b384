"""
Archives of waveforms: records of many events in one folder, with the true source parameters (labels) in separate files.

`waveforms/00000.h5` and so on hold the records (HDF5, one group an event), `labels/00000.jsonl` the truth of the same events,
`manifest.json` the provenance and a digest of every file. An archive without `labels` is complete; its events have no truth. Files
are written under a temporary name and renamed, so an existing file is always whole.

The group of an event holds `traces`, one row a record; `samples`, those of all records concatenated; and, where the instrument
response is known, `response_frequencies_hz` and `velocity_responses`, concatenated in the same order.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record, Response

Truth = Mapping[str, float | str | None]

# Coordinates and elevation are NaN where unknown; `points` counts the frequencies of the response, 0 where there is none.
TRACE = np.dtype(
    [
        ("trace_id", "S40"),
        ("start_time_s", "<f8"),
        ("sampling_rate_hz", "<f8"),
        ("latitude_deg", "<f8"),
        ("longitude_deg", "<f8"),
        ("elevation_m", "<f8"),
        ("samples", "<i8"),
        ("points", "<i8"),
    ]
)
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class ArchivedEvent:
    """The records of one event; its name does not reveal its kind, `truth` is None without labels."""

    name: str
    records: tuple[Record, ...]
    truth: Truth | None


def _nan_if_none(value: float | None) -> float:
    return np.nan if value is None else value


def _describe_record(record: Record) -> tuple[bytes | float, ...]:
    coordinates = (_nan_if_none(record.latitude_deg), _nan_if_none(record.longitude_deg), _nan_if_none(record.elevation_m))
    points = 0 if record.response is None else len(record.response.frequencies_hz)
    return (str(record.trace_id).encode(), record.start_time_s, record.sampling_rate_hz, *coordinates, len(record.samples), points)


def _write_event(file: h5py.File, event: ArchivedEvent) -> None:
    group = file.create_group(event.name)
    group["traces"] = np.array([_describe_record(record) for record in event.records], dtype=TRACE)
    samples = np.concatenate([np.empty(0, np.float32), *(record.samples for record in event.records)])
    group.create_dataset("samples", data=samples, compression="gzip", compression_opts=4, shuffle=True, chunks=(max(len(samples), 1),))
    known = [record.response for record in event.records if record.response is not None]
    if known:
        group["response_frequencies_hz"] = np.concatenate([response.frequencies_hz for response in known])
        group["velocity_responses"] = np.concatenate([response.velocity_response for response in known])


def _none_if_nan(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _split_dataset(group: h5py.Group, name: str, counts: NDArray[np.int64]) -> list[NDArray[Any]]:
    """Split a dataset into one array a record; empty arrays where it is absent."""
    whole = group[name][()] if name in group else np.empty(0)
    return np.split(whole, np.cumsum(counts)[:-1])


def _read_records(group: h5py.Group) -> tuple[Record, ...]:
    traces = group["traces"][()]
    samples = _split_dataset(group, "samples", traces["samples"])
    frequencies, responses = (_split_dataset(group, name, traces["points"]) for name in ("response_frequencies_hz", "velocity_responses"))
    return tuple(
        Record(
            trace_id=TraceId.parse(row["trace_id"].decode()),
            start_time_s=float(row["start_time_s"]),
            sampling_rate_hz=float(row["sampling_rate_hz"]),
            samples=samples[k],
            latitude_deg=_none_if_nan(row["latitude_deg"]),
            longitude_deg=_none_if_nan(row["longitude_deg"]),
            elevation_m=_none_if_nan(row["elevation_m"]),
            response=Response(frequencies[k], responses[k]) if row["points"] else None,
        )
        for k, row in enumerate(traces)
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


class ArchiveWriter:
    """
    Context manager that writes an archive, a file of waveforms every `events_per_shard` events.

    An interrupted archive is continued: `kept` names the events of its finished files, which the caller skips. `manifest` states the
    provenance (seed, commit, fingerprints); ValueError is raised where the folder was begun from another (the commit may differ). An
    exception inside the block loses the events of the unfinished file.
    """

    def __init__(self, folder: Path, manifest: Mapping[str, Any], events_per_shard: int) -> None:
        self._folder, self._size = folder, events_per_shard
        self._made_from = json.loads(json.dumps({**manifest, "events_per_shard": events_per_shard}))
        self._shards: dict[str, dict[str, Any]] = {}
        self._file: h5py.File | None = None
        self._truths: list[dict[str, Any]] = []
        self._names: list[str] = []
        self._traces = 0

    @property
    def kept(self) -> frozenset[str]:
        """Names of the events in finished files."""
        return frozenset(name for shard in self._shards.values() for name in shard["events"])

    def __enter__(self) -> Self:
        for name in ("waveforms", "labels"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        if (self._folder / "manifest.json").exists():
            begun = read_manifest(self._folder)
            self._shards = begun["shards"]
            if {**begun["made_from"], "commit": None} != {**self._made_from, "commit": None}:
                raise ValueError(
                    f"{self._folder.name} was begun from something else (see made_from in its manifest.json): choose another folder"
                )
        else:
            self._write_manifest()
        return self

    def add(self, event: ArchivedEvent) -> None:
        """Write one event; raises ValueError for a name that is taken or has other characters than letters, digits, '_', '-' and '.'."""
        if not _NAME.fullmatch(event.name) or event.name in self.kept or event.name in self._names:
            raise ValueError(f"the event name {event.name!r} is taken, or has other characters than letters, digits, '_', '-' and '.'")
        if self._file is None:
            self._file = h5py.File(self._temporary, "w", libver="v110")
        _write_event(self._file, event)
        self._names.append(event.name)
        self._traces += len(event.records)
        if event.truth is not None:
            self._truths.append({"name": event.name, **event.truth})
        if len(self._names) == self._size:
            self._finish_shard()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._finish_shard()
        elif self._file is not None:
            self._file.close()
            self._temporary.unlink()

    @property
    def _temporary(self) -> Path:
        return self._folder / "waveforms" / ".unfinished.h5"

    def _finish_shard(self) -> None:
        """Rename labels, then waveforms, then write the manifest: a shard exists once the manifest names it."""
        if self._file is None:
            return
        self._file.close()
        stem = f"{len(self._shards):05d}"
        labels, waveforms = self._folder / "labels" / f"{stem}.jsonl", self._folder / "waveforms" / f"{stem}.h5"
        _replace(labels, "".join(json.dumps(truth, allow_nan=False) + "\n" for truth in self._truths))
        os.replace(self._temporary, waveforms)
        digests = {"waveforms_sha256": _digest(waveforms), "labels_sha256": _digest(labels)}
        self._shards[stem] = {**digests, "traces": self._traces, "events": self._names}
        self._write_manifest()
        self._file, self._names, self._truths, self._traces = None, [], [], 0

    def _write_manifest(self) -> None:
        shards = self._shards.values()
        counts = {"events": sum(len(shard["events"]) for shard in shards), "traces": sum(shard["traces"] for shard in shards)}
        _replace(self._folder / "manifest.json", json.dumps({"made_from": self._made_from, **counts, "shards": self._shards}, indent=1))


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest: `made_from` (provenance), numbers of `events` and `traces`, and `shards` with digests and event names."""
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return content


def _check_digest(path: Path, digest: str) -> Path:
    if _digest(path) != digest:
        raise ValueError(f"{path.name} does not match its digest in manifest.json: the archive is damaged; copy or draw it again")
    return path


def _read_shard_labels(folder: Path, stem: str, shard: Mapping[str, Any]) -> dict[str, Truth]:
    path = folder / "labels" / f"{stem}.jsonl"
    if not path.exists():
        return {}
    rows = [json.loads(line) for line in _check_digest(path, shard["labels_sha256"]).read_text(encoding="utf-8").splitlines()]
    return {row.pop("name"): row for row in rows}


def read_labels(folder: Path) -> dict[str, Truth]:
    """Read the truth of all labeled events, by name; empty for an archive without labels."""
    shards = read_manifest(folder)["shards"].items()
    return {name: truth for stem, shard in shards for name, truth in _read_shard_labels(folder, stem, shard).items()}


def read_shard(folder: Path, stem: str) -> Iterator[ArchivedEvent]:
    """Read the events of one shard, named as in the manifest; raises ValueError for a damaged file."""
    shard = read_manifest(folder)["shards"][stem]
    labels = _read_shard_labels(folder, stem, shard)
    with h5py.File(_check_digest(folder / "waveforms" / f"{stem}.h5", shard["waveforms_sha256"]), "r") as file:
        for name in shard["events"]:
            yield ArchivedEvent(name, _read_records(file[name]), labels.get(name))


def read_events(folder: Path) -> Iterator[ArchivedEvent]:
    """Read all events in the order written, one at a time; raises ValueError for a damaged file."""
    for stem in read_manifest(folder)["shards"]:
        yield from read_shard(folder, stem)
