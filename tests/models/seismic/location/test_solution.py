"""One constructor of locations: residuals, traces used, azimuthal gap, alternatives."""

import numpy as np
import pytest

from models.seismic.location.regions import EpicenterRegion
from models.seismic.location.solution import StationDistances, build_location

REGIONS = [
    EpicenterRegion(0.0, longitude, 50.0, 20.0, 30.0, 40.0, probability)
    for longitude, probability in ((0.0, 0.8), (90.0, 0.16), (50.0, 0.04))
]
STATIONS = StationDistances(
    latitudes_deg=np.array([0.0, 0.0, 10.0, -10.0, np.nan]),
    longitudes_deg=np.array([10.0, -10.0, 0.0, 0.0, 0.0]),
    distances_deg=np.array([8.0, 9.0, 10.0, 30.0, 10.0]),
    uncertainties_deg=np.array([0.4, 1.0, 0.0, 1.0, 1.0]),
)


def test_residuals_are_station_distances_less_predicted_ones():
    location = build_location(REGIONS, STATIONS, common_bias_deg=0.5, effective_stations=3.0)
    np.testing.assert_allclose(location.residuals_deg, [2.0, 1.0, np.nan, -20.0, np.nan], atol=1e-9)
    assert location.used.tolist() == [False, True, False, False, False]
    assert (location.common_bias_deg, location.effective_stations) == (0.5, 3.0)


def test_the_removed_bias_decides_which_traces_fit():
    location = build_location(REGIONS, STATIONS, common_bias_deg=1.0, effective_stations=3.0, removed_bias_deg=1.0)
    assert location.used.tolist() == [True, True, False, False, False]
    assert location.azimuthal_gap_deg == pytest.approx(180.0)


def test_traces_with_an_arrival_count_for_the_azimuthal_gap():
    location = build_location(REGIONS, STATIONS, common_bias_deg=1.0, effective_stations=3.0, removed_bias_deg=1.0, detected=[2, 3])
    assert location.azimuthal_gap_deg == pytest.approx(90.0)
    assert location.used.tolist() == [True, True, False, False, False]


def test_improbable_alternatives_are_not_stated():
    location = build_location(REGIONS, STATIONS, common_bias_deg=0.0, effective_stations=3.0)
    assert list(location.regions) == REGIONS[:2]
