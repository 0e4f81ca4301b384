"""A large network by some of its stations."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.distances import predict_distances
from models.analysis.refinement import refine_location
from models.analysis.station_subset import farthest_point_subset, predict_distances_on_subset, refine_on_subset
from models.seismic.geodesy import KM_PER_DEGREE, distance_deg
from models.seismic.location.distances import locate_by_distances
from tests.support.local_events import local_event


def ids(gather, rows):
    return {gather.trace_ids[row] for row in rows}


def test_a_small_network_is_left_whole(make_gather):
    assert farthest_point_subset(make_gather(traces=8), 8).tolist() == list(range(8))


def test_stations_are_spread_whatever_their_order(make_gather):
    gather = make_gather(traces=40)
    shuffled = gather.part(np.random.default_rng(1).permutation(40))
    chosen, again = farthest_point_subset(gather, 12), farthest_point_subset(shuffled, 12)
    assert len(chosen) == 12
    assert ids(gather, chosen) == ids(shuffled, again)
    apart = distance_deg(
        gather.latitudes_deg[chosen, None], gather.longitudes_deg[chosen, None], gather.latitudes_deg[chosen], gather.longitudes_deg[chosen]
    )
    every = distance_deg(gather.latitudes_deg[:, None], gather.longitudes_deg[:, None], gather.latitudes_deg, gather.longitudes_deg)
    assert np.sort(apart, axis=1)[:, 1].min() > 2.0 * np.median(np.sort(every, axis=1)[:, 1])


def test_dead_and_placeless_traces_are_not_chosen(make_gather):
    gather = make_gather(traces=20)
    latitudes, samples = gather.latitudes_deg.copy(), gather.samples.copy()
    latitudes[3], samples[5] = np.nan, np.nan
    assert not {3, 5} & set(farthest_point_subset(replace(gather, latitudes_deg=latitudes, samples=samples), 10).tolist())


@pytest.fixture(scope="module")
def found():
    """A network of forty, refined by all stations and by sixteen."""
    records, gather, readings = local_event(40)
    before = locate_by_distances(gather.latitudes_deg, gather.longitudes_deg, readings.distances_deg, readings.uncertainties_deg)
    return gather, refine_location(records, gather, readings, before), refine_on_subset(records, gather, readings, before, most=16)


def test_some_stations_find_what_all_do(found):
    _, whole, some = found
    assert some.method == whole.method == "offsets-and-times"
    places = [(one.location.latitude_deg, one.location.longitude_deg) for one in (whole, some)]
    assert distance_deg(*places[0], *places[1]) * KM_PER_DEGREE < 10.0


def test_what_is_said_of_traces_is_said_of_all_by_their_numbers_in_the_upload(found):
    gather, _, some = found
    assert some.location.residuals_deg.shape == some.location.used.shape == (40,)
    chosen = set(farthest_point_subset(gather, 16).tolist())
    heard = {arrival.trace_index for arrival in some.timed.arrivals}
    assert heard <= chosen
    assert max(heard) > 16


def test_some_traces_are_read_at_their_places_and_those_without_one(opened, make_gather):
    gather = make_gather(traces=20)
    latitudes, samples = gather.latitudes_deg.copy(), gather.samples.copy()
    latitudes[3], samples[5] = np.nan, np.nan
    gather = replace(gather, latitudes_deg=latitudes, samples=samples)
    whole, some = predict_distances(opened["offset"], gather), predict_distances_on_subset(opened["offset"], gather, 8)
    assert np.flatnonzero(some.read).tolist() == sorted({3, *farthest_point_subset(gather, 8).tolist()})
    assert np.flatnonzero(~some.live).tolist() == [5]
    np.testing.assert_allclose(some.distances_deg[some.read], whole.distances_deg[some.read], rtol=1e-6)
    assert some.probabilities.shape == whole.probabilities.shape
    assert some.window_start_s == whole.window_start_s


def test_traces_without_places_are_all_read(opened, make_gather):
    gather = make_gather(traces=20)
    nowhere = replace(gather, latitudes_deg=np.full(20, np.nan))
    assert predict_distances_on_subset(opened["offset"], nowhere, 8).read.all()
