"""Warnings that both calls for one event have."""

from models.seismic.association.arrivals import Arrival
from models.seismic.association.second_source import SecondSource
from workers.jobs.detection import late_warnings, mislabeled_warnings, two_events_warnings


def test_a_second_event_is_stated_with_both_times_and_what_to_do():
    arrivals = tuple(Arrival(index, "P", 0.0, 0.0, 1.0) for index in range(7))
    (warning,) = two_events_warnings(SecondSource(10.0, 20.0, 1.6e9 + 420.0, arrivals, 40.0), 1.6e9)
    assert warning.code == "two-events"
    assert "2020-09-13 12:26:40 and 2020-09-13 12:33:40" in warning.detail
    assert "7 stations" in warning.detail
    assert "starttime" in warning.detail
    assert two_events_warnings(None, 1.6e9) == []


def test_records_that_begin_after_the_first_arrivals_are_reported_with_what_to_do():
    assert late_warnings(begins_late=False) == []
    (warning,) = late_warnings(begins_late=True)
    assert warning.code == "begins-late"
    assert "send records from some minutes before P" in warning.detail


def test_records_with_the_codes_of_other_stations_are_reported_with_what_to_check():
    assert mislabeled_warnings(mislabeled=False) == []
    (warning,) = mislabeled_warnings(mislabeled=True)
    assert warning.code == "contradicting-stations"
    assert "check the codes" in warning.detail
