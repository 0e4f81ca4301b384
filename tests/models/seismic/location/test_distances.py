"""An epicenter from distances: found, honest about what it does not know, indifferent to order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import TooFewStations
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, destination, distance_deg, unit_vectors
from models.seismic.location import distance_misfit, distance_posterior
from models.seismic.location.distances import locate_by_distances, prepare_distances
from models.seismic.location.region_calibration import contains


def stations_around(rng, count, latitude, longitude, distances=(10.0, 120.0), azimuths=(0.0, 360.0)):
    return destination(latitude, longitude, rng.uniform(*azimuths, count), rng.uniform(*distances, count))


def error_km(place, latitude, longitude):
    return float(distance_deg(place.latitude_deg, place.longitude_deg, latitude, longitude)) * KM_PER_DEGREE


def inside(place, latitude, longitude):
    turn = np.radians(azimuth_deg(place.latitude_deg, place.longitude_deg, latitude, longitude) - place.ellipse_azimuth_deg)
    error = error_km(place, latitude, longitude)
    return (error * np.cos(turn) / place.semi_major_km) ** 2 + (error * np.sin(turn) / place.semi_minor_km) ** 2 <= 1.0


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(18.7, 96.1), (66.4, -38.1), (-10.0, 179.98), (0.0, -180.0), (89.95, 10.0), (-90.0, 0.0), (0.0, 0.0)]
)
def test_exact_distances_give_the_exact_epicenter_also_at_the_date_line_and_the_poles(latitude, longitude):
    lats, lons = stations_around(np.random.default_rng(1), 20, latitude, longitude)
    found = locate_by_distances(lats, lons, distance_deg(latitude, longitude, lats, lons), np.full(20, 0.5))
    assert error_km(found, latitude, longitude) < 0.1
    assert np.abs(found.residuals_deg).max() < 1e-3
    assert found.used.all()
    assert not found.alternatives
    assert 5.0 <= found.semi_minor_km <= found.semi_major_km < 40.0


def test_noise_and_one_wild_trace_in_ten_cost_little():
    errors = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        lats, lons = stations_around(rng, 30, -20.0, 170.0)
        distances = distance_deg(-20.0, 170.0, lats, lons) + rng.normal(0.0, 1.0, 30)
        wild = np.arange(30) < 3
        distances[wild] = rng.uniform(0.0, 180.0, 3)
        found = locate_by_distances(lats, lons, distances, np.ones(30))
        errors.append(error_km(found, -20.0, 170.0))
        far = np.abs(found.residuals_deg) > 8.0
        assert not np.any(found.used & far)
        assert found.used[~wild].mean() > 0.9
    assert np.median(errors) < 60.0
    assert max(errors) < 200.0


def test_an_error_common_to_all_traces_is_found_and_taken_off():
    lats, lons = stations_around(np.random.default_rng(5), 40, 35.0, 140.0)
    found = locate_by_distances(lats, lons, distance_deg(35.0, 140.0, lats, lons) + 2.0, np.ones(40))
    assert found.common_bias_deg == pytest.approx(-2.0, abs=0.2)
    assert error_km(found, 35.0, 140.0) < 30.0
    assert found.used.all()


def test_the_68_percent_region_holds_about_68_percent_of_the_epicenters():
    held = []
    for seed in range(200):
        rng = np.random.default_rng(1000 + seed)
        latitude, longitude = np.degrees(np.arcsin(rng.uniform(-1, 1))), rng.uniform(-180, 180)
        lats, lons = stations_around(rng, 20, latitude, longitude)
        stated = rng.uniform(0.5, 3.0, 20)
        distances = distance_deg(latitude, longitude, lats, lons) + rng.normal(0.0, stated) + rng.normal(0.0, 1.5)
        held.append(inside(locate_by_distances(lats, lons, distances, stated), latitude, longitude))
    assert 0.58 <= np.mean(held) <= 0.80


def test_one_array_sees_a_ring_and_says_so():
    """Twelve stations within two degrees: the distance is known, the direction hardly."""
    held = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        lats, lons = destination(40.0, -100.0, rng.uniform(0, 360, 12), rng.uniform(0, 1.0, 12))
        distances = distance_deg(10.0, -60.0, lats, lons) + rng.normal(0.0, 1.0, 12)
        found = locate_by_distances(lats, lons, distances, np.ones(12))
        places = (found, *found.alternatives)
        held.append(any(inside(place, 10.0, -60.0) for place in places))
        assert max(place.semi_major_km for place in places) > 2000.0
        assert found.effective_stations < 4.0
    assert np.mean(held) > 0.6


def test_stations_on_one_great_circle_leave_a_mirror_image():
    longitudes = np.linspace(-40.0, 40.0, 9)
    found = locate_by_distances(np.zeros(9), longitudes, distance_deg(30.0, 5.0, 0.0, longitudes), np.full(9, 0.5))
    places = (found, *found.alternatives)
    assert len(places) == 2
    assert sum(place.probability for place in places) == pytest.approx(1.0, abs=0.02)
    for truth in (30.0, -30.0):
        assert min(error_km(place, truth, 5.0) for place in places) < 20.0


@given(st.permutations(range(12)))
@settings(max_examples=15, deadline=None)
def test_the_order_of_stations_changes_nothing(order):
    rng = np.random.default_rng(3)
    lats, lons = stations_around(rng, 12, 50.0, 20.0)
    distances = distance_deg(50.0, 20.0, lats, lons) + rng.normal(0.0, 2.0, 12)
    stated = rng.uniform(0.5, 3.0, 12)
    one = locate_by_distances(lats, lons, distances, stated)
    other = locate_by_distances(lats[order], lons[order], distances[order], stated[order])
    numbers = ("latitude_deg", "longitude_deg", "semi_major_km", "semi_minor_km", "ellipse_azimuth_deg", "azimuthal_gap_deg")
    assert [getattr(one, name) for name in numbers] == [getattr(other, name) for name in numbers]
    np.testing.assert_array_equal(one.residuals_deg[order], other.residuals_deg)


def test_traces_that_lack_something_are_left_out_and_keep_their_place():
    lats, lons = stations_around(np.random.default_rng(2), 10, 10.0, 10.0)
    distances, stated = distance_deg(10.0, 10.0, lats, lons), np.ones(10)
    lats[1], distances[4], stated[7] = np.nan, np.nan, 0.0
    found = locate_by_distances(lats, lons, distances, stated)
    assert np.flatnonzero(~found.used).tolist() == [1, 4, 7]
    assert np.flatnonzero(np.isnan(found.residuals_deg)).tolist() == [1, 4, 7]
    assert error_km(found, 10.0, 10.0) < 1.0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_places_are_too_few(count):
    lats, lons = stations_around(np.random.default_rng(2), count, 10.0, 10.0)
    many = [np.repeat(values, 4) for values in (lats, lons, distance_deg(10.0, 10.0, lats, lons), np.ones(count))]
    with pytest.raises(TooFewStations, match=f"readable distance: {count};"):
        locate_by_distances(*many)


def test_three_stations_are_enough_for_an_answer_that_admits_its_width():
    lats, lons = np.array([0.0, 30.0, -20.0]), np.array([0.0, 50.0, 60.0])
    found = locate_by_distances(lats, lons, distance_deg(12.0, 33.0, lats, lons), np.ones(3))
    assert any(inside(place, 12.0, 33.0) for place in (found, *found.alternatives))
    assert found.semi_major_km > 100.0


def test_channels_of_one_station_count_once():
    lats, lons = stations_around(np.random.default_rng(8), 8, 10.0, 10.0)
    distances = distance_deg(10.0, 10.0, lats, lons) + np.linspace(-1, 1, 8)
    once = locate_by_distances(lats, lons, distances, np.ones(8))
    thrice = locate_by_distances(*(np.repeat(values, 3) for values in (lats, lons, distances, np.ones(8))))
    assert thrice.effective_stations == pytest.approx(once.effective_stations)
    assert error_km(thrice, once.latitude_deg, once.longitude_deg) < 0.3 * once.horizontal_uncertainty_km
    assert thrice.semi_major_km == pytest.approx(once.semi_major_km, rel=0.35)


def test_two_thousand_stations_are_located():
    lats, lons = stations_around(np.random.default_rng(9), 2000, 10.0, 10.0)
    found = locate_by_distances(lats, lons, distance_deg(10.0, 10.0, lats, lons), np.ones(2000))
    assert error_km(found, 10.0, 10.0) < 1.0


def drawn_events(count):
    """Events to one side of their stations, whose traces share an error that goes with what they state of their own."""
    for seed in range(count):
        rng = np.random.default_rng(7000 + seed)
        latitude, longitude = np.degrees(np.arcsin(rng.uniform(-1, 1))), rng.uniform(-180, 180)
        lats, lons = stations_around(rng, 20, latitude, longitude, azimuths=(0.0, 120.0))
        stated = np.exp(rng.uniform(np.log(1.0), np.log(12.0))) * rng.uniform(0.7, 1.4, 20)
        errors = stated * rng.standard_t(3.0, 20) + distance_posterior.COMMON_BIAS_FRACTION * stated.mean() * rng.normal()
        yield (latitude, longitude), (lats, lons, distance_deg(latitude, longitude, lats, lons) + errors, stated)


def test_regions_hold_where_traces_share_an_error_that_goes_with_what_they_state():
    found = [(locate_by_distances(*data), truth) for truth, data in drawn_events(300)]
    assert 0.62 <= np.mean([contains(place, *truth) for place, truth in found]) <= 0.74
    assert 0.86 <= np.mean([contains(place, *truth, outer=True) for place, truth in found]) <= 0.94


@pytest.mark.parametrize("seed", range(20))
def test_of_traces_that_are_sure_the_answer_does_not_hang_on_how_much_they_share(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    lats, lons = stations_around(rng, int(rng.integers(8, 40)), -20.0, 170.0)
    stated = rng.uniform(0.3, 1.0, len(lats))
    data = (lats, lons, distance_deg(-20.0, 170.0, lats, lons) + rng.normal(0.0, stated) + rng.normal(0.0, 0.7), stated)
    found = locate_by_distances(*data)
    monkeypatch.setattr(distance_posterior, "COMMON_BIAS_FRACTION", 0.0)
    constant = locate_by_distances(*data)
    assert error_km(found, constant.latitude_deg, constant.longitude_deg) < 0.1 * constant.horizontal_uncertainty_km
    assert found.horizontal_uncertainty_km == pytest.approx(constant.horizontal_uncertainty_km, rel=0.1)


def test_the_common_error_goes_with_stated_uncertainties_and_neighbors_count_once():
    lats, lons = stations_around(np.random.default_rng(4), 12, 10.0, 10.0)
    stated = np.linspace(2.0, 30.0, 12)
    once = prepare_distances(lats, lons, np.full(12, 50.0), stated)
    assert once.bias_deviation == pytest.approx(
        np.hypot(1.5, distance_posterior.COMMON_BIAS_FRACTION * np.mean(stated**-2.0) ** -0.5), rel=0.02
    )
    weights = 1.0 + 9.0 * (np.arange(12) == 11)
    many = (np.repeat(values, weights.astype(int)) for values in (lats, lons, np.full(12, 50.0), stated))
    assert prepare_distances(*many).bias_deviation == pytest.approx(once.bias_deviation, rel=1e-6)
    assert prepare_distances(lats, lons, np.full(12, 50.0), np.full(12, 0.1)).bias_deviation == pytest.approx(1.5, rel=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_the_common_error_at_a_maximum_is_that_of_the_refinement(seed):
    rng = np.random.default_rng(seed)
    lats, lons = stations_around(rng, 15, 35.0, 140.0)
    data = prepare_distances(lats, lons, distance_deg(35.0, 140.0, lats, lons) + rng.normal(0.0, 3.0, 15) + 4.0, rng.uniform(1.0, 6.0, 15))
    point, bias = distance_misfit.maximize_posterior(
        unit_vectors(35.0, 140.0), data.stations, data.distances, data.scales, data.bias_deviation, 60
    )
    assert data.common_bias_deg(point) == pytest.approx(bias, abs=1e-3)
