"""
Subsets of large networks: the cost of a location grows with the number of traces, its accuracy hardly beyond some dozens of them.

With more traces, the errors that all of them share (of the Earth model, of the networks) dominate.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np

from models.analysis.distances import PER_TRACE_FIELDS, DistanceReadings, find_live_traces, predict_distances
from models.array_types import Flags, Floats, Integers
from models.registry.inference import OnnxModel
from models.seismic.geodesy import unit_vectors
from models.seismic.waveforms import Gather

MAX_TRACES_READ: Final = 64
"""Maximum number of traces whose distances are predicted for a classification."""


def farthest_point_subset(gather: Gather, max_traces: int) -> Integers:
    """
    Select up to `max_traces` traces by farthest-point sampling of their stations; return their indices in ascending order.

    All traces where there are no more than that. Otherwise traces without coordinates or without data are left out, the station farthest
    from the network's centroid is taken first, and then repeatedly the one whose nearest selected station is farthest away. The result does
    not depend on the order of the traces, except for stations at exactly equal distances.
    """
    count = len(gather.trace_ids)
    if count <= max_traces:
        return np.arange(count)
    candidates = np.flatnonzero(_has_coordinates(gather) & np.isfinite(gather.samples).any(axis=1))
    if len(candidates) <= max_traces:
        return candidates
    points = unit_vectors(gather.latitudes_deg[candidates], gather.longitudes_deg[candidates])
    cosine_to_nearest, selected = points @ points.mean(axis=0), np.zeros(len(candidates), np.bool_)
    for number in range(max_traces):
        farthest = int(np.argmin(np.where(selected, np.inf, cosine_to_nearest)))
        selected[farthest] = True
        cosine = points @ points[farthest]
        cosine_to_nearest = cosine if number == 0 else np.maximum(cosine_to_nearest, cosine)
    return np.asarray(candidates[selected])


def predict_distances_on_subset(model: OnnxModel, gather: Gather, max_traces: int = MAX_TRACES_READ) -> DistanceReadings:
    """
    Predict distances as `predict_distances` does, on a subset of at most `max_traces` stations and on all traces without coordinates.

    Returns readings of the whole gather, NaN for traces outside the subset. Raises NoUsableTrace.
    """
    indices = farthest_point_subset(gather, max_traces)
    if len(indices) == len(gather.trace_ids):
        return predict_distances(model, gather)
    indices = np.union1d(indices, np.flatnonzero(~_has_coordinates(gather)))
    return _expand_readings(predict_distances(model, gather.subset(indices)), indices, gather, model.spec.style.window_s)


def subset_readings(readings: DistanceReadings, indices: Integers) -> DistanceReadings:
    """Select the readings of some traces, by index."""
    subset = {name: getattr(readings, name)[indices] for name in PER_TRACE_FIELDS}
    return replace(readings, trace_ids=tuple(readings.trace_ids[index] for index in indices), live=readings.live[indices], **subset)


def _has_coordinates(gather: Gather) -> Flags:
    return np.asarray(np.isfinite(gather.latitudes_deg) & np.isfinite(gather.longitudes_deg))


def _expand_readings(subset: DistanceReadings, indices: Integers, gather: Gather, window_s: float) -> DistanceReadings:
    """Scatter the readings of the traces `indices` into readings of the whole gather, NaN for the others."""

    def scatter(values: Floats) -> Floats:
        expanded = np.full((len(gather.trace_ids), *values.shape[1:]), np.nan)
        expanded[indices] = values
        return expanded

    per_trace: dict[str, Any] = {name: scatter(getattr(subset, name)) for name in PER_TRACE_FIELDS}
    return replace(subset, trace_ids=gather.trace_ids, live=find_live_traces(gather, subset.window_start_s, window_s), **per_trace)
