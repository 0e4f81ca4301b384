"""Choose stations around an event such that azimuths and distances are covered evenly."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

GLOBAL_NETWORKS = frozenset({"AU", "CN", "CU", "G", "GE", "GT", "IC", "II", "IU", "MN", "MY", "PS", "TW", "US"})
"""Permanent networks whose waveforms are open; of two stations that are equally good, theirs is chosen."""

GLOBAL_PREFERENCE = 1.25
DISTANCE_WEIGHT = 0.5
"""Weight of distance against azimuth: the largest azimuthal gap limits a location more than the spread of distances."""

DISTANCE_OF_MAGNITUDE = ((4.0, 10.0), (5.0, 30.0), (5.5, 60.0))
"""Magnitude, and maximum distance in degrees of stations for events below it."""

MAX_DISTANCE_DEG = 95.0
"""Maximum distance for large events: direct P ends at the core shadow, about 98 degrees."""

LOCATION_ORDER = ("", "00", "10", "01", "20")


@dataclass(frozen=True)
class Candidate:
    """A station that has channels in the time window: its codes, place, and the band code and location code to request."""

    network: str
    station: str
    latitude: float
    longitude: float
    band: str
    location: str
    data_center: str
    distance_deg: float = 0.0
    azimuth_deg: float = 0.0

    @property
    def code(self) -> str:
        """Network and station code, as in IU.ANMO."""
        return f"{self.network}.{self.station}"


def choose_max_distance(magnitude: float | None) -> float:
    """Return the maximum distance of stations in degrees for a magnitude; that of large events where it is not known."""
    if magnitude is None:
        return MAX_DISTANCE_DEG
    return next((distance for limit, distance in DISTANCE_OF_MAGNITUDE if magnitude < limit), MAX_DISTANCE_DEG)


def measure_path(latitude: float, longitude: float, station_latitude: float, station_longitude: float) -> tuple[float, float]:
    """
    Return distance and azimuth from a source to a station on a sphere, in degrees.

    The error against the ellipsoid, up to 0.2 degrees, does not matter for the choice of stations.
    """
    source, target = math.radians(latitude), math.radians(station_latitude)
    difference = math.radians(station_longitude - longitude)
    east = math.cos(target) * math.sin(difference)
    north = math.cos(source) * math.sin(target) - math.sin(source) * math.cos(target) * math.cos(difference)
    up = math.sin(source) * math.sin(target) + math.cos(source) * math.cos(target) * math.cos(difference)
    return math.degrees(math.atan2(math.hypot(east, north), up)), math.degrees(math.atan2(east, north)) % 360.0


def choose_stations(candidates: Iterable[Candidate], count: int, kept: Sequence[Candidate] = ()) -> list[Candidate]:
    """
    Choose stations one after the other, each as far as possible from those chosen before.

    "Far" is measured in azimuth and distance as seen from the event: the difference of azimuths over 180 degrees, and half the
    difference of distances over the largest distance, as the legs of a right triangle. The first station is the nearest one. So the
    azimuthal gaps are filled first, and dense networks give few stations. Stations of permanent global networks count as 1.25 times
    as far.

    Parameters
    ----------
    candidates
        Stations with distance and azimuth.
    count
        Number of stations to choose at most.
    kept
        Stations that are chosen already, which the new ones are chosen beside.

    Returns
    -------
    list of Candidate
        The chosen stations in the order of the choice.

    """
    left = list(candidates)
    if not left:
        return []
    largest_deg = max(*(candidate.distance_deg for candidate in [*left, *kept]), 1e-6)
    chosen: list[Candidate] = []
    gaps = [min((_separation(candidate, other, largest_deg) for other in kept), default=math.inf) for candidate in left]
    while left and len(chosen) < count:
        if math.isinf(gaps[0]):
            best = min(range(len(left)), key=lambda i: (left[i].distance_deg, left[i].code))
        else:
            best = max(range(len(left)), key=lambda i: (gaps[i] * _preference(left[i]), left[i].code))
        taken = left.pop(best)
        gaps.pop(best)
        chosen.append(taken)
        gaps = [min(gap, _separation(candidate, taken, largest_deg)) for gap, candidate in zip(gaps, left, strict=True)]
    return chosen


def _separation(one: Candidate, other: Candidate, largest_deg: float) -> float:
    turn = abs(one.azimuth_deg - other.azimuth_deg) % 360.0
    return math.hypot(min(turn, 360.0 - turn) / 180.0, DISTANCE_WEIGHT * (one.distance_deg - other.distance_deg) / largest_deg)


def _preference(candidate: Candidate) -> float:
    return GLOBAL_PREFERENCE if candidate.network in GLOBAL_NETWORKS else 1.0


def choose_channel(channels: Iterable[tuple[str, str]], bands: Sequence[str]) -> tuple[str, str] | None:
    """Return the best band and location code of a station's channels (location, code): bands in the given order, then locations."""

    def rank(channel: tuple[str, str]) -> tuple[int, int, str]:
        location, code = channel
        order = LOCATION_ORDER.index(location) if location in LOCATION_ORDER else len(LOCATION_ORDER)
        return bands.index(code[:2]), order, location

    usable = [channel for channel in channels if channel[1][:2] in bands]
    if not usable:
        return None
    location, code = min(usable, key=rank)
    return code[:2], location


def find_largest_gap(candidates: Sequence[Candidate]) -> float:
    """Return the largest azimuthal gap between stations in degrees; 360 for fewer than two."""
    azimuths = sorted(candidate.azimuth_deg for candidate in candidates)
    if len(azimuths) < 2:
        return 360.0
    return max((after - before) % 360.0 for before, after in zip(azimuths, [*azimuths[1:], azimuths[0]], strict=True))
