"""Events whose truth is known, in batches that a worker process reads or draws by itself: archives, the replica, folders of real events."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import batched
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from models.seismic.io.channel_selection import select_channels
from models.seismic.io.inventory import Inventory, attach_metadata, read_stations_csv
from models.seismic.io.miniseed import MiniseedLimits, read_records, scan_miniseed
from models.seismic.waveforms import Record
from training.config import TrainingSettings
from training.datasets.archive import ArchivedEvent, read_labels, read_manifest, read_shard
from training.datasets.catalog_replica import ReplicaRecipe, draw_replica, select_replica_split
from training.datasets.shards import combine_fingerprints
from training.evaluation.event_result import NAN, Truth

LIMITS: Final = MiniseedLimits(max_traces=2000, max_segments=5000, max_samples=200_000_000, max_span_s=6 * 3600.0)
SPLITS: Final = ("random", "region", "year")
TEST: Final = "test"
BATCH: Final = 24


@dataclass(frozen=True)
class LabeledEvent:
    """Records of one event, one a station, its truth, and the splits that hold it in their test part."""

    truth: Truth
    records: tuple[Record, ...]
    tested_by: tuple[str, ...] = ()


class EventSource(Protocol):
    """Events by key. It is sent to worker processes, which load the events of their batches."""

    @property
    def name(self) -> str:
        """Name of the file that keeps the results."""

    def describe(self) -> dict[str, Any]:
        """What the events are made from, as JSON: results of another description are not reused."""

    def batches(self, settings: TrainingSettings) -> list[tuple[str, ...]]:
        """Keys of all events, grouped as they are best loaded together."""

    def load(self, keys: Sequence[str], settings: TrainingSettings) -> Iterator[tuple[str, LabeledEvent]]:
        """Load the events of some keys of one batch."""


def list_test_splits(truth: Mapping[str, Any]) -> tuple[str, ...]:
    """List the splits that hold an archived event in their test part."""
    return tuple(name for name in SPLITS if truth[f"split_{name}"] == TEST)


def parse_truth(name: str, label: Mapping[str, object]) -> Truth:
    """Build the truth from a label of a synthetic archive; None and missing values become NaN."""

    def number(key: str) -> float:
        value = label.get(key)
        return NAN if value is None else float(str(value))

    quantities = ("latitude_deg", "longitude_deg", "depth_km", "magnitude", "force_azimuth_deg", "origin_time_s")
    return Truth(name, str(label["kind"]), *(number(key) for key in quantities))


def _label_event(event: ArchivedEvent) -> LabeledEvent:
    label = event.truth or {}
    return LabeledEvent(parse_truth(event.name, label), event.records, list_test_splits(label))


@dataclass(frozen=True)
class ArchiveSource:
    """
    Events of an archive of waveforms, at most `most` of each file.

    `part`: the events that some split tests on ("tested"), that the random split tests on ("random"), or that no split tests
    on ("untested").
    """

    folder: Path
    part: Literal["tested", "random", "untested"] = "tested"
    most: int | None = None

    @property
    def name(self) -> str:
        """Name of the archive and the part of it."""
        return f"{self.folder.name}-{self.part}"

    def describe(self) -> dict[str, Any]:
        """Digests of the files of the archive."""
        return {"archive": read_manifest(self.folder)["shards"]}

    def batches(self, settings: TrainingSettings) -> list[tuple[str, ...]]:  # noqa: ARG002  (the archive lies where it lies)
        """Names of the selected events of each file."""
        labels = read_labels(self.folder)
        shards = read_manifest(self.folder)["shards"].values()
        return [tuple(name for name in shard["events"] if self._selects(labels[name]))[: self.most] for shard in shards]

    def _selects(self, label: Mapping[str, Any]) -> bool:
        tested = list_test_splits(label)
        return {"tested": bool(tested), "random": "random" in tested, "untested": not tested}[self.part]

    def load(self, keys: Sequence[str], settings: TrainingSettings) -> Iterator[tuple[str, LabeledEvent]]:  # noqa: ARG002
        """Read events of one file."""
        shards = read_manifest(self.folder)["shards"]
        for stem in (stem for stem, shard in shards.items() if set(keys) & set(shard["events"])):
            for event in read_shard(self.folder, stem):
                if event.name in keys:
                    yield event.name, _label_event(event)


@dataclass(frozen=True)
class ReplicaSource:
    """Events of a part of the random split of the synthetic catalog replica, drawn when they are needed."""

    recipe: ReplicaRecipe
    part: str
    most: int | None = None

    @property
    def name(self) -> str:
        """Part of the replica, and the fingerprint of its recipe."""
        return f"replica-{self.part}-{combine_fingerprints(self.recipe)[:8]}"

    def describe(self) -> dict[str, Any]:
        """Recipe of the replica."""
        return {"recipe": self.recipe.model_dump(mode="json")}

    def batches(self, settings: TrainingSettings) -> list[tuple[str, ...]]:
        """Numbers of the events, as text."""
        return list(batched(map(str, select_replica_split(self.recipe, settings, self.part)[: self.most]), BATCH))

    def load(self, keys: Sequence[str], settings: TrainingSettings) -> Iterator[tuple[str, LabeledEvent]]:
        """Draw events by number."""
        for key, event in zip(keys, draw_replica(self.recipe, settings, [int(key) for key in keys]), strict=True):
            yield key, _label_event(event)


@dataclass(frozen=True)
class FolderSource:
    """Real events of a folder: one folder each, with `waveforms.mseed`, `stations.csv` and `event.json`. `components`: ZNE or Z alone."""

    folder: Path
    components: Literal["ZNE", "Z"] = "ZNE"

    @property
    def name(self) -> str:
        """Name of the folder and of the components that are read."""
        return f"{self.folder.name}-{self.components}"

    def describe(self) -> dict[str, Any]:
        """Sizes of the waveforms."""
        return {"sizes": {path.parent.name: path.stat().st_size for path in sorted(self.folder.glob("*/waveforms.mseed"))}}

    def batches(self, settings: TrainingSettings) -> list[tuple[str, ...]]:  # noqa: ARG002
        """Names of the events, each a batch."""
        return [(folder.name,) for folder in list_real_events(self.folder)]

    def load(self, keys: Sequence[str], settings: TrainingSettings) -> Iterator[tuple[str, LabeledEvent]]:  # noqa: ARG002
        """Read events by name."""
        for key in keys:
            records = read_real_records(self.folder / key)
            if self.components == "Z":
                records = tuple(replace(record, horizontals=None) for record in records)
            yield key, LabeledEvent(read_real_truth(self.folder / key), records)


def list_real_events(folder: Path) -> list[Path]:
    """List the folders of the events in a folder of real events, by name."""
    return sorted(path.parent for path in folder.glob("*/event.json"))


def read_real_truth(folder: Path) -> Truth:
    """Read the truth from `event.json` (`event_id`, `type`, `latitude`, `longitude`, optionally `depth_km`, `magnitude`, `origin_time`)."""
    event = json.loads((folder / "event.json").read_text(encoding="utf-8"))
    depth, magnitude = (NAN if event.get(key) is None else float(event[key]) for key in ("depth_km", "magnitude"))
    origin_s = datetime.fromisoformat(event["origin_time"]).timestamp() if event.get("origin_time") else NAN
    epicenter = (float(event["latitude"]), float(event["longitude"]))
    return Truth(str(event["event_id"]), str(event["type"]), *epicenter, depth, magnitude, NAN, origin_s)


def read_real_records(folder: Path, inventories: Sequence[Inventory] = ()) -> tuple[Record, ...]:
    """Read one vertical record a station, its horizontals where there are any, and coordinates from inventories, else `stations.csv`."""
    records, issues = read_records([scan_miniseed("waveforms.mseed", (folder / "waveforms.mseed").read_bytes())], LIMITS)
    table = read_stations_csv((folder / "stations.csv").read_bytes(), "stations.csv")
    located, _ = attach_metadata(records, [*inventories, table])
    return tuple(select_channels(located, issues)[0])
