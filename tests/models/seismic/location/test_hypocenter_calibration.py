"""Factors on depth and origin time are read from a card by method and number of effective stations."""

import pytest

from models.seismic.location.hypocenter_calibration import HYPOCENTER_KEY, HypocenterScales, read_hypocenter_scales


def test_factors_are_those_of_the_class_of_the_geometry():
    by_stations = {"quantity": "effective_stations", "bounds": [6.0], "time": [1.0, 2.0], "depth": [3.0, 4.0], "events": [40, 50]}
    by_distance = by_stations | {"quantity": "median_distance_deg", "bounds": [12.0]}
    card = {HYPOCENTER_KEY: {"distances": by_stations, "distances+arrival-times": by_distance}}
    near_many = {"effective_stations": 6.0, "median_distance_deg": 2.0}
    assert read_hypocenter_scales(card, "distances").at(near_many) == (2.0, 4.0)
    assert read_hypocenter_scales(card, "distances+arrival-times").at(near_many) == (1.0, 3.0)
    assert read_hypocenter_scales(card, "distances+arrival-times").at({"median_distance_deg": float("nan")}) == (2.0, 4.0)
    assert read_hypocenter_scales(card, "surface-wave-stack").at(near_many) == (1.0, 1.0)


STATIONS = "effective_stations"


@pytest.mark.parametrize(
    "bad",
    [
        (STATIONS, (6.0,), (1.0,), (1.0, 1.0)),
        (STATIONS, (6.0, 5.0), (1.0,) * 3, (1.0,) * 3),
        (STATIONS, (), (0.0,), (1.0,)),
        ("magnitude", (), (1.0,), (1.0,)),
    ],
)
def test_factors_that_make_no_sense_are_refused(bad):
    with pytest.raises(ValueError, match="hypocenter scales"):
        HypocenterScales(*bad)
