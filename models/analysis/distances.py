"""Predict epicentral distance and origin time of every trace of a gather with the offset network, all in one time window."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from models.array_types import Flags, Floats, Integers
from models.errors import NoUsableTrace
from models.imaging.render import render_traces
from models.imaging.style import AmplitudeStyle, FrequencyStyle
from models.registry.inference import OnnxModel, Quantities
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import SHORT_RECORD_S, Gather
from models.specs.offset import BINS, OFFSET
from models.specs.spec import ModelSpec

SLACK: Final = 0.05
"""A gather longer than the window by at most this fraction is read from its start: the last minutes of a coda carry no information."""
STEPS_PER_WINDOW: Final = 4


class RecordsTooShort(NoUsableTrace):
    """Records of which none is long enough for the distance network; arrivals may be picked in them all the same."""


@dataclass(frozen=True)
class DistanceReadings:
    """
    Output of the offset network for the traces of a gather, in the gather's order; NaN for a trace that was not read.

    `distances_deg`, `uncertainties_deg` (one standard deviation) [traces]; `probabilities` [traces, 180], a bin of one degree each;
    `origin_times_s` (POSIX), `origin_uncertainties_s` [traces]. `window_start_s` (POSIX) is the left edge of the window read, `live`
    [traces] whether a trace has data in it. `calibration` is that of the model's card, with the coverage scales of regions (see
    `models.seismic.location.region_calibration`).
    """

    trace_ids: tuple[TraceId, ...]
    distances_deg: Floats
    uncertainties_deg: Floats
    probabilities: Floats
    origin_times_s: Floats
    origin_uncertainties_s: Floats
    window_start_s: float
    live: Flags
    calibration: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_distance(self) -> Flags:
        """Whether a trace [traces] was read."""
        return np.isfinite(self.distances_deg)

    @property
    def withheld(self) -> bool:
        """Whether no trace was read: all records are too short for the networks, and no picture is drawn for them."""
        return not self.has_distance.any()


PredictDistances = Callable[[OnnxModel, Gather], DistanceReadings]


def predict_distances(model: OnnxModel, gather: Gather) -> DistanceReadings:
    """
    Predict distance and origin time of every trace, all in the same time window.

    Among the candidate windows with at least half as many live traces as the window that has most, take the one with the smallest median
    over traces of the entropy of the distance distribution, the earlier one of two with equal entropy. The window is common to all traces
    because all of them record the same event. Raises RecordsTooShort where no window has a live trace.
    """
    window_s = model.spec.style.window_s
    starts = candidate_window_starts(gather, window_s)
    live = [find_live_traces(gather, start, window_s) for start in starts]
    most_live = max(int(mask.sum()) for mask in live)
    if most_live == 0:
        raise RecordsTooShort(describe_short_records(gather, window_s))
    candidates = [
        _predict_in_window(model, gather, start, mask) for start, mask in zip(starts, live, strict=True) if 2 * mask.sum() >= most_live
    ]
    best = min(candidates, key=lambda readings: _median_entropy(readings.probabilities[readings.has_distance]))
    return replace(best, calibration=model.card.calibration)


def read_distances(model: OnnxModel, gather: Gather, predict: PredictDistances = predict_distances) -> DistanceReadings:
    """Predict distances; where all records are too short, return readings without any, for a location by arrival times alone."""
    try:
        return predict(model, gather)
    except RecordsTooShort:
        return withhold_distances(model, gather)


def withhold_distances(model: OnnxModel, gather: Gather) -> DistanceReadings:
    """Return the readings of a gather whose distances are not read: NaN for every trace, with the calibration of the card."""
    missing, probabilities = np.full(len(gather.trace_ids), np.nan), np.full((len(gather.trace_ids), BINS), np.nan)
    live = np.zeros(len(gather.trace_ids), np.bool_)
    columns = (missing, missing, probabilities, missing, missing)
    return DistanceReadings(gather.trace_ids, *columns, gather.start_time_s, live, model.card.calibration)


def describe_short_records(gather: Gather, window_s: float = OFFSET.style.window_s) -> str:
    """State the length of the longest record in any window, the length that the distance network needs, and what to send."""
    starts = candidate_window_starts(gather, window_s)
    longest = max(int(_count_live_samples(gather, start, window_s).max(initial=0)) for start in starts)
    return (
        f"the longest record has {longest / gather.sampling_rate_hz:.0f} s; the distance network needs {SHORT_RECORD_S:.0f} s in its "
        f"{window_s:,.0f} s window: send records from before P to the end of the surface waves"
    )


def candidate_window_starts(gather: Gather, window_s: float) -> tuple[float, ...]:
    """List the left edges (POSIX seconds) of windows to try: the gather's start, every quarter of a window, and the last full window."""
    last = gather.duration_s - window_s
    if last <= SLACK * window_s:
        return (gather.start_time_s,)
    step = window_s / STEPS_PER_WINDOW
    steps = np.arange(0.0, last - 0.25 * step, step)
    return tuple(float(gather.start_time_s + step) for step in (*steps, last))


def find_live_traces(gather: Gather, start_s: float, window_s: float) -> Flags:
    """Find the traces [traces] with at least `SHORT_RECORD_S` of samples in a window (POSIX seconds) that are not all of one value."""
    return np.asarray(_count_live_samples(gather, start_s, window_s) >= SHORT_RECORD_S * gather.sampling_rate_hz)


def _count_live_samples(gather: Gather, start_s: float, window_s: float) -> Integers:
    """Count the samples of each trace [traces] in a window (POSIX seconds); 0 for a trace whose samples are all of one value."""
    first = max(0, round((start_s - gather.start_time_s) * gather.sampling_rate_hz))
    samples = gather.samples[:, first : first + round(window_s * gather.sampling_rate_hz)]
    finite = np.isfinite(samples)
    varying = np.max(samples, axis=1, where=finite, initial=-np.inf) > np.min(samples, axis=1, where=finite, initial=np.inf)
    return np.where(varying, finite.sum(axis=1), 0)


def _predict_in_window(model: OnnxModel, gather: Gather, start_s: float, live: Flags) -> DistanceReadings:
    pictures = render_traces(_trace_style(model.spec), gather, start_s)
    return _make_readings(model.run(pictures[live]), gather.trace_ids, start_s, live)


def _trace_style(spec: ModelSpec) -> AmplitudeStyle | FrequencyStyle:
    if not isinstance(spec.style, AmplitudeStyle | FrequencyStyle):
        raise ValueError(f"model {spec.name} reads pictures of events, not of traces")
    return spec.style


def _make_readings(outputs: Quantities, trace_ids: tuple[TraceId, ...], start_s: float, live: Flags) -> DistanceReadings:
    """Scatter network outputs of the live traces into arrays over all traces, NaN for the others."""

    def scatter(name: str, *shape: int) -> Floats:
        values = np.full((len(live), *shape), np.nan)
        values[live] = outputs[name]
        return values

    return DistanceReadings(
        trace_ids=trace_ids,
        distances_deg=scatter("distance_deg"),
        uncertainties_deg=scatter("distance_uncertainty_deg"),
        probabilities=scatter("distance_probabilities", BINS),
        origin_times_s=start_s + scatter("origin_lag_s"),
        origin_uncertainties_s=scatter("origin_lag_uncertainty_s"),
        window_start_s=start_s,
        live=live,
    )


def _median_entropy(probabilities: Floats) -> float:
    """Median over traces of the entropy [nats] of distributions [traces, bins], rounded so that equal windows stay equal."""
    terms = probabilities * np.log(np.maximum(probabilities, 1e-12))
    return round(float(np.median(-terms.sum(axis=1))), 6)
