"""Refinement of a location by array slowness and polarization."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.directions import Directions, joint_prior, measure_directions
from models.analysis.distances import DistanceReadings, station_distances
from models.analysis.refinement import refine_location
from models.analysis.station_subset import farthest_point_subset
from models.imaging.conditioning import condition
from models.seismic.geodesy import azimuth_deg, destination, distance_deg
from models.seismic.location.distances import locate_by_distances
from models.seismic.location.regions import find_regions
from models.seismic.location.sphere_grid import fibonacci_sphere
from models.seismic.signal.picker import pick_records
from models.specs.pictures import CONDITIONING
from tests.support.three_components import START_S, p_wave, station

SOURCE = (12.0, 58.0)


def network(stations, uncertainty_deg=4.0):
    """Three-component records of P from the source at stations (latitude, longitude), their gather, distance readings and location."""
    motions = [p_wave(float(azimuth_deg(*point, *SOURCE)), seed=number) for number, point in enumerate(stations)]
    records = [station(f"S{number:02}", motion, 10.0, point) for number, (motion, point) in enumerate(zip(motions, stations, strict=True))]
    gather, count = condition(records, CONDITIONING), len(records)
    distances = distance_deg(*SOURCE, gather.latitudes_deg, gather.longitudes_deg)
    readings = DistanceReadings(
        trace_ids=gather.trace_ids,
        distances_deg=distances + np.random.default_rng(1).normal(0.0, 0.5 * uncertainty_deg, count),
        uncertainties_deg=np.full(count, uncertainty_deg),
        probabilities=np.full((count, 180), 1.0 / 180.0),
        origin_times_s=np.full(count, START_S),
        origin_uncertainties_s=np.full(count, 300.0),
        window_start_s=START_S,
        live=np.ones(count, np.bool_),
    )
    return records, gather, readings, locate_by_distances(station_distances(gather, readings), minimum_stations=2)


def error_deg(region) -> float:
    return float(distance_deg(*SOURCE, region.latitude_deg, region.longitude_deg))


def test_polarization_at_two_stations_resolves_the_ambiguity_of_two_distances():
    records, gather, readings, before = network([(40.0, 25.0), (-5.0, 20.0)])
    assert max(error_deg(region) for region in before.regions) > 30.0
    found = refine_location(records, gather, readings, before)
    assert found.method == "distances+polarization"
    assert error_deg(found.location) < 8.0
    assert not found.location.alternatives
    assert sorted(found.back_azimuths) == [0, 1]
    without_records = refine_location([], gather, readings, before)
    assert (without_records.method, without_records.back_azimuths) == ("distances", {})
    assert without_records.location.alternatives, "two circles intersect twice"
    assert min(error_deg(region) for region in without_records.location.regions) < 8.0


def test_back_azimuths_of_a_subset_have_the_trace_indices_of_the_whole_gather():
    rng = np.random.default_rng(2)
    latitudes, longitudes = destination(35.0, 28.0, rng.uniform(0.0, 360.0, 14), rng.uniform(5.0, 25.0, 14))
    records, gather, readings, before = network(list(zip(latitudes.tolist(), longitudes.tolist(), strict=True)))
    found = refine_location(records, gather, readings, before, max_stations=6)
    assert set(found.back_azimuths) <= set(farthest_point_subset(gather, 6).tolist())
    assert max(found.back_azimuths) >= 6
    for index, (measured, _) in found.back_azimuths.items():
        true = float(azimuth_deg(gather.latitudes_deg[index], gather.longitudes_deg[index], *SOURCE))
        assert abs((measured - true + 180.0) % 360.0 - 180.0) <= 20.0


def test_the_prior_is_normalized_to_a_uniform_distribution():
    records, gather, readings, _ = network([(40.0, 25.0), (-5.0, 20.0)])
    for directions in (Directions(), measure_directions(gather, records, pick_records(records))):
        assert np.mean(np.exp(joint_prior(gather, readings, directions)(fibonacci_sphere(1.2)))) == pytest.approx(1.0, abs=0.1)
    assert not Directions().any
    assert Directions().back_azimuths() == {}


def test_known_events_decide_between_places_that_the_distances_fit_alike():
    """Of the two intersections of two circles one is in the Aleutians and one in the empty Pacific."""
    source = (52.0, -170.0)
    _, gather, readings, _ = network([(30.0, -140.0), (25.0, -165.0)], 2.0)
    exact = distance_deg(*source, gather.latitudes_deg, gather.longitudes_deg)
    readings = replace(readings, distances_deg=np.asarray(exact))
    prior = joint_prior(gather, readings, Directions())
    regions = find_regions(prior)
    assert len(regions) > 1
    assert distance_deg(*source, regions[0].latitude_deg, regions[0].longitude_deg) < 3.0
    assert regions[0].probability > 0.7
    assert regions[1].probability > 0.02
