"""Bands between two periods, with flanks that ring little."""

import numpy as np

from models.array_types import Floats


def cosine_bandpass_gain(inside_octaves: Floats) -> Floats:
    """Gain of frequencies so many octaves inside a band (negative: outside): half at its edge, with cosine flanks a quarter octave wide."""
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.clip(0.5 + 4.0 * inside_octaves, 0.0, 1.0)))
