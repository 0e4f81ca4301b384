"""Differences of magnitudes as evidence: explosions, landslides, and records whose unit is unknown."""

import numpy as np
import pytest

from models.seismic.discriminants.magnitude_differences import (
    DISPLACEMENT_SHIFT,
    MAX_LOG_RATIO,
    UNIT_PRIORS,
    weigh_displacement,
    weigh_explosion_magnitudes,
    weigh_force_magnitudes,
)
from models.seismic.discriminants.station_magnitudes import StationMagnitudes


def make_stations(body=np.nan, local=np.nan, slope=-1.0, count=8, *, detected=True):
    return [StationMagnitudes(4.0, 4.0 + body, 4.0 + local, detected, slope, detected) for _ in range(count)]


def test_explosions_have_more_p_than_rayleigh_waves():
    assert weigh_explosion_magnitudes(make_stations(body=1.3), 0.0) > 1.5
    assert weigh_explosion_magnitudes(make_stations(body=0.2), 0.0) < -1.0
    assert weigh_explosion_magnitudes(make_stations(body=1.3, count=2), 0.0) == 0.0


def test_records_of_displacement_are_corrected_and_an_unknown_unit_weakens_the_evidence():
    stations = make_stations(body=1.3 - DISPLACEMENT_SHIFT)
    assert weigh_explosion_magnitudes(stations, 1.0) == pytest.approx(weigh_explosion_magnitudes(make_stations(body=1.3), 0.0))
    assert abs(weigh_explosion_magnitudes(stations, 0.5)) < weigh_explosion_magnitudes(stations, 1.0)


def test_a_landslide_has_no_waves_near_1_hz():
    assert weigh_force_magnitudes(make_stations(local=-0.8, detected=False), 0.0) > 3.5
    assert weigh_force_magnitudes(make_stations(local=0.8, detected=False), 0.0) < 1.0
    assert weigh_force_magnitudes(make_stations(local=-0.8, detected=False, count=2), 0.0) is None


def test_waves_near_1_hz_as_large_as_those_of_earthquakes_speak_against_a_landslide():
    assert weigh_force_magnitudes(make_stations(local=0.8), 0.0) == -MAX_LOG_RATIO
    assert weigh_force_magnitudes(make_stations(local=3.0), 0.0) == -MAX_LOG_RATIO
    assert weigh_force_magnitudes(make_stations(local=-1.2), 0.0) > 3.5
    assert weigh_force_magnitudes(make_stations(body=0.4), 0.0) < -1.5
    assert weigh_force_magnitudes(make_stations(body=-1.2), 0.0) is None  # P of a great earthquake is as small
    assert weigh_force_magnitudes(make_stations(body=0.4, detected=False), 0.0) is None
    lacking = make_stations(local=-0.8, detected=False)
    assert weigh_force_magnitudes([*lacking, *make_stations(body=0.4)], 0.0) < weigh_force_magnitudes(lacking, 0.0)


def test_the_noise_decides_between_velocity_and_displacement_where_a_response_was_removed():
    prior = UNIT_PRIORS["ground motion"]
    assert weigh_displacement(make_stations(slope=-1.0), prior) < 0.1
    assert weigh_displacement(make_stations(slope=-2.0), prior) > 0.9
    assert weigh_displacement(make_stations(slope=np.nan), prior) == prior
    assert weigh_displacement(make_stations(slope=-2.0), UNIT_PRIORS["response"]) == 0.0
    assert weigh_displacement(make_stations(slope=-3.6), prior) is None
