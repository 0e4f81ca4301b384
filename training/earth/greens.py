"""
Stores of Green's functions, computed by reciprocity (yspec) and read with numpy alone.

A vertical force at the station gives, at every buried point, the strain that a moment tensor there is contracted with, and at every
surface point the displacement that a single force there is projected on (Dahlen & Tromp 1998, section 5.2; Eisner & Clayton 2001,
doi:10.1785/0120000222). One run of the engine therefore serves all depths and distances. Source time functions are unit steps.
Distances are never interpolated: each depth has its own, drawn at random within cells, so labels are exact.
"""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from tqdm import tqdm

from models.array_types import Floats
from training.config import SPAWN, read_commit
from training.earth import structure

if TYPE_CHECKING:
    import yspec

FULL_STORES = ("greens_10s", "greens_10s_continental", "greens_10s_oceanic")  # of the shipped weights
UNSEEN_STORES = ("greens_thin_crust", "greens_thick_crust")  # nothing is trained on them


class DistanceCells(BaseModel):
    """Distance cells of `width_deg` from `start_deg` to `stop_deg`; a random distance is drawn in each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start_deg: float
    stop_deg: float
    width_deg: float


class GreensConfig(BaseModel):
    """Configuration of a store: Earth model, frequencies, sampling, depths and distances; the SHA-256 of its JSON is its fingerprint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    deck: str
    highest_frequency_mhz: float
    taper_mhz: float
    lowest_frequency_mhz: float
    length_min: float
    time_step_s: float
    tolerance: float
    degrees_per_mhz: float
    depths_km: tuple[float, ...]
    cells: tuple[DistanceCells, ...]
    depths_per_batch: int
    force_distances_per_cell: int = 1
    seed: int

    def fingerprint(self) -> str:
        """Return the SHA-256 of the configuration as hexadecimal."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def distances_deg(self, depth_index: int) -> Floats:
        """Draw one distance a cell for the depth with that index, reproducibly."""
        return self._draw_stratified(1, [self.seed, depth_index])

    def force_distances_deg(self) -> Floats:
        """Draw the distances of surface forces, reproducibly; having one depth only, they may have several in a cell."""
        return self._draw_stratified(self.force_distances_per_cell, [self.seed, 0])

    def _draw_stratified(self, per_cell: int, seed: list[int]) -> Floats:
        random = np.random.default_rng(seed)
        edges = [np.arange(c.start_deg, c.stop_deg - 1e-9, c.width_deg / per_cell) for c in self.cells]
        widths = np.concatenate([np.full(len(e), c.width_deg / per_cell) for e, c in zip(edges, self.cells, strict=True)])
        return np.concatenate(edges) + widths * random.uniform(size=len(widths))


@dataclass(frozen=True)
class GreensTable:
    """
    Green's functions of one depth, as scaled int16.

    `data` [distances, components, samples] times `scales` [distances, components] is displacement in meters per newton meter for the
    strain components rr, dd, cc, rd (d toward the station, c across), and in meters per newton for the force components z, d.
    """

    depth_km: float
    distances_deg: Floats
    data: NDArray[np.int16]
    scales: Floats

    def get(self, index: int) -> Floats:
        """Return the Green's functions [components, samples] at the distance with that index."""
        return np.asarray(self.data[index] * self.scales[index][:, None])

    def nearest(self, distance_deg: float) -> int:
        """Find the index of the nearest stored distance."""
        return int(np.argmin(np.abs(self.distances_deg - distance_deg)))


@dataclass(frozen=True)
class GreensStore:
    """Green's functions of one Earth model: `strains` by ascending depth, `forces` at the surface."""

    config: GreensConfig
    strains: tuple[GreensTable, ...]
    forces: GreensTable

    @property
    def time_step_s(self) -> float:
        """Sampling interval in seconds."""
        return self.config.time_step_s

    def table(self, depth_km: float) -> GreensTable:
        """Find the table of the nearest stored depth."""
        return min(self.strains, key=lambda table: abs(table.depth_km - depth_km))


def _pack(data: Floats) -> tuple[NDArray[np.int16], Floats]:
    peak = np.abs(data).max(axis=-1)
    scales = np.where(peak > 0, peak, 1.0) / 32767.0
    return np.round(data / scales[..., None]).astype(np.int16), scales


def make_calculation(config: GreensConfig) -> "yspec.Calculation":
    """Make the engine's settings of a configuration."""
    import yspec  # noqa: PLC0415  (a training-only engine, loaded where it runs)

    top, taper, low = config.highest_frequency_mhz, config.taper_mhz, config.lowest_frequency_mhz
    return yspec.Calculation(
        degrees=int(config.degrees_per_mhz * top) + 50,
        frequencies_mhz=(low / 4, top),
        length_min=config.length_min,
        time_step_s=config.time_step_s,
        filter_mhz=(low / 2, low, top - taper, top),
        gravity="cowling",
        tolerance=config.tolerance,
    )


def compute_greens(config: GreensConfig, quantity: str, points: list[tuple[float, float]]) -> Floats:
    """Compute strains [points, 4, samples], or displacements [points, 2, samples] for "forces", at points (depth [km], distance [deg])."""
    import yspec  # noqa: PLC0415  (a training-only engine, loaded where it runs)

    # Along the equator geographic and geocentric latitudes agree (and the engine moves a source at the pole by about 0.02 degrees).
    source = yspec.Source(latitude=0, longitude=0, depth_km=0, force={"r": 1.0})
    receivers = [yspec.Receiver(latitude=0, longitude=distance, depth_km=depth) for depth, distance in points]
    function = yspec.seismograms if quantity == "forces" else yspec.strains
    data = function(structure.load_earth_model(config.deck), make_calculation(config), source, receivers).data[0]
    # At the receiver east points away from the station, so d = -east: displacement (Z, N, E), strain (rr, tt, pp, rt, rp, tp).
    data = data[:, [0, 2]] * [[1], [-1]] if quantity == "forces" else data[:, [0, 2, 1, 4]] * [[1], [1], [1], [-1]]
    return np.asarray(data[..., : int(config.length_min * 60 / config.time_step_s)])


