"""Arrival times that too few independent stations verify, a single array among them: both hypotheses are stated, with and without them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from models.seismic.arrays.plane_waves import group_arrays
from models.seismic.association.locate import ArrivalTimeSolution
from models.seismic.earth.travel_time_errors import FIRST_PHASES, effective_neighbor_count, shared_path_deg
from models.seismic.geodesy import distance_deg
from models.seismic.location.region_calibration import scale_to_contain
from models.seismic.location.regions import EpicenterRegion
from models.seismic.location.solution import MIN_PROBABILITY
from models.seismic.waveforms import Gather

PROBABILITY: Final = 0.5  # of either hypothesis
MAX_OTHER_TRACES: Final = 5  # fewer stations outside the array cannot verify an arrival of the array
MIN_INDEPENDENT_STATIONS: Final = 6.0
CONTRADICTION: Final = 3.0
"""Factor on 68 % ellipses beyond which two estimates of an epicenter contradict each other."""
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


def contradict_others(
    gather: Gather, solution: ArrivalTimeSolution, with_times: Sequence[EpicenterRegion], without_times: Sequence[EpicenterRegion]
) -> bool:
    """
    Whether arrival times of few independent stations contradict the regions found without them.

    Fewer than six stations with first arrivals, those that share a path counting as one: latitude, longitude, depth and origin time leave
    too little to check the identification of phases by. Contradicted where the epicenter lies outside three times the 68 % ellipse of
    every region of probability 5 % and more, and each of these outside three times the ellipse of the epicenter.
    """
    rows = sorted({arrival.trace_index for arrival in solution.arrivals if arrival.phase in FIRST_PHASES})
    best, latitudes, longitudes = with_times[0], gather.latitudes_deg[rows], gather.longitudes_deg[rows]
    apart_deg = distance_deg(latitudes[:, None], longitudes[:, None], latitudes, longitudes)
    paths_deg = shared_path_deg(distance_deg(best.latitude_deg, best.longitude_deg, latitudes, longitudes))
    if float((1.0 / effective_neighbor_count(apart_deg, paths_deg[:, None])).sum()) >= MIN_INDEPENDENT_STATIONS:
        return False
    others = [region for region in without_times if region.probability >= MIN_PROBABILITY]
    apart = [
        min(
            scale_to_contain(region, best.latitude_deg, best.longitude_deg),
            scale_to_contain(best, region.latitude_deg, region.longitude_deg),
        )
        for region in others
    ]
    return bool(apart) and min(apart) > CONTRADICTION


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
