"""Factors on depth and origin time are read from a card by method and number of effective stations."""

import pytest

from models.seismic.location.hypocenter_calibration import HYPOCENTER_KEY, HypocenterScales, read_hypocenter_scales


def test_factors_are_those_of_the_class_of_effective_stations():
    card = {HYPOCENTER_KEY: {"distances": {"stations": [6.0], "time": [1.0, 2.0], "depth": [3.0, 4.0], "events": [40, 50]}}}
    scales = read_hypocenter_scales(card, "distances")
    assert (scales.at(5.9), scales.at(6.0)) == ((1.0, 3.0), (2.0, 4.0))
    assert read_hypocenter_scales(card, "surface-wave-stack").at(3.0) == (1.0, 1.0)


@pytest.mark.parametrize("bad", [((6.0,), (1.0,), (1.0, 1.0)), ((6.0, 5.0), (1.0,) * 3, (1.0,) * 3), ((), (0.0,), (1.0,))])
def test_factors_that_make_no_sense_are_refused(bad):
    with pytest.raises(ValueError, match="hypocenter scales"):
        HypocenterScales(*bad)
