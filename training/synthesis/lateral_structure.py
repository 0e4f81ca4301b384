"""
Lateral structure along great circles, in place of an Earth model and a dispersion drawn at random for each path.

The structure is LITHO1.0 (Pasyanos, Masters, Laske & Ma 2014, doi:10.1002/2013JB010626): ice, water, sediments, crust and lid at the nodes
of a sphere. Group velocities of the fundamental Rayleigh mode at each node, over PREM below the lid, are averaged as slownesses along a
path, and the surface waves of the path are delayed accordingly. Where the crust is thin the node is sea floor; the fraction of sea floor
decides through which Earth model's store the path runs. Neighboring paths are thus alike, as on the Earth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy import fft, special
from scipy.spatial import cKDTree
from tqdm import tqdm

from models.array_types import Flags, Floats, Integers
from models.seismic.geodesy import KM_PER_DEGREE, destination, unit_vectors
from training.earth.dispersion import predict_dispersion
from training.earth.greens import GreensStore
from training.earth.structure import PREM, Q_KAPPA, Row, build_deck_rows
from training.synthesis.path_effects import SPLIT_KM_S
from training.synthesis.records import synthesize_displacement, synthesize_mixed_displacement
from training.synthesis.sources import Source
from training.synthesis.station_geometry import Stations

EARTH_RADIUS_M: Final = 6_371_000.0
NODES: Final = 2562
"""Number of nodes used: the first ones are the coarser mesh, 4 degrees apart, that the others refine."""
PERIODS_S: Final = (20.0, 25.0, 30.0, 40.0, 60.0, 100.0, 150.0)
"""Periods of group velocities; delays are constant beyond."""
LAYERS: Final = ((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16), (17, 18))
"""Bottom and top boundary of lid, lower, middle and upper crust, three layers of sediment, water and ice."""
WATER, ICE = LAYERS[-2:]
MOHO, WATER_BOTTOM = 2, 15
DEPTH, DENSITY, VP, VS, Q_MU, VP_VERTICAL, VS_VERTICAL = 0, 1, 2, 3, 5, 6, 7
MAX_OCEANIC_CRUST_KM: Final = 15.0
"""Thickest crust, with its sediments, that counts as sea floor: between the 7 to 12 km of oceans and the 25 km and more of continents."""
MIN_GROUP_KM_S: Final = 2.5
"""Slower groups (to 0.3 km/s under water and 20 to 25 s) are interface waves of soft sediments, whose energy does not leave them."""
STEP_DEG: Final = 1.0
STORE_DECKS: Final = (PREM, "continental", "oceanic")


@dataclass(frozen=True)
class DispersionMap:
    """
    Rayleigh-wave dispersion by place.

    `nodes` [nodes, 3] on the unit sphere, `slowness_s_km` [nodes, periods] of groups at PERIODS_S, `sea_floor` [nodes] whether the crust is
    oceanic, and `store_slowness_s_km` [decks, periods] of STORE_DECKS.
    """

    nodes: Floats
    slowness_s_km: Floats
    sea_floor: Flags
    store_slowness_s_km: Floats

    def average_paths(self, source: Source, stations: Stations) -> tuple[Floats, Floats]:
        """Average group slowness [paths, periods] in s/km, and the fraction of sea floor [paths], along the great circles to stations."""
        tree, slowness, share = cKDTree(self.nodes), [], []
        for azimuth, distance in zip(stations.azimuths_deg, stations.distances_deg, strict=True):
            count = max(int(np.ceil(distance / STEP_DEG)), 1)
            along = (np.arange(count) + 0.5) * distance / count
            rows = tree.query(unit_vectors(*destination(source.latitude_deg, source.longitude_deg, azimuth, along)))[1]
            slowness.append(self.slowness_s_km[rows].mean(axis=0))
            share.append(self.sea_floor[rows].mean())
        return np.array(slowness).reshape(-1, len(PERIODS_S)), np.array(share)


def build_node_rows(column: Floats, prem: Sequence[Row]) -> list[Row]:
    """
    Build the rows of a deck, from the center up, of one node of LITHO1.0 [boundaries, quantities] over PREM below its lid.

    Layers that are absent at the node have no thickness; water under an ice shelf is left out. Radii are those of LITHO1.0, with land above
    sea level.
    """
    base_m = EARTH_RADIUS_M - column[LAYERS[0][0], DEPTH]
    below = [row for row in prem if row[0] < base_m]
    above = next(row for row in prem if row[0] >= base_m)
    fraction = (base_m - below[-1][0]) / (above[0] - below[-1][0])
    rows = [*below, (base_m, *(low + fraction * (high - low) for low, high in zip(below[-1][1:], above[1:], strict=True)))]
    present = [(bottom, top) for bottom, top in LAYERS if column[bottom, DEPTH] > column[top, DEPTH]]
    for bottom, top in present:
        if (bottom, top) != WATER or ICE not in present:
            rows += [_build_row(column[boundary]) for boundary in (bottom, top)]
    return rows


def _build_row(boundary: Floats) -> Row:
    q_mu = float(boundary[Q_MU]) if boundary[Q_MU] > 0.0 else Q_KAPPA
    density, vp, vs, vpv, vsv = (float(boundary[k]) for k in (DENSITY, VP, VS, VP_VERTICAL, VS_VERTICAL))
    return (EARTH_RADIUS_M - float(boundary[DEPTH]), density, vpv, vsv, Q_KAPPA, q_mu, vp, vs, 1.0)


def measure_crust_km(column: Floats) -> float:
    """Measure the thickness of crust and sediments [km] of one node of LITHO1.0 [boundaries, quantities]."""
    return float(column[MOHO, DEPTH] - column[WATER_BOTTOM, DEPTH]) / 1e3


def compute_dispersion_map(path: Path, count: int = NODES) -> DispersionMap:
    """Compute the map from the arrays of LITHO1.0 (`litho1_mesh_coords`: latitude, .., longitude; `litho1_all_data`), four minutes."""
    with np.load(path) as content:
        coordinates, columns = content["litho1_mesh_coords"][:count], content["litho1_all_data"][:, :, :count]
    kept = np.flatnonzero(coordinates.any(axis=1))  # one row of the file is empty
    prem = build_deck_rows(PREM)
    decks = [build_node_rows(columns[:, :, k], prem) for k in kept] + [build_deck_rows(deck) for deck in STORE_DECKS]
    slowness = np.array(
        [[1.0 / predict_dispersion(rows, period) for period in PERIODS_S] for rows in tqdm(decks, desc="nodes", unit="node")]
    )
    slowness = np.minimum(slowness, 1.0 / MIN_GROUP_KM_S)
    sea_floor = np.array([measure_crust_km(columns[:, :, k]) < MAX_OCEANIC_CRUST_KM for k in kept])
    return DispersionMap(unit_vectors(coordinates[kept, 0], coordinates[kept, 2]), slowness[: len(kept)], sea_floor, slowness[len(kept) :])


def load_dispersion_map(data_dir: Path | None, build_dir: Path) -> DispersionMap:
    """Load the map from the build folder, or compute it from `earth/litho1.npz` of the data folder; raises FileNotFoundError without."""
    kept = build_dir / "dispersion_map.npz"
    if not kept.is_file():
        if data_dir is None or not (data_dir / "earth" / "litho1.npz").is_file():
            raise FileNotFoundError("lateral structure needs earth/litho1.npz in the data folder: set ATLAS_TRAINING_DATA_DIR")
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(kept, **vars(compute_dispersion_map(data_dir / "earth" / "litho1.npz")))
    with np.load(kept) as content:
        return DispersionMap(**{name: content[name] for name in content.files})


def draw_earths(sea_shares: Floats, random: np.random.Generator) -> Integers:
    """
    Draw the index in STORE_DECKS of the Earth model of each path, given its fraction of sea floor [paths].

    A path over land runs through the continental model, one over sea floor through the oceanic one, and one over half of each through
    PREM, which is between the two; in between probabilities are linear.
    """
    continental, oceanic = np.clip(1 - 2 * sea_shares, 0, 1), np.clip(2 * sea_shares - 1, 0, 1)
    drawn = random.uniform(size=len(sea_shares))
    return np.where(drawn < continental, 1, np.where(drawn < continental + oceanic, 2, 0))


def delay_surface_waves(motion: Floats, distances_deg: Floats, delays_s_km: Floats, step_s: float) -> Floats:
    """
    Delay the surface waves of seismograms [paths, samples] by group delays per distance [paths, periods] at PERIODS_S, in s/km.

    What is before a group velocity of 4.5 km/s stays. The phase of a group delay is its integral over angular frequency.
    """
    samples = motion.shape[1]
    padded = fft.next_fast_len(samples + int(1200 / step_s), real=True)
    frequencies = fft.rfftfreq(padded, step_s)
    nodes = 1.0 / np.array(PERIODS_S)[::-1]
    per_km = np.stack([np.interp(np.log(np.maximum(frequencies, 1e-4)), np.log(nodes), delays[::-1]) for delays in delays_s_km])
    phase = 2 * np.pi * np.cumsum(per_km * (distances_deg * KM_PER_DEGREE)[:, None], axis=1) * (frequencies[1] - frequencies[0])
    arrival = (distances_deg * KM_PER_DEGREE / SPLIT_KM_S)[:, None]
    weight = special.expit(4 * (np.arange(samples) * step_s - arrival) / (20 + 0.04 * arrival))  # the split of `perturb_paths`
    surface = fft.irfft(fft.rfft(motion * weight, padded) * np.exp(-1j * phase), padded)[:, :samples]
    return np.asarray(motion * (1 - weight) + surface)


@dataclass(frozen=True)
class LateralEarth:
    """
    An Earth whose structure along each path is that of a dispersion map; the law `mix_earths` of `Realism`.

    `share`: probability that an event is in it; the paths of the others run through Earth models drawn at random.
    """

    dispersion: DispersionMap
    share: float = 1.0

    def __call__(
        self, stores: tuple[GreensStore, ...], source: Source, stations: Stations, one_earth_share: float, random: np.random.Generator
    ) -> Floats:
        """
        Synthesize displacement [traces, samples] in meters through the stores, one of each of STORE_DECKS, in any order.

        Paths of an event have what is under them; `one_earth_share` is of events with random paths. Where the continental or the
        oceanic store is missing, its paths run through PREM with the surface waves of the path.
        """
        if self.share < 1.0 and random.uniform() >= self.share:
            return synthesize_mixed_displacement(stores, source, stations, one_earth_share, random)
        slowness, sea_shares = self.dispersion.average_paths(source, stations)
        by_deck = {store.config.deck: store for store in stores}
        there = [deck in by_deck for deck in STORE_DECKS]
        earths = draw_earths(sea_shares, random)
        earths = np.where(np.array(there)[earths], earths, STORE_DECKS.index(PREM))
        motion = np.zeros((len(earths), stores[0].forces.data.shape[-1]))
        for earth in np.unique(earths):
            rows = np.flatnonzero(earths == earth)
            motion[rows] = synthesize_displacement(by_deck[STORE_DECKS[int(earth)]], source, stations.take(rows))
        delays = slowness - self.dispersion.store_slowness_s_km[earths]
        return delay_surface_waves(motion, stations.distances_deg, delays, stores[0].time_step_s)
