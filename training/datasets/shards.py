"""
Data sets: pictures with their truth, and archives of waveforms, drawn in parallel, kept, and read back as they are needed.

A shard of pictures is one .npz; what it holds depends on the recipe and its own seed alone, an archived event on the recipe
and its own number, so a stopped run goes on where it was.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from tqdm import tqdm

from training.config import SPAWN
from training.datasets.archive import ArchivedEvent, ArchiveWriter

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Shards:
    """The shards of one data set."""

    folder: Path
    paths: tuple[Path, ...]
    fingerprint: str

    def load(self, index: int) -> Arrays:
        """All arrays of one shard."""
        with np.load(self.paths[index]) as content:
            return {name: content[name] for name in content.files}

    def load_all(self, names: tuple[str, ...]) -> Arrays:
        """Those arrays of all shards, one after the other."""
        parts = [self.load(index) for index in range(len(self.paths))]
        return {name: np.concatenate([part[name] for part in parts]) for name in names}


def combine_fingerprints(*parts: BaseModel | str | int) -> str:
    """SHA-256 over recipes and fingerprints, as hexadecimal."""
    text = json.dumps([part.model_dump(mode="json") if isinstance(part, BaseModel) else part for part in parts], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _write(path: Path, arrays: Arrays) -> None:
    temporary = path.with_name(f".{path.name}")
    with temporary.open("wb") as handle:
        np.savez(handle, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the first keyword for allow_pickle
    temporary.rename(path)


def _make(draw: Callable[[int], Arrays], path: Path, seed: int) -> None:
    _write(path, draw(seed))


def make_shards(draw: Callable[[int], Arrays], folder: Path, fingerprint: str, seeds: list[int], processes: int) -> Shards:
    """
    The shards of those seeds, the missing ones drawn by `draw(seed)` in parallel processes.

    `draw` must be picklable (a module-level function or functools.partial of one).
    """
    place = folder / fingerprint[:12]
    place.mkdir(parents=True, exist_ok=True)
    paths = tuple(place / f"shard_{seed:08d}.npz" for seed in seeds)
    with ProcessPoolExecutor(processes, SPAWN) as pool:
        todo = [(path, seed) for path, seed in zip(paths, seeds, strict=True) if not path.exists()]
        futures = [pool.submit(_make, draw, path, seed) for path, seed in todo]
        for future in tqdm(futures, desc=f"shards of {folder.name}", unit="shard", disable=not futures):
            future.result()
    manifest = {"fingerprint": fingerprint, "seeds": seeds}
    (place / "manifest.json").write_text(json.dumps(manifest, indent=1))
    return Shards(place, paths, fingerprint)


def name_event(number: int) -> str:
    """What the event of that number is called in an archive: its number and nothing else."""
    return f"event_{number:06d}"


def make_archive(
    draw: Callable[[list[int]], list[ArchivedEvent]],
    count: int,
    folder: Path,
    made_from: Mapping[str, Any],
    events_per_shard: int,
    processes: int,
) -> Path:
    """
    An archive of events 0 to `count`, the missing ones drawn by `draw(numbers)` in parallel processes; returns its folder.

    `draw` must be picklable and name event n `name_event(n)`. `describe_provenance` goes into the manifest.
    """
    with ArchiveWriter(folder, made_from, events_per_shard) as writer, ProcessPoolExecutor(processes, SPAWN) as pool:
        todo = [number for number in range(count) if name_event(number) not in writer.kept]
        batches = [todo[start : start + events_per_shard] for start in range(0, len(todo), events_per_shard)]
        for events in tqdm(pool.map(draw, batches), desc=folder.name, unit="shard", total=len(batches), disable=not batches):
            for event in events:
                writer.add(event)
    return folder
