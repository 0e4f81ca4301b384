"""Records too short for the networks: located by the arrivals picked in them alone."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.distances import RecordsTooShort, predict_distances, read_distances
from models.analysis.pipeline import classify_event, locate_event
from models.analysis.refinement import find_location
from models.errors import TooFewStations
from models.imaging.conditioning import condition
from models.seismic.geodesy import KM_PER_DEGREE, distance_deg
from models.specs.pictures import CONDITIONING
from tests.support.short_records import ORIGIN_S, SOURCE, cut_about_p


@pytest.fixture(scope="module")
def about_p():
    """Records about P that hold a clear arrival."""
    return cut_about_p(20.0)


def error_km(location):
    return float(distance_deg(*SOURCE, location.latitude_deg, location.longitude_deg)) * KM_PER_DEGREE


def test_records_about_p_are_located_by_arrival_times_alone(opened, about_p):
    records, gather = about_p
    found = locate_event(opened, gather, records=records)
    assert found.method == "arrival-times"
    assert error_km(found.location) < 100.0
    assert found.location.azimuthal_gap_deg < 60.0
    assert abs(found.origin.time_s - ORIGIN_S) < 3.0 * found.origin.uncertainty_s
    assert {arrival.phase for arrival in found.arrivals} == {"P"}
    assert found.readings.withheld
    assert not np.isfinite(found.location.residuals_deg).any()


def test_the_class_of_records_about_p_is_that_of_the_priors_alone(opened, about_p):
    """No section is drawn, so the class does not depend on the network's weights: at sea, with short-period P, it is an earthquake."""
    records, gather = about_p
    found = classify_event(opened, gather, records=records)
    assert found.event_type == "earthquake"
    assert found.probabilities["earthquake"] > 0.95
    assert error_km(found.reference.location) < 100.0


def test_noise_in_short_records_determines_no_source_and_the_error_says_what_to_send(opened):
    records, gather = cut_about_p(1.0)
    with pytest.raises(RecordsTooShort, match="the longest record has 100 s; the distance network needs 240 s") as caught:
        locate_event(opened, gather, records=records)
    assert "The arrivals picked in the records do not determine a source by themselves" in caught.value.detail
    found = classify_event(opened, gather, records=records)
    assert (found.event_type, found.reference) == ("undetermined", None)


def test_a_single_long_record_among_short_ones_leaves_the_location_to_the_arrivals(opened, about_p):
    """Its distance is read; one is too few for a location by distances."""
    records, gather = about_p
    noise = np.random.default_rng(1).normal(size=4000).astype(np.float32)
    mixed = (*records[1:], replace(records[0], start_time_s=records[0].start_time_s - 600.0, samples=noise))
    gather = condition(mixed, CONDITIONING)
    readings = read_distances(opened["offset"], gather)
    assert readings.has_distance.sum() == 1
    found = find_location(mixed, gather, readings)
    assert found.method == "arrival-times"
    assert error_km(found.location) < 100.0
    with pytest.raises(TooFewStations):
        find_location((), gather, readings)


def test_distances_are_withheld_only_where_every_record_is_short(opened, about_p, make_gather):
    _, gather = about_p
    with pytest.raises(RecordsTooShort):
        predict_distances(opened["offset"], gather)
    assert read_distances(opened["offset"], gather).withheld
    assert not read_distances(opened["offset"], make_gather()).withheld
