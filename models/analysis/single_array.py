"""What a single array says of a far source: its onsets may be those of another wave, so two accounts are told side by side."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from models.seismic.arrays.plane_waves import group_arrays
from models.seismic.association.locate import ArrivalTimeSolution
from models.seismic.geodesy import distance_deg
from models.seismic.location.regions import EpicenterRegion
from models.seismic.waveforms import Gather

HALF: Final = 0.5
MAX_OTHER_TRACES: Final = 5  # fewer stations elsewhere check no arrival
FAR_DEG: Final = 20.0
"""From the array's stations: within this P and S are told apart by how they move out, beyond it P, S, PP and core phases look alike."""


def is_one_array(gather: Gather) -> bool:
    """Whether all stations with a place stand within a few degrees: their times may be those of several waves."""
    placed = int(np.isfinite(gather.latitudes_deg).sum())
    return any(2 * len(array.rows) > placed and len(array.rows) > placed - MAX_OTHER_TRACES for array in group_arrays(gather))


def is_far(gather: Gather, timed: ArrivalTimeSolution) -> bool:
    """Whether the times place the source far from the stations."""
    best = timed.regions[0]
    return bool(np.nanmedian(distance_deg(best.latitude_deg, best.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)) > FAR_DEG)


def mix_hypotheses(timed: ArrivalTimeSolution, where: Sequence[EpicenterRegion], *, by_fronts: bool) -> list[EpicenterRegion]:
    """
    The regions of the times and those `where` the source is without them, each half as likely: nothing tells which are right.

    The likeliest first where plane waves are among what is known without times; else those of the times, which are closer.
    """
    both = [*_halved(timed.regions), *_halved(where)]
    return sorted(both, key=lambda place: -place.probability) if by_fronts else both


def _halved(regions: Sequence[EpicenterRegion]) -> list[EpicenterRegion]:
    return [replace(place, probability=HALF * place.probability) for place in regions]
