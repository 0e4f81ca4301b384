"""Classes that may say no: weights of a dislocation, a single force and an explosion by section, epicenter and physical evidence."""

import numpy as np
import pytest

from models.analysis.event_class import (
    MIN_CLASS_PROBABILITY,
    PRIOR_EXPLOSION_ODDS,
    PRIOR_ODDS_OFF_ICE,
    TECTONIC_ODDS_AT_ICE,
    PhysicalEvidence,
    choose_class,
    doubt_class,
    glacial_share,
    prior_odds_off_ice,
    probability_at_ice_sheets,
    tectonic_prior_odds,
    weigh_classes,
)
from models.analysis.sections import SectionReference
from models.seismic.geodesy import distance_deg
from models.seismic.location.distances import locate_by_distances
from models.seismic.location.regions import EpicenterRegion
from models.seismic.location.solution import StationDistances, build_location

HELHEIM, JAN_MAYEN, TOKYO, PINE_ISLAND = (66.4, -38.2), (71.0, -8.0), (35.7, 139.7), (-75.0, -100.0)
BALLENY_RIDGE = (-63.2, 171.0)
SAHARA = SectionReference(20.0, 10.0, "given")
GREENLAND = SectionReference(70.0, -40.0, "given")
SURE_FORCE, SURE_EARTHQUAKE = np.array([0.001, 0.999]), np.array([0.999, 0.001])


@pytest.mark.parametrize("reference", [SAHARA, GREENLAND, None])
def test_the_probabilities_of_all_classes_sum_to_one(reference):
    assert sum(weigh_classes(np.array([0.4, 0.6]), reference).values()) == pytest.approx(1.0)


def test_a_single_force_is_a_glacial_earthquake_on_an_ice_sheet_and_another_event_elsewhere():
    assert choose_class(weigh_classes(SURE_FORCE, GREENLAND)) == "glacial"
    assert choose_class(weigh_classes(SURE_FORCE, SAHARA)) == "other"


@pytest.mark.parametrize(("latitude_deg", "share"), [(70.0, (0.99, 1.0)), (59.0, (0.75, 0.95)), (40.0, (0.0, 0.11))])
def test_a_force_whose_region_lies_half_at_the_ice_is_more_probably_glacial(latitude_deg, share):
    """The circles of Greenland end at 59 degrees north, 45 degrees west."""
    region = EpicenterRegion(latitude_deg, -45.0, 100.0, 100.0, 0.0, 100.0, 1.0)
    nothing = StationDistances(*np.full((4, 1), np.nan))
    location = build_location([region], nothing, common_bias_deg=0.0, effective_stations=5.0)
    reference = SectionReference(latitude_deg, -45.0, "predicted", location)
    assert share[0] <= glacial_share(reference) <= share[1]
    assert glacial_share(reference) >= probability_at_ice_sheets(reference)


def test_a_single_force_at_an_unknown_epicenter_is_undetermined():
    assert choose_class(weigh_classes(SURE_FORCE, None)) == "undetermined"


def test_a_section_of_an_earthquake_is_one_unless_evidence_for_an_explosion_outweighs_its_prior():
    assert choose_class(weigh_classes(SURE_EARTHQUAKE, SAHARA)) == "earthquake"
    strong = PhysicalEvidence(log_explosion=-np.log(PRIOR_EXPLOSION_ODDS) + 2.0)
    assert choose_class(weigh_classes(SURE_EARTHQUAKE, SAHARA, strong)) == "other"
    assert choose_class(weigh_classes(SURE_EARTHQUAKE, SAHARA, PhysicalEvidence(log_explosion=-5.0))) == "earthquake"


def test_evidence_for_a_force_turns_an_earthquake_off_the_ice_into_a_landslide():
    found = weigh_classes(np.array([0.9, 0.1]), SAHARA, PhysicalEvidence(log_force=9.0))
    assert choose_class(found) == "other"
    assert found["other"] > 8.0 * found["glacial"]


def test_a_class_is_stated_from_the_stated_probability_on():
    assert choose_class({"earthquake": MIN_CLASS_PROBABILITY, "glacial": 0.15, "other": 0.05}) == "earthquake"
    assert choose_class({"earthquake": MIN_CLASS_PROBABILITY - 0.01, "glacial": 0.16, "other": 0.05}) == "undetermined"


@pytest.mark.parametrize(
    ("epicenter", "odds"),
    [
        (HELHEIM, TECTONIC_ODDS_AT_ICE),
        (PINE_ISLAND, TECTONIC_ODDS_AT_ICE),
        (BALLENY_RIDGE, PRIOR_ODDS_OFF_ICE[0][1]),
        (TOKYO, PRIOR_ODDS_OFF_ICE[0][1]),
        (JAN_MAYEN, PRIOR_ODDS_OFF_ICE[0][1]),
    ],
)
def test_a_given_epicenter_off_the_ice_sheets_raises_the_odds_of_a_tectonic_earthquake(epicenter, odds):
    assert tectonic_prior_odds(SectionReference(*epicenter, "given")) == pytest.approx(odds, rel=0.02)


def test_without_an_epicenter_the_odds_are_even():
    assert tectonic_prior_odds(None) == 1.0


def test_a_ring_around_one_array_has_a_small_probability_at_an_ice_sheet():
    """Three stations close together determine a distance alone: a tenth or so of the ring of 40 degrees around Scotland is Greenland."""
    stations = (np.array([56.0, 56.4, 56.2]), np.array([-4.0, -4.0, -3.4]))
    distances = distance_deg(*HELHEIM, *stations)
    location = locate_by_distances(StationDistances(*stations, distances, np.full(3, 2.0)))
    reference = SectionReference(location.latitude_deg, location.longitude_deg, "predicted", location)
    assert 0.02 < probability_at_ice_sheets(reference) < 0.5
    assert 1.0 < tectonic_prior_odds(reference) < prior_odds_off_ice(location.horizontal_uncertainty_km)


def test_the_odds_off_the_ice_sheets_fall_with_the_uncertainty_of_the_epicenter():
    radii = [10.0, 500.0, 501.0, 15_000.0]
    assert [prior_odds_off_ice(radius) for radius in radii] == [odds for _, odds in PRIOR_ODDS_OFF_ICE for _ in range(2)]
    assert [odds for _, odds in PRIOR_ODDS_OFF_ICE] == sorted((odds for _, odds in PRIOR_ODDS_OFF_ICE), reverse=True)


def test_two_events_in_the_records_leave_no_class_certain():
    found = doubt_class({"earthquake": 0.99, "glacial": 0.0, "other": 0.01})
    assert sum(found.values()) == pytest.approx(1.0)
    assert choose_class(found) == "undetermined"
    assert max(found, key=found.__getitem__) == "earthquake"
