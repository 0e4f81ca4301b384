"""Classes that may say no: weights of a dislocation, a single force and an explosion by section, epicenter and physical evidence."""

import numpy as np
import pytest

from models.analysis.event_class import MIN_CLASS_PROBABILITY, PRIOR_EXPLOSION_ODDS, PhysicalEvidence, choose_class, weigh_classes
from models.analysis.sections import SectionReference

SAHARA = SectionReference(20.0, 10.0, "given")
GREENLAND = SectionReference(70.0, -40.0, "given")
SURE_FORCE, SURE_EARTHQUAKE = np.array([0.001, 0.999]), np.array([0.999, 0.001])


@pytest.mark.parametrize("reference", [SAHARA, GREENLAND, None])
def test_the_probabilities_of_all_classes_sum_to_one(reference):
    assert sum(weigh_classes(np.array([0.4, 0.6]), reference).values()) == pytest.approx(1.0)


def test_a_single_force_is_a_glacial_earthquake_on_an_ice_sheet_and_another_event_elsewhere():
    assert choose_class(weigh_classes(SURE_FORCE, GREENLAND)) == "glacial"
    assert choose_class(weigh_classes(SURE_FORCE, SAHARA)) == "other"


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
