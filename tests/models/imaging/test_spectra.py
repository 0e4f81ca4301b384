import numpy as np
import pytest

from models.imaging.spectra import BLOCK, band_wiggles, bandpass_gain, wiggle_step
from models.imaging.style import Band

BANDS = (Band(shortest_period_s=12.0, longest_period_s=25.0), Band(shortest_period_s=50.0, longest_period_s=120.0))


def test_the_pass_band_is_one_inside_a_half_at_the_corners_and_zero_beyond():
    gain = bandpass_gain(1.0 / np.array([1000.0, 142.0, 100.0, 50.0, 20.0, 10.0, 7.0, 1.0]), 10.0, 100.0)
    assert gain == pytest.approx([0, 0, 0.5, 1, 1, 0.5, 0, 0], abs=1e-3)


def test_neighboring_bands_add_up_to_one():
    frequencies_hz = np.geomspace(0.001, 1.0, 500)
    total = bandpass_gain(frequencies_hz, 10.0, 30.0) + bandpass_gain(frequencies_hz, 30.0, 100.0)
    assert total == pytest.approx(bandpass_gain(frequencies_hz, 10.0, 100.0), abs=1e-12)


def test_zero_frequency_is_removed():
    assert bandpass_gain(np.zeros(1), 10.0, 100.0) == [0.0]


@pytest.mark.parametrize("samples", [576, 600, 601, 5760])
def test_the_step_divides_the_samples_and_keeps_four_per_period(samples):
    for band in BANDS:
        step = wiggle_step(samples, 1.0, band)
        assert samples % step == 0
        assert step * 4 <= max(4.0, band.shortest_period_s / np.sqrt(2))


def test_each_band_contains_the_wave_of_its_period():
    times_s = np.arange(1440)
    waves = [np.sin(2 * np.pi * times_s / period_s) for period_s in (18.0, 80.0)]
    bands = band_wiggles(np.array([waves[0] + waves[1]], np.float32), 1.0, BANDS)
    for wave, filtered, band in zip(waves, bands, BANDS, strict=True):
        assert filtered[0] == pytest.approx(wave[:: wiggle_step(1440, 1.0, band)], abs=5e-3)


def test_the_filtered_trace_does_not_depend_on_other_traces():
    traces = np.random.default_rng(1).standard_normal((BLOCK, 600)).astype(np.float32)
    together = band_wiggles(traces, 1.0, BANDS)
    for k in range(BLOCK):
        single = band_wiggles(traces[k : k + 1], 1.0, BANDS)
        assert all(np.array_equal(a[0], t[k]) for a, t in zip(single, together, strict=True))
