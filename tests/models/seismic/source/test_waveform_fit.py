"""Waveforms of a fit as they are drawn."""

import numpy as np
import pytest

from models.seismic.source.observations import Spectrum
from models.seismic.source.waveform_fit import _compare


@pytest.mark.parametrize("polarity", [1.0, -1.0])
def test_a_synthetic_of_opposite_polarity_is_zero_and_not_turned_over(polarity):
    """A negative gain would draw it as a fit, beside a correlation of zero."""
    random = np.random.default_rng(5)
    modeled = random.standard_normal(40) + 1j * random.standard_normal(40)
    frequencies_hz = np.arange(4, 44) / 1000.0
    spectrum = Spectrum(frequencies_hz, polarity * 3.0 * modeled, np.ones(40), 1000.0, 0.0, 1.0, 10.0, 1.0)
    window = _compare(spectrum, modeled, np.array([2.0, max(polarity, 0.0), 1.0]), 0.0, 300.0, 1.0)
    assert window.observed.any()
    assert window.synthetic == pytest.approx(window.observed if polarity > 0.0 else np.zeros(120))
    assert (window.amplitude > 0.0) == (polarity > 0.0)
