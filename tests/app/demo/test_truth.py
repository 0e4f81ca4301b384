"""Answers compared with the truth of the shipped bundles."""

import pytest

from app.demo.__main__ import BUNDLES, QUESTIONS
from app.demo.truth import agrees_with_source, compare_epicenter, judge_class, judge_families, judge_location, read_truth

EARTHQUAKE = {"event_type": "earthquake", "latitude": 0.0, "longitude": 1.0, "depth_km": 24.0}


def location(**changes):
    ellipse = {"semi_major_km": 200.0, "semi_minor_km": 50.0, "azimuth_deg": 90.0}
    epicenter = {"latitude": 0.0, "longitude": 0.0, "horizontal_uncertainty_km": 80.0, "outer_ellipse": ellipse}
    return {"event_type": "earthquake", "epicenter": epicenter | changes}


@pytest.mark.parametrize(("true", "inside"), [((0.0, 1.0), True), ((1.0, 0.0), False), ((0.0, -1.0), True), ((0.3, 0.0), True)])
def test_a_point_is_in_an_ellipse_along_its_major_axis(true, inside):
    error_km, contained = compare_epicenter(location()["epicenter"], true)
    assert error_km == pytest.approx(111.2 * max(map(abs, true)), abs=0.1)
    assert contained is inside


def test_an_epicenter_is_right_near_the_true_one_and_its_truth_is_described():
    verdict = judge_location(location(), EARTHQUAKE)
    assert verdict.right
    assert verdict.truth == "tectonic earthquake at 0.00°, 1.00°, 111 km from the answer and in its 90 % ellipse; depth 24 km"


def test_a_far_epicenter_is_wrong_unless_its_ellipse_holds_the_true_one():
    far = EARTHQUAKE | {"longitude": 3.0}
    assert not judge_location(location(), far).right
    wide = {"semi_major_km": 600.0, "semi_minor_km": 50.0, "azimuth_deg": 90.0}
    assert judge_location(location(outer_ellipse=wide), far).right
    assert not judge_location(location(outer_ellipse=wide, horizontal_uncertainty_km=4000.0), far).right


def test_depth_and_force_azimuth_are_right_within_three_standard_deviations():
    assert agrees_with_source({"depth_km": 40.0, "depth_uncertainty_km": 6.0}, EARTHQUAKE)
    assert not agrees_with_source({"depth_km": 40.0, "depth_uncertainty_km": 5.0}, EARTHQUAKE)
    force = {"force_azimuth_deg": 303.0, "force_azimuth_uncertainty_deg": 8.0, "force_azimuth_ambiguous": True}
    assert agrees_with_source(force, {"force_azimuth_deg": 115.0})
    assert not agrees_with_source(force | {"force_azimuth_ambiguous": False}, {"force_azimuth_deg": 115.0})
    assert agrees_with_source({"depth_km": None, "force_azimuth_deg": None}, EARTHQUAKE)


def test_a_wrong_class_makes_a_right_epicenter_wrong():
    assert not judge_location(location() | {"event_type": "glacial"}, EARTHQUAKE).right
    assert not judge_class({"event_type": "undetermined"}, EARTHQUAKE).right


def test_noise_is_right_only_without_an_epicenter():
    noise = {"event_type": "none"}
    assert judge_location({"event_type": "none", "epicenter": None}, noise).right
    assert not judge_location(location(), noise).right
    assert not judge_location({"event_type": "none", "epicenter": None}, EARTHQUAKE).right
    assert judge_class({"event_type": "none"}, noise) == ("noise, no event", True)


def test_families_are_right_where_there_are_as_many_as_kinds_and_each_is_of_one():
    truth = {"a": "explosion", "b": "explosion", "c": "landslide", "d": "landslide"}
    labels = [0, 0, 1, 1]
    result = {"k": 2, "assignments": [{"event": name, "cluster": label} for name, label in zip(truth, labels, strict=True)]}
    verdict = judge_families(result, truth)
    assert verdict == ("2 explosion, 2 landslide; 100% of the events are of the most frequent kind of their family", True)
    assert not judge_families(result | {"k": 3}, truth).right
    mixed = [{"event": name, "cluster": label} for name, label in zip(truth, [0, 1, 1, 0], strict=True)]
    assert not judge_families({"k": 2, "assignments": mixed}, truth).right


def test_every_bundle_of_the_demonstration_ships_with_its_truth():
    truth = read_truth(BUNDLES)
    assert {question.bundle for question in QUESTIONS} == set(truth)
    assert all((BUNDLES / f"{name}.zip").stat().st_size < 800_000 for name in truth)
