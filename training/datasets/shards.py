"""
Shards of pictures with their truth, and archives of waveforms, drawn in parallel processes and kept on disk with their provenance.

A shard is one .npz file that depends on the recipe and its own seed alone; an archived event depends on the recipe and its own number.
An interrupted run therefore continues where it was.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from training.config import TrainingSettings, read_commit
from training.datasets.archive import ArchivedEvent, ArchiveWriter
from training.earth import greens, structure
from training.earth.greens import GreensStore
from training.processes import map_in_processes

Arrays = dict[str, NDArray[Any]]
# Files below the data folder that events, stations and noise are drawn from; their names must not reveal kinds of events.
SOURCES = {
    "gcmt": "catalogs/gcmt_*.csv",
    "greenland": "catalogs/greenland_*.csv",
    "stations": "stations/global_stations.csv",
    "noise": "noise/*/waveforms.mseed",
}


@dataclass(frozen=True)
class Shards:
    """The files of one data set, and its fingerprint."""

    folder: Path
    paths: tuple[Path, ...]
    fingerprint: str

    def load(self, index: int) -> Arrays:
        """Load all arrays of one shard."""
        with np.load(self.paths[index]) as content:
            return {name: content[name] for name in content.files}

    def load_all(self, names: tuple[str, ...]) -> Arrays:
        """Load the named arrays of all shards, concatenated."""
        shards = [self.load(index) for index in range(len(self.paths))]
        return {name: np.concatenate([shard[name] for shard in shards]) for name in names}


def combine_fingerprints(*items: BaseModel | str | int) -> str:
    """Combine recipes and fingerprints into one SHA-256, as hexadecimal."""
    text = json.dumps([item.model_dump(mode="json") if isinstance(item, BaseModel) else item for item in items], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _name_shard(seed: int) -> str:
    return f"shard_{seed:08d}.npz"


def _draw_shard(draw: Callable[[int], Arrays], folder: Path, seed: int) -> None:
    arrays, path = draw(seed), folder / _name_shard(seed)
    temporary = path.with_name(f".{path.name}")
    with temporary.open("wb") as handle:
        np.savez(handle, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the first keyword for allow_pickle
    temporary.rename(path)


def make_shards(draw: Callable[[int], Arrays], folder: Path, fingerprint: str, seeds: list[int], processes: int) -> Shards:
    """
    Draw the missing shards of a data set, one a seed, in up to `processes` processes; returns all of them.

    `draw` makes the arrays of the shard of one seed and must be picklable (a module-level function, or functools.partial of one).
    `fingerprint` covers everything that shards depend on, and names the subfolder of `folder`.
    """
    target = folder / fingerprint[:12]
    target.mkdir(parents=True, exist_ok=True)
    paths = tuple(target / _name_shard(seed) for seed in seeds)
    todo = [seed for path, seed in zip(paths, seeds, strict=True) if not path.exists()]
    for _ in map_in_processes(partial(_draw_shard, draw, target), todo, processes, f"shards of {folder.name}", "shard"):
        pass
    manifest = {"fingerprint": fingerprint, "seeds": seeds}
    (target / "manifest.json").write_text(json.dumps(manifest, indent=1))
    return Shards(target, paths, fingerprint)


def _hash_files(folder: Path, pattern: str) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob(pattern)):
        digest.update(path.relative_to(folder).as_posix().encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def fingerprint_inputs(recipe: BaseModel, stores: tuple[GreensStore, ...], data: Path | None) -> dict[str, str]:
    """Compute the SHA-256 of the recipe, of the stores' configurations and decks, and of the data files ("stated" without a folder)."""
    decks = "".join(structure.format_deck(store.config.deck) for store in stores)
    known = {
        "recipe": combine_fingerprints(recipe),
        "store": greens.fingerprint_stores(stores),
        "decks": hashlib.sha256(decks.encode()).hexdigest(),
    }
    return known | {name: "stated" if data is None else _hash_files(data, pattern) for name, pattern in SOURCES.items()}


def describe_provenance(recipe: BaseModel, seed: int, stores: tuple[GreensStore, ...], settings: TrainingSettings) -> dict[str, Any]:
    """Describe the provenance (`made_from` in the manifest) of a set drawn with a recipe and a seed."""
    return {"seed": seed, "commit": read_commit(), "fingerprints": fingerprint_inputs(recipe, stores, settings.data_dir)}


def name_event(number: int) -> str:
    """Name an event of an archive by its number, which does not reveal its kind."""
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
    Draw the missing events of an archive, `count` in all, in up to `processes` processes; returns its folder.

    `draw` makes the events of a list of numbers, names event n `name_event(n)`, and must be picklable. `made_from` is the provenance
    for the manifest.
    """
    with ArchiveWriter(folder, made_from, events_per_shard) as writer:
        todo = [number for number in range(count) if name_event(number) not in writer.kept]
        batches = [todo[start : start + events_per_shard] for start in range(0, len(todo), events_per_shard)]
        for events in map_in_processes(draw, batches, processes, folder.name, "shard"):
            for event in events:
                writer.add(event)
    return folder
