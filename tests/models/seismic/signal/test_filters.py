"""Gains, phases and envelopes of the filters."""

import numpy as np
import pytest

from models.seismic.signal.filters import (
    FrequencyBand,
    PeriodBand,
    bandpass_causal,
    bandpass_causal_bands,
    bandpass_envelope,
    bandpass_quadrature,
    bandpass_zero_phase,
)

TIMES = np.arange(4000.0)
BAND = PeriodBand(20.0, 50.0)
MIDDLE = slice(1000, 3000)


def test_the_gain_is_one_inside_half_at_the_corners_and_zero_outside():
    frequencies = np.array([-0.03, 0.0, 1.0 / 65.0, 1.0 / 50.0, 1.0 / 30.0, 1.0 / 20.0, 1.0 / 15.0])
    np.testing.assert_allclose(BAND.gain(frequencies), [0.0, 0.0, 0.0, 0.5, 1.0, 0.5, 0.0], atol=1e-9)
    np.testing.assert_allclose(FrequencyBand(1.0 / 50.0, 1.0 / 20.0).gain(frequencies), BAND.gain(frequencies), atol=1e-9)


@pytest.mark.parametrize(("period_s", "gain"), [(30.0, 1.0), (10.0, 0.0), (100.0, 0.0)])
def test_a_sine_inside_the_band_passes_without_delay_and_others_are_removed(period_s, gain):
    sine, cosine = (function(2.0 * np.pi * TIMES / period_s) for function in (np.sin, np.cos))
    filtered, delayed = bandpass_quadrature(sine, 1.0, BAND)
    np.testing.assert_allclose(filtered[MIDDLE], gain * sine[MIDDLE], atol=0.02)
    np.testing.assert_allclose(delayed[MIDDLE], -gain * cosine[MIDDLE], atol=0.02)
    np.testing.assert_array_equal(filtered, bandpass_zero_phase(sine, 1.0, BAND))
    np.testing.assert_allclose(bandpass_envelope(sine, 1.0, BAND)[MIDDLE], gain, atol=0.02)


def test_the_causal_filter_has_no_output_before_its_input_and_none_for_a_constant():
    step = np.where(np.arange(500) >= 200, np.sin(np.arange(500)), 0.0)
    filtered = bandpass_causal(step, 10.0, 0.8, 2.0)
    assert not filtered[:200].any()
    assert np.abs(filtered[200:]).max() > 0.1
    np.testing.assert_allclose(bandpass_causal(np.full(100, 7.0), 10.0, 0.8, 2.0), 0.0, atol=1e-9)


@pytest.mark.parametrize("bands_hz", [[(0.8, 2.0)], [(2.0, 4.0), (0.8, 2.0), (0.3, 0.8), (0.03, 0.1)]])
def test_bands_filtered_at_once_are_those_filtered_one_by_one(bands_hz):
    components = np.random.default_rng(1).normal(3.0, 1.0, (2, 500))
    expected = [[bandpass_causal(component, 10.0, *band) for component in components] for band in bands_hz]
    np.testing.assert_allclose(bandpass_causal_bands(components, 10.0, bands_hz), expected, rtol=1e-12, atol=1e-12)


def test_no_band_is_filtered_where_none_is_given():
    assert bandpass_causal_bands(np.ones((1, 50)), 1.0, []).shape == (0, 1, 50)
