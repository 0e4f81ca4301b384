"""How deep earthquakes are known to go, and what that makes of a depth that is hardly resolved."""

import numpy as np

from models.seismic.association.grid_scan import log_depth_prior
from models.seismic.earth.maximum_depth import maximum_depth_km
from models.seismic.geodesy import unit_vectors


def at(*places: tuple[float, float]) -> np.ndarray:
    return unit_vectors(np.array([lat for lat, _ in places]), np.array([lon for _, lon in places]))


def test_slabs_are_deep_and_shields_are_not():
    tonga, peru, scotland, greenland = maximum_depth_km(at((-21.0, -179.0), (-9.0, -71.0), (56.0, -4.0), (72.0, -40.0)))
    assert tonga > 600
    assert peru > 500
    assert scotland < 50
    assert greenland < 50


def test_poles_and_the_date_line_have_a_place_in_the_table():
    assert np.isfinite(maximum_depth_km(at((90.0, 0.0), (-90.0, 0.0), (0.0, 180.0), (0.0, -180.0)))).all()


def test_the_prior_is_a_density_and_rules_out_the_deep_where_nothing_is_known():
    depths = np.arange(0.5, 2000.0)
    tonga, scotland = np.exp(log_depth_prior(depths, at((-21.0, -179.0), (56.0, -4.0)))).T
    assert 0.9 < tonga[:700].sum() < 1.1
    assert 0.7 < scotland[:700].sum() < 1.1
    assert tonga[600] > 50 * scotland[600]
    assert scotland[10] > 1000 * scotland[600]
