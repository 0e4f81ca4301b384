"""
Where Rayleigh waves came from that no single trace shows: the whole sphere and all origin times, by stacking.

Likelihoods of a source over those of noise are multiplied over traces, and averaged over origin times, wave speeds and places, so
that everything that was looked at is paid for. After Ekstrom 2006, doi:10.1785/0120050175. The numbers were chosen on the training
part of the catalog twin.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

import numpy as np
from scipy.spatial import KDTree

from models.array_types import Floats, Floats32, Integers
from models.seismic.earth.travel_time_errors import effective_neighbor_count
from models.seismic.geodesy import geocentric, geocentric_latitude_deg, unit_vectors
from models.seismic.location.origin_time_prior import MAX_LEAD_S, origin_time_density
from models.seismic.location.sphere_grid import fibonacci_sphere, sphere_grid
from models.seismic.surface_waves.dispersion_correction import (
    DISTANCE_GRID_DEG,
    EDGE_S,
    MIN_RECORD_S,
    SLOWNESS_S_DEG,
    STEP_S,
    CorrectedEnvelopes,
    correct_dispersion,
)
from models.seismic.surface_waves.stack import detection_llr, stack_sources
from models.seismic.waveforms import Gather

MIN_INDEPENDENT_STATIONS: Final = 5.0
"""Stations, neighbors counted as one: place, origin time and wave speed are four unknowns."""
SIGNAL_DB: Final = 15.0  # over noise at 30 degrees, in a trace that hears it
NOISE_DB: Final = 8.0  # one deviation of it, from trace to trace
ATTENUATION_DB_DEG: Final = 0.09  # waves of 60 s
DEAD_TRACE_FRACTION: Final = 0.1  # of the traces: dead, mistimed, or where nothing is radiated to
MAX_STATISTIC: Final = 10.0
BINS_PER_UNIT: Final = 12.0
PATH_ERROR: Final = 0.02  # of the travel time, each path its own
PULSE_ERROR_S: Final = 8.0
COMMON_ERROR: Final = 0.015  # of the travel time, of all paths
COMMON_STEPS: Final[Floats] = np.array((-0.03, -0.015, 0.0, 0.015, 0.03))
TOGETHER_DEG: Final = 3.0  # stations closer than this see nearly the same path
COARSE_DEG: Final = 2.0
COARSE_STRIDE: Final = 2
AROUND_S: Final = 120.0  # of the best origin time of the coarse node nearby
NEAR: Final = 7.0  # nodes less than this below the best, in logarithm, are looked at closely
MAX_REFINED_NODES: Final = 2500
OUTLIER_PROBABILITY: Final = 0.05  # how often a stack is of something else
ORIGIN_ERROR_S: Final = 40.0  # of wave speeds, and of what a source's duration makes of it

_LADDER = (float(DISTANCE_GRID_DEG[0]), float(DISTANCE_GRID_DEG[1] - DISTANCE_GRID_DEG[0]))


@cache
def likelihood_ratio_table() -> Floats32:
    """How much likelier it is to stand out so far with a source than in noise [ladder, standing], noise being exponential."""
    standing = np.arange(round(MAX_STATISTIC * BINS_PER_UNIT) + 1) / BINS_PER_UNIT
    spread = np.maximum(np.sin(np.radians(DISTANCE_GRID_DEG)), 0.05)
    decay = 10.0 * np.log10(0.5 / spread) - ATTENUATION_DB_DEG * (DISTANCE_GRID_DEG - 30.0)
    points, weights = np.polynomial.hermite_e.hermegauss(7)
    mean = 1.0 + 10.0 ** ((SIGNAL_DB + decay[:, None] + NOISE_DB * points) / 10.0)
    likely = np.exp(standing * (1.0 - 1.0 / mean[..., None])) / mean[..., None]
    return np.asarray(np.einsum("dzp,z->dp", likely, weights / weights.sum()), np.float32)


@cache
def _coarse_tree() -> KDTree:
    return KDTree(fibonacci_sphere(COARSE_DEG))


@dataclass(frozen=True)
class SurfaceWaveStack:
    """What the wave trains of an event say of places; see `detect_surface_waves`."""

    trains: CorrectedEnvelopes

    @cached_property
    def log_evidence(self) -> float:
        """Logarithm of how much likelier the records are with a source somewhere, some time, than in noise."""
        return float(np.logaddexp.reduce(self._everywhere) - np.log(len(self._everywhere)))

    def log_likelihood(self, nodes: Floats) -> Floats:
        """Of sources at geocentric unit vectors [m, 3], one being what it is on average over the sphere; with a share of `MISLED`."""
        everywhere = len(nodes) == len(self._everywhere)  # the sphere's own grid: known
        found = self._everywhere if everywhere else self._closely(nodes)[0]
        return np.asarray(np.logaddexp(np.log1p(-OUTLIER_PROBABILITY) + found - self.log_evidence, np.log(OUTLIER_PROBABILITY)))

    def origin(self, latitude_deg: float, longitude_deg: float) -> tuple[float, float]:
        """Origin time (POSIX seconds) of a source there, and its deviation."""
        when = self._closely(geocentric(latitude_deg, longitude_deg)[None])[1][0]
        return self.trains.start_s + float(when), ORIGIN_ERROR_S

    @cached_property
    def _coarse(self) -> tuple[Floats, Integers]:
        """Of all coarse nodes: the ratio of likelihoods in logarithm, and the best origin's sample."""
        known = self._known(STEP_S * COARSE_STRIDE)
        nodes = fibonacci_sphere(COARSE_DEG)
        slowness = (np.array([SLOWNESS_S_DEG / (STEP_S * COARSE_STRIDE)]), np.zeros(1))
        rows = self._rows(0.4 * COARSE_DEG * SLOWNESS_S_DEG, COARSE_STRIDE)
        begins = np.full(len(nodes), known[1], np.int64)
        total, best = stack_sources(nodes, self.trains.stations, rows, slowness, _LADDER, begins, len(known[0]), known)
        return total, best * COARSE_STRIDE

    @cached_property
    def _everywhere(self) -> Floats:
        """The same at the sphere's nodes a degree apart: closely where it is not negligible, else of the coarse node nearby."""
        sphere = sphere_grid()
        nodes = unit_vectors(geocentric_latitude_deg(sphere.latitudes), sphere.longitudes)
        found: Floats = self._coarse[0][_coarse_tree().query(nodes)[1]]
        near = np.argsort(-found, kind="stable")[:MAX_REFINED_NODES]
        near = near[found[near] > found.max() - NEAR]
        found[near] = self._closely(nodes[near])[0]
        return found

    @cached_property
    def _fine(self) -> Floats32:
        return self._rows(0.0, 1)

    def _closely(self, nodes: Floats) -> tuple[Floats, Floats]:
        """At any nodes [m, 3]: the ratio of likelihoods in logarithm, and the best origin in seconds after the wave trains' start."""
        best = self._coarse[1][_coarse_tree().query(nodes)[1]]
        reach = round(AROUND_S / STEP_S)
        prior = -0.5 * (COMMON_STEPS / COMMON_ERROR) ** 2
        slowness = (SLOWNESS_S_DEG / STEP_S * (1.0 + COMMON_STEPS), prior - np.logaddexp.reduce(prior))
        found, when = stack_sources(
            np.ascontiguousarray(nodes),
            self.trains.stations,
            self._fine,
            slowness,
            _LADDER,
            best - reach,
            2 * reach + 1,
            self._known(STEP_S),
        )
        return found, np.asarray(when * STEP_S, np.float64)

    def _rows(self, blur_s: float, stride: int) -> Floats32:
        """What each trace says of arrivals, neighbors together what the root of their number would."""
        sigmas = np.sqrt((PATH_ERROR * SLOWNESS_S_DEG * DISTANCE_GRID_DEG) ** 2 + PULSE_ERROR_S**2 + blur_s**2) / STEP_S
        return detection_llr(
            self.trains.standing,
            self.trains.live,
            likelihood_ratio_table(),
            BINS_PER_UNIT,
            sigmas,
            _neighbor_counts(self.trains.stations) ** -0.5,
            stride,
            DEAD_TRACE_FRACTION,
        )

    def _known(self, step_s: float) -> tuple[Floats, int]:
        """Logarithm of the origin's prior, and its first sample: a window rarely begins after the origin."""
        live = np.flatnonzero(self.trains.live.any(axis=0)) * STEP_S - EDGE_S
        first = round((live[0] - MAX_LEAD_S) / step_s)
        times = np.arange(first, round(live[-1] / step_s)) * step_s
        prior = origin_time_density(times, live[0])
        return np.log(prior / prior.sum()), first


def _neighbor_counts(stations: Floats) -> Floats:
    """Count the stations [n] whose paths each station (unit vectors [n, 3]) shares, itself included."""
    interstation_deg = np.degrees(np.arccos(np.clip(stations @ stations.T, -1.0, 1.0)))
    return effective_neighbor_count(interstation_deg, TOGETHER_DEG)


def detect_surface_waves(gather: Gather) -> SurfaceWaveStack | None:
    """The stack of a gather; None, and no time spent, for windows of less than half an hour and networks that stand in few places."""
    long = np.isfinite(gather.samples).sum(axis=1) >= MIN_RECORD_S * gather.sampling_rate_hz
    stations = unit_vectors(gather.latitudes_deg[long], gather.longitudes_deg[long])
    if not _in_many_places(stations[np.isfinite(stations).all(axis=1)]):
        return None
    trains = correct_dispersion(gather)
    return None if trains is None or not _in_many_places(trains.stations) else SurfaceWaveStack(trains)


def _in_many_places(stations: Floats) -> bool:
    return float(np.sum(1.0 / _neighbor_counts(stations))) >= MIN_INDEPENDENT_STATIONS
