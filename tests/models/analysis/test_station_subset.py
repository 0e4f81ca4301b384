"""Large networks are read and refined on a subset of their stations."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis.distances import predict_distances, station_distances
from models.analysis.refinement import refine_location
from models.analysis.station_subset import farthest_point_subset, predict_distances_on_subset
from models.seismic.geodesy import KM_PER_DEGREE, distance_deg
from models.seismic.location.distances import locate_by_distances
from tests.support.local_events import local_event


def trace_ids(gather, indices):
    return {gather.trace_ids[index] for index in indices}


def test_a_small_network_is_taken_whole(make_gather):
    assert farthest_point_subset(make_gather(traces=8), 8).tolist() == list(range(8))


def test_the_subset_covers_the_network_whatever_the_order_of_traces(make_gather):
    gather = make_gather(traces=40)
    shuffled = gather.subset(np.random.default_rng(1).permutation(40))
    chosen, again = farthest_point_subset(gather, 12), farthest_point_subset(shuffled, 12)
    assert len(chosen) == 12
    assert trace_ids(gather, chosen) == trace_ids(shuffled, again)
    between_chosen = distance_deg(
        gather.latitudes_deg[chosen, None], gather.longitudes_deg[chosen, None], gather.latitudes_deg[chosen], gather.longitudes_deg[chosen]
    )
    between_all = distance_deg(gather.latitudes_deg[:, None], gather.longitudes_deg[:, None], gather.latitudes_deg, gather.longitudes_deg)
    assert np.sort(between_chosen, axis=1)[:, 1].min() > 2.0 * np.median(np.sort(between_all, axis=1)[:, 1])


def test_traces_without_data_or_coordinates_are_not_chosen(make_gather):
    gather = make_gather(traces=20)
    latitudes, samples = gather.latitudes_deg.copy(), gather.samples.copy()
    latitudes[3], samples[5] = np.nan, np.nan
    assert not {3, 5} & set(farthest_point_subset(replace(gather, latitudes_deg=latitudes, samples=samples), 10).tolist())


@pytest.fixture(scope="module")
def found():
    """A network of 24 stations, refined with all of them and with twelve."""
    records, gather, readings = local_event(24)
    before = locate_by_distances(station_distances(gather, readings))
    return gather, refine_location(records, gather, readings, before), refine_location(records, gather, readings, before, max_stations=12)


def test_a_subset_locates_where_all_stations_do(found):
    _, whole, subset = found
    assert subset.method == whole.method == "distances+arrival-times"
    epicenters = [(one.location.latitude_deg, one.location.longitude_deg) for one in (whole, subset)]
    assert distance_deg(*epicenters[0], *epicenters[1]) * KM_PER_DEGREE < 10.5


def test_residuals_are_of_all_traces_and_arrivals_have_the_trace_indices_of_the_whole_gather(found):
    gather, _, subset = found
    assert subset.location.residuals_deg.shape == subset.location.used.shape == (24,)
    chosen = set(farthest_point_subset(gather, 12).tolist())
    detected = {arrival.trace_index for arrival in subset.arrival_solution.arrivals}
    assert detected <= chosen
    assert max(detected) > 12


def test_a_subset_and_all_traces_without_coordinates_are_read(opened, make_gather):
    gather = make_gather(traces=20)
    latitudes, samples = gather.latitudes_deg.copy(), gather.samples.copy()
    latitudes[3], samples[5] = np.nan, np.nan
    gather = replace(gather, latitudes_deg=latitudes, samples=samples)
    whole, subset = predict_distances(opened["offset"], gather), predict_distances_on_subset(opened["offset"], gather, 8)
    assert np.flatnonzero(subset.has_distance).tolist() == sorted({3, *farthest_point_subset(gather, 8).tolist()})
    assert np.flatnonzero(~subset.live).tolist() == [5]
    np.testing.assert_allclose(subset.distances_deg[subset.has_distance], whole.distances_deg[subset.has_distance], rtol=1e-6)
    assert subset.probabilities.shape == whole.probabilities.shape
    assert subset.window_start_s == whole.window_start_s


def test_traces_without_coordinates_are_all_read(opened, make_gather):
    gather = make_gather(traces=20)
    nowhere = replace(gather, latitudes_deg=np.full(20, np.nan))
    assert predict_distances_on_subset(opened["offset"], nowhere, 8).has_distance.all()
