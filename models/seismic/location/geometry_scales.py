"""
Factors on stated uncertainties, measured on synthetic events (`training.experiments.location.hypocenter_coverage`), by location method.

The card of the distance model holds them: on the axes of the 68 % and the 90 % ellipse, and on the standard deviations of origin time and
depth, so that each contains the truth as often as stated.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from models.array_types import Floats
from models.seismic.geodesy import distance_deg

REGIONS_KEY: Final = "location_regions"  # in Card.calibration: tables by method
HYPOCENTER_KEY: Final = "hypocenter"
QUANTITIES: Final = ("effective_stations", "median_distance_deg")
"""Of the geometry of an event, by which factors may differ: independent stations, and the median epicentral distance of all in degrees."""


@dataclass(frozen=True)
class GeometryScales:
    """
    Pairs of factors on uncertainties, by a quantity of the geometry (`QUANTITIES`).

    `bounds` [k], ascending: between classes; a value equal to a bound belongs to the class above. `pairs` [k + 1]: of each class.
    """

    quantity: str = "effective_stations"
    bounds: tuple[float, ...] = ()
    pairs: tuple[tuple[float, float], ...] = ((1.0, 1.0),)

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown quantity, lengths that do not match, bounds out of order, or factors that are not positive."""
        ordered = len(self.pairs) == len(self.bounds) + 1 and list(self.bounds) == sorted(self.bounds)
        if not ordered or self.quantity not in QUANTITIES or not all(factor > 0.0 for pair in self.pairs for factor in pair):
            raise ValueError("scales need a known quantity, ascending bounds and a pair of positive factors for each class")

    def at(self, geometry: Mapping[str, float]) -> tuple[float, float]:
        """Return the factors, given all `QUANTITIES` of an event, or nothing where there is one class; NaN counts as large."""
        return self.pairs[bisect_right(self.bounds, geometry[self.quantity]) if self.bounds else 0]


def read_region_scales(calibration: Mapping[str, Any], method: str) -> GeometryScales:
    """Read the factors on the 68 % and the 90 % ellipse from a card's calibration; see `parse_scales`."""
    return parse_scales(calibration.get(REGIONS_KEY, {}).get(method), "inner", "outer")


def read_hypocenter_scales(calibration: Mapping[str, Any], method: str) -> GeometryScales:
    """Read the factors on the standard deviations of origin time and depth from a card's calibration; see `parse_scales`."""
    return parse_scales(calibration.get(HYPOCENTER_KEY, {}).get(method), "time", "depth")


def parse_scales(table: Mapping[str, Any] | None, first: str, second: str) -> GeometryScales:
    """Parse a table of two factors by class, named by their keys; factors of 1 without one. Raises ValueError for bad values."""
    if table is None:
        return GeometryScales()
    pairs = [(float(one), float(other)) for one, other in zip(table[first], table[second], strict=True)]
    return GeometryScales(str(table["quantity"]), tuple(map(float, table["bounds"])), tuple(pairs))


def describe_geometry(
    epicenter_deg: tuple[float, float], stations_deg: tuple[Floats, Floats], effective_stations: float
) -> dict[str, float]:
    """Describe the geometry of an event by `QUANTITIES`; stations have latitudes and longitudes [n], NaN where unknown."""
    distances = distance_deg(*epicenter_deg, *stations_deg)
    known = distances[np.isfinite(distances)]
    return {"effective_stations": effective_stations, "median_distance_deg": float(np.median(known)) if len(known) else float("nan")}
