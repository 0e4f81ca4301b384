"""Look for the depth phases of an event that arrival times located."""

from collections.abc import Sequence
from typing import Final

from models.analysis.refinement import RefinedLocation
from models.array_types import Floats
from models.seismic.association.arrivals import Arrival
from models.seismic.depth_phases.likelihood import DepthPhases, find_depth_phases
from models.seismic.depth_phases.rises import Family, Onset
from models.seismic.geodesy import distance_deg
from models.seismic.waveforms import Gather, Record

FAMILIES: Final[dict[str, Family]] = {"P": "P", "PKP": "PKP", "PKPbc": "PKP", "PKPab": "PKP"}
DISTANCES_DEG: Final[dict[Family, tuple[float, float]]] = {"P": (25.0, 98.0), "PKP": (110.0, 170.0)}
"""Where depth phases follow their first arrival: nearer P has several branches, which are no depth phases."""


def measure_depth_phases(records: Sequence[Record], gather: Gather, refined: RefinedLocation) -> DepthPhases | None:
    """Look for depth phases after the first arrivals of an accepted solution; None where too few are at distances that have any."""
    location = refined.location
    distances = distance_deg(location.latitude_deg, location.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)
    onsets = find_onsets(refined.arrivals, distances) if len(records) else {}
    return find_depth_phases(records, onsets, distances) if onsets else None


def find_onsets(arrivals: Sequence[Arrival], distances_deg: Floats) -> dict[int, Onset]:
    """Find the first arrival of each trace, by trace index, at the distances [traces] at which depth phases follow it."""
    onsets: dict[int, Onset] = {}
    for arrival in sorted(arrivals, key=lambda one: -one.time_s):  # the earliest of a trace is kept
        family = FAMILIES.get(arrival.phase)
        if family is not None:
            near, far = DISTANCES_DEG[family]
            if near <= distances_deg[arrival.trace_index] <= far:
                onsets[arrival.trace_index] = Onset(arrival.time_s, family)
    return dict(sorted(onsets.items()))
