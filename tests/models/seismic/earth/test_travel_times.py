"""The travel-time table against TauP."""

import numpy as np
import pytest
from obspy.taup import TauPyModel

from models.seismic.earth.travel_times import (
    DEPTHS_KM,
    DISTANCES_DEG,
    MAX_CRUSTAL_DEG,
    PHASES,
    first_arrival_s,
    interpolate_curve,
    travel_time_curve,
    travel_time_s,
    travel_time_table,
)

SPOTS = [
    ("P", ["p", "P", "Pn", "Pdiff"], 0.02, 7.0),
    ("P", ["p", "P", "Pn", "Pdiff"], 0.33, 33.0),
    ("P", ["p", "P", "Pn", "Pdiff"], 1.7, 7.0),
    ("P", ["p", "P", "Pn", "Pdiff"], 19.6, 590.0),
    ("P", ["p", "P", "Pn", "Pdiff"], 97.0, 120.0),
    ("P", ["p", "P", "Pn", "Pdiff"], 111.0, 0.0),
    ("PKP", ["PKIKP", "PKiKP"], 150.3, 33.0),
    ("PKPbc", ["PKP"], 150.3, 120.0),
    ("PKPbc", ["PKP"], 146.2, 580.0),
    ("S", ["s", "S", "Sn", "Sdiff"], 2.9, 10.0),
    ("S", ["s", "S", "Sn", "Sdiff"], 60.2, 590.0),
    ("pP", ["pP"], 60.2, 120.0),
    ("sP", ["sP"], 60.2, 120.0),
    ("PP", ["PP"], 97.0, 33.0),
]


@pytest.fixture(scope="module")
def taup():
    return TauPyModel("ak135")


@pytest.mark.parametrize(("phase", "names", "distance_deg", "depth_km"), SPOTS)
def test_the_table_is_within_a_fifth_of_a_second_of_taup(taup, phase, names, distance_deg, depth_km):
    expected = min(arrival.time for arrival in taup.get_travel_times(depth_km, distance_deg, names))
    assert travel_time_s(phase, distance_deg, depth_km) == pytest.approx(expected, abs=0.2)


@pytest.mark.parametrize(("distance_deg", "depth_km"), [(147.3, 33.0), (153.0, 580.0), (166.1, 0.0)])
def test_pkpab_is_the_last_arrival_of_pkp(taup, distance_deg, depth_km):
    expected = max(arrival.time for arrival in taup.get_travel_times(depth_km, distance_deg, ["PKP"]))
    assert travel_time_s("PKPab", distance_deg, depth_km) == pytest.approx(expected, abs=0.2)


def test_p_has_no_gap_and_its_time_grows_with_distance():
    first = travel_time_table()[PHASES.index("P")][:, DISTANCES_DEG <= 125.0]
    assert np.isfinite(first).all()
    assert (np.diff(first, axis=1) >= -0.01).all()


def test_a_phase_outside_its_distance_range_does_not_arrive():
    assert np.isnan(travel_time_s("P", 140.0, 10.0))
    assert np.isnan(travel_time_s("PKP", 60.0, 10.0))


def test_compiled_interpolation_is_that_of_numpy_on_both_spacings():
    curve = travel_time_curve("S", 47.0)
    distances = np.concatenate((np.random.default_rng(3).uniform(0.0, 114.0, 200), (0.0, 0.05, 4.95, 4.97, 5.0, 5.25, 114.0)))
    expected = np.interp(distances, DISTANCES_DEG, curve.astype(np.float64))
    np.testing.assert_allclose([interpolate_curve(curve, distance) for distance in distances], expected, atol=1e-4)


def test_compiled_interpolation_ends_with_the_curve():
    curve = travel_time_curve("S", 47.0)
    assert interpolate_curve(curve, 115.0) == curve[np.searchsorted(DISTANCES_DEG, 115.0)]
    assert np.isnan(interpolate_curve(curve, 115.2))
    assert interpolate_curve(DISTANCES_DEG.astype(np.float32), 180.0) == 180.0


def test_between_depths_of_the_table_times_are_interpolated():
    low, high = travel_time_s("P", 50.0, DEPTHS_KM[20]), travel_time_s("P", 50.0, DEPTHS_KM[21])
    assert travel_time_s("P", 50.0, 0.5 * (DEPTHS_KM[20] + DEPTHS_KM[21])) == pytest.approx(0.5 * (low + high), abs=1e-3)


def test_pg_is_overtaken_by_pn_and_ends_with_the_crust():
    near, far = np.array([0.5, 1.0]), np.array([3.0, 6.0, MAX_CRUSTAL_DEG])
    assert (travel_time_s("Pg", near, 10.0) < travel_time_s("P", near, 10.0) + 1.0).all()
    behind_s = travel_time_s("Pg", far, 10.0) - travel_time_s("P", far, 10.0)
    assert (np.diff(behind_s) > 5.0).all()
    assert behind_s[0] > 5.0
    assert np.isnan(travel_time_s("Pg", 3.0, 45.0))
    assert np.isnan(travel_time_s("Pg", MAX_CRUSTAL_DEG + 1.0, 10.0))


def test_the_first_arrival_is_p_and_beyond_its_shadow_pkp():
    first = first_arrival_s(np.array([60.0, 150.0]), 10.0)
    assert first.tolist() == [travel_time_s("P", 60.0, 10.0), travel_time_s("PKP", 150.0, 10.0)]
