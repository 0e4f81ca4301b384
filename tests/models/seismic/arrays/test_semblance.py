"""Semblance and beam energies against plain numpy."""

import numpy as np

from models.seismic.arrays.semblance import beam_energies, detect_coherent_windows, energy_detection, window_hop


def test_beam_energies_are_those_of_shifted_sums():
    rng = np.random.default_rng(1)
    padded, shifts = rng.normal(size=(3, 60)).astype(np.float32), rng.integers(0, 10, (4, 3))
    count, width, hop = 50, 12, 5
    beams, energies = beam_energies(padded, shifts, count, width, hop)
    aligned = np.stack([[padded[n, shift : shift + count] for n, shift in enumerate(row)] for row in shifts])
    for window in range(beams.shape[1]):
        cut = aligned[:, :, window * hop : window * hop + width]
        np.testing.assert_allclose(beams[:, window], (cut.sum(axis=1) ** 2).sum(axis=-1), rtol=1e-5)
        np.testing.assert_allclose(energies[:, window], (cut**2).sum(axis=(1, 2)), rtol=1e-5)


def test_a_coherent_window_is_detected_at_its_time_and_slowness():
    rng = np.random.default_rng(2)
    offsets, slowness, times = rng.uniform(-2.0, 2.0, (8, 2)), np.array([10.0, -20.0]), np.arange(1000.0)
    delayed = times - (500.0 + offsets @ slowness)[:, None]
    traces = np.exp(-((delayed / 20.0) ** 2)) * np.cos(2.0 * np.pi * delayed / 25.0) + 0.05 * rng.normal(size=(8, 1000))
    detected = np.ones((1000 - 75 + window_hop(75) - 1) // window_hop(75), np.bool_)
    window, *_ = detect_coherent_windows(traces, offsets, 1.0, 75, (42.0, 4.0), detected)
    assert abs(window.first + 37 - 500) <= 40
    assert np.hypot(*(window.maxima[0][1] - slowness)) < 3.0


def test_energy_is_detected_where_half_of_the_traces_exceed_their_noise():
    traces = np.random.default_rng(3).normal(size=(5, 2000))
    traces[:3, 1000:1100] *= 4.0
    detected = np.flatnonzero(energy_detection(traces, 80)) * window_hop(80)
    assert len(detected) > 0
    assert np.all((detected > 900) & (detected < 1100))
