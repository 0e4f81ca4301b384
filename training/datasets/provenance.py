"""Provenance of an archive, for its manifest: seed, commit, and fingerprints of recipe, stores, catalogs and noise."""

import hashlib
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from training.config import TrainingSettings, read_commit
from training.datasets.shards import combine_fingerprints
from training.earth import greens, structure
from training.earth.greens import GreensStore

# Files below the data folder that events, stations and noise are drawn from; their names must not reveal kinds of events.
SOURCES = {
    "gcmt": "catalogs/gcmt_*.csv",
    "greenland": "catalogs/greenland_*.csv",
    "stations": "stations/global_stations.csv",
    "noise": "noise/*/waveforms.mseed",
}


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
