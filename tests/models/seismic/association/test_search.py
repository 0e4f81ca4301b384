"""Steps of the search for the source that explains most picks."""

import numpy as np

from models.seismic.association.grid_scan import GridScan, TrialSource
from models.seismic.association.search import GridLevel, _suppress_non_maxima, grid_search_step, refine_source, search_near, uniform_prior
from models.seismic.geodesy import KM_PER_DEGREE, geocentric
from models.seismic.location.sphere_grid import points_at_offsets
from tests.support.synthetic_picks import DEPTH_KM, SOURCE, teleseismic_candidates


def test_a_step_moves_to_the_node_nearest_to_the_event():
    data, truth = teleseismic_candidates(), geocentric(*SOURCE)
    start = TrialSource(points_at_offsets(truth, np.array([0.6]), np.array([-0.8]))[0], DEPTH_KM, -data.clock_s, 0.0)
    nodes = points_at_offsets(start.point, *(offset.ravel() for offset in np.meshgrid(0.4 * np.arange(-3, 4), 0.4 * np.arange(-3, 4))))
    found = grid_search_step(data, start, uniform_prior, GridLevel(0.4, 30.0, 1.0), (DEPTH_KM,))
    np.testing.assert_allclose(found.point, nodes[np.argmax(nodes @ truth)], atol=1e-9)
    assert found.score > 50.0


def test_a_prior_is_added_to_the_score_of_a_step():
    data, level = teleseismic_candidates(), GridLevel(0.4, 30.0, 1.0)
    start = TrialSource(geocentric(*SOURCE), DEPTH_KM, -data.clock_s, 0.0)
    score = grid_search_step(data, start, uniform_prior, level, (DEPTH_KM,)).score
    moved = grid_search_step(data, start, lambda nodes: np.full(len(nodes), 2.5), level, (DEPTH_KM,))
    assert np.isclose(moved.score - score, 2.5)


def test_a_source_near_a_start_is_refined_to_the_event():
    data = teleseismic_candidates()
    source = refine_source(data, search_near(data, uniform_prior, [geocentric(41.0, 140.5)])[0], uniform_prior)
    assert np.degrees(np.arccos(source.point @ geocentric(*SOURCE))) * KM_PER_DEGREE < 15.0


def test_of_neighboring_nodes_only_the_best_is_a_maximum():
    nodes = points_at_offsets(geocentric(*SOURCE), np.array([0.0, 1.0, 10.0, 20.0]), np.zeros(4))
    scan = GridScan(np.array([[2.0, 5.0, 3.0, -1.0], [1.0, 4.0, 3.5, -2.0]]), np.arange(8.0).reshape(2, 4), np.full((2, 4), np.nan))
    sources = _suppress_non_maxima(nodes, (10.0, 50.0), scan, 2.0, 6)
    assert [(source.score, source.depth_km, source.time_s) for source in sources] == [(5.0, 10.0, 1.0), (3.5, 50.0, 6.0)]
