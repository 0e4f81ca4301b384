"""Synthetic paths run through the Earth of their land or sea, or PREM."""

import numpy as np
import pytest

from training.experiments.source.mixed_paths import DECKS, PREM_SHARE, draw_path_earths


def test_paths_below_land_are_never_oceanic_and_those_below_the_sea_never_continental():
    shares = np.repeat((0.0, 0.3, 1.0), 4000)

    earths = draw_path_earths(shares, np.random.default_rng(5)).reshape(3, -1)

    parts = np.array([np.bincount(row, minlength=len(DECKS)) for row in earths]) / earths.shape[1]
    assert DECKS[1:] == ("continental", "oceanic")
    assert parts[:, 0] == pytest.approx(PREM_SHARE, abs=0.03)
    assert parts[0, 1] == parts[2, 2] == 0.0
    assert parts[1, 1:] == pytest.approx([0.3 * (1.0 - PREM_SHARE), 0.7 * (1.0 - PREM_SHARE)], abs=0.03)
