"""
Pictures are those that the shipped models were trained on.

If one of these fails because the drawing was changed on purpose, raise EDITION in models/imaging/style.py (every artifact
trained before becomes unloadable) and write the golden files anew: `PYTHONPATH=. python tests/golden/draw.py`.
"""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

GOLDEN = Path(__file__).parents[2] / "golden"
STEPS = 3
MAX_FRACTION_BEYOND = 0.005


@pytest.fixture(scope="module")
def drawn():
    return runpy.run_path(str(GOLDEN / "draw.py"))


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN / "pictures.npz") as kept:
        return dict(kept)


def test_the_raster_is_the_same_byte_for_byte(drawn, golden):
    assert np.array_equal(drawn["raster"](), golden["raster"])


@pytest.mark.parametrize("name", ["amplitude", "frequency", "distance", "azimuth", "beam"])
def test_the_chain_from_record_to_picture_holds_within_three_of_255_steps(drawn, golden, name):
    """Fourier transforms of another processor round differently; half a percent of the pixels may differ by more."""
    picture = drawn["chain"]()[name]
    assert picture.shape == golden[name].shape
    assert np.mean(np.abs(picture.astype(int) - golden[name].astype(int)) > STEPS) <= MAX_FRACTION_BEYOND


def test_the_golden_pictures_are_not_empty(golden):
    assert all(0.02 < np.mean(picture > 0) <= 1.0 for picture in golden.values())


def test_edition_and_declared_styles_are_unchanged(drawn):
    assert drawn["fingerprints"]() == json.loads((GOLDEN / "fingerprints.json").read_text())
