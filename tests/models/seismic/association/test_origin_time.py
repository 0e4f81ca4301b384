"""The origin time of associated arrivals, where the errors of stations have a common part and the stack says 1 s."""

import numpy as np
import pytest

from models.seismic.association.arrivals import Arrival
from models.seismic.association.candidates import collect_candidates
from models.seismic.association.depth_time import DepthTime
from models.seismic.association.grid_scan import TrialSource
from models.seismic.association.origin_time import SHARED_ERRORS, ErrorModel, fit_origin_time
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import destination, geocentric
from tests.support.synthetic_picks import NO_PEAKS, make_picks

SOURCE, DEPTH_KM = (38.0, 26.0), 10.0
COVARIANCE_DEG2 = 0.01 * np.eye(2)
INDEPENDENT = ErrorModel(0.0, 0.0, {})


@pytest.fixture
def network():
    """Four stations at half a degree and twenty at 3 to 6 degrees, around the source."""
    distances = np.concatenate((np.full(4, 0.5), np.linspace(3.0, 6.0, 20)))
    azimuths = np.concatenate((np.arange(4) * 90.0, np.arange(20) * 126.0))
    latitudes, longitudes = destination(*SOURCE, azimuths, distances)
    rng = np.random.default_rng(1)
    picks = [make_picks(rng, np.array([60.0]), (-100.0, 400.0), 0) for _ in distances]
    return collect_candidates(picks, [NO_PEAKS] * len(picks), latitudes, longitudes)


def make_arrivals(data, slow, *, late_s=0.0, phases=("P",)):
    """Make arrivals of an event at POSIX time 0 in an Earth that is slower than ak135 by a fraction; each pick is late besides."""
    distances = data.distances_deg(geocentric(*SOURCE))
    arrivals = []
    for phase in phases:
        times = (1.0 + slow) * travel_time_s(phase, distances, DEPTH_KM) + late_s
        arrivals += [Arrival(i, phase, float(time), 0.0, 1.0, pick_uncertainty_s=0.5) for i, time in enumerate(times) if np.isfinite(time)]
    return arrivals


def fit(data, arrivals, model=SHARED_ERRORS, depth=(DEPTH_KM, 5.0)):
    joint = DepthTime(depth[0], 1.0 - data.clock_s, depth[1] ** 2, 9.0, 0.0)
    source = TrialSource(geocentric(*SOURCE), depth[0], 1.0 - data.clock_s, 0.0)
    return fit_origin_time(data, source, arrivals, COVARIANCE_DEG2, joint, model)


def test_exact_times_give_the_origin_time(network):
    fitted = fit(network, make_arrivals(network, 0.0))
    assert fitted.time_s + network.clock_s == pytest.approx(0.0, abs=0.05)
    assert fitted.depth_km == DEPTH_KM


def test_many_distant_stations_in_a_slow_earth_do_not_outvote_near_ones(network):
    arrivals = make_arrivals(network, 0.03)
    together, each = fit(network, arrivals), fit(network, arrivals, INDEPENDENT)
    assert each.time_s + network.clock_s > 0.8
    assert abs(together.time_s + network.clock_s) < 0.5


def test_an_uncertain_depth_makes_the_origin_time_uncertain_along_their_slope(network):
    arrivals = make_arrivals(network, 0.0)
    known, unknown = fit(network, arrivals, depth=(DEPTH_KM, 1.0)), fit(network, arrivals, depth=(DEPTH_KM, 30.0))
    assert unknown.slope_s_per_km != 0.0
    assert unknown.time_uncertainty_s > known.time_uncertainty_s
    assert unknown.covariance_km_s == pytest.approx(unknown.slope_s_per_km * 900.0)


def test_one_arrival_that_is_far_off_is_left_out(network):
    arrivals = make_arrivals(network, 0.0)
    wrong = [*arrivals[:-1], Arrival(23, "P", arrivals[-1].time_s + 40.0, 0.0, 1.0, pick_uncertainty_s=0.5)]
    assert fit(network, wrong).time_s == pytest.approx(fit(network, arrivals[:-1]).time_s, abs=0.1)


def test_stations_on_one_side_give_nothing(network):
    east = network.stations[:, 1] * np.cos(np.radians(26.0)) > network.stations[:, 0] * np.sin(np.radians(26.0))
    arrivals = make_arrivals(network, 0.0)
    assert east.sum() > 5
    assert fit(network, [one for one in arrivals if east[one.trace_index]]) is None


def test_depth_phases_do_not_count_and_too_few_arrivals_give_nothing(network):
    assert fit(network, make_arrivals(network, 0.0)[:4]) is None
    alone = [Arrival(i, "pP", 60.0, 0.0, 1.0, pick_uncertainty_s=0.5) for i in range(24)]
    assert fit(network, alone) is None
