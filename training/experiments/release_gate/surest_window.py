"""The choice of window that `offset` was served with up to version 4, kept to compare versions; see docs/history/training_log.md."""

from dataclasses import replace

import numpy as np

from models.analysis.distances import STEPS_PER_WINDOW, DistanceReadings, RecordsTooShort, describe_short_records, find_live_traces
from models.array_types import Floats
from models.imaging.render import render_traces
from models.registry.inference import OnnxModel
from models.seismic.waveforms import Gather
from models.specs.offset import BINS, OFFSET
from models.specs.pictures import TRACE_FREQUENCY


def predict_in_surest_window(model: OnnxModel, gather: Gather) -> DistanceReadings:
    """
    Predict distances in one window, common to all traces: the one with the smallest median entropy of the distance distributions.

    Windows with less than half as many live traces as the window that has most do not count. Raises RecordsTooShort where no window has
    a live trace.
    """
    starts = _list_starts(gather, OFFSET.style.window_s)
    live = [find_live_traces(gather, start, OFFSET.style.window_s) for start in starts]
    most_live = max(int(mask.sum()) for mask in live)
    if most_live == 0:
        raise RecordsTooShort(describe_short_records(gather))
    candidates = [_read_window(model, gather, start) for start, mask in zip(starts, live, strict=True) if 2 * mask.sum() >= most_live]
    return min(candidates, key=_measure_entropy)


def _list_starts(gather: Gather, window_s: float) -> list[float]:
    last = gather.duration_s - window_s
    if last <= 0.05 * window_s:
        return [gather.start_time_s]
    step = window_s / STEPS_PER_WINDOW
    return [gather.start_time_s + float(after) for after in (*np.arange(0.0, last - 0.25 * step, step), last)]


def _read_window(model: OnnxModel, gather: Gather, start_s: float) -> DistanceReadings:
    live = find_live_traces(gather, start_s, OFFSET.style.window_s)
    outputs = model.run(render_traces(TRACE_FREQUENCY, gather, start_s)[live])
    missing = np.full(len(live), np.nan)
    empty = DistanceReadings(
        gather.trace_ids, missing, missing, np.full((len(live), BINS), np.nan), missing, missing, start_s, live, model.card.calibration
    )

    def scatter(name: str) -> Floats:
        filled = np.full((len(live), *outputs[name].shape[1:]), np.nan)
        filled[live] = outputs[name]
        return filled

    return replace(
        empty,
        distances_deg=scatter("distance_deg"),
        uncertainties_deg=scatter("distance_uncertainty_deg"),
        probabilities=scatter("distance_probabilities"),
        origin_times_s=start_s + scatter("origin_lag_s"),
        origin_uncertainties_s=scatter("origin_lag_uncertainty_s"),
    )


def _measure_entropy(readings: DistanceReadings) -> float:
    probabilities = readings.probabilities[readings.has_distance]
    return round(float(np.median(-(probabilities * np.log(np.maximum(probabilities, 1e-12))).sum(axis=1))), 6)
