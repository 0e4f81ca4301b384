"""Synthetic paths run through the Earth of their land or sea, or PREM."""

import numpy as np
import pytest

from models.seismic.source.greens_tables import DEPTHS_KM
from models.specs.pictures import DISTANCE_SECTION
from training.config import load_recipe
from training.earth.greens import FULL_STORES, GreensConfig
from training.experiments.source.mixed_paths import DECKS, PREM_SHARE, draw_path_earths
from training.lookup_tables.source_greens import make_tables_config


def test_paths_below_land_are_never_oceanic_and_those_below_the_sea_never_continental():
    shares = np.repeat((0.0, 0.3, 1.0), 4000)

    earths = draw_path_earths(shares, np.random.default_rng(5)).reshape(3, -1)

    parts = np.array([np.bincount(row, minlength=len(DECKS)) for row in earths]) / earths.shape[1]
    assert DECKS[1:] == ("continental", "oceanic")
    assert parts[:, 0] == pytest.approx(PREM_SHARE, abs=0.03)
    assert parts[0, 1] == parts[2, 2] == 0.0
    assert parts[1, 1:] == pytest.approx([0.3 * (1.0 - PREM_SHARE), 0.7 * (1.0 - PREM_SHARE)], abs=0.03)


def test_events_for_sections_have_the_short_waves_that_sections_show_and_the_tables_lack():
    recipes = [load_recipe(name, GreensConfig) for name in FULL_STORES]
    middle_s = [band.shortest_period_s * band.longest_period_s for band in DISTANCE_SECTION.bands]
    shown_mhz = 1000.0 / min(middle_s) ** 0.5

    assert make_tables_config(DECKS[0]).highest_frequency_mhz < shown_mhz < min(one.highest_frequency_mhz for one in recipes)
    assert {one.deck for one in recipes} == set(DECKS)
    assert sum(depth in DEPTHS_KM for depth in recipes[0].depths_km) == 2, "depths between those of the table count"
