"""How deep earthquakes are known to occur."""

import numpy as np

from models.seismic.earth.maximum_depth import maximum_depth_km
from models.seismic.geodesy import unit_vectors


def test_slabs_are_deep_and_shields_are_not():
    tonga, peru, scotland, greenland = maximum_depth_km(unit_vectors([-21.0, -9.0, 56.0, 72.0], [-179.0, -71.0, -4.0, -40.0]))
    assert tonga > 600
    assert peru > 500
    assert scotland < 50
    assert greenland < 50


def test_poles_and_the_date_line_lie_in_a_cell_of_the_table():
    assert np.isfinite(maximum_depth_km(unit_vectors([90.0, -90.0, 0.0, 0.0], [0.0, 0.0, 180.0, -180.0]))).all()
