"""Coastlines keep their bends and lose their seams."""

import numpy as np
import pytest

from models.seismic.earth.land import is_land
from training.experiments.coastline import rasterize_land, remove_seams, simplify_lines
from workers.plots.coastline import coastline


def test_a_coast_keeps_its_bends_and_loses_its_seams():
    line = np.array([[0.0, 0.0], [1.0, 0.001], [2.0, 0.0], [2.0, 1.0]])
    assert simplify_lines(line, 0.05).tolist() == [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0]]
    ring = np.array([[170.0, 60.0], [180.0, 61.0], [180.0, 65.0], [170.0, 66.0], [170.0, 60.0]])
    assert [len(part) for part in remove_seams(ring)] == [2, 3]


def test_land_lies_inside_of_coasts_also_where_they_cross_the_date_line():
    """An island without seam at the date line, one that is an open line there, and a continent around the south pole."""
    island = np.array([[10.0, 20.0], [14.0, 20.0], [14.0, 25.0], [10.0, 25.0], [10.0, 20.0]])
    arcs = [np.array([[176.0, 60.0], [180.0, 61.0]]), np.array([[180.0, 65.0], [176.0, 66.0], [176.0, 60.0]])]
    south = np.array([[-180.0, -70.0], [-90.0, -65.0], [0.0, -60.0], [90.0, -65.0], [180.0, -70.0], [-180.0, -70.0]])

    land = rasterize_land([island, *arcs, south])

    assert land[66, 191]
    assert not land[66, 196]
    assert land[27, 358]
    assert not land[27, 1]
    assert land[-1].all()
    assert land.sum() == pytest.approx(4 * 5 + 4 * 5 + 360 * 25, rel=0.01)


def test_the_grid_of_land_is_that_of_the_coastline_of_the_maps():
    latitudes, longitudes = coastline()
    ends = np.flatnonzero(np.isnan(latitudes))
    lines = [line[np.isfinite(line[:, 0])] for line in np.split(np.stack((longitudes, latitudes), axis=1), ends)]

    land = rasterize_land([line for line in lines if len(line) > 1])

    rows, columns = np.indices(land.shape)
    assert np.array_equal(land, is_land(89.5 - rows, columns - 179.5))
