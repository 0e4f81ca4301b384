"""
The likelihood of depth by pP and sP: how the energy of all records rises at the delays that each depth predicts.

The delays after P depend on depth much more than on distance, so that an epicenter wrong by hundreds of kilometers hardly matters. Rises
are averaged over records along the delays of each depth; what stands out of the average's own scatter may be a depth phase. Coda, other
phases and complex sources make rises too, so that each one counts by a bounded factor.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.array_types import Flags, Floats
from models.seismic.depth_phases.rises import MAX_RISE, Onset, Rises, measure_rises
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.waveforms import Record

DEPTHS_KM: Final[Floats] = np.arange(0.0, 701.0, 4.0)
DEPTH_PHASES: Final[Mapping[str, tuple[str, str]]] = {"P": ("pP", "sP"), "PKP": ("pPKP", "sPKP")}
OTHER_PHASES: Final[Mapping[str, float]] = {"PcP": 1.5, "PP": MAX_RISE}
"""
Later phases at predictable times, and the largest rise that they make: PcP is three to thirty times weaker than P between 30 and 80
degrees, so that it rises little above the coda of P; PP is not.
"""
PRESENT: Final = (0.8, 0.7)
"""Probability that pP, and sP, is there at all: mechanisms have nodes."""
VISIBLE: Final = 0.8
"""Probability that a phase which is there stands out of the coda in a band."""
SPURIOUS: Final = 0.05
"""
Share of lags with a rise, of any size, that is neither scatter nor a depth phase. This and the probabilities above were chosen on simulated
records (`docs/results/depth_phases.md`) by the probability that the posterior gives to the true depth.
"""
OTHER_PRESENT: Final = 0.6
"""Probability that a rise within a window of another phase's time is that phase's, on a share of `OTHER_SHARE` of the records or more."""
OTHER_SHARE: Final = 1.0 / 3.0
MIN_LOG_LIKELIHOOD: Final = 2.0
"""Log likelihood ratio from which on depth phases count as found. Depths are weighed by it whether or not they are."""
MIN_TRACES: Final = 3
MIN_LAG_WINDOWS: Final = 1.25
"""Windows after P before which a rise is lost in that of P."""
MIN_SCATTER: Final = 0.1
DELAY_ERROR_S, DELAY_ERROR_FRACTION = 0.5, 0.01
"""Error of a delay: constant, and relative, by the velocities above the source."""
READING_WINDOWS: Final = 0.15
"""Error of the position of a rise, in windows."""


@dataclass(frozen=True)
class DepthPhases:
    """
    Log likelihood ratio [d] of depth phases at trial depths against none, and the number of records that it rests on.

    0 where a depth predicts no delay that could be seen, as for the shallowest sources. `rises` [bands, 2, d]: average rises at the delays
    of pP and sP, NaN where they cannot be seen; `windows_s` [bands] in which these were measured.
    """

    depths_km: Floats
    log_likelihood: Floats
    traces: int
    rises: Floats
    windows_s: tuple[float, ...]

    @property
    def found(self) -> bool:
        """Whether some depth is much more probable for depth phases than for none."""
        return float(self.log_likelihood.max()) >= MIN_LOG_LIKELIHOOD


def find_depth_phases(records: Sequence[Record], onsets: Mapping[int, Onset], distances_deg: Floats) -> DepthPhases | None:
    """
    Find the depths at which waves reflected above the source would arrive when energy rises.

    Parameters
    ----------
    records : sequence of Record
        Vertical records.
    onsets : mapping of int to Onset
        First arrivals by index of the record.
    distances_deg : [n]
        Epicentral distances of all records, within several degrees.

    Returns
    -------
    DepthPhases or None
        None where fewer than three records show P in any band.

    """
    bands = [band for band in measure_rises(records, onsets) if len(band.trace_indices) >= MIN_TRACES]
    if not bands:
        return None
    indices = list(onsets)
    delays, others = predict_delays([onsets[index].family for index in indices], distances_deg[indices])
    present, rises = np.zeros(delays.shape[::2]), np.full((len(bands), *delays.shape[::2]), np.nan)
    for band, drawn in zip(bands, rises, strict=True):
        rows = [indices.index(index) for index in band.trace_indices]
        for k, phase in enumerate(delays):
            log_ratio, drawn[k] = _compare_phase(band, phase[rows], others[:, rows])
            present[k] += log_ratio
    log_likelihood = np.log1p(np.array(PRESENT)[:, None] * np.expm1(present)).sum(axis=0)
    traces = len({index for band in bands for index in band.trace_indices})
    return DepthPhases(DEPTHS_KM, log_likelihood, traces, rises, tuple(band.window_s for band in bands))


def predict_delays(families: Sequence[str], distances_deg: Floats) -> tuple[Floats, Floats]:
    """Predict the delays [2, traces, d] of pP and sP after the first arrival at all depths, and those of other phases [k, traces, d]."""
    shape = (len(families), len(DEPTHS_KM))
    delays, others = np.full((2, *shape), np.nan), np.full((len(OTHER_PHASES), *shape), np.nan)
    for column, depth_km in enumerate(DEPTHS_KM.tolist()):
        for family, phases in DEPTH_PHASES.items():
            rows = np.array([one == family for one in families])
            first_s = travel_time_s(family, distances_deg[rows], depth_km)
            for k, phase in enumerate(phases):
                delays[k, rows, column] = travel_time_s(phase, distances_deg[rows], depth_km) - first_s
            for k, phase in enumerate(OTHER_PHASES):
                others[k, rows, column] = travel_time_s(phase, distances_deg[rows], depth_km) - first_s
    return delays, others


def _compare_phase(band: Rises, delays_s: Floats, others_s: Floats) -> tuple[Floats, Floats]:
    """
    Compare a band's rises with those of one phase at its delays [traces, d], among `others_s` [k, traces, d].

    Returns the log likelihood ratio [d] of the phase, which is there but may be hidden in the coda, against none, 0 where its delay is too
    short to be seen; and the average rises [d], NaN there.
    """
    stacked, known = _average(band.at_lags(delays_s))
    delay_s = np.array([np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else 0.0 for column in delays_s.T])
    known &= delay_s > MIN_LAG_WINDOWS * band.window_s
    near = [np.mean(np.abs(other - delays_s) < band.window_s, axis=0) >= OTHER_SHARE for other in others_s]
    ratio = compute_rise_ratio(stacked, measure_scatter(band), dict(zip(OTHER_PHASES, near, strict=True)))
    tolerance_s = np.hypot(READING_WINDOWS * band.window_s, DELAY_ERROR_S + DELAY_ERROR_FRACTION * delay_s)
    best = np.zeros(len(stacked))
    for peak in np.flatnonzero(known & _is_local_maximum(np.where(known, stacked, -np.inf), delay_s, 0.5 * band.window_s)):
        best = np.maximum(best, ratio[peak] * np.exp(-0.5 * ((delay_s - delay_s[peak]) / tolerance_s) ** 2))
    return np.where(known, np.log(1.0 - VISIBLE + VISIBLE * best), 0.0), np.where(known, stacked, np.nan)


def compute_rise_ratio(stacked: Floats, scatter: float, near: Mapping[str, Flags]) -> Floats:
    """
    Compute the likelihood ratio [d] of average rises for a depth phase, uniformly between 0 and the largest rise, against none.

    Without one they are scatter, with a small probability anything, and `near` another phase [d] as large as that phase may be.
    """
    noise = np.exp(-0.5 * (stacked / scatter) ** 2) / (np.sqrt(2.0 * np.pi) * scatter)
    none = (1.0 - SPURIOUS) * noise + SPURIOUS / (2.0 * MAX_RISE)
    for phase, at in near.items():
        largest = OTHER_PHASES[phase]
        other = np.where((stacked > 0.0) & (stacked < largest), 1.0 / largest, 0.0)
        none = np.where(at, (1.0 - OTHER_PRESENT) * none + OTHER_PRESENT * other, none)
    return np.asarray(np.where(stacked > 0.0, 1.0 / MAX_RISE, 0.0) / none)


def measure_scatter(band: Rises) -> float:
    """Measure the scatter of the average rise by the median absolute deviation over all lags that no rise of P reaches."""
    stacked, known = _average(band.rises)
    later = stacked[known & (band.lags_s > MIN_LAG_WINDOWS * band.window_s)]
    return max(float(1.4826 * np.median(np.abs(later))), MIN_SCATTER) if len(later) else MAX_RISE


def _average(rises: Floats) -> tuple[Floats, Flags]:
    """Average rises [traces, d] over the records, and whether half of them and three at least have data."""
    finite = np.isfinite(rises)
    counts = finite.sum(axis=0)
    known = counts >= max(MIN_TRACES, 0.5 * len(rises))
    return np.where(known, np.where(finite, rises, 0.0).sum(axis=0) / np.maximum(counts, 1), 0.0), known


def _is_local_maximum(values: Floats, delays_s: Floats, separation_s: float) -> Flags:
    """Tell which values [d] are the largest within so many seconds of delay."""
    near = np.abs(delays_s[:, None] - delays_s[None, :]) <= separation_s
    return np.asarray(values >= np.where(near, values[None, :], -np.inf).max(axis=1))
