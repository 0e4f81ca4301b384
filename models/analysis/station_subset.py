"""A large network by some of its stations: what times and coherent waves say is settled by a few dozen, and costs by the trace."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.analysis.distances import DistanceReadings, find_live_traces, predict_distances
from models.analysis.refinement import RefinedLocation, distance_residuals, refine_location
from models.array_types import Integers
from models.registry.inference import OnnxModel
from models.seismic.geodesy import unit_vectors
from models.seismic.location.distances import Location
from models.seismic.waveforms import Gather, Record

TO_LOCATE: Final = 64
TO_CLASSIFY: Final = 24
"""Most stations whose arrivals are looked for: a class needs a section drawn at about the right place, and whether P is heard."""
TO_READ: Final = 64
"""Most stations whose distances are read for a class; with more, errors that all traces share decide."""


def predict_distances_on_subset(model: OnnxModel, gather: Gather, most: int = TO_READ) -> DistanceReadings:
    """As `predict_distances`, off `most` traces at most, spread over the network, and off those whose place is not known."""
    rows = farthest_point_subset(gather, most)
    if len(rows) == len(gather.trace_ids):
        return predict_distances(model, gather)
    rows = np.union1d(rows, np.flatnonzero(~_placed(gather)))
    return _of_all(predict_distances(model, gather.part(rows)), rows, gather, model.spec.style.window_s)


def refine_on_subset(
    records: Sequence[Record], gather: Gather, readings: DistanceReadings, location: Location, most: int = TO_LOCATE
) -> RefinedLocation:
    """
    As `times.refine`, looking for arrivals at `most` stations at most, spread over the network; the others add their distances.

    The location's residuals, used traces and gap are those of all traces, its arrivals have the traces' numbers in `gather`.
    """
    rows = farthest_point_subset(gather, most)
    if len(rows) == len(gather.trace_ids):
        return refine_location(records, gather, readings, location)
    chosen = [records[row] for row in rows] if len(records) else []
    found = refine_location(chosen, gather.part(rows), subset_readings(readings, rows), location)
    found = replace(found, back_azimuths={int(rows[row]): told for row, told in found.back_azimuths.items()})
    if found.location is location:
        return found
    timed = found.timed
    if timed is not None:
        timed = replace(timed, arrivals=tuple(replace(arrival, trace_index=int(rows[arrival.trace_index])) for arrival in timed.arrivals))
    heard = [] if timed is None else [arrival.trace_index for arrival in timed.arrivals]
    residuals, used, gap = distance_residuals(gather, readings, (found.location.latitude_deg, found.location.longitude_deg), heard)
    everywhere = replace(found.location, residuals_deg=residuals, used=used, azimuthal_gap_deg=gap)
    return replace(found, location=everywhere, timed=timed)


def farthest_point_subset(gather: Gather, most: int) -> Integers:
    """
    Rows of up to `most` traces, in their order: all where there are no more, else each the farthest from those taken before.

    The first is the one farthest from the others' middle, so the order of upload does not matter. Traces without a place or
    without data are left out.
    """
    count = len(gather.trace_ids)
    if count <= most:
        return np.arange(count)
    rows = np.flatnonzero(_placed(gather) & np.isfinite(gather.samples).any(axis=1))
    if len(rows) <= most:
        return rows
    points = unit_vectors(gather.latitudes_deg[rows], gather.longitudes_deg[rows])
    nearest, taken = points @ points.mean(axis=0), np.zeros(len(rows), np.bool_)
    for number in range(most):
        following = int(np.argmin(np.where(taken, np.inf, nearest)))
        taken[following] = True
        closeness = points @ points[following]
        nearest = closeness if number == 0 else np.maximum(nearest, closeness)
    return np.asarray(rows[taken])


def _placed(gather: Gather) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(gather.latitudes_deg) & np.isfinite(gather.longitudes_deg))


PER_TRACE_FIELDS: Final = ("distances_deg", "uncertainties_deg", "probabilities", "origin_times_s", "origin_uncertainties_s")
"""What was read, by traces, in an OffsetReadings."""


def subset_readings(readings: DistanceReadings, rows: Integers) -> DistanceReadings:
    """What was read off some of the traces."""
    some = {name: getattr(readings, name)[rows] for name in PER_TRACE_FIELDS}
    return replace(readings, trace_ids=tuple(readings.trace_ids[row] for row in rows), live=readings.live[rows], **some)


def _of_all(some: DistanceReadings, rows: Integers, gather: Gather, window_s: float) -> DistanceReadings:
    """Readings of some rows at their places among all traces, NaN for the others."""

    def placed(values: NDArray[np.float64]) -> NDArray[np.float64]:
        every = np.full((len(gather.trace_ids), *values.shape[1:]), np.nan)
        every[rows] = values
        return every

    read: dict[str, Any] = {name: placed(getattr(some, name)) for name in PER_TRACE_FIELDS}
    return replace(some, trace_ids=gather.trace_ids, live=find_live_traces(gather, some.window_start_s, window_s), **read)
