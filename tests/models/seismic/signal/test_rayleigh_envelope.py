"""Peaks of the Rayleigh-wave envelope."""

import numpy as np

from models.seismic.signal.rayleigh_envelope import pick_envelope_peaks
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather


def test_a_wave_packet_is_picked_at_its_maximum_and_a_short_or_dead_trace_has_no_peaks():
    times = np.arange(3600.0)
    samples = np.random.default_rng(1).normal(size=(3, 3600)).astype(np.float32)
    samples[0] += (6.0 * np.exp(-(((times - 2000.0) / 60.0) ** 2)) * np.sin(2.0 * np.pi * times / 30.0)).astype(np.float32)
    samples[1, 150:] = np.nan
    samples[2] = 0.0
    nowhere = np.full(3, np.nan)
    found, short, dead = pick_envelope_peaks(Gather((TraceId("XX", "A", "", "LHZ"),) * 3, 1e9, 1.0, samples, nowhere, nowhere))
    assert abs(found.times_s[0] - 1e9 - 2000.0) < 15.0
    assert found.strengths[0] == found.strengths.max() > np.log(3.0)
    assert len(short.times_s) == len(dead.times_s) == 0
