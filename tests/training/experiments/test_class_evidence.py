"""Simulated evidence of classes: of the right sign, and counted with its interval."""

import numpy as np

from models.analysis.event_class import choose_class, weigh_classes
from models.analysis.physical_evidence import MAX_LOCAL_ERROR, MAX_RELATIVE_ERROR
from models.analysis.sections import SectionReference
from models.seismic.discriminants.magnitude_differences import weigh_force_magnitudes
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg
from models.seismic.location.regions import SAMPLED_AXIS
from training.experiments.class_evidence import AT_ICE, TESTED, count_answers, draw_class_event, draw_waves, format_answers, lies_at_ice

SAHARA = SectionReference(20.0, 10.0, "given")
SURE = np.array([0.99, 0.01])


def draw_answers(kind, draws=15):
    random = np.random.default_rng(1)
    return [choose_class(weigh_classes(SURE, SAHARA, draw_class_event(kind, 8, random).evidence)) for _ in range(draws)]


def test_most_explosions_and_landslides_and_few_earthquakes_are_doubted():
    assert draw_answers("earthquake").count("earthquake") >= 13
    assert draw_answers("explosion").count("earthquake") <= 8
    assert draw_answers("landslide").count("earthquake") <= 9


def weigh_wide(kind, largest_error, draws=150, radius_km=100.0):
    """Evidence for a landslide of ten stations within 8 degrees of an epicenter that is known to 100 km."""
    random, found = np.random.default_rng(5), []
    for _ in range(draws):
        distances, azimuths = np.exp(random.uniform(*np.log((0.5, 8.0)), 10)), random.uniform(0.0, random.uniform(60.0, 360.0), 10)
        stations = destination(40.0, 20.0, azimuths, distances)
        off_deg = radius_km / SAMPLED_AXIS / KM_PER_DEGREE * np.hypot(*random.normal(size=2))
        wrong = destination(40.0, 20.0, random.uniform(0.0, 360.0), off_deg)
        assumed = distance_deg(float(wrong[0]), float(wrong[1]), *stations)
        used = radius_km <= largest_error * assumed * KM_PER_DEGREE
        found.append(weigh_force_magnitudes(draw_waves(kind, distances[used], random, assumed[used]).magnitudes, 0.0) or 0.0)
    return np.array(found)


def test_waves_near_1_hz_tell_landslides_at_stations_from_twice_the_radius_of_the_epicenter_on():
    fraction = {error: np.mean(weigh_wide("landslide", error) > 1.5) for error in (MAX_LOCAL_ERROR, MAX_RELATIVE_ERROR)}
    assert fraction[MAX_LOCAL_ERROR] > 0.5
    assert fraction[MAX_RELATIVE_ERROR] < 0.2
    assert np.mean(weigh_wide("earthquake", MAX_LOCAL_ERROR) > 1.5) <= 0.03


def test_answers_are_counted_with_their_interval():
    assert count_answers(["other", "undetermined", "earthquake", "earthquake"]) == "50 % (15 % to 85 %); other 25 %"


def test_each_kind_has_a_row():
    table = format_answers({kind: [(SURE, SAHARA)] for kind in (*TESTED, AT_ICE)})
    assert [line.split(" |")[0] for line in table.splitlines()[2:]] == [f"| {kind} (1)" for kind in (*TESTED, AT_ICE)]


def test_earthquakes_at_an_ice_sheet_are_counted_apart():
    assert lies_at_ice(SectionReference(66.4, -38.2, "given"))
    assert not lies_at_ice(SAHARA)
    assert not lies_at_ice(None)
