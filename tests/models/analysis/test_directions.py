"""What directions do to a location."""

import numpy as np
import pytest

from models.analysis.directions import Directions, joint_prior, read_directions
from models.analysis.distances import DistanceReadings
from models.analysis.refinement import refine_location
from models.analysis.station_subset import farthest_point_subset, refine_on_subset
from models.imaging.conditioning import condition
from models.seismic.geodesy import azimuth_deg, destination, distance_deg
from models.seismic.location.distances import locate_by_distances
from models.seismic.location.sphere_grid import fibonacci_sphere
from models.seismic.signal.picker import pick_records
from models.specs.pictures import CONDITIONING
from tests.support.three_components import START_S, p_wave, station

SOURCE = (12.0, 58.0)


def network(places, uncertainty_deg=4.0):
    """Stations that hear P from the source, and what is read of their distances."""
    motions = [p_wave(float(azimuth_deg(*place, *SOURCE)), seed=number) for number, place in enumerate(places)]
    records = [station(f"S{number:02}", motion, 10.0, place) for number, (motion, place) in enumerate(zip(motions, places, strict=True))]
    gather, count = condition(records, CONDITIONING), len(records)
    reach = distance_deg(*SOURCE, gather.latitudes_deg, gather.longitudes_deg)
    readings = DistanceReadings(
        trace_ids=gather.trace_ids,
        distances_deg=reach + np.random.default_rng(1).normal(0.0, 0.5 * uncertainty_deg, count),
        uncertainties_deg=np.full(count, uncertainty_deg),
        probabilities=np.full((count, 180), 1.0 / 180.0),
        origin_times_s=np.full(count, START_S),
        origin_uncertainties_s=np.full(count, 300.0),
        window_start_s=START_S,
        live=np.ones(count, np.bool_),
    )
    columns = (gather.latitudes_deg, gather.longitudes_deg, readings.distances_deg, readings.uncertainties_deg)
    return records, gather, readings, locate_by_distances(*columns, minimum_stations=2)


def off_deg(place) -> float:
    return float(distance_deg(*SOURCE, place.latitude_deg, place.longitude_deg))


def test_two_stations_with_three_components_tell_a_place_from_its_mirror_image():
    records, gather, readings, before = network([(40.0, 25.0), (-5.0, 20.0)])
    places = [before, *before.alternatives]
    assert max(off_deg(place) for place in places) > 30.0
    found = refine_location(records, gather, readings, before)
    assert found.method == "offsets-and-polarization"
    assert off_deg(found.location) < 8.0
    assert not found.location.alternatives
    assert sorted(found.back_azimuths) == [0, 1]
    flat = refine_location([], gather, readings, before)
    assert (flat.method, flat.location, flat.back_azimuths) == ("offsets", before, {})


def test_directions_of_some_stations_have_their_numbers_in_the_upload():
    rng = np.random.default_rng(2)
    latitudes, longitudes = destination(35.0, 28.0, rng.uniform(0.0, 360.0, 14), rng.uniform(5.0, 25.0, 14))
    records, gather, readings, before = network(list(zip(latitudes.tolist(), longitudes.tolist(), strict=True)))
    found = refine_on_subset(records, gather, readings, before, most=6)
    assert set(found.back_azimuths) <= set(farthest_point_subset(gather, 6).tolist())
    assert max(found.back_azimuths) >= 6
    for row, (towards, _) in found.back_azimuths.items():
        true = float(azimuth_deg(gather.latitudes_deg[row], gather.longitudes_deg[row], *SOURCE))
        assert abs((towards - true + 180.0) % 360.0 - 180.0) <= 20.0


def test_the_prior_is_one_on_average():
    records, gather, readings, _ = network([(40.0, 25.0), (-5.0, 20.0)])
    for directions in (Directions(), read_directions(gather, records, pick_records(records))):
        assert np.mean(np.exp(joint_prior(gather, readings, directions)(fibonacci_sphere(1.2)))) == pytest.approx(1.0, abs=0.1)
    assert not Directions().any
    assert Directions().back_azimuths() == {}
