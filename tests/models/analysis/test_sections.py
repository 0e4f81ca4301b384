"""Distances and azimuths that sections are drawn at."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.combine import combine_origin_times
from models.analysis.distances import predict_distances
from models.analysis.sections import (
    LEAD_S,
    SectionReference,
    draw_beam,
    draw_section,
    find_reference,
    locate_by_readings,
    place_traces,
    section_start_s,
)
from models.imaging.render import Placement, render_beam, render_section
from models.seismic.geodesy import azimuth_deg, distance_deg
from models.specs.pictures import AZIMUTH_SECTION, DISTANCE_SECTION, FORCE_BEAM

GIVEN = SectionReference(20.0, 30.0, "given")


@pytest.fixture
def gather(make_gather):
    return make_gather()


@pytest.fixture
def readings(opened, gather):
    return predict_distances(opened["offset"], gather)


def test_a_given_epicenter_becomes_the_reference(gather, readings):
    assert find_reference(gather, readings, (20.0, 30.0)) == GIVEN


def test_without_a_given_epicenter_the_one_located_by_distances_becomes_the_reference(gather, readings):
    true = replace(
        readings,
        distances_deg=distance_deg(20.0, 30.0, gather.latitudes_deg, gather.longitudes_deg),
        uncertainties_deg=np.ones(8),
    )
    found = find_reference(gather, true)
    assert found.source == "predicted"
    assert found.location is not None
    assert (found.latitude_deg, found.longitude_deg) == pytest.approx((20.0, 30.0), abs=1e-3)


def test_too_few_stations_leave_no_reference(gather, readings):
    nowhere = replace(gather, latitudes_deg=np.where(np.arange(8) < 1, gather.latitudes_deg, np.nan))
    assert find_reference(nowhere, readings) is None


def test_two_stations_leave_two_epicenters_and_both_are_stated(gather, readings):
    latitudes, longitudes = np.full(8, np.nan), np.full(8, np.nan)
    latitudes[:2], longitudes[:2] = (0.0, 0.0), (20.0, 60.0)
    two = replace(gather, latitudes_deg=latitudes, longitudes_deg=longitudes)
    distances = distance_deg(30.0, 35.0, latitudes, longitudes)
    true = replace(readings, distances_deg=distances, uncertainties_deg=np.where(np.isfinite(distances), 1.0, np.nan))
    found = locate_by_readings(two, true)
    assert [region.probability for region in found.regions] == pytest.approx([0.5, 0.5], abs=0.1)
    for latitude in (30.0, -30.0):
        assert any(distance_deg(latitude, 35.0, region.latitude_deg, region.longitude_deg) < 2.0 for region in found.regions)


def test_with_a_reference_traces_have_the_distances_and_azimuths_of_their_stations(gather, readings):
    placement = place_traces(gather, readings, GIVEN)
    np.testing.assert_array_equal(placement.distances_deg, distance_deg(20.0, 30.0, gather.latitudes_deg, gather.longitudes_deg))
    np.testing.assert_array_equal(placement.azimuths_deg, azimuth_deg(20.0, 30.0, gather.latitudes_deg, gather.longitudes_deg))


def test_a_trace_without_coordinates_keeps_its_predicted_distance(gather, readings):
    gather.latitudes_deg[3] = gather.longitudes_deg[3] = np.nan
    placement = place_traces(gather, readings, GIVEN)
    assert placement.distances_deg[3] == readings.distances_deg[3]
    assert np.isnan(placement.azimuths_deg[3])


def test_without_a_reference_all_traces_have_their_predicted_distances(gather, readings):
    placement = place_traces(gather, readings, None)
    np.testing.assert_array_equal(placement.distances_deg, readings.distances_deg)
    assert np.isnan(placement.azimuths_deg).all()


def test_the_distance_section_is_rendered_in_the_window_that_was_read(gather, readings):
    drawn = draw_section(DISTANCE_SECTION, gather, readings, None)
    placement, origin_s = Placement(readings.distances_deg, np.zeros(8)), combine_origin_times(readings).time_s
    rendered = render_section(DISTANCE_SECTION, gather, readings.window_start_s, placement, origin_s)
    np.testing.assert_array_equal(drawn, rendered)
    assert drawn.any()


def test_a_reduced_section_begins_before_the_origin_time(gather, readings):
    with_origin = replace(readings, origin_times_s=np.full(8, gather.start_time_s + 700.0))
    assert section_start_s(AZIMUTH_SECTION, with_origin) == gather.start_time_s + 700.0 - LEAD_S
    assert section_start_s(DISTANCE_SECTION, with_origin) == readings.window_start_s
    assert draw_section(AZIMUTH_SECTION, gather, with_origin, GIVEN).any()


def test_beams_are_rendered_at_the_origin_time_of_the_event(gather, readings):
    drawn = draw_beam(FORCE_BEAM, gather, readings, GIVEN)
    rendered = render_beam(FORCE_BEAM, gather, combine_origin_times(readings).time_s, place_traces(gather, readings, GIVEN))
    np.testing.assert_array_equal(drawn, rendered)
    assert drawn.std() > 0
