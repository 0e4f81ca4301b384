"""
Calibration of confidence regions: factors on the axes of ellipses, so that they contain true epicenters as often as stated.

The posterior takes the uncertainties of predicted distances as given. Errors that it leaves out (common to a region, or from misread
windows) show only against known epicenters. The 68 % and 90 % ellipses are therefore scaled by factors measured on synthetic events that
the networks were not trained on (`training.evaluation.region_calibration`), which the card of the distance model holds.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import cos, hypot, radians, sin
from typing import Any, Final

import numpy as np

from models.array_types import Floats
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, distance_deg
from models.seismic.location.regions import MIN_AXIS_KM, EpicenterRegion
from models.seismic.location.solution import Location

CARD_KEY: Final = "location_regions"  # in Card.calibration: tables by method
QUANTITIES: Final = ("effective_stations", "median_distance_deg")
"""Of the geometry of an event, by which factors may differ: independent stations, and the median epicentral distance of all in degrees."""
_MAX_AXIS_KM = 180.0 * KM_PER_DEGREE


@dataclass(frozen=True)
class CoverageScales:
    """
    Factors on the axes of the 68 % (`inner`) and the 90 % (`outer`) ellipse, by a quantity of the geometry (`QUANTITIES`).

    `bounds` [k], ascending: between classes; a value equal to a bound belongs to the class above. `inner`, `outer` [k + 1]: one factor
    for each class.
    """

    quantity: str = "effective_stations"
    bounds: tuple[float, ...] = ()
    inner: tuple[float, ...] = (1.0,)
    outer: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown quantity, lengths that do not match, bounds out of order, or factors that are not positive."""
        lengths = {len(self.inner), len(self.outer), len(self.bounds) + 1}
        ordered = list(self.bounds) == sorted(self.bounds) and min(*self.inner, *self.outer) > 0.0
        if len(lengths) > 1 or not ordered or self.quantity not in QUANTITIES:
            raise ValueError("coverage scales need a known quantity, ascending bounds and one positive factor for each class")

    def at(self, geometry: Mapping[str, float]) -> tuple[float, float]:
        """Return the factors, given all `QUANTITIES` of an event, or nothing where there is one class; NaN counts as large."""
        row = bisect_right(self.bounds, geometry[self.quantity]) if self.bounds else 0
        return self.inner[row], self.outer[row]


def describe_geometry(
    epicenter_deg: tuple[float, float], stations_deg: tuple[Floats, Floats], effective_stations: float
) -> dict[str, float]:
    """Describe the geometry of an event by `QUANTITIES`; stations have latitudes and longitudes [n], NaN where unknown."""
    distances = distance_deg(*epicenter_deg, *stations_deg)
    known = distances[np.isfinite(distances)]
    return {"effective_stations": effective_stations, "median_distance_deg": float(np.median(known)) if len(known) else float("nan")}


def read_coverage_scales(calibration: Mapping[str, Any], method: str) -> CoverageScales:
    """Read the factors of a location method from a card's calibration; factors of 1 without one. Raises ValueError for bad values."""
    table = calibration.get(CARD_KEY, {}).get(method)
    if table is None:
        return CoverageScales()
    return CoverageScales(str(table["quantity"]), *(tuple(float(value) for value in table[name]) for name in ("bounds", "inner", "outer")))


def calibrate_region[Region: EpicenterRegion](region: Region, scales: CoverageScales, geometry: Mapping[str, float]) -> Region:
    """Scale the axes of a region's 68 % and 90 % ellipses, and its 68 % radius, by the factors for that geometry."""
    inner, outer = scales.at(geometry)

    def scale(length_km: float) -> float:
        return min(max(length_km * inner, MIN_AXIS_KM), _MAX_AXIS_KM)

    return replace(
        region,
        semi_major_km=scale(region.semi_major_km),
        semi_minor_km=scale(region.semi_minor_km),
        horizontal_uncertainty_km=scale(region.horizontal_uncertainty_km),
        axis_ratio_90=max(region.axis_ratio_90 * outer / inner, 1.0),
    )


def calibrate_location(location: Location, scales: CoverageScales) -> Location:
    """Scale the ellipses of a location's own region and of its alternatives, by the number of effective stations."""
    geometry = {"effective_stations": location.effective_stations}
    others = tuple(calibrate_region(other, scales, geometry) for other in location.alternatives)
    return replace(calibrate_region(location, scales, geometry), alternatives=others)


def scale_to_contain(region: EpicenterRegion, latitude_deg: float, longitude_deg: float) -> float:
    """Compute the factor on the axes of a region's 68 % ellipse that makes it pass through a point; at most 1 inside."""
    distance_km = float(distance_deg(region.latitude_deg, region.longitude_deg, latitude_deg, longitude_deg)) * KM_PER_DEGREE
    azimuth = azimuth_deg(region.latitude_deg, region.longitude_deg, latitude_deg, longitude_deg)
    angle = radians(float(azimuth) - region.ellipse_azimuth_deg)
    return distance_km * hypot(cos(angle) / region.semi_major_km, sin(angle) / region.semi_minor_km)


def contains(location: Location, latitude_deg: float, longitude_deg: float, *, outer: bool = False) -> bool:
    """Whether the 68 % (or, if `outer`, 90 %) ellipse of a location or of one of its alternatives contains a point."""
    regions: tuple[EpicenterRegion, ...] = (location, *location.alternatives)
    return any(scale_to_contain(region, latitude_deg, longitude_deg) <= (region.axis_ratio_90 if outer else 1.0) for region in regions)
