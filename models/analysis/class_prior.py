"""
What the place says of the class: glacial earthquakes happen at great outlet glaciers, and nowhere else.

The catalogs hold hundreds at Greenland's glaciers (Tsai & Ekstrom 2007, doi:10.1029/2006JF000596; Olsen & Nettles 2017,
doi:10.1002/2016JF004054), some dozens along Antarctica's coast (Nettles & Ekstrom 2010, doi:10.1146/annurev-earth-040809-152414), and
two in Alaska that were read as such (Ekstrom, Nettles & Abers 2003, doi:10.1126/science.1088057). The network learns nothing of
places, on purpose: its training sections stand everywhere. So the place is weighed here, where it can be seen and argued with.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.analysis.sections import SectionReference
from models.array_types import Floats
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg
from models.seismic.location.regions import EpicenterRegion

# Away from both ice sheets an event is tectonic so many times likelier; within, the place says nothing. Catalogs would allow hundreds,
# but an epicenter that is not known to within some hundred kilometers was often elsewhere (`python -m training place-odds`: how many
# of either class are recognized, by the radius that the epicenter is stated with).
PRIOR_ODDS_OFF_ICE: Final = ((500.0, 20.0), (np.inf, 5.0))
"""Radius of 68 % in kilometers up to which, and the odds."""
GREENLAND: Final = ((77.0, -42.0, 8.0), (70.0, -40.0, 8.0), (64.0, -45.0, 5.0))  # latitude, longitude and radius of circles, degrees
ANTARCTICA_SOUTH_OF_DEG: Final = -63.0
GIVEN_KM: Final = 50.0  # an epicenter that a user gives is taken to be this good
POINTS: Final = 200
GOLDEN_ANGLE_DEG: Final = 180.0 * (3.0 - 5.0**0.5)
SEMI_AXES_A_SIGMA: Final = 1.515  # of the ellipse of 68 %


def tectonic_prior_odds(reference: SectionReference | None) -> float:
    """How much likelier tectonic than glacial an event is for where it was: AWAY_ODDS at most, 1 at an ice sheet or at no place."""
    if reference is None:
        return 1.0
    return prior_odds(probability_at_ice_sheets(reference), prior_odds_off_ice(horizontal_uncertainty_km(reference)))


def horizontal_uncertainty_km(reference: SectionReference) -> float:
    """The radius that holds 68 % of the epicenter's region."""
    return GIVEN_KM if reference.location is None else reference.location.horizontal_uncertainty_km


def prior_odds_off_ice(radius_km: float) -> float:
    """AWAY_ODDS of a place that is stated to within that radius."""
    return next(odds for largest, odds in PRIOR_ODDS_OFF_ICE if radius_km <= largest)


def prior_odds(at_ice: float, away_odds: float) -> float:
    """How much likelier tectonic than glacial an event is that was at an ice sheet with that probability, 0 to 1."""
    return 1.0 / (1.0 / away_odds + (1.0 - 1.0 / away_odds) * at_ice)


def probability_at_ice_sheets(reference: SectionReference) -> float:
    """Probability, 0 to 1, that the epicenter lies at an ice sheet, over its region and those of all alternatives."""
    location = reference.location
    if location is None:
        given = EpicenterRegion(reference.latitude_deg, reference.longitude_deg, GIVEN_KM, GIVEN_KM, 0.0, GIVEN_KM, 1.0)
        return float(at_ice_sheets(*points_in_ellipse(given)).mean())
    places: tuple[EpicenterRegion, ...] = (location, *location.alternatives)
    return min(sum(place.probability * float(at_ice_sheets(*points_in_ellipse(place)).mean()) for place in places), 1.0)


def at_ice_sheets(latitudes_deg: Floats, longitudes_deg: Floats) -> NDArray[np.bool_]:
    """Which points [n] lie at Greenland's or Antarctica's ice."""
    greenland = [distance_deg(latitude, longitude, latitudes_deg, longitudes_deg) <= radius for latitude, longitude, radius in GREENLAND]
    return np.asarray(np.any(greenland, axis=0) | (latitudes_deg < ANTARCTICA_SOUTH_OF_DEG))


def points_in_ellipse(place: EpicenterRegion) -> tuple[Floats, Floats]:
    """Latitudes and longitudes [POINTS] of points all alike probable, spread over a normal distribution with the place's ellipse."""
    ranks = (np.arange(POINTS) + 0.5) / POINTS
    radii, angles = np.sqrt(-2.0 * np.log(1.0 - ranks)), np.radians(GOLDEN_ANGLE_DEG * np.arange(POINTS))
    along = radii * np.cos(angles) * place.semi_major_km / SEMI_AXES_A_SIGMA
    across = radii * np.sin(angles) * place.semi_minor_km / SEMI_AXES_A_SIGMA
    azimuths = place.ellipse_azimuth_deg + np.degrees(np.arctan2(across, along))
    away_deg = np.minimum(np.hypot(along, across) / KM_PER_DEGREE, 180.0)
    return destination(place.latitude_deg, place.longitude_deg, azimuths, away_deg)
