"""
Catalogs of events and stations that synthetic events are drawn from: files of a data folder, else distributions stated here.

With a data folder: Global CMT moment tensors (Ekstrom et al. 2012, doi:10.1016/j.pepi.2012.04.002), the Greenland glacial earthquakes
(Tsai & Ekstrom 2007, doi:10.1029/2006JF000596; Veitch & Nettles 2012; Olsen & Nettles 2017) and real stations with their
dates of operation. Without: double couples of random orientation on a belt of plate boundaries, glaciers of the published regions,
and the service's built-in station table.
"""

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from models.array_types import Flags, Floats, Integers
from models.seismic.io.inventory import builtin_stations

DAY_S = 86_400.0
SHALLOW_KM, ASSUMED_KM, SHALLOW_SCALE_KM = 20.0, 33.0, 20.0
"""
Long periods do not tell the depths of earthquakes down to 20 km, and the Global CMT catalog gives hardly any less than 12 km; 33 km is
assumed where nothing tells the depth. Both kinds count as half of a normal distribution from the surface down, with the last value as its
deviation.
"""
# Centers of the published source regions of glacial earthquakes in Greenland (Veitch & Nettles 2012, table 1), degrees.
GLACIERS = ((68.6, -33.0), (66.4, -38.1), (65.2, -41.0), (74.9, -57.0), (71.6, -53.0), (69.2, -49.5), (79.8, -61.0))
# Corner points of a belt on which most of the world's earthquakes lie, degrees.
BELT = (
    (55, -160),
    (50, 158),
    (38, 143),
    (0, 125),
    (-6, 150),
    (-20, -174),
    (-40, 177),
    (-55, -27),
    (-30, -71),
    (0, -79),
    (17, -98),
    (40, -124),
    (38, 26),
    (30, 57),
    (35, 72),
    (28, 85),
    (-5, 102),
    (52, 178),
)


@dataclass(frozen=True)
class EarthquakeCatalog:
    """
    Earthquakes with centroid, POSIX origin time and year, each [events].

    `tensors` [events, 6] in N m: rr, tt, pp, rt, rp, tp with r up, t south, p east.
    """

    names: tuple[str, ...]
    times_s: Floats
    latitudes_deg: Floats
    longitudes_deg: Floats
    depths_km: Floats
    tensors: Floats
    years: Integers

    @property
    def moments(self) -> Floats:
        """Scalar moments [events] in N m (Silver & Jordan 1982)."""
        diagonal, off = self.tensors[:, :3], self.tensors[:, 3:]
        return np.asarray(np.sqrt((diagonal**2).sum(axis=1) / 2 + (off**2).sum(axis=1)))

    @property
    def magnitudes(self) -> Floats:
        """Moment magnitudes [events] (Hanks & Kanamori 1979)."""
        return np.asarray((np.log10(self.moments) - 9.1) / 1.5)


@dataclass(frozen=True)
class GlacialCatalog:
    """
    Glacial earthquakes with centroid, POSIX centroid time and year, each [events].

    `azimuths_deg` of the force, clockwise from north; `amplitudes_kg_m`: mass times distance, the double time integral of the force;
    `magnitudes`: surface-wave magnitudes at long periods, on the scale of moment magnitudes of shallow earthquakes.
    """

    names: tuple[str, ...]
    regions: tuple[str, ...]
    times_s: Floats
    magnitudes: Floats
    latitudes_deg: Floats
    longitudes_deg: Floats
    azimuths_deg: Floats
    amplitudes_kg_m: Floats
    years: Integers


@dataclass(frozen=True)
class StationCatalog:
    """Stations with start and end of their operation in POSIX seconds (whole days; infinite where unknown), each [stations]."""

    networks: tuple[str, ...]
    stations: tuple[str, ...]
    latitudes_deg: Floats
    longitudes_deg: Floats
    starts_s: Floats
    ends_s: Floats


def _read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def _read_column(rows: list[dict[str, str]], name: str) -> Floats:
    return np.array([float(row[name]) for row in rows])


def _read_times(rows: list[dict[str, str]], name: str) -> Floats:
    return np.array([datetime.fromisoformat(row[name]).timestamp() for row in rows])


def draw_times(years: Integers, random: np.random.Generator) -> Floats:
    """Draw a random POSIX time within each year."""
    starts = np.array([datetime(int(year), 1, 1, tzinfo=UTC).timestamp() for year in years])
    return np.asarray(starts + random.uniform(0, 365 * DAY_S, len(years)))


def _read_days(rows: list[dict[str, str]], name: str, default: float) -> Floats:
    """Read the start of each day as POSIX seconds."""
    return np.array([datetime.fromisoformat(row[name]).replace(tzinfo=UTC).timestamp() if row[name] else default for row in rows])


def _read_years(rows: list[dict[str, str]], name: str, default: int) -> Integers:
    return np.array([int(row[name][:4]) if row[name] else default for row in rows], dtype=np.int64)


def draw_double_couples(random: np.random.Generator, moments: Floats) -> Floats:
    """Draw double couples of uniformly random orientation (rotations uniform on SO(3)) with those moments [N m]; tensors [events, 6]."""
    quaternion = random.normal(size=(len(moments), 4))
    a, b, c, d = (quaternion / np.linalg.norm(quaternion, axis=1, keepdims=True)).T
    normal = np.stack([1 - 2 * (c * c + d * d), 2 * (b * c + a * d), 2 * (b * d - a * c)], axis=1)
    slip = np.stack([2 * (b * c - a * d), 1 - 2 * (b * b + d * d), 2 * (c * d + a * b)], axis=1)
    tensor = (normal[:, :, None] * slip[:, None, :] + slip[:, :, None] * normal[:, None, :]) * moments[:, None, None]
    return np.stack([tensor[:, i, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))], axis=1)


