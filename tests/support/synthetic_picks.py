"""Picks of synthetic events: predicted arrival times with errors, among false picks."""

from functools import cache

import numpy as np

from models.array_types import Floats
from models.seismic.association.candidates import Candidates, collect_candidates
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import destination, distance_deg, geocentric_latitude_deg
from models.seismic.signal.picker import Picks
from models.seismic.signal.rayleigh_envelope import EnvelopePeaks

SOURCE = (38.0, 143.0)
DEPTH_KM = 35.0
NO_PEAKS = EnvelopePeaks(np.zeros(0), np.zeros(0))


def draw_stations(
    rng: np.random.Generator, center: tuple[float, float], count: int, max_distance_deg: float, min_distance_deg: float = 0.0
) -> tuple[Floats, Floats]:
    """Draw latitudes and longitudes [count] of stations around a point."""
    return destination(*center, rng.uniform(0.0, 360.0, count), rng.uniform(min_distance_deg, max_distance_deg, count))


def make_picks(rng: np.random.Generator, arrivals_s: Floats, span: tuple[float, float], false: int = 3) -> Picks:
    """Mix the picks of true arrivals of one trace with false ones anywhere in its record."""
    times = np.concatenate((arrivals_s, rng.uniform(*span, false)))
    strengths = np.concatenate((rng.uniform(3.0, 7.0, len(arrivals_s)), rng.uniform(2.0, 3.5, false)))
    order = np.argsort(times)
    return Picks(
        *span, times[order], np.full(len(times), 0.6), strengths[order], np.ones(len(times), np.int64), np.zeros(len(times), np.bool_)
    )


def simulate_picks(
    rng: np.random.Generator,
    source: tuple[float, float],
    depth_km: float,
    latitudes: Floats,
    longitudes: Floats,
    span: tuple[float, float],
    *,
    error_s: float = 0.6,
    missed: float = 0.2,
    phases: tuple[str, ...] = ("P", "PKP", "S"),
) -> list[Picks]:
    """Simulate the picks at stations of an event with origin time 0 (POSIX); a fraction `missed` of the phases is not picked."""
    center = (geocentric_latitude_deg(source[0]), source[1])
    picks = []
    for distance in distance_deg(*center, geocentric_latitude_deg(latitudes), longitudes):
        times = np.array([float(travel_time_s(phase, distance, depth_km)) for phase in phases])
        times = times[np.isfinite(times) & (rng.uniform(size=len(times)) > missed)]
        times = times + rng.normal(0.0, error_s, len(times))
        picks.append(make_picks(rng, times[(times > span[0]) & (times < span[1])], span))
    return picks


@cache
def teleseismic_candidates() -> Candidates:
    """Return the candidates of 20 stations at 30 to 90 degrees around an event at SOURCE and DEPTH_KM with origin time 0 (POSIX)."""
    rng = np.random.default_rng(40)
    stations = draw_stations(rng, SOURCE, 20, 90.0, 30.0)
    picks = simulate_picks(rng, SOURCE, DEPTH_KM, *stations, (-600.0, 3000.0), missed=0.05)
    data = collect_candidates(picks, [NO_PEAKS] * 20, *stations)
    assert data is not None
    return data
