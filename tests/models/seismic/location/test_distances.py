"""Epicenters from synthetic distances: accuracy, coverage of regions, robustness, independence of order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import TooFewStations
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, destination, distance_deg, unit_vectors
from models.seismic.location import distance_misfit, distance_posterior
from models.seismic.location.distance_posterior import common_deviation_deg
from models.seismic.location.distances import locate_by_distances, prepare_distances, remove_prior
from models.seismic.location.region_calibration import contains
from models.seismic.location.solution import StationDistances


def stations_around(rng, count, latitude, longitude, distances=(10.0, 120.0), azimuths=(0.0, 360.0)):
    return destination(latitude, longitude, rng.uniform(*azimuths, count), rng.uniform(*distances, count))


def error_km(region, latitude, longitude):
    return float(distance_deg(region.latitude_deg, region.longitude_deg, latitude, longitude)) * KM_PER_DEGREE


def inside(region, latitude, longitude):
    turn = np.radians(azimuth_deg(region.latitude_deg, region.longitude_deg, latitude, longitude) - region.ellipse_azimuth_deg)
    error = error_km(region, latitude, longitude)
    return (error * np.cos(turn) / region.semi_major_km) ** 2 + (error * np.sin(turn) / region.semi_minor_km) ** 2 <= 1.0


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(18.7, 96.1), (66.4, -38.1), (-10.0, 179.98), (0.0, -180.0), (89.95, 10.0), (-90.0, 0.0), (0.0, 0.0)]
)
def test_exact_distances_give_the_exact_epicenter_also_at_the_date_line_and_the_poles(latitude, longitude):
    lats, lons = stations_around(np.random.default_rng(1), 20, latitude, longitude)
    found = locate_by_distances(StationDistances(lats, lons, distance_deg(latitude, longitude, lats, lons), np.full(20, 0.5)))
    assert error_km(found, latitude, longitude) < 0.1
    assert np.abs(found.residuals_deg).max() < 1e-3
    assert found.used.all()
    assert not found.alternatives
    assert 5.0 <= found.semi_minor_km <= found.semi_major_km < 40.0


def test_one_outlier_in_ten_costs_little_accuracy():
    errors = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        lats, lons = stations_around(rng, 30, -20.0, 170.0)
        distances = distance_deg(-20.0, 170.0, lats, lons) + rng.normal(0.0, 1.0, 30)
        outlier = np.arange(30) < 3
        distances[outlier] = rng.uniform(0.0, 180.0, 3)
        found = locate_by_distances(StationDistances(lats, lons, distances, np.ones(30)))
        errors.append(error_km(found, -20.0, 170.0))
        far = np.abs(found.residuals_deg) > 8.0
        assert not np.any(found.used & far)
        assert found.used[~outlier].mean() > 0.9
    assert np.median(errors) < 60.0
    assert max(errors) < 200.0


def test_an_error_common_to_all_traces_is_estimated_and_removed():
    lats, lons = stations_around(np.random.default_rng(5), 40, 35.0, 140.0)
    found = locate_by_distances(StationDistances(lats, lons, distance_deg(35.0, 140.0, lats, lons) + 2.0, np.ones(40)))
    assert found.common_bias_deg == pytest.approx(-2.0, abs=0.2)
    assert error_km(found, 35.0, 140.0) < 30.0
    assert found.used.all()


def test_traces_that_show_nothing_do_not_outvote_those_that_do():
    """The network reads 14 degrees, give or take 41, off every record that ends before any wave arrives."""
    lats, lons = stations_around(np.random.default_rng(6), 40, 35.0, 140.0)
    true = distance_deg(35.0, 140.0, lats, lons)
    near = np.argsort(true)[:4]
    distances, stated = np.full(40, 14.0), np.full(40, 41.0)
    distances[near], stated[near] = true[near], 3.0
    found = locate_by_distances(StationDistances(lats, lons, distances, stated))
    assert any(inside(region, 35.0, 140.0) for region in (found, *found.alternatives))
    assert remove_prior(np.array([3.0, 41.0, 90.0])) == pytest.approx([3.0, 410.0, 900.0], rel=0.01)


def test_68_percent_regions_contain_about_68_percent_of_the_epicenters():
    contained = []
    for seed in range(200):
        rng = np.random.default_rng(1000 + seed)
        latitude, longitude = np.degrees(np.arcsin(rng.uniform(-1, 1))), rng.uniform(-180, 180)
        lats, lons = stations_around(rng, 20, latitude, longitude)
        stated = rng.uniform(0.5, 3.0, 20)
        distances = distance_deg(latitude, longitude, lats, lons) + rng.normal(0.0, stated) + rng.normal(0.0, 1.5)
        contained.append(inside(locate_by_distances(StationDistances(lats, lons, distances, stated)), latitude, longitude))
    assert 0.58 <= np.mean(contained) <= 0.80


def test_the_region_of_one_array_is_a_ring():
    """Twelve stations within two degrees constrain the distance, hardly the azimuth."""
    contained = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        lats, lons = destination(40.0, -100.0, rng.uniform(0, 360, 12), rng.uniform(0, 1.0, 12))
        distances = distance_deg(10.0, -60.0, lats, lons) + rng.normal(0.0, 1.0, 12)
        found = locate_by_distances(StationDistances(lats, lons, distances, np.ones(12)))
        regions = (found, *found.alternatives)
        contained.append(any(inside(region, 10.0, -60.0) for region in regions))
        assert max(region.semi_major_km for region in regions) > 2000.0
        assert found.effective_stations < 4.0
    assert np.mean(contained) > 0.6


def test_stations_on_one_great_circle_have_two_mirrored_solutions():
    longitudes = np.linspace(-40.0, 40.0, 9)
    found = locate_by_distances(StationDistances(np.zeros(9), longitudes, distance_deg(30.0, 5.0, 0.0, longitudes), np.full(9, 0.5)))
    regions = (found, *found.alternatives)
    assert len(regions) == 2
    assert sum(region.probability for region in regions) == pytest.approx(1.0, abs=0.02)
    for truth in (30.0, -30.0):
        assert min(error_km(region, truth, 5.0) for region in regions) < 20.0


@given(st.permutations(range(12)))
@settings(max_examples=15, deadline=None)
def test_the_order_of_stations_changes_nothing(order):
    rng = np.random.default_rng(3)
    lats, lons = stations_around(rng, 12, 50.0, 20.0)
    distances = distance_deg(50.0, 20.0, lats, lons) + rng.normal(0.0, 2.0, 12)
    stated = rng.uniform(0.5, 3.0, 12)
    one = locate_by_distances(StationDistances(lats, lons, distances, stated))
    other = locate_by_distances(StationDistances(lats[order], lons[order], distances[order], stated[order]))
    numbers = ("latitude_deg", "longitude_deg", "semi_major_km", "semi_minor_km", "ellipse_azimuth_deg", "azimuthal_gap_deg")
    assert [getattr(one, name) for name in numbers] == [getattr(other, name) for name in numbers]
    np.testing.assert_array_equal(one.residuals_deg[order], other.residuals_deg)


def test_traces_without_coordinates_distance_or_uncertainty_are_left_out():
    lats, lons = stations_around(np.random.default_rng(2), 10, 10.0, 10.0)
    distances, stated = distance_deg(10.0, 10.0, lats, lons), np.ones(10)
    lats[1], distances[4], stated[7] = np.nan, np.nan, 0.0
    found = locate_by_distances(StationDistances(lats, lons, distances, stated))
    assert np.flatnonzero(~found.used).tolist() == [1, 4, 7]
    assert np.flatnonzero(np.isnan(found.residuals_deg)).tolist() == [1, 4, 7]
    assert error_km(found, 10.0, 10.0) < 1.0


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_sites_are_too_few(count):
    lats, lons = stations_around(np.random.default_rng(2), count, 10.0, 10.0)
    many = [np.repeat(values, 4) for values in (lats, lons, distance_deg(10.0, 10.0, lats, lons), np.ones(count))]
    with pytest.raises(TooFewStations, match=f"readable distance: {count};"):
        locate_by_distances(StationDistances(*many))


def test_too_few_stations_say_how_many_traces_lack_coordinates():
    with pytest.raises(TooFewStations, match="traces without coordinates: 3; add a StationXML"):
        locate_by_distances(StationDistances(np.array([10.0, np.nan, np.nan, np.nan]), np.zeros(4), np.full(4, 20.0), np.ones(4)))


def test_three_stations_give_a_wide_region_that_contains_the_source():
    lats, lons = np.array([0.0, 30.0, -20.0]), np.array([0.0, 50.0, 60.0])
    found = locate_by_distances(StationDistances(lats, lons, distance_deg(12.0, 33.0, lats, lons), np.ones(3)))
    assert any(inside(region, 12.0, 33.0) for region in (found, *found.alternatives))
    assert found.semi_major_km > 100.0


def test_channels_of_one_station_count_as_one():
    lats, lons = stations_around(np.random.default_rng(8), 8, 10.0, 10.0)
    distances = distance_deg(10.0, 10.0, lats, lons) + np.linspace(-1, 1, 8)
    once = locate_by_distances(StationDistances(lats, lons, distances, np.ones(8)))
    thrice = locate_by_distances(StationDistances(*(np.repeat(values, 3) for values in (lats, lons, distances, np.ones(8)))))
    assert thrice.effective_stations == pytest.approx(once.effective_stations)
    assert error_km(thrice, once.latitude_deg, once.longitude_deg) < 0.3 * once.horizontal_uncertainty_km
    assert thrice.semi_major_km == pytest.approx(once.semi_major_km, rel=0.35)


def test_two_thousand_stations_are_located():
    lats, lons = stations_around(np.random.default_rng(9), 2000, 10.0, 10.0)
    found = locate_by_distances(StationDistances(lats, lons, distance_deg(10.0, 10.0, lats, lons), np.ones(2000)))
    assert error_km(found, 10.0, 10.0) < 1.0


def draw_events(count):
    """Events to one side of their stations, with a common error in proportion to the stated uncertainties."""
    for seed in range(count):
        rng = np.random.default_rng(7000 + seed)
        latitude, longitude = np.degrees(np.arcsin(rng.uniform(-1, 1))), rng.uniform(-180, 180)
        lats, lons = stations_around(rng, 20, latitude, longitude, azimuths=(0.0, 120.0))
        stated = np.exp(rng.uniform(np.log(1.0), np.log(12.0))) * rng.uniform(0.7, 1.4, 20)
        evidence = remove_prior(stated)
        errors = evidence * rng.standard_t(3.0, 20) + common_deviation_deg(float(evidence.mean())) * rng.normal()
        yield (latitude, longitude), (lats, lons, distance_deg(latitude, longitude, lats, lons) + errors, stated)


def test_regions_have_their_coverage_with_a_common_error_in_proportion_to_uncertainties():
    found = [(locate_by_distances(StationDistances(*data)), truth) for truth, data in draw_events(300)]
    assert 0.62 <= np.mean([contains(region, *truth) for region, truth in found]) <= 0.74
    assert 0.86 <= np.mean([contains(region, *truth, outer=True) for region, truth in found]) <= 0.94


@pytest.mark.parametrize("seed", range(20))
def test_with_small_uncertainties_the_location_hardly_depends_on_the_common_error(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    lats, lons = stations_around(rng, int(rng.integers(8, 40)), -20.0, 170.0)
    stated = rng.uniform(0.3, 1.0, len(lats))
    data = (lats, lons, distance_deg(-20.0, 170.0, lats, lons) + rng.normal(0.0, stated) + rng.normal(0.0, 0.7), stated)
    found = locate_by_distances(StationDistances(*data))
    monkeypatch.setattr(distance_posterior, "MAX_COMMON_BIAS_FRACTION", 0.0)
    constant = locate_by_distances(StationDistances(*data))
    assert error_km(found, constant.latitude_deg, constant.longitude_deg) < 0.1 * constant.horizontal_uncertainty_km
    assert found.horizontal_uncertainty_km == pytest.approx(constant.horizontal_uncertainty_km, rel=0.1)


@pytest.mark.parametrize(("uncertainty_deg", "deviation_deg"), [(0.1, 1.5), (10.0, 5.2), (14.0, 9.9), (40.0, 28.0)])
def test_the_common_error_is_a_larger_part_of_larger_uncertainties(uncertainty_deg, deviation_deg):
    assert common_deviation_deg(uncertainty_deg) == pytest.approx(deviation_deg, rel=0.01)


def test_the_common_error_follows_from_the_surest_uncertainties_and_neighbors_count_once():
    lats, lons = stations_around(np.random.default_rng(4), 12, 10.0, 10.0)
    stated = np.linspace(2.0, 30.0, 12)
    once = prepare_distances(StationDistances(lats, lons, np.full(12, 50.0), stated))
    assert once.bias_deviation == pytest.approx(common_deviation_deg(float(np.mean(remove_prior(stated) ** -2.0) ** -0.5)), rel=0.03)
    weights = 1.0 + 9.0 * (np.arange(12) == 11)
    many = (np.repeat(values, weights.astype(int)) for values in (lats, lons, np.full(12, 50.0), stated))
    assert prepare_distances(StationDistances(*many)).bias_deviation == pytest.approx(once.bias_deviation, rel=1e-6)
    assert prepare_distances(StationDistances(lats, lons, np.full(12, 50.0), np.full(12, 0.1))).bias_deviation == pytest.approx(
        1.5, rel=0.01
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_common_error_at_a_maximum_agrees_with_the_optimization(seed):
    rng = np.random.default_rng(seed)
    lats, lons = stations_around(rng, 15, 35.0, 140.0)
    distances = distance_deg(35.0, 140.0, lats, lons) + rng.normal(0.0, 3.0, 15) + 4.0
    data = prepare_distances(StationDistances(lats, lons, distances, rng.uniform(1.0, 6.0, 15)))
    point, bias = distance_misfit.maximize_posterior(
        unit_vectors(35.0, 140.0), data.stations, data.distances, data.scales, data.bias_deviation, 60
    )
    assert data.common_bias_deg(point) == pytest.approx(bias, abs=1e-3)