def is_depth_unresolved(depths_km: ArrayLike) -> Flags:
    """Tell which depths of a catalog say only that an earthquake is shallow."""
    depths = np.asarray(depths_km, np.float64)
    return np.asarray((depths <= SHALLOW_KM) | (depths == ASSUMED_KM))


def _draw_earthquakes(random: np.random.Generator, count: int) -> EarthquakeCatalog:
    epicenters = np.array(BELT)[random.integers(len(BELT), size=count)] + random.normal(scale=5.0, size=(count, 2))
    depths = np.where(random.uniform(size=count) < 0.75, random.uniform(3, 60, count), random.uniform(60, 680, count))
    moments = 10 ** (1.5 * (5.0 + random.exponential(0.6, count)) + 9.1)
    tensors, years = draw_double_couples(random, moments), random.integers(1995, 2016, count)
    names = tuple(f"stated_{number:05d}" for number in range(count))
    times = draw_times(years, random)
    return EarthquakeCatalog(names, times, np.clip(epicenters[:, 0], -89, 89), epicenters[:, 1], depths, tensors, years)


def load_earthquakes(folder: Path | None, seed: int) -> EarthquakeCatalog:
    """Load the Global CMT solutions of the data folder, or draw 5,000 earthquakes from the stated distribution."""
    if folder is None:
        return _draw_earthquakes(np.random.default_rng(seed), 5000)
    rows = _read_csv(next((folder / "catalogs").glob("gcmt_*.csv")))
    tensors = np.stack([_read_column(rows, name) for name in ("mrr", "mtt", "mpp", "mrt", "mrp", "mtp")], axis=1) * 1e-7
    return EarthquakeCatalog(
        tuple(row["event_name"] for row in rows),
        _read_times(rows, "origin_time"),
        _read_column(rows, "centroid_latitude"),
        _read_column(rows, "centroid_longitude"),
        _read_column(rows, "centroid_depth_km"),
        tensors,
        _read_years(rows, "origin_time", 2000),
    )


def load_epicenters(folder: Path) -> tuple[Integers, Floats, Floats]:
    """Load years, latitudes and longitudes [earthquakes] of magnitude 5 and above from the data folder: 30 years of reviewed catalogs."""
    rows = _read_csv(next((folder / "catalogs").glob("iris_m5plus_*.csv")))
    return _read_years(rows, "origin_time", 2000), _read_column(rows, "latitude"), _read_column(rows, "longitude")


def _draw_glacial_earthquakes(random: np.random.Generator, count: int) -> GlacialCatalog:
    glaciers = random.integers(len(GLACIERS), size=count)
    epicenters = np.array(GLACIERS)[glaciers] + random.normal(scale=0.3, size=(count, 2))
    azimuths, amplitudes = random.uniform(0, 360, count), 1e14 * random.lognormal(-0.5, 0.6, count)
    years = random.integers(1993, 2014, count)
    names = tuple(f"stated_{number:03d}" for number in range(count))
    regions = tuple(f"glacier_{number}" for number in glaciers)
    # Mean and standard deviation of the catalog.
    magnitudes = np.round(random.normal(4.8, 0.1, count), 1)
    times = draw_times(years, random)
    return GlacialCatalog(names, regions, times, magnitudes, epicenters[:, 0], epicenters[:, 1], azimuths, amplitudes, years)


def load_glacial_earthquakes(folder: Path | None, seed: int) -> GlacialCatalog:
    """Load the Greenland catalog of the data folder, or draw 443 glacial earthquakes at the published regions."""
    if folder is not None:
        rows = _read_csv(next((folder / "catalogs").glob("greenland_*.csv")))
        return GlacialCatalog(
            tuple(row["event_name"] for row in rows),
            tuple(row["region_name"] for row in rows),
            _read_times(rows, "centroid_time"),
            _read_column(rows, "magnitude_msw"),
            _read_column(rows, "centroid_latitude"),
            _read_column(rows, "centroid_longitude"),
            _read_column(rows, "force_azimuth_deg"),
            _read_column(rows, "amplitude_1e14_kg_m") * 1e14,
            _read_years(rows, "centroid_time", 2000),
        )
    return _draw_glacial_earthquakes(np.random.default_rng(seed), 443)


def load_stations(folder: Path | None) -> StationCatalog:
    """Load the permanent stations of the data folder, or the built-in station table, whose stations count as always operating."""
    if folder is None:
        table = builtin_stations()
        coordinates = np.array([(c.latitude_deg, c.longitude_deg) for c in table.values()])
        ever = np.full(len(table), np.inf)
        return StationCatalog(tuple(n for n, _ in table), tuple(s for _, s in table), coordinates[:, 0], coordinates[:, 1], -ever, ever)
    rows = [row for row in _read_csv(folder / "stations" / "global_stations.csv") if row["group"] != "temporary"]
    return StationCatalog(
        tuple(row["network"] for row in rows),
        tuple(row["station"] for row in rows),
        _read_column(rows, "latitude"),
        _read_column(rows, "longitude"),
        _read_days(rows, "start", -np.inf),
        _read_days(rows, "end", np.inf) + DAY_S,
    )
