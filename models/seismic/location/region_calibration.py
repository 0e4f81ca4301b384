"""
Calibration of confidence regions: factors on the axes of ellipses, so that they contain true epicenters as often as stated.

The posterior takes the uncertainties of predicted distances as given. Errors that it leaves out (common to a region, or from misread
windows) show only against known epicenters. The 68 % and 90 % ellipses are therefore scaled by factors measured on synthetic events that
the networks were not trained on (`training.evaluation.region_calibration`), which the card of the distance model holds.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import cos, hypot, radians, sin
from typing import Final

from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, distance_deg
from models.seismic.location.geometry_scales import GeometryScales
from models.seismic.location.regions import MIN_AXIS_KM, EpicenterRegion
from models.seismic.location.solution import Location

_MAX_AXIS_KM: Final = 180.0 * KM_PER_DEGREE


def calibrate_region[Region: EpicenterRegion](region: Region, scales: GeometryScales, geometry: Mapping[str, float]) -> Region:
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


def calibrate_location(location: Location, scales: GeometryScales) -> Location:
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
