"""Shares of land along paths, against places that everybody knows."""

import numpy as np
import pytest

from models.seismic.earth.land import is_land, land_shares


def test_continents_are_land_and_oceans_are_sea():
    land = {
        "Paris": (48.9, 2.3),
        "the ice of Greenland": (72.0, -40.0),
        "South Pole": (-89.9, 10.0),
        "Chukotka": (67.5, -179.5),
        "Western Australia": (-25.0, 120.0),
    }
    sea = {
        "North Pole": (89.9, 0.0),
        "Pacific": (0.0, -150.0),
        "Atlantic": (30.0, -40.0),
        "off New York": (38.0, -60.0),
        "Ross Sea": (-72.0, 180.0),
    }

    assert [name for name, place in land.items() if not is_land(*place)] == []
    assert [name for name, place in sea.items() if is_land(*place)] == []


def test_three_tenths_of_the_earth_are_land():
    """29.2 % with all islands."""
    random = np.random.default_rng(3)
    latitudes, longitudes = np.degrees(np.arcsin(random.uniform(-1.0, 1.0, 20000))), random.uniform(-180.0, 180.0, 20000)

    assert is_land(latitudes, longitudes).mean() == pytest.approx(0.29, abs=0.015)


def test_a_path_has_the_land_between_its_ends():
    """From Paris: to Moscow, to the middle of the Atlantic, to Boston, and to itself."""
    shares = land_shares(48.9, 2.3, [55.8, 15.0, 42.4, 48.9], [37.6, -35.0, -71.1, 2.3])

    assert shares[0] > 0.9
    assert 0.1 < shares[1] < 0.5
    assert 0.1 < shares[2] < 0.4
    assert shares[3] == 1.0
    assert land_shares(0.0, -150.0, [10.0], [-170.0])[0] == 0.0
    assert land_shares(66.0, 165.0, [67.0], [-176.0])[0] > 0.8, "Chukotka, over the date line"


def test_a_path_has_the_same_land_in_both_directions():
    there, back = land_shares(-33.9, 18.4, [51.5], [-0.1]), land_shares(51.5, -0.1, [-33.9], [18.4])

    assert there == pytest.approx(back, abs=0.02)
