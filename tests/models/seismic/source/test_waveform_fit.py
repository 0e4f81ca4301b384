"""Waveforms of a fit as they are drawn."""

import numpy as np
import pytest

from models.seismic.source.observations import Spectrum
from models.seismic.source.waveform_fit import _compare


@pytest.mark.parametrize(("polarity", "correlation"), [(1.0, 1.0), (-1.0, 0.0), (1.0, 0.0)])
def test_a_window_without_correlation_has_no_synthetic(polarity, correlation):
    """One of opposite polarity would be drawn upside down, as a fit, and one that is not used as if it were."""
    random = np.random.default_rng(5)
    modeled = random.standard_normal(40) + 1j * random.standard_normal(40)
    frequencies_hz = np.arange(4, 44) / 1000.0
    spectrum = Spectrum(frequencies_hz, polarity * 3.0 * modeled, np.ones(40), 1000.0, 0.0, 1.0, 10.0, 1.0)
    window = _compare(spectrum, modeled, np.array([2.0, correlation, 1.0]), 0.0, 300.0, 1.0)
    assert window.observed.any()
    assert window.synthetic == pytest.approx(window.observed if correlation else np.zeros(120))
    assert (window.amplitude > 0.0) == (correlation > 0.0)
