"""What a source radiates toward a station, as components of Green's functions: against the rotated tensor."""

import numpy as np

from models.seismic.source.array_layout import LOVE
from models.seismic.source.mechanisms import tensor_matrix
from models.seismic.source.radiation import project_windows

TENSOR = np.array([0.7, -0.4, -0.3, 0.5, -0.8, 0.6])  # rr, tt, pp, rt, rp, tp


def test_love_waves_of_a_tensor_follow_its_components_across_the_path():
    """At an azimuth d = (0, -cos, sin) and c = (0, sin, cos) in up, south and east; off-diagonal components count twice."""
    for azimuth in np.radians([0.0, 35.0, 130.0, 290.0]):
        up = np.array([1.0, 0.0, 0.0])
        along = np.array([0.0, -np.cos(azimuth), np.sin(azimuth)])
        across = np.array([0.0, np.sin(azimuth), np.cos(azimuth)])
        matrix, found = tensor_matrix(TENSOR), np.zeros((3, 4))

        project_windows(TENSOR, float(azimuth), found)

        assert np.allclose(found[LOVE], [2.0 * up @ matrix @ across, 2.0 * along @ matrix @ across, 0.0, 0.0])
        assert np.allclose(found[1], [up @ matrix @ up, along @ matrix @ along, across @ matrix @ across, 2.0 * up @ matrix @ along])


def test_love_waves_of_a_force_follow_its_component_across_the_path():
    found = np.zeros((3, 2))
    project_windows(np.array([0.0, 1.0, 0.0]), np.pi / 2.0, found)  # to the north, seen from the east: c points south
    assert np.allclose(found[LOVE], [-1.0, 0.0])
