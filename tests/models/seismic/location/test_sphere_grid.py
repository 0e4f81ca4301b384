"""The grid covers the sphere evenly, and the pruned search loses nothing."""

import numpy as np
import pytest

from models.seismic.geodesy import destination, distance_deg
from models.seismic.location import distance_posterior, distances
from models.seismic.location.solution import StationDistances
from models.seismic.location.sphere_grid import sphere_grid


def test_each_node_belongs_to_one_coarse_node_near_it():
    grid = sphere_grid()
    assert np.array_equal(np.sort(grid.members), np.arange(grid.nodes.shape[1]))
    cells = np.repeat(np.arange(grid.coarse.shape[1]), np.diff(grid.first))
    cosines = np.sum(grid.coarse[:, cells] * grid.nodes[:, grid.members], axis=0)
    assert np.degrees(np.arccos(np.minimum(cosines, 1.0))).max() < 2.5


def test_neighbors_are_mutual():
    grid = sphere_grid()
    pairs = {(node, other) for node, others in enumerate(grid.neighbors[:2000].tolist()) for other in others if other < 2000}
    assert all((other, node) in pairs for node, other in pairs)


def test_two_polar_caps_are_two_connected_components():
    grid = sphere_grid()
    chosen = np.flatnonzero(np.abs(grid.latitudes) > 80.0)
    labels = grid.label_connected(chosen)
    assert labels.max() == 1
    assert len(np.unique(labels[grid.latitudes[chosen] > 0])) == 1


@pytest.mark.parametrize("seed", range(12))
def test_the_pruned_search_keeps_every_node_that_the_full_one_keeps(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 40))
    azimuths = rng.uniform(0.0, rng.choice([20.0, 180.0, 360.0]), count)
    lats, lons = destination(-30.0, 175.0, azimuths, rng.uniform(5.0, 140.0, count))
    stated = np.exp(rng.uniform(np.log(0.1), np.log(6.0), count))
    measured = distance_deg(-30.0, 175.0, lats, lons) + rng.normal(0.0, stated)
    measured[: count // 5] = rng.uniform(0.0, 180.0, count // 5)
    pruned = distances.locate_by_distances(StationDistances(lats, lons, measured, stated))
    data = distances.prepare_distances(StationDistances(lats, lons, measured, stated))
    near, density = distance_posterior._SphereDensity(data, edge_log_drop=-1e9).scan(sphere_grid())
    assert len(near) == sphere_grid().nodes.shape[1]
    best = near[np.argmax(density)]
    kept, log_mass = distance_posterior._SphereDensity(data).scan(sphere_grid())
    assert best in kept
    assert np.array_equal(kept, near[density > log_mass.min() - 1e-6])
    assert pruned.probability > 0.0
