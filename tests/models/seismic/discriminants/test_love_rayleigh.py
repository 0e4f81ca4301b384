"""Love against Rayleigh waves: what explosions and double couples excite, and how often one is taken for the other."""

import numpy as np
import pytest

from models.analysis.event_class import MIN_CLASS_PROBABILITY, PRIOR_EXPLOSION_ODDS
from models.seismic.discriminants.love_rayleigh import (
    COMMON_SIGMA,
    MAX_LOG_RATIO,
    STATION_SIGMA,
    WaveRatio,
    measure_love_ratio,
    predict_ratios,
    weigh_explosion,
)
from models.seismic.earth.random_sources import SOURCES
from models.seismic.earth.surface_wave_excitation import excite_waves
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Horizontals, Record

EVERYWHERE = np.radians(np.arange(0.0, 360.0, 45.0))
TO_DOUBT = np.log((1.0 - MIN_CLASS_PROBABILITY) / MIN_CLASS_PROBABILITY / PRIOR_EXPLOSION_ODDS)
"""Log likelihood ratio from which an earthquake by all other evidence is undetermined."""


def excite(tensor, depth_km=10.0, crust=0.0):
    return excite_waves(np.array([tensor]), np.array([depth_km]), np.array([crust]), EVERYWHERE)


def test_an_explosion_excites_rayleigh_waves_in_all_directions_and_no_love_waves():
    rayleigh, love = excite([1.0, 1.0, 1.0, 0.0, 0.0, 0.0], 1.0)
    np.testing.assert_allclose(rayleigh, rayleigh[0, 0])
    np.testing.assert_allclose(love, 0.0, atol=1e-9)


def test_a_vertical_strike_slip_source_has_four_lobes_of_love_waves_between_those_of_rayleigh_waves():
    rayleigh, love = excite([0.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    np.testing.assert_allclose(love[0, 1::2], 0.0, atol=1e-6)
    np.testing.assert_allclose(rayleigh[0, ::2], 0.0, atol=1e-6)
    assert love[0, 0] > 2.0 * rayleigh[0, 1]


def test_a_vertical_dip_slip_source_at_the_surface_excites_nothing():
    rayleigh, love = excite([0.0, 0.0, 0.0, 0.0, 1.0, 0.0], 0.0)
    assert max(rayleigh.max(), love.max()) < 1e-6


def weigh_drawn(kind, stations, draws, seed=2):
    """Evidence for an explosion of drawn sources, measured with the stated errors at random azimuths."""
    random = np.random.default_rng(seed)
    azimuths = random.uniform(0.0, 360.0, stations)
    predicted = predict_ratios(np.radians(azimuths), kind)[random.integers(SOURCES, size=draws)]
    errors = random.normal(0.0, STATION_SIGMA, predicted.shape) + random.normal(0.0, COMMON_SIGMA, (draws, 1))
    return np.array([weigh_explosion([WaveRatio(*pair) for pair in zip(row, azimuths, strict=True)]) for row in predicted + errors])


@pytest.mark.parametrize("stations", [3, 8])
def test_at_most_three_in_a_hundred_double_couples_are_doubted(stations):
    assert (weigh_drawn("earthquake", stations, draws=120) > TO_DOUBT).mean() <= 0.03


def test_two_in_five_explosions_are_doubted_at_eight_stations_and_mb_minus_ms_adds_to_it():
    found = weigh_drawn("explosion", 8, draws=60)
    assert (found > TO_DOUBT).mean() > 0.4
    assert found.max() <= MAX_LOG_RATIO
    ratios = [WaveRatio(-0.7, azimuth) for azimuth in (0.0, 90.0, 200.0)]
    assert weigh_explosion(ratios, 2.0) > weigh_explosion(ratios) + 1.0
    assert weigh_explosion(ratios, -9.0) > -1.0  # it may still be a collapse


def test_two_stations_say_nothing():
    assert weigh_explosion([WaveRatio(-1.0, 0.0), WaveRatio(-1.0, 90.0)]) == 0.0


def make_record(love, rayleigh, rate_hz=5.0, distance_km=500.0):
    """A station north of the source: packets of 15 s waves, Love on its east component, and noise before."""
    times = np.arange(-300.0, 400.0, 1.0 / rate_hz)
    noise = 0.01 * np.random.default_rng(0).normal(size=(3, len(times)))
    packets = [
        a * np.exp(-(((times - distance_km / u) / 30.0) ** 2)) * np.cos(2 * np.pi * times / 15.0) for a, u in ((rayleigh, 3.1), (love, 3.6))
    ]
    names = [TraceId("XX", "S", "", f"BH{component}") for component in "ZNE"]
    pair = Horizontals((names[1], names[2]), np.float32([0.7 * packets[0] + noise[1], packets[1] + noise[2]]), (0.0, 90.0))
    return Record(names[0], -300.0, rate_hz, (packets[0] + noise[0]).astype(np.float32), 4.5, 0.0, horizontals=pair)


def test_the_ratio_is_that_of_the_transverse_to_the_vertical_amplitude():
    found = measure_love_ratio(make_record(love=2.0, rayleigh=1.0), 4.5, (0.0, 180.0), 0.0, 70.0)
    assert found.log_ratio == pytest.approx(np.log10(2.0), abs=0.05)
    assert not found.is_bound


def test_a_love_wave_below_the_noise_bounds_the_ratio_and_a_bound_is_weaker_evidence_against_an_explosion():
    assert measure_love_ratio(make_record(love=0.0, rayleigh=1.0), 4.5, (0.0, 180.0), 0.0, 70.0).is_bound
    measured, bounds = ([WaveRatio(0.1, azimuth, is_bound) for azimuth in (0.0, 70.0, 150.0, 220.0)] for is_bound in (False, True))
    assert weigh_explosion(measured) < weigh_explosion(bounds)


def test_nothing_is_measured_without_horizontals_or_without_a_rayleigh_wave():
    record = make_record(love=2.0, rayleigh=0.001)
    assert measure_love_ratio(record, 4.5, (0.0, 180.0), 0.0, 70.0) is None
    assert measure_love_ratio(make_record(1.0, 1.0), 0.5, (0.0, 180.0), 0.0, 70.0) is None
