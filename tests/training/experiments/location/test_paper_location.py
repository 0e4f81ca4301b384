"""The paper's iteration finds a source of exact distances, and outliers mislead it."""

import numpy as np
import pytest

from training.experiments.location.paper_location import draw_distance_network, epicenter_error_km, locate_as_paper

pytestmark = pytest.mark.slow


def test_the_papers_iteration_finds_the_source_of_exact_distances_and_outliers_mislead_it():
    random = np.random.default_rng(2)
    exact = draw_distance_network(random, 30, 0.0, 0.0, 0.0)
    assert epicenter_error_km(*locate_as_paper(exact, random)) < 20.0
    with_outliers = [draw_distance_network(random, 10, 0.02, 0.1, 0.0) for _ in range(8)]
    assert np.median([epicenter_error_km(*locate_as_paper(network, random)) for network in with_outliers]) > 200.0