def _compute_batch(config: GreensConfig, quantity: str, depths: list[int]) -> list[Floats]:
    if quantity == "forces":
        return [compute_greens(config, quantity, [(0.0, float(distance)) for distance in config.force_distances_deg()])]
    points = [(config.depths_km[k], float(distance)) for k in depths for distance in config.distances_deg(k)]
    return [np.ascontiguousarray(block) for block in np.array_split(compute_greens(config, quantity, points), len(depths))]


def _build_batch(config: GreensConfig, folder: Path, quantity: str, depths: list[int]) -> dict[str, str]:
    """Compute and write one batch of tables; returns digests by file name."""
    digests = {}
    for k, data in zip(depths, _compute_batch(config, quantity, depths), strict=True):
        packed, scales = _pack(data)
        forces = quantity == "forces"
        name, distances = ("forces.npz", config.force_distances_deg()) if forces else (f"strains_{k:02d}.npz", config.distances_deg(k))
        temporary = folder / f".{name}"
        with temporary.open("wb") as handle:
            np.savez(handle, data=packed, scales=scales, distances_deg=distances)
        temporary.rename(folder / name)
        digests[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return digests


def _list_batches(config: GreensConfig) -> Iterator[tuple[str, list[int]]]:
    yield "forces", [0]
    indices = list(range(len(config.depths_km)))
    for start in range(0, len(indices), config.depths_per_batch):
        yield "strains", indices[start : start + config.depths_per_batch]


def _use_threads(count: int) -> None:
    import yspec  # noqa: PLC0415  (a training-only engine, loaded where it runs)

    yspec.set_threads(count)


def build_store(config: GreensConfig, folder: Path, threads: int) -> None:
    """
    Compute the missing tables of a store and write its manifest.

    An interrupted build continues; another configuration or deck starts over. One process with several threads computes a batch,
    because the radial integrations are shared and memory is limited by the engine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    manifest_path = folder / "manifest.json"
    manifest = json.loads(manifest_path.read_text()) if manifest_path.exists() else {}
    deck = hashlib.sha256(structure.format_deck(config.deck).encode()).hexdigest()
    if (manifest.get("fingerprint"), manifest.get("deck_sha256")) != (config.fingerprint(), deck):
        stated = {"fingerprint": config.fingerprint(), "deck_sha256": deck, "commit": read_commit()}
        manifest = {**stated, "config": config.model_dump(mode="json"), "sha256": {}}

    def missing(quantity: str, depths: list[int]) -> bool:
        names = ["forces.npz"] if quantity == "forces" else [f"strains_{k:02d}.npz" for k in depths]
        return any(name not in manifest["sha256"] or not (folder / name).exists() for name in names)

    todo = [batch for batch in _list_batches(config) if missing(*batch)]
    with ProcessPoolExecutor(1, SPAWN, _use_threads, (threads,)) as pool:
        futures = [pool.submit(_build_batch, config, folder, *batch) for batch in todo]
        for future in tqdm(futures, desc=f"Green's functions ({config.deck})", unit="batch", disable=not futures):
            manifest["sha256"] |= future.result()
            manifest_path.write_text(json.dumps(manifest, indent=1))


def _load_table(path: Path, digest: str, depth_km: float) -> GreensTable:
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise ValueError(
            f"{path.name} does not match its digest in manifest.json; delete it and run `python -m training build greens` again"
        )
    with np.load(path) as content:
        return GreensTable(depth_km, content["distances_deg"], content["data"], content["scales"])


def load_store(folder: Path) -> GreensStore:
    """Load a store, checking every file against its digest; raises ValueError for a damaged or unfinished store."""
    manifest = json.loads((folder / "manifest.json").read_text())
    config = GreensConfig.model_validate(manifest["config"])
    digests = manifest["sha256"]
    if len(digests) != len(config.depths_km) + 1:
        raise ValueError(
            f"the store {folder.name} is unfinished: {len(digests)} of {len(config.depths_km) + 1} files; "
            "run `python -m training build greens`"
        )
    strains = tuple(
        _load_table(folder / f"strains_{k:02d}.npz", digests[f"strains_{k:02d}.npz"], depth) for k, depth in enumerate(config.depths_km)
    )
    return GreensStore(config, strains, _load_table(folder / "forces.npz", digests["forces.npz"], 0.0))


def load_stores(folder: Path, names: str | tuple[str, ...]) -> tuple[GreensStore, ...]:
    """Load stores of several Earth models; raises ValueError where depths, distances or sampling differ, which mixing paths requires."""
    stores = tuple(load_store(folder / name) for name in ((names,) if isinstance(names, str) else names))
    for store in stores[1:]:
        may_differ = {"deck": stores[0].config.deck, "degrees_per_mhz": stores[0].config.degrees_per_mhz}
        if store.config.model_copy(update=may_differ) != stores[0].config:
            raise ValueError(f"the stores of {store.config.deck} and {stores[0].config.deck} differ in more than the Earth model")
    return stores


def fingerprint_stores(stores: tuple[GreensStore, ...]) -> str:
    """Join the fingerprints of stores; that of a single store is its own."""
    return "+".join(store.config.fingerprint() for store in stores)
