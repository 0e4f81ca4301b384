"""The density of the depths of cataloged earthquakes."""

import numpy as np

from tests.support.known_depths import find_median_km
from training.lookup_tables.earthquake_depths import smooth_depths
from training.synthesis.catalogs import ASSUMED_KM


def test_depths_that_catalogs_do_not_resolve_are_shallow_ones_and_others_stay():
    shallow, assumed, deep = smooth_depths(np.array([12.0, ASSUMED_KM, 400.0]))
    np.testing.assert_array_equal(shallow, assumed)
    assert shallow[0] == shallow.max(), "as likely at the surface as anywhere"
    assert 8.0 < find_median_km(shallow) < 18.0
    assert abs(find_median_km(deep) - 400.0) < 10.0
