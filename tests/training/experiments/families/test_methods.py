"""Baselines measure what they say."""

import numpy as np

from training.experiments.families.methods import measure_spectra


def test_spectral_features_measure_period_and_duration():
    pictures = np.zeros((2, 2, 24, 32), np.uint8)
    pictures[0, 0, 3, 10:20] = 200
    pictures[1, 0, 3, 10] = 200
    long, short = measure_spectra(pictures)
    assert long[:24].argmax() == short[:24].argmax() == 3
    assert long[24 + 3] > short[24 + 3] > 0
