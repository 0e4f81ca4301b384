"""
Prior odds of tectonic against glacial earthquakes by epicenter: glacial earthquakes occur at outlet glaciers of ice sheets only.

Catalogs hold hundreds at Greenland's glaciers (Tsai & Ekstrom 2007, doi:10.1029/2006JF000596; Olsen & Nettles 2017,
doi:10.1002/2016JF004054), some dozens along Antarctica's coast (Nettles & Ekstrom 2010, doi:10.1146/annurev-earth-040809-152414), and
two in Alaska (Ekstrom, Nettles & Abers 2003, doi:10.1126/science.1088057). The network cannot learn it: on purpose, the sources of its
training sections are spread over the whole Earth. So the prior is applied here, where it can be read and changed.
"""

from typing import Final

import numpy as np

from models.analysis.sections import SectionReference
from models.array_types import Flags, Floats
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg
from models.seismic.location.regions import EpicenterRegion

PRIOR_ODDS_OFF_ICE: Final = ((500.0, 20.0), (np.inf, 10.0))
"""
Upper bound of the epicenter's 68 % radius in kilometers, and the odds of a tectonic earthquake away from both ice sheets.

Catalogs would allow odds of hundreds, but epicenters of large uncertainty were often wrong: `python -m training experiment class-prior`
measures the fraction of either class that is recognized, by this radius; the odds are those with the best mean of both.
"""
GREENLAND: Final = ((77.0, -42.0, 8.0), (70.0, -40.0, 8.0), (64.0, -45.0, 5.0))  # latitude, longitude and radius of circles, degrees
ANTARCTICA_SOUTH_OF_DEG: Final = -63.0
GIVEN_RADIUS_KM: Final = 50.0  # 68 % radius ascribed to an epicenter that a user gives
SAMPLES: Final = 200
GOLDEN_ANGLE_DEG: Final = 180.0 * (3.0 - 5.0**0.5)
SIGMAS_OF_68_PERCENT: Final = 1.515  # semi-axis of the 68 % ellipse of a bivariate normal distribution, in standard deviations


def tectonic_prior_odds(reference: SectionReference | None) -> float:
    """Return the prior odds of a tectonic against a glacial earthquake at an epicenter: 1 at an ice sheet or without an epicenter."""
    if reference is None:
        return 1.0
    return prior_odds(probability_at_ice_sheets(reference), prior_odds_off_ice(horizontal_uncertainty_km(reference)))


def horizontal_uncertainty_km(reference: SectionReference) -> float:
    """Return the radius of the circle that holds 68 % of the epicenter's probability."""
    return GIVEN_RADIUS_KM if reference.location is None else reference.location.horizontal_uncertainty_km


def prior_odds_off_ice(radius_km: float) -> float:
    """Look up the odds of a tectonic earthquake away from ice sheets, by the 68 % radius of the epicenter."""
    return next(odds for largest_km, odds in PRIOR_ODDS_OFF_ICE if radius_km <= largest_km)


def prior_odds(at_ice: float, odds_off_ice: float) -> float:
    """Combine the odds over an epicenter that lies at an ice sheet (odds 1) with probability `at_ice`: the weighted harmonic mean."""
    return 1.0 / (1.0 / odds_off_ice + (1.0 - 1.0 / odds_off_ice) * at_ice)


def probability_at_ice_sheets(reference: SectionReference) -> float:
    """Compute the probability (0 to 1) that an epicenter lies at an ice sheet, over its region and all alternatives."""
    location = reference.location
    if location is None:
        radius = GIVEN_RADIUS_KM
        region = EpicenterRegion(reference.latitude_deg, reference.longitude_deg, radius, radius, 0.0, radius, 1.0)
        return float(lies_at_ice_sheet(*sample_ellipse(region)).mean())
    return min(sum(region.probability * float(lies_at_ice_sheet(*sample_ellipse(region)).mean()) for region in location.regions), 1.0)


def lies_at_ice_sheet(latitudes_deg: Floats, longitudes_deg: Floats) -> Flags:
    """Whether points [n] lie on the ice sheets of Greenland or Antarctica, or at their coasts."""
    greenland = [distance_deg(latitude, longitude, latitudes_deg, longitudes_deg) <= radius for latitude, longitude, radius in GREENLAND]
    return np.asarray(np.any(greenland, axis=0) | (latitudes_deg < ANTARCTICA_SOUTH_OF_DEG))


def sample_ellipse(region: EpicenterRegion) -> tuple[Floats, Floats]:
    """
    Sample the bivariate normal distribution of a region's 68 % ellipse: latitudes and longitudes [SAMPLES] of equal weight.

    Points of a Fermat spiral, so that no random numbers are needed: radii at equal steps of probability, angles by the golden angle.
    """
    ranks = (np.arange(SAMPLES) + 0.5) / SAMPLES
    radii, angles = np.sqrt(-2.0 * np.log(1.0 - ranks)), np.radians(GOLDEN_ANGLE_DEG * np.arange(SAMPLES))
    along = radii * np.cos(angles) * region.semi_major_km / SIGMAS_OF_68_PERCENT
    across = radii * np.sin(angles) * region.semi_minor_km / SIGMAS_OF_68_PERCENT
    azimuths = region.ellipse_azimuth_deg + np.degrees(np.arctan2(across, along))
    distances_deg = np.minimum(np.hypot(along, across) / KM_PER_DEGREE, 180.0)
    return destination(region.latitude_deg, region.longitude_deg, azimuths, distances_deg)
