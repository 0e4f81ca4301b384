"""Records cut about P at simulated networks."""

import numpy as np

from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import distance_deg
from training.experiments.location.short_records import AFTER_S, BEFORE_S, SETTINGS, ShortResult, cut_picks, format_results
from training.experiments.location.simulated_networks import make_random_generator, simulate_network

WORLD = next(setting for setting in SETTINGS if setting.name == "world")


def test_records_are_cut_about_the_first_arrival_of_each_station():
    random = make_random_generator(WORLD, 1, 0)
    network = simulate_network(WORLD, random)
    picks = cut_picks(network, random)
    distances = distance_deg(*network.source, network.latitudes, network.longitudes)
    near = distances < 95.0
    starts = np.array([one.start_s for one in picks])
    np.testing.assert_allclose(starts[near], travel_time_s("P", distances, network.depth_km)[near] - BEFORE_S)
    for one in picks:
        assert abs(one.end_s - one.start_s - BEFORE_S - AFTER_S) < 1e-6
        assert np.all((one.times_s > one.start_s) & (one.times_s < one.end_s))


def test_coverage_counts_the_located_events_alone():
    inside = ShortResult("world", 20.0, 30.0, 0.5, 0.4, 0.5, 2.0)
    outside = ShortResult("world", 60.0, 30.0, 1.5, 0.9, 1.5, 0.2)
    (row, total) = format_results({"world": [inside, outside, None]})
    assert row[:5] == ("world", "3", "2", "40, 56", "30")
    assert row[5].startswith("50%")
    assert row[6].startswith("100%")
    assert total[0] == "all"
