"""The density of the depths of cataloged earthquakes."""

import numpy as np

from models.seismic.earth.earthquake_depths import DENSITY_DEPTHS_KM
from training.lookup_tables.earthquake_depths import ASSUMED_KM, smooth_depths


def find_median_km(density):
    steps = np.diff(DENSITY_DEPTHS_KM) * 0.5 * (density[1:] + density[:-1])
    return float(np.interp(0.5, np.concatenate(([0.0], np.cumsum(steps))), DENSITY_DEPTHS_KM))


def test_depths_that_catalogs_do_not_resolve_are_shallow_ones_and_others_stay():
    shallow, assumed, deep = smooth_depths(np.array([12.0, ASSUMED_KM, 400.0]))
    np.testing.assert_array_equal(shallow, assumed)
    assert shallow[0] == shallow.max(), "as likely at the surface as anywhere"
    assert 8.0 < find_median_km(shallow) < 18.0
    assert abs(find_median_km(deep) - 400.0) < 10.0
