"""
Regions that hold what they promise: how much larger than computed an ellipse is stated.

The posterior takes the networks' uncertainties for granted; what it leaves out (errors common to a region, windows read
wrongly) shows only against known epicenters. So the 68 % and 90 % ellipses are stretched by factors found on synthetic events
that the networks were not trained on (`python -m training location-regions`), kept in the card of the offset model.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import cos, hypot, radians, sin
from typing import Any, Final

from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, distance_deg
from models.seismic.location.regions import FLOOR_KM, EpicenterRegion
from models.seismic.location.solution import Location

CARD_KEY: Final = "location_regions"  # in Card.calibration: tables by method
_MAX_KM = 180.0 * KM_PER_DEGREE


@dataclass(frozen=True)
class CoverageScales:
    """
    Factors on the axes of the 68 % (`inner`) and 90 % (`outer`) ellipse by the number of effective stations.

    `stations` [k] ascending are the borders between classes, a number on a border belonging to the class above; `inner` and
    `outer` [k + 1] a factor a class.
    """

    stations: tuple[float, ...] = ()
    inner: tuple[float, ...] = (1.0,)
    outer: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        """Raise ValueError for lengths that do not fit together, borders out of order, or factors that are not positive."""
        lengths = {len(self.inner), len(self.outer), len(self.stations) + 1}
        if len(lengths) > 1 or list(self.stations) != sorted(self.stations) or min(*self.inner, *self.outer) <= 0.0:
            raise ValueError("region scales need ascending borders and a positive factor for each class")

    def at(self, effective_stations: float) -> tuple[float, float]:
        """The two factors for that many stations."""
        place = bisect_right(self.stations, effective_stations)
        return self.inner[place], self.outer[place]


def read_coverage_scales(calibration: Mapping[str, Any], method: str) -> CoverageScales:
    """The table of a method in a card's calibration; factors of 1 where there is none. Raises ValueError for a damaged one."""
    table = calibration.get(CARD_KEY, {}).get(method)
    if table is None:
        return CoverageScales()
    return CoverageScales(*(tuple(float(value) for value in table[name]) for name in ("stations", "inner", "outer")))


def calibrate_region[Region: EpicenterRegion](region: Region, scales: CoverageScales, effective_stations: float) -> Region:
    """Scale the axes of a region's 68 % and 90 % ellipses, and its 68 % radius, by the factors for that number of effective stations."""
    inner, outer = scales.at(effective_stations)

    def scale(length_km: float) -> float:
        return min(max(length_km * inner, FLOOR_KM), _MAX_KM)

    return replace(
        region,
        semi_major_km=scale(region.semi_major_km),
        semi_minor_km=scale(region.semi_minor_km),
        horizontal_uncertainty_km=scale(region.horizontal_uncertainty_km),
        outer=max(region.outer * outer / inner, 1.0),
    )


def calibrate_location(location: Location, scales: CoverageScales) -> Location:
    """Scale the ellipses of a location's own region and of its alternatives."""
    others = tuple(calibrate_region(other, scales, location.effective_stations) for other in location.alternatives)
    return replace(calibrate_region(location, scales, location.effective_stations), alternatives=others)


def scale_to_contain(place: EpicenterRegion, latitude_deg: float, longitude_deg: float) -> float:
    """How many times as large as stated (the 68 % ellipse) a place's ellipse must be to reach a point."""
    away = float(distance_deg(place.latitude_deg, place.longitude_deg, latitude_deg, longitude_deg)) * KM_PER_DEGREE
    azimuth = azimuth_deg(place.latitude_deg, place.longitude_deg, latitude_deg, longitude_deg)
    turn = radians(float(azimuth) - place.ellipse_azimuth_deg)
    return away * hypot(cos(turn) / place.semi_major_km, sin(turn) / place.semi_minor_km)


def contains(location: Location, latitude_deg: float, longitude_deg: float, *, outer: bool = False) -> bool:
    """Whether a point lies in the stated region: the 68 % (or `outer`, 90 %) ellipse of the epicenter or of an alternative."""
    places: tuple[EpicenterRegion, ...] = (location, *location.alternatives)
    return any(scale_to_contain(place, latitude_deg, longitude_deg) <= (place.outer if outer else 1.0) for place in places)
