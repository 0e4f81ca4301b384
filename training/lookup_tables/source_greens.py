"""
The tables of Green's functions of the source inversion: `models/artifacts/greens/<version>/`.

Computed by reciprocity like the stores of training, but on a regular grid of distances and below 45 mHz; vertical components only.
A stopped computation continues where it stopped.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from models.registry.earth_tables import CARD_FILE, TablesCard
from models.seismic.source.greens_tables import DEPTHS_KM, DISTANCES_DEG, FORCES, STEP_S, STRAINS, layout, pack_series
from training.config import TrainingSettings, read_commit
from training.earth.greens import GreensConfig, compute_greens
from training.earth.structure import DECKS

DEPTHS_PER_BATCH = 13


def make_tables_config(deck: str) -> GreensConfig:
    """Make the engine's configuration: 4.5 to 45 mHz, 112 minutes every 10 s."""
    return GreensConfig(
        deck=deck,
        highest_frequency_mhz=45.0,
        taper_mhz=4.0,
        lowest_frequency_mhz=4.5,
        length_min=112.0,
        time_step_s=STEP_S,
        tolerance=1e-4,
        degrees_per_mhz=12.0,
        depths_km=DEPTHS_KM,
        cells=(),
        depths_per_batch=DEPTHS_PER_BATCH,
        seed=0,
    )


def compute_series(deck: str, folder: Path) -> None:
    """Compute what is missing of the series of an Earth model: `forces.npy`, and `strains_<depth>.npy` [distances, components, samples]."""
    folder.mkdir(parents=True, exist_ok=True)
    config, distances = make_tables_config(deck), DISTANCES_DEG.tolist()
    if not (folder / "forces.npy").exists():
        np.save(folder / "forces.npy", compute_greens(config, "forces", [(0.0, distance) for distance in distances]))
    missing = [k for k in range(len(DEPTHS_KM)) if not (folder / f"strains_{k:02d}.npy").exists()]
    for batch in (missing[k : k + DEPTHS_PER_BATCH] for k in range(0, len(missing), DEPTHS_PER_BATCH)):
        series = compute_greens(config, "strains", [(DEPTHS_KM[k], distance) for k in batch for distance in distances])
        for k, block in zip(batch, np.split(series, len(batch)), strict=True):
            np.save(folder / f"strains_{k:02d}.npy", block)


def pack_tables(folder: Path, target: Path) -> str:
    """Pack the series of a folder into the tables of an Earth model; returns the SHA-256 of the file."""
    begins_s, counts = layout()[:2]
    mantissas, exponents = [], []
    for state in range(len(DEPTHS_KM) + 1):
        series = np.load(folder / ("forces.npy" if state == len(DEPTHS_KM) else f"strains_{state:02d}.npy"))
        for distance, count in enumerate(counts[state]):
            first = round(begins_s[distance] / STEP_S)
            packed = pack_series(series[distance, : FORCES if state == len(DEPTHS_KM) else STRAINS, first : first + count])
            mantissas.append(packed[0].ravel())
            exponents.append(packed[1].ravel())
    np.savez_compressed(target, mantissas=np.concatenate(mantissas), exponents=np.concatenate(exponents))
    return hashlib.sha256(target.read_bytes()).hexdigest()


def write_source_tables(settings: TrainingSettings, earths: tuple[str, ...] = (), version: str = "1") -> Path:
    """Compute and write the tables of Earth models (all, if none is named) and their card; returns the folder."""
    decks = earths or DECKS
    target = settings.artifacts_dir / "greens" / version
    target.mkdir(parents=True, exist_ok=True)
    digests = {}
    for deck in decks:
        compute_series(deck, settings.build_dir / "greens_serving" / deck)
        digests[deck] = pack_tables(settings.build_dir / "greens_serving" / deck, target / f"{deck}.npz")
    engine = make_tables_config(decks[0]).model_dump(mode="json", include={"highest_frequency_mhz", "lowest_frequency_mhz", "tolerance"})
    card = TablesCard(version=version, created_at=datetime.now(UTC), commit=read_commit(), engine=engine, sha256=digests)
    (target / CARD_FILE).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return target
