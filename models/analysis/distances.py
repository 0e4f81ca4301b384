"""From a gather to distances and origin times: which window to read, what each trace says in it, what all say together."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.array_types import Floats
from models.errors import NoUsableTrace
from models.imaging.render import render_traces
from models.imaging.style import AmplitudeStyle, FrequencyStyle
from models.registry.inference import OnnxModel, Quantities
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from models.specs.offset import BINS
from models.specs.spec import ModelSpec

# A gather a little longer than the window is read from its start: the last minutes of a coda decide nothing.
SLACK: Final = 0.05
STEPS_A_WINDOW: Final = 4
MIN_LIVE_S: Final = 120.0


@dataclass(frozen=True)
class DistanceReadings:
    """
    What the offset model says of each trace of a gather, in the gather's order; NaN for a trace that was not read.

    `distances_deg`, `uncertainties_deg` (one standard deviation) [traces]; `probabilities` [traces, 180] a bin of one degree;
    `origin_times_s` (POSIX), `origin_uncertainties_s` [traces]; `window_start_s` is the left edge of the window read,
    `live` [traces]: which have data in it.
    `calibration` is what the model's card says of the regions to state (see `models.seismic.location.region_calibration`).
    """

    trace_ids: tuple[TraceId, ...]
    distances_deg: Floats
    uncertainties_deg: Floats
    probabilities: Floats
    origin_times_s: Floats
    origin_uncertainties_s: Floats
    window_start_s: float
    live: NDArray[np.bool_]
    calibration: Mapping[str, Any] = field(default_factory=dict)

    @property
    def read(self) -> NDArray[np.bool_]:
        """Which traces were read [traces]."""
        return np.isfinite(self.distances_deg)


@dataclass(frozen=True)
class OriginTime:
    """POSIX seconds and one standard deviation in seconds."""

    time_s: float
    uncertainty_s: float


def predict_distances(model: OnnxModel, gather: Gather) -> DistanceReadings:
    """
    Distance and origin time of every trace, all read in one window.

    Of the candidate windows that show at least half as many live traces as the fullest one, the window is taken in which the
    network is surest: the smallest median over traces of the entropy of the distance distribution, the earlier one of two
    alike. One window for all traces, since all saw the same event. Raises NoUsableTrace where no window shows a live trace.
    """
    starts = candidate_window_starts(gather, model.spec.style.window_s)
    live = [find_live_traces(gather, start, model.spec.style.window_s) for start in starts]
    fullest = max(int(mask.sum()) for mask in live)
    if fullest == 0:
        raise NoUsableTrace(f"no trace has {MIN_LIVE_S:.0f} s of data in one window")
    readings = [_read(model, gather, start, mask) for start, mask in zip(starts, live, strict=True) if 2 * mask.sum() >= fullest]
    surest = min(readings, key=lambda reading: _median_entropy(reading.probabilities[reading.read]))
    return replace(surest, calibration=model.card.calibration)


def candidate_window_starts(gather: Gather, window_s: float) -> tuple[float, ...]:
    """Left edges (POSIX seconds) to try: the gather's start, then every quarter of a window, then the last full window."""
    last = gather.duration_s - window_s
    if last <= SLACK * window_s:
        return (gather.start_time_s,)
    step = window_s / STEPS_A_WINDOW
    steps = np.arange(0.0, last - 0.25 * step, step)
    return tuple(float(gather.start_time_s + step) for step in (*steps, last))


def combine_origin_times(readings: DistanceReadings) -> OriginTime:
    """
    The event's origin time: the median over traces, each weighted by one over its variance.

    Its uncertainty is the larger of the traces' robust spread (1.4826 times the weighted median deviation) and their typical
    stated uncertainty. It is not divided by the root of their number: traces of one event share most of their error.
    Raises NoUsableTrace where no trace was read.
    """
    good = np.isfinite(readings.origin_times_s) & np.isfinite(readings.origin_uncertainties_s)
    if not good.any():
        raise NoUsableTrace("no trace has an origin time")
    times, stated = readings.origin_times_s[good], np.maximum(readings.origin_uncertainties_s[good], 1e-3)
    weights = stated**-2.0
    center = weighted_median(times, weights)
    spread = 1.4826 * weighted_median(np.abs(times - center), weights)
    return OriginTime(center, max(spread, weighted_median(stated, weights)))


def weighted_median(values: Floats, weights: Floats) -> float:
    """The value with half of the weight on either side, halfway between two where the weight parts exactly; not of nothing."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weights[order])
    half = 0.5 * below[-1]
    low = np.searchsorted(below, half * (1.0 - 1e-12))
    high = min(int(np.searchsorted(below, half * (1.0 + 1e-12))), len(values) - 1)
    return float(0.5 * (values[order[low]] + values[order[high]]))


def find_live_traces(gather: Gather, start_s: float, window_s: float) -> NDArray[np.bool_]:
    """Which traces [traces] have enough samples in a window, not all of one value."""
    first = max(0, round((start_s - gather.start_time_s) * gather.sampling_rate_hz))
    seen = gather.samples[:, first : first + round(window_s * gather.sampling_rate_hz)]
    finite = np.isfinite(seen)
    moving = np.max(seen, axis=1, where=finite, initial=-np.inf) > np.min(seen, axis=1, where=finite, initial=np.inf)
    return np.asarray(moving & (finite.sum(axis=1) >= MIN_LIVE_S * gather.sampling_rate_hz))


def _read(model: OnnxModel, gather: Gather, start_s: float, live: NDArray[np.bool_]) -> DistanceReadings:
    pictures = render_traces(_trace_style(model.spec), gather, start_s)
    return _spread_out(model.run(pictures[live]), gather.trace_ids, start_s, live)


def _trace_style(spec: ModelSpec) -> AmplitudeStyle | FrequencyStyle:
    if not isinstance(spec.style, AmplitudeStyle | FrequencyStyle):
        raise ValueError(f"{spec.name} reads events, not traces")
    return spec.style


def _spread_out(said: Quantities, trace_ids: tuple[TraceId, ...], start_s: float, live: NDArray[np.bool_]) -> DistanceReadings:
    """What was said of the live traces, at their places among all traces."""

    def placed(name: str, *shape: int) -> Floats:
        values = np.full((len(live), *shape), np.nan)
        values[live] = said[name]
        return values

    return DistanceReadings(
        trace_ids=trace_ids,
        distances_deg=placed("distance_deg"),
        uncertainties_deg=placed("distance_uncertainty_deg"),
        probabilities=placed("distance_probabilities", BINS),
        origin_times_s=start_s + placed("origin_lag_s"),
        origin_uncertainties_s=placed("origin_lag_uncertainty_s"),
        window_start_s=start_s,
        live=live,
    )


def _median_entropy(probabilities: Floats) -> float:
    """Median over traces of the entropy in nats; probabilities [traces, bins], rounded so that a tie stays a tie."""
    terms = probabilities * np.log(np.maximum(probabilities, 1e-12))
    return round(float(np.median(-terms.sum(axis=1))), 6)
