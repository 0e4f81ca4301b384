"""What an archive was made from, for its manifest: seed, commit, and fingerprints of recipe, stores, catalogs and noise."""

import hashlib
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from training.config import TrainingSettings, read_commit
from training.datasets.shards import combine_fingerprints
from training.earth import greens, structure
from training.earth.greens import GreensStore

# What events, stations and noise are drawn from, below the data folder; no name of a kind, for a manifest shall give none away.
SOURCES = {
    "gcmt": "catalogs/gcmt_*.csv",
    "greenland": "catalogs/greenland_*.csv",
    "stations": "stations/global_stations.csv",
    "noise": "noise/*/waveforms.mseed",
}


def _digest_of_files(folder: Path, pattern: str) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob(pattern)):
        digest.update(path.relative_to(folder).as_posix().encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def fingerprint_inputs(recipe: BaseModel, stores: tuple[GreensStore, ...], data: Path | None) -> dict[str, str]:
    """SHA-256 of the recipe, of the stores' configurations, of their decks, and of the data files read ("stated" without a folder)."""
    decks = "".join(structure.format_deck(store.config.deck) for store in stores)
    known = {
        "recipe": combine_fingerprints(recipe),
        "store": greens.fingerprint_stores(stores),
        "decks": hashlib.sha256(decks.encode()).hexdigest(),
    }
    return known | {name: "stated" if data is None else _digest_of_files(data, pattern) for name, pattern in SOURCES.items()}


def describe_provenance(recipe: BaseModel, seed: int, stores: tuple[GreensStore, ...], settings: TrainingSettings) -> dict[str, Any]:
    """The manifest's `describe_provenance` of a set drawn with that recipe and seed."""
    return {"seed": seed, "commit": read_commit(), "fingerprints": fingerprint_inputs(recipe, stores, settings.data_dir)}
