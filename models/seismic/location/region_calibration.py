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

from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, distance_deg
from models.seismic.location.regions import MIN_AXIS_KM, EpicenterRegion
from models.seismic.location.solution import Location

CARD_KEY: Final = "location_regions"  # in Card.calibration: tables by method
_MAX_AXIS_KM = 180.0 * KM_PER_DEGREE


@dataclass(frozen=True)
class CoverageScales:
    """
    Factors on the axes of the 68 % (`inner`) and the 90 % (`outer`) ellipse, by the number of effective stations.

    `stations` [k], ascending: bounds between classes; a number equal to a bound belongs to the class above. `inner`, `outer` [k + 1]:
    one factor for each class.
    """

    stations: tuple[float, ...] = ()
    inner: tuple[float, ...] = (1.0,)
    outer: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        """Raise ValueError for lengths that do not match, bounds out of order, or factors that are not positive."""
        lengths = {len(self.inner), len(self.outer), len(self.stations) + 1}
        if len(lengths) > 1 or list(self.stations) != sorted(self.stations) or min(*self.inner, *self.outer) <= 0.0:
            raise ValueError("coverage scales need ascending bounds and one positive factor for each class")

    def at(self, effective_stations: float) -> tuple[float, float]:
        """Return the factors for a number of effective stations."""
        row = bisect_right(self.stations, effective_stations)
        return self.inner[row], self.outer[row]


def read_coverage_scales(calibration: Mapping[str, Any], method: str) -> CoverageScales:
    """Read the factors of a location method from a card's calibration; factors of 1 without one. Raises ValueError for bad values."""
    table = calibration.get(CARD_KEY, {}).get(method)
    if table is None:
        return CoverageScales()
    return CoverageScales(*(tuple(float(value) for value in table[name]) for name in ("stations", "inner", "outer")))


def calibrate_region[Region: EpicenterRegion](region: Region, scales: CoverageScales, effective_stations: float) -> Region:
    """Scale the axes of a region's 68 % and 90 % ellipses, and its 68 % radius, by the factors for that number of effective stations."""
    inner, outer = scales.at(effective_stations)

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
    """Scale the ellipses of a location's own region and of its alternatives."""
    others = tuple(calibrate_region(other, scales, location.effective_stations) for other in location.alternatives)
    return replace(calibrate_region(location, scales, location.effective_stations), alternatives=others)


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
