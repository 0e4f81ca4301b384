"""Prior odds of tectonic against glacial earthquakes, by epicenter."""

import pytest

from models.analysis.class_prior import PRIOR_ODDS_OFF_ICE, prior_odds_off_ice, probability_at_ice_sheets, tectonic_prior_odds
from models.analysis.sections import SectionReference
from models.seismic.geodesy import distance_deg
from models.seismic.location.distances import locate_by_distances

HELHEIM, JAN_MAYEN, TOKYO, PINE_ISLAND = (66.4, -38.2), (71.0, -8.0), (35.7, 139.7), (-75.0, -100.0)


@pytest.mark.parametrize(
    ("epicenter", "odds"), [(HELHEIM, 1.0), (PINE_ISLAND, 1.0), (TOKYO, PRIOR_ODDS_OFF_ICE[0][1]), (JAN_MAYEN, PRIOR_ODDS_OFF_ICE[0][1])]
)
def test_a_given_epicenter_off_the_ice_sheets_raises_the_odds_of_a_tectonic_earthquake(epicenter, odds):
    assert tectonic_prior_odds(SectionReference(*epicenter, "given")) == pytest.approx(odds, rel=0.02)


def test_without_an_epicenter_the_odds_are_even():
    assert tectonic_prior_odds(None) == 1.0


def test_a_ring_around_one_array_has_a_small_probability_at_an_ice_sheet():
    """Three stations close together determine a distance alone: a tenth or so of the ring of 40 degrees around Scotland is Greenland."""
    stations = ([56.0, 56.4, 56.2], [-4.0, -4.0, -3.4])
    distances = distance_deg(*HELHEIM, *stations)
    location = locate_by_distances(*stations, distances, [2.0, 2.0, 2.0])
    reference = SectionReference(location.latitude_deg, location.longitude_deg, "predicted", location)
    assert 0.02 < probability_at_ice_sheets(reference) < 0.5
    assert 1.0 < tectonic_prior_odds(reference) < prior_odds_off_ice(location.horizontal_uncertainty_km)


def test_the_odds_off_the_ice_sheets_fall_with_the_uncertainty_of_the_epicenter():
    radii = [10.0, 500.0, 501.0, 15_000.0]
    assert [prior_odds_off_ice(radius) for radius in radii] == [odds for _, odds in PRIOR_ODDS_OFF_ICE for _ in range(2)]
    assert [odds for _, odds in PRIOR_ODDS_OFF_ICE] == sorted((odds for _, odds in PRIOR_ODDS_OFF_ICE), reverse=True)
