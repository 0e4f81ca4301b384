"""A network that is a single array far from the source: its arrivals may be misidentified, so both hypotheses are stated."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from models.seismic.arrays.plane_waves import group_arrays
from models.seismic.association.locate import ArrivalTimeSolution
from models.seismic.geodesy import distance_deg
from models.seismic.location.regions import EpicenterRegion
from models.seismic.waveforms import Gather

PROBABILITY: Final = 0.5  # of either hypothesis
MAX_OTHER_TRACES: Final = 5  # fewer stations outside the array cannot verify an arrival of the array
FAR_DEG: Final = 20.0
"""Median epicentral distance up to which P and S differ by their moveout across an array; beyond it P, S, PP and core phases look alike."""


def is_one_array(gather: Gather) -> bool:
    """Whether one array holds more than half of the stations with coordinates, and fewer than five stations lie outside it."""
    located = int(np.isfinite(gather.latitudes_deg).sum())
    return any(
        2 * len(array.trace_indices) > located and len(array.trace_indices) > located - MAX_OTHER_TRACES for array in group_arrays(gather)
    )


def is_far(gather: Gather, solution: ArrivalTimeSolution) -> bool:
    """Whether the median epicentral distance of the solution's most probable region exceeds 20 degrees."""
    best = solution.regions[0]
    return bool(np.nanmedian(distance_deg(best.latitude_deg, best.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)) > FAR_DEG)


def mix_hypotheses(
    with_times: Sequence[EpicenterRegion], without_times: Sequence[EpicenterRegion], *, by_probability: bool
) -> list[EpicenterRegion]:
    """
    Mix the regions of two hypotheses, arrival times used or not used, with a probability of 1/2 each.

    A single array cannot verify its phase identification beyond 20 degrees. Sorted by probability where asked for; otherwise the regions of
    the arrival times come first.
    """
    mixture = [replace(region, probability=PROBABILITY * region.probability) for region in (*with_times, *without_times)]
    return sorted(mixture, key=lambda region: -region.probability) if by_probability else mixture
