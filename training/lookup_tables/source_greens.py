"""
The tables of Green's functions of the source inversion: `models/artifacts/greens/<version>/`.

Computed by reciprocity like the stores of training, but on a regular grid of distances and below 45 mHz: vertical displacement, and
transverse displacement, of moment tensors by toroidal motion alone. A stopped computation continues where it stopped.
"""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from models.array_types import Floats, Integers
from models.registry.earth_tables import CARD_FILE, TRANSVERSE_NAME, TablesCard, read_card, verify_tables
from models.seismic.source.greens_tables import DEPTHS_KM, DISTANCES_DEG, STEP_S, TRANSVERSE, layout, pack_series
from training.config import TrainingSettings, read_commit
from training.earth.greens import GreensConfig, compute_greens, make_calculation
from training.earth.structure import DECKS, load_earth_model
from training.earth.toroidal import synthesize_transverse

DEPTHS_PER_BATCH = 13
LOVE_BAND_HZ = (0.00225, 0.0045, 0.037, 0.041)  # the engine's band of the other series ends at 41 mHz; Love waves are used to 36 mHz


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


def compute_love_series(deck: str, folder: Path) -> None:
    """
    Compute what is missing of the transverse series that a transverse force at the surface makes.

    `transverse_strains_<depth>.npy` [distances, 2, samples] by toroidal motion, and `transverse_forces.npy` [distances, 1, samples] by the
    full engine. By symmetry about the great circle, a force on the equator to the north moves points on the equator to the north alone; the
    transverse of the station and that of the source are both north where the station is west of the source. Love waves are faster than 4
    km/s, which takes fewer degrees.
    """
    config = make_tables_config(deck).model_copy(update={"highest_frequency_mhz": 41.0, "degrees_per_mhz": 9.5})
    samples = round(config.length_min * 60 / STEP_S)
    if not (folder / f"transverse_strains_{len(DEPTHS_KM) - 1:02d}.npy").exists():
        strains = synthesize_transverse(deck, DEPTHS_KM, DISTANCES_DEG, LOVE_BAND_HZ, STEP_S, samples)
        for k, block in enumerate(strains):
            np.save(folder / f"transverse_strains_{k:02d}.npy", block)
    if (folder / "transverse_forces.npy").exists():
        return
    import yspec  # noqa: PLC0415  (a training-only engine, loaded where it runs)

    source = yspec.Source(latitude=0, longitude=0, depth_km=0, force={"t": -1.0})
    receivers = [yspec.Receiver(latitude=0, longitude=float(distance), depth_km=0.0) for distance in DISTANCES_DEG]
    data = yspec.seismograms(load_earth_model(deck), make_calculation(config), source, receivers).data[0]
    np.save(folder / "transverse_forces.npy", data[:, 1:2, :samples])


def pack_tables(folder: Path, kind: str, arrangement: tuple[Floats, Integers, Integers], target: Path) -> str:
    """Pack the series of a folder whose names begin with `kind`, as `layout` arranges them; returns the SHA-256 of the packed file."""
    begins_s, counts = arrangement[:2]
    mantissas, exponents = [], []
    for state, row in zip((*(f"strains_{k:02d}" for k in range(len(DEPTHS_KM))), "forces"), counts, strict=True):
        series = np.load(folder / f"{kind}{state}.npy")
        for distance, count in enumerate(row):
            first = round(begins_s[distance] / STEP_S)
            packed = pack_series(series[distance, :, first : first + count])
            mantissas.append(packed[0].ravel())
            exponents.append(packed[1].ravel())
    np.savez_compressed(target, mantissas=np.concatenate(mantissas), exponents=np.concatenate(exponents))
    return hashlib.sha256(target.read_bytes()).hexdigest()


def write_source_tables(settings: TrainingSettings, earths: tuple[str, ...] = (), version: str = "4") -> Path:
    """
    Compute and write the tables of Earth models (all, if none is named) that their card does not have yet; returns the folder.

    Tables that the card in the folder has are verified and stay as they are: on another machine half a percent of the samples would differ
    by a unit. Without that folder all are computed. Raises DamagedArtifact where a file differs from its digest.
    """
    target = settings.artifacts_dir / "greens" / version
    target.mkdir(parents=True, exist_ok=True)
    if (target / CARD_FILE).exists():
        card = read_card(target).model_copy(update={"version": version, "created_at": datetime.now(UTC)})
    else:
        stated = {"highest_frequency_mhz", "lowest_frequency_mhz", "tolerance"}
        engine = make_tables_config(DECKS[0]).model_dump(mode="json", include=stated)
        card = TablesCard(version=version, created_at=datetime.now(UTC), engine=engine)
    for deck in card.sha256:
        verify_tables(target, deck, card)
    for deck in (name for name in earths or DECKS if name not in card.sha256):
        folder = settings.build_dir / "greens_serving" / deck
        compute_series(deck, folder)
        compute_love_series(deck, folder)
        card.commits[deck], card.sha256[deck] = read_commit(), pack_tables(folder, "", layout(), target / f"{deck}.npz")
        card.transverse_sha256[deck] = pack_tables(folder, "transverse_", layout(TRANSVERSE), target / f"{deck}-{TRANSVERSE_NAME}.npz")
    (target / CARD_FILE).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return target
