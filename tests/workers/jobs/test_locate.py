"""Warnings of the locate job."""

from types import SimpleNamespace

import pytest

from workers.jobs.locate import source_warnings


def make_found(*, depth=None, force=None, classified=True):
    classification = SimpleNamespace(probabilities={"earthquake": 0.55, "glacial": 0.05, "other": 0.4})
    readings = SimpleNamespace(withheld=False)
    known = {"readings": readings, "classification": classification if classified else None}
    return SimpleNamespace(depth=depth, force_azimuth=force, event_type="undetermined", **known)


def test_an_event_without_depth_and_force_says_why_and_what_to_do():
    (warning,) = source_warnings(make_found())
    assert warning.code == "no-depth-or-force"
    assert "earthquake 0.55, glacial 0.05, other 0.40" in warning.detail
    assert "event_type=earthquake" in warning.detail


@pytest.mark.parametrize("classified", [True, False])
def test_an_earthquake_of_too_few_stations_for_a_depth_says_how_many_it_needs(classified):
    found = make_found(classified=classified)
    found.event_type = "earthquake"
    (warning,) = source_warnings(found)
    assert warning.code == "no-depth-or-force"
    assert "at least 4 stations" in warning.detail


@pytest.mark.parametrize("parts", [{"depth": 10.0}, {"force": 90.0}, {"classified": False}])
def test_an_event_with_depth_or_force_or_a_given_class_needs_no_such_warning(parts):
    assert source_warnings(make_found(**parts)) == []
