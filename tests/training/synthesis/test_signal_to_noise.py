"""The signal-to-noise ratio is a peak over a noise level, and NaN where either is missing."""

import numpy as np
import pytest

from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from training.synthesis.signal_to_noise import signal_to_noise


def gather(noise, signal):
    """One trace of 40 minutes at 60 degrees: noise of that root mean square, from P on a wave of that height."""
    samples = noise * np.where(np.arange(2400) % 2, 1.0, -1.0)
    samples[900:] += signal * (np.arange(1500) == 300)
    return Gather((TraceId("IU", "ANMO", "", "BHZ"),), 0.0, 1.0, samples[None].astype(np.float32), np.array([0.0]), np.array([60.0]))


def test_snr_is_the_peak_over_the_noise_before_the_first_arrival():
    origin_s = 900.0 - 610.0
    assert signal_to_noise(gather(1.0, 11.0), np.array([60.0]), 0.0, origin_s)[0] == pytest.approx(10.0, abs=2.0)
    assert np.isnan(signal_to_noise(gather(1.0, 11.0), np.array([60.0]), 0.0, -600.0)[0])
    assert np.isnan(signal_to_noise(gather(1.0, 11.0), np.array([np.nan]), 0.0, origin_s)[0])
