"""
The surface-wave detector: sources of Rayleigh waves too weak for any single trace, by a stack over the whole sphere and all origin times.

Likelihood ratios of a source to noise are multiplied over traces and averaged over origin times, wave speeds and epicenters, so that
the evidence accounts for all that was tried. After Ekstrom 2006, doi:10.1785/0120050175. The constants were chosen on the training part
of the synthetic catalog replica.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

import numpy as np
from scipy.spatial import KDTree

from models.array_types import Floats, Floats32, Integers
from models.seismic.earth.travel_time_errors import effective_neighbor_count
from models.seismic.geodesy import geocentric_latitude_deg, unit_vectors
from models.seismic.location.origin_time_prior import MAX_LEAD_S, OriginPrior, origin_time_density
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
from models.seismic.surface_waves.stack import DetectionModel, DistanceGrid, OriginWindows, SlownessPrior, detection_llr, stack_sources
from models.seismic.waveforms import Gather

MIN_INDEPENDENT_STATIONS: Final = 5.0
"""Stations, neighbors counting as one: epicenter, origin time and wave speed are four unknowns."""
SIGNAL_DB: Final = 15.0  # signal-to-noise ratio at 30 degrees, in a trace that shows the wave
NOISE_DB: Final = 8.0  # its standard deviation from trace to trace
ATTENUATION_DB_DEG: Final = 0.09  # of waves of 60 s
DEAD_TRACE_FRACTION: Final = 0.1  # traces that are dead, mistimed, or in a node of the radiation pattern
MAX_STATISTIC: Final = 10.0
BINS_PER_UNIT: Final = 12.0
PATH_ERROR: Final = 0.02  # of the travel time, independent between paths
PULSE_ERROR_S: Final = 8.0
COMMON_ERROR: Final = 0.015  # of the travel time, common to all paths
COMMON_STEPS: Final[Floats] = np.array((-0.03, -0.015, 0.0, 0.015, 0.03))
CORRELATION_DEG: Final = 3.0  # distance between stations over which path errors are correlated
COARSE_DEG: Final = 2.0
COARSE_STRIDE: Final = 2
COARSE_BLUR: Final = 0.4  # of the coarse spacing: distance error of the nearest coarse node
REFINED_WINDOW_S: Final = 120.0  # around the best origin time of the nearest coarse node
MAX_LOG_DROP: Final = 7.0  # nodes whose coarse log-likelihood ratio is lower than the best by more are not refined
MAX_REFINED_NODES: Final = 2500
OUTLIER_PROBABILITY: Final = 0.05  # that a stack is of another source
ORIGIN_ERROR_S: Final = 40.0  # of wave speeds and of half the source's duration
LIKELIHOOD_WEIGHT: Final = 0.5
"""
Exponent of the likelihood of an epicenter: errors of paths are not as independent as they are taken to be, and distances that it is joined
with are predicted from the same waves. Chosen by the log probability of true epicenters given both, on events of the replica's validation
part (`docs/history/training_log.md`).
"""

_GRID: Final = DistanceGrid(float(DISTANCE_GRID_DEG[0]), float(DISTANCE_GRID_DEG[1] - DISTANCE_GRID_DEG[0]))


@cache
def likelihood_ratio_table() -> Floats32:
    """
    Tabulate the likelihood ratio [distances, bins] of a source to noise by the detection statistic.

    Power is exponential: with mean 1 in noise, and with mean 1 + SNR in a signal whose signal-to-noise ratio is log-normal between
    traces and decays with distance by spreading and attenuation.
    """
    statistic = np.arange(round(MAX_STATISTIC * BINS_PER_UNIT) + 1) / BINS_PER_UNIT
    spreading = np.maximum(np.sin(np.radians(DISTANCE_GRID_DEG)), 0.05)
    decay_db = 10.0 * np.log10(0.5 / spreading) - ATTENUATION_DB_DEG * (DISTANCE_GRID_DEG - 30.0)
    points, weights = np.polynomial.hermite_e.hermegauss(7)
    mean = 1.0 + 10.0 ** ((SIGNAL_DB + decay_db[:, None] + NOISE_DB * points) / 10.0)
    ratio = np.exp(statistic * (1.0 - 1.0 / mean[..., None])) / mean[..., None]
    return np.asarray(np.einsum("dzp,z->dp", ratio, weights / weights.sum()), np.float32)


@cache
def _coarse_tree() -> KDTree:
    return KDTree(fibonacci_sphere(COARSE_DEG))


@dataclass(frozen=True)
class SurfaceWaveStack:
    """The evidence of stacked Rayleigh waves about an epicenter (see `SpatialLikelihood`), and about there being a source at all."""

    envelopes: CorrectedEnvelopes

    @cached_property
    def log_evidence(self) -> float:
        """Log Bayes factor of a source, anywhere and at any time, against noise."""
        return float(np.logaddexp.reduce(self._sphere_llr) - np.log(len(self._sphere_llr)))

    def log_likelihood(self, nodes: Floats) -> Floats:
        """
        Evaluate the log-likelihood ratio [m] of sources at geocentric unit vectors [m, 3] against a uniform source.

        That of the stack counts with `LIKELIHOOD_WEIGHT`, and the stack is of another source with `OUTLIER_PROBABILITY`. At the nodes of
        the sphere grid most values are those of the coarse grid, which are low there.
        """
        llr = self._sphere_llr if np.array_equal(nodes, sphere_grid().geocentric_nodes) else self._refined_llr(nodes)[0]
        weighted = LIKELIHOOD_WEIGHT * llr - self._log_mean_density
        return np.asarray(np.logaddexp(np.log1p(-OUTLIER_PROBABILITY) + weighted, np.log(OUTLIER_PROBABILITY)))

    @cached_property
    def _log_mean_density(self) -> float:
        """Logarithm of the mean over the sphere of the weighted likelihood ratio."""
        return float(np.logaddexp.reduce(LIKELIHOOD_WEIGHT * self._sphere_llr) - np.log(len(self._sphere_llr)))

    def origin(self, latitudes_deg: Floats, longitudes_deg: Floats) -> tuple[float, float]:
        """
        Estimate the origin time (POSIX seconds) of a source, and its standard deviation.

        The epicenter is one of equally probable points [m]: their mean origin time is returned, and its scatter adds to the deviation.
        """
        origins_s = self._refined_llr(unit_vectors(geocentric_latitude_deg(latitudes_deg), longitudes_deg))[1]
        return self.envelopes.start_s + float(origins_s.mean()), float(np.hypot(ORIGIN_ERROR_S, origins_s.std()))

    @cached_property
    def _coarse_llr(self) -> tuple[Floats, Integers]:
        """Log-likelihood ratio at the coarse nodes, and the sample of the most likely origin time."""
        origin = self._origin_prior(STEP_S * COARSE_STRIDE)
        nodes = fibonacci_sphere(COARSE_DEG)
        slowness = SlownessPrior(np.array([SLOWNESS_S_DEG / (STEP_S * COARSE_STRIDE)]), np.zeros(1))
        llr = self._trace_llr(COARSE_BLUR * COARSE_DEG * SLOWNESS_S_DEG, COARSE_STRIDE)
        windows = OriginWindows(np.full(len(nodes), origin.first, np.int64), len(origin.log_density))
        total, best = stack_sources(nodes, self.envelopes.stations, llr, _GRID, slowness, windows, origin)
        return total, best * COARSE_STRIDE

    @cached_property
    def _sphere_llr(self) -> Floats:
        """Log-likelihood ratio at the nodes of the sphere grid: refined near the maxima, elsewhere that of the nearest coarse node."""
        nodes = sphere_grid().geocentric_nodes
        llr: Floats = self._coarse_llr[0][_coarse_tree().query(nodes)[1]]
        near = np.argsort(-llr, kind="stable")[:MAX_REFINED_NODES]
        near = near[llr[near] > llr.max() - MAX_LOG_DROP]
        llr[near] = self._refined_llr(nodes[near])[0]
        return llr

    @cached_property
    def _fine_trace_llr(self) -> Floats32:
        return self._trace_llr(0.0, 1)

    def _refined_llr(self, nodes: Floats) -> tuple[Floats, Floats]:
        """Log-likelihood ratio at any nodes [m, 3], and the most likely origin times [m] in seconds after the start."""
        best = self._coarse_llr[1][_coarse_tree().query(nodes)[1]]
        half = round(REFINED_WINDOW_S / STEP_S)
        log_weights = -0.5 * (COMMON_STEPS / COMMON_ERROR) ** 2
        slowness = SlownessPrior(SLOWNESS_S_DEG / STEP_S * (1.0 + COMMON_STEPS), log_weights - np.logaddexp.reduce(log_weights))
        llr, origin = stack_sources(
            np.ascontiguousarray(nodes),
            self.envelopes.stations,
            self._fine_trace_llr,
            _GRID,
            slowness,
            OriginWindows(best - half, 2 * half + 1),
            self._origin_prior(STEP_S),
        )
        return llr, np.asarray(origin * STEP_S, np.float64)

    def _trace_llr(self, blur_s: float, stride: int) -> Floats32:
        """Per-trace log-likelihood ratios; those of k neighbors, whose errors are shared, are divided by the root of k."""
        sigmas = np.sqrt((PATH_ERROR * SLOWNESS_S_DEG * DISTANCE_GRID_DEG) ** 2 + PULSE_ERROR_S**2 + blur_s**2) / STEP_S
        model = DetectionModel(likelihood_ratio_table(), BINS_PER_UNIT, sigmas, DEAD_TRACE_FRACTION)
        weights = _neighbor_counts(self.envelopes.stations) ** -0.5
        return detection_llr(self.envelopes.detection_statistic, self.envelopes.live, model, weights, stride)

    def _origin_prior(self, step_s: float) -> OriginPrior:
        live = np.flatnonzero(self.envelopes.live.any(axis=0)) * STEP_S - EDGE_S
        first = round((live[0] - MAX_LEAD_S) / step_s)
        times = np.arange(first, round(live[-1] / step_s)) * step_s
        density = origin_time_density(times, live[0])
        return OriginPrior(np.log(density / density.sum()), first)


def detect_surface_waves(gather: Gather) -> SurfaceWaveStack | None:
    """
    Stack the surface waves of a gather.

    None for records of less than half an hour, and for fewer than five independent stations; both are checked first, at no cost.
    """
    long = np.isfinite(gather.samples).sum(axis=1) >= MIN_RECORD_S * gather.sampling_rate_hz
    stations = unit_vectors(gather.latitudes_deg[long], gather.longitudes_deg[long])
    if not _are_independent(stations[np.isfinite(stations).all(axis=1)]):
        return None
    envelopes = correct_dispersion(gather)
    return None if envelopes is None or not _are_independent(envelopes.stations) else SurfaceWaveStack(envelopes)


def _are_independent(stations: Floats) -> bool:
    """Whether stations (unit vectors [n, 3]) count as enough independent ones."""
    return float(np.sum(1.0 / _neighbor_counts(stations))) >= MIN_INDEPENDENT_STATIONS


def _neighbor_counts(stations: Floats) -> Floats:
    """Effective number of stations [n] whose path errors each station (unit vectors [n, 3]) shares, itself included."""
    interstation_deg = np.degrees(np.arccos(np.clip(stations @ stations.T, -1.0, 1.0)))
    return effective_neighbor_count(interstation_deg, CORRELATION_DEG)
