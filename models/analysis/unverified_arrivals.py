"""Arrival times that too few independent stations verify, a single array among them: both hypotheses are stated, with and without them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from models.analysis.distances import DistanceReadings
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
MIN_INDEPENDENT_STATIONS: Final = 6.0  # with first arrivals: latitude, longitude, depth and origin time are four unknowns
CONTRADICTION: Final = 3.0
"""Factor on 68 % ellipses beyond which two estimates of an epicenter contradict each other."""
MAX_DISTANCE_DEVIATION: Final = 4.0  # of an epicenter from the predicted distances, in their standard deviations
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


def is_verified(gather: Gather, solution: ArrivalTimeSolution) -> bool:
    """
    Whether first arrivals come from enough independent stations to check the identification of their phases by.

    Six, those that share a path counting as one.
    """
    rows = sorted({arrival.trace_index for arrival in solution.arrivals if arrival.phase in FIRST_PHASES})
    best, latitudes, longitudes = solution.regions[0], gather.latitudes_deg[rows], gather.longitudes_deg[rows]
    apart_deg = distance_deg(latitudes[:, None], longitudes[:, None], latitudes, longitudes)
    paths_deg = shared_path_deg(distance_deg(best.latitude_deg, best.longitude_deg, latitudes, longitudes))
    return float((1.0 / effective_neighbor_count(apart_deg, paths_deg[:, None])).sum()) >= MIN_INDEPENDENT_STATIONS


def contradicts_distances(gather: Gather, readings: DistanceReadings, solution: ArrivalTimeSolution) -> bool:
    """
    Whether the epicenter of arrival times is at distances that the records contradict: by more than four deviations in the median.

    In 31 solutions of synthetic and observed networks that are right within 1,000 km the median is at most 2.1, in six others 0.7 to 28.
    """
    best = solution.regions[0]
    distances = distance_deg(best.latitude_deg, best.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)
    deviations = np.abs(distances - readings.distances_deg) / readings.uncertainties_deg
    return bool(np.isfinite(deviations).any() and np.nanmedian(deviations) > MAX_DISTANCE_DEVIATION)


def contradicts_others(with_times: Sequence[EpicenterRegion], without_times: Sequence[EpicenterRegion]) -> bool:
    """
    Whether arrival times contradict the regions found without them.

    Contradicted where the epicenter lies outside three times the 68 % ellipse of every region of probability 5 % and more, and each of
    these outside three times the ellipse of the epicenter.
    """
    best = with_times[0]
    others = [region for region in without_times if region.probability >= MIN_PROBABILITY]
    apart = [
        min(
            scale_to_contain(region, best.latitude_deg, best.longitude_deg),
            scale_to_contain(best, region.latitude_deg, region.longitude_deg),
        )
        for region in others
    ]
    return bool(apart) and min(apart) > CONTRADICTION


def mix_hypotheses(first: Sequence[EpicenterRegion], second: Sequence[EpicenterRegion], *, by_probability: bool) -> list[EpicenterRegion]:
    """
    Mix the regions of two hypotheses, arrival times used or not used, with a probability of 1/2 each.

    Sorted by probability where asked for; otherwise the regions of the `first` hypothesis come first.
    """
    mixture = [replace(region, probability=PROBABILITY * region.probability) for region in (*first, *second)]
    return sorted(mixture, key=lambda region: -region.probability) if by_probability else mixture
