"""Magnitudes at one record: their difference needs no gain, their shape knows displacement from velocity."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.fft import irfft, rfftfreq

from models.seismic.discriminants.station_magnitudes import MEAN_NOISE_DB, NOISE_FREQUENCIES_HZ, measure_magnitudes
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record, Response

DISTANCE_DEG, RATE_HZ = 5.0, 10.0
TIMES = np.arange(-400.0, 500.0, 1.0 / RATE_HZ)


def make_noise(exponent, seed=0):
    """Noise of Peterson's mean acceleration spectrum times frequency to the exponent, in a unit of no meaning."""
    random, frequencies = np.random.default_rng(seed), rfftfreq(len(TIMES), 1.0 / RATE_HZ)
    positive = np.maximum(frequencies, frequencies[1])
    level = 10.0 ** (np.interp(np.log10(positive), np.log10(NOISE_FREQUENCIES_HZ), MEAN_NOISE_DB) / 20.0) * positive**exponent
    return irfft(level * (random.normal(size=len(level)) + 1j * random.normal(size=len(level))), len(TIMES))


def make_record(short=1.0, long=1.0, exponent=-1.0, channel="BHZ", noise=1e3):
    """P of 1 Hz at 75 s and a Rayleigh wave of 20 s at 3 km/s, both of these velocity amplitudes."""
    p = short * np.exp(-(((TIMES - 78.0) / 3.0) ** 2)) * np.sin(2.0 * np.pi * TIMES)
    rayleigh = long * np.exp(-(((TIMES - DISTANCE_DEG * KM_PER_DEGREE / 3.0) / 40.0) ** 2)) * np.sin(2.0 * np.pi * TIMES / 20.0)
    samples = p + rayleigh + noise * make_noise(exponent)
    return Record(TraceId("XX", "S", "", channel), -400.0, RATE_HZ, samples.astype(np.float32), 0.0, 0.0)


def test_the_difference_of_magnitudes_follows_the_amplitudes_and_not_the_gain():
    one, amplified = (
        measure_magnitudes(replace(make_record(), samples=factor * make_record().samples), DISTANCE_DEG, 10.0, 0.0) for factor in (1, 1e4)
    )
    small = measure_magnitudes(make_record(short=0.1), DISTANCE_DEG, 10.0, 0.0)
    assert amplified.body_wave - amplified.surface_wave == pytest.approx(one.body_wave - one.surface_wave, abs=0.01)
    assert amplified.body_wave - one.body_wave == pytest.approx(4.0, abs=0.01)
    assert one.body_wave - small.body_wave == pytest.approx(1.0, abs=0.05)


def test_mb_and_ms_have_the_published_values():
    """Displacement of 1 Hz is 1/(2 pi) of velocity, mb = log A + 2.4 log D - 3.95; Ms after Russell, whose filter passes 20 s."""
    found = measure_magnitudes(make_record(), DISTANCE_DEG, 10.0, 0.0)
    kilometers = DISTANCE_DEG * KM_PER_DEGREE
    assert found.body_wave == pytest.approx(np.log10(1e9 / (2.0 * np.pi)) + 2.4 * np.log10(kilometers) - 3.95, abs=0.1)
    width = 0.6 / (20.0 * np.sqrt(DISTANCE_DEG))
    path = 0.5 * np.log10(np.sin(np.radians(DISTANCE_DEG))) + 0.0031 * DISTANCE_DEG - np.log10(width) - 0.43
    assert found.surface_wave == pytest.approx(np.log10(1e9 * 20.0 / (2.0 * np.pi)) + path, abs=0.1)


@pytest.mark.parametrize("exponent", [-1.0, -2.0])
def test_the_slope_of_the_noise_knows_velocity_from_displacement(exponent):
    found = measure_magnitudes(make_record(exponent=exponent, noise=1e2), DISTANCE_DEG, 10.0, 0.0)
    assert found.noise_slope == pytest.approx(exponent, abs=0.3)


def test_a_wave_near_1_hz_below_the_noise_is_not_detected_and_gives_an_upper_bound():
    found = measure_magnitudes(make_record(short=0.0, noise=1e5), DISTANCE_DEG, 10.0, 0.0)
    assert not found.body_detected
    assert not found.local_detected
    assert np.isfinite([found.body_wave, found.local]).all()


@pytest.mark.parametrize(("origin_error_s", "distance_error_km"), [(40.0, 0.0), (0.0, 110.0)])
def test_a_wave_later_than_lg_by_the_error_of_the_origin_is_detected(origin_error_s, distance_error_km):
    """Lg is expected until 199 s; the wave arrives at 250 s."""
    record = make_record(short=0.0, noise=1e5)
    late = 10.0 * np.exp(-(((TIMES - 250.0) / 3.0) ** 2)) * np.sin(2.0 * np.pi * TIMES)
    record = replace(record, samples=(record.samples + late).astype(np.float32))
    assert not measure_magnitudes(record, DISTANCE_DEG, 10.0, 0.0).local_detected
    assert measure_magnitudes(record, DISTANCE_DEG, 10.0, 0.0, origin_error_s, distance_error_km).local_detected


def test_a_wave_within_the_last_minute_before_the_expected_p_does_not_hide_lg():
    record = make_record(short=0.0)
    waves = [np.exp(-(((TIMES - time_s) / 4.0) ** 2)) * np.sin(2.0 * np.pi * TIMES) for time_s in (40.0, 150.0)]
    record = replace(record, samples=(record.samples + waves[0] + 1.5 * waves[1]).astype(np.float32))
    assert measure_magnitudes(record, DISTANCE_DEG, 10.0, 0.0).local_detected


def test_channels_of_unknown_shape_or_without_1_hz_are_left_out_unless_their_response_is_known():
    assert measure_magnitudes(make_record(channel="SHZ"), DISTANCE_DEG, 10.0, 0.0) is None
    flat = Response(np.array([1e-3, 10.0]), np.array([1e9, 1e9], np.complex128))
    known = measure_magnitudes(replace(make_record(channel="SHZ"), response=flat), DISTANCE_DEG, 10.0, 0.0)
    assert known.surface_wave == pytest.approx(measure_magnitudes(make_record(), DISTANCE_DEG, 10.0, 0.0).surface_wave - 9.0, abs=0.01)
    slow = replace(make_record(), sampling_rate_hz=1.0)
    assert measure_magnitudes(slow, DISTANCE_DEG, 10.0, 0.0) is None
