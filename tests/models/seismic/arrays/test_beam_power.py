"""Beam power of an array: weak plane waves, disturbed traces and steady coherent noise."""

import numpy as np
import pytest

from models.seismic.arrays.beam_power import BEAM_BANDS, measure_beam_power
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather

STATIONS, SECONDS = 10, 3600
SURFACE = 1
"""Index of the band of 20 to 50 s."""


@pytest.fixture
def network():
    random = np.random.default_rng(5)
    return random.uniform(-2.0, 2.0, (STATIONS, 2)), random.normal(size=(STATIONS, SECONDS)).astype(np.float32)


def make_gather(offsets_deg, samples):
    ids = tuple(TraceId("XX", f"S{n}", "", "LHZ") for n in range(len(samples)))
    return Gather(ids, 1.6e9, 1.0, samples.astype(np.float32), offsets_deg[:, 1].copy(), offsets_deg[:, 0].copy())


def surface_band(offsets_deg, samples):
    ((*_, surface),) = measure_beam_power(make_gather(offsets_deg, samples))
    return surface


def delayed(offsets_deg, wave):
    """A wave form of time that travels east with 30 s/deg, at each station."""
    return np.stack([wave(np.arange(SECONDS) - 30.0 * east) for east, _ in offsets_deg])


def test_a_plane_wave_too_weak_for_single_traces_raises_the_beam(network):
    offsets_deg, noise = network
    wave = delayed(offsets_deg, lambda t: 0.5 * np.exp(-(((t - 1800.0) / 60.0) ** 2)) * np.sin(2 * np.pi * t / 30.0))
    assert surface_band(offsets_deg, noise + wave).contrast > surface_band(offsets_deg, noise).contrast + 1.0


def test_one_disturbed_trace_does_not_raise_the_beam(network):
    offsets_deg, noise = network
    disturbed = noise.copy()
    disturbed[3, 1500:1700] += 500.0 * np.sin(2 * np.pi * np.arange(200) / 30.0)
    assert surface_band(offsets_deg, disturbed).contrast < surface_band(offsets_deg, noise).contrast + 0.3


def test_steady_coherent_noise_does_not_raise_the_beam(network):
    offsets_deg, noise = network
    steady = noise + delayed(offsets_deg, lambda t: np.sin(2 * np.pi * t / 30.0))
    assert surface_band(offsets_deg, steady).contrast < surface_band(offsets_deg, noise).contrast + 0.3


def test_longer_records_and_wider_arrays_have_more_trials(network):
    offsets_deg, noise = network
    base = surface_band(offsets_deg, noise)
    assert surface_band(offsets_deg, noise[:, :2400]).trials < base.trials
    assert surface_band(0.5 * offsets_deg, noise).trials < base.trials
    assert base.stations == STATIONS


def test_three_stations_or_short_records_have_no_beam(network):
    offsets_deg, noise = network
    assert measure_beam_power(make_gather(offsets_deg[:3], noise[:3])) == ()
    assert measure_beam_power(make_gather(offsets_deg, noise[:, :300])) == ((None,) * len(BEAM_BANDS),)


def test_where_records_begin_one_after_another_a_beam_of_more_of_them_is_no_wave(network):
    offsets_deg, noise = network
    staggered = np.full((STATIONS, 440), np.nan, np.float32)
    for station, row in enumerate(staggered):
        row[30 * station : 30 * station + 170] = noise[station, :170]
    ((body, _),) = measure_beam_power(make_gather(0.1 * offsets_deg, staggered))
    assert body is None
