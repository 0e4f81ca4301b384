"""Sources at simulated networks are located, and their alternatives are returned, as the service does."""

import pytest

from models.seismic.geodesy import distance_deg
from training.experiments.location.simulated_networks import (
    SETTINGS,
    locate_as_served,
    locate_simulated,
    make_random_generator,
    measure_setting,
    scales_to_contain,
    simulate_network,
)

pytestmark = pytest.mark.slow

ARRAY = next(setting for setting in SETTINGS if setting.name == "array at 30 to 95")


def test_the_source_that_explains_the_picks_of_an_array_is_found():
    """First arrivals alone leave a ridge of sources: 9 was located 2,200 km off, and 13 on the wrong side of the Earth."""
    for number in (9, 13):
        network = simulate_network(ARRAY, make_random_generator(ARRAY, 3407, number))
        solution = locate_simulated(network)
        assert solution is not None
        best = solution.regions[0]
        assert distance_deg(*network.source, best.latitude_deg, best.longitude_deg) < 7.0
        assert scales_to_contain(solution.regions, network.source)[1] <= 1.0


def test_a_far_array_has_the_solutions_with_and_without_its_arrival_times():
    network = simulate_network(ARRAY, make_random_generator(ARRAY, 3407, 0))
    regions, solution = locate_as_served(network)
    assert solution is not None
    assert regions[0].latitude_deg == solution.regions[0].latitude_deg
    assert regions[0].probability == pytest.approx(0.5 * solution.regions[0].probability)
    assert len(regions) > len(solution.regions)


def test_a_local_network_is_measured():
    name, events, accepted, *_ = measure_setting(SETTINGS[0], 1, 3407)
    assert (name, events) == ("local network", "1")
    assert int(accepted) <= 1
