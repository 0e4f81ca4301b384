"""The density of a depth is the product of its observations, each of which may be wrong."""

import numpy as np
import pytest

from models.analysis.combine import DepthEstimate
from models.analysis.depth import DepthDensity, find_onsets, list_known_depths
from models.seismic.association.arrivals import Arrival
from models.seismic.depth_phases.likelihood import DEPTHS_KM, DepthPhases
from models.seismic.depth_phases.rises import Onset
from models.seismic.geodesy import unit_vectors
from tests.support.known_depths import know_depths

DEEP = know_depths(650.0)
SHALLOW = know_depths(100.0)


def make_phases(depth_km, log_likelihood):
    """Depth phases of one depth, against a loss of all others below 40 km."""
    peak = np.exp(-0.5 * ((DEPTHS_KM - depth_km) / 8.0) ** 2)
    log_ratio = np.where(DEPTHS_KM > 40.0, -2.0, 0.0) + (log_likelihood + 2.0) * peak
    return DepthPhases(DEPTHS_KM, log_ratio, 12, np.zeros((0, 2, len(DEPTHS_KM))), ())


def test_depths_that_agree_are_averaged_by_their_variances():
    found = DepthDensity.begin(DEEP, DepthEstimate(100.0, 20.0)).with_section(DepthEstimate(110.0, 20.0)).estimate()
    assert found.depth_km == pytest.approx(105.0, abs=3.0)
    assert found.uncertainty_km == pytest.approx(np.hypot(20.0 / np.sqrt(2.0), 3.0 + 0.015 * 105.0), abs=3.0)


def test_a_section_tells_no_depths_above_the_shallowest_that_is_read():
    surface, shallow, deeper = (
        DepthDensity.begin(SHALLOW, None).with_section(DepthEstimate(depth_km, 5.0)).estimate() for depth_km in (5.0, 15.0, 45.0)
    )
    assert shallow.depth_km == pytest.approx(surface.depth_km, abs=3.0), "both say: no deeper than that"
    assert shallow.depth_km < 13.0
    assert shallow.depth_km - shallow.uncertainty_km < 4.0
    assert deeper.depth_km == pytest.approx(42.0, abs=6.0)


def test_depths_that_contradict_each_other_leave_a_large_deviation():
    inverted = -0.5 * ((DEPTHS_KM - 73.0) / 8.0) ** 2
    both = DepthDensity.begin(DEEP, None).with_section(DepthEstimate(22.0, 7.0)).with_inversion(inverted).estimate()
    assert 20.0 < both.depth_km < 80.0
    assert both.uncertainty_km > 20.0


def test_the_interval_of_90_percent_holds_a_depth_that_is_less_probable_but_possible():
    deep = np.logaddexp(-0.5 * ((DEPTHS_KM - 25.0) / 8.0) ** 2, np.log(0.25) - 0.5 * ((DEPTHS_KM - 120.0) / 10.0) ** 2)
    open_depth = DepthDensity(DEEP, np.exp(deep)).estimate()
    assert open_depth.uncertainty_km < 40.0
    assert open_depth.interval_90_km[0] < 16.0
    assert 120.0 < open_depth.interval_90_km[1] < 150.0
    known = DepthDensity.begin(DEEP, DepthEstimate(100.0, 20.0)).with_section(DepthEstimate(110.0, 20.0)).estimate()
    widths = np.abs(np.array(known.interval_90_km) - known.depth_km)
    np.testing.assert_allclose(widths, 1.645 * known.uncertainty_km, rtol=0.15)
    surface = DepthDensity.begin(SHALLOW, DepthEstimate(0.0, 10.0)).estimate()
    assert surface.interval_90_km[0] == 0.0


def test_of_two_depths_that_fit_waveforms_alike_arrival_times_choose_one():
    two = np.logaddexp(-0.5 * ((DEPTHS_KM - 10.0) / 6.0) ** 2, -0.5 * ((DEPTHS_KM - 70.0) / 10.0) ** 2)
    found = DepthDensity.begin(DEEP, DepthEstimate(16.0, 12.0)).with_inversion(two).estimate()
    assert found.depth_km == pytest.approx(14.0, abs=4.0)
    assert found.uncertainty_km < 16.0


def test_an_inversion_at_a_wrong_depth_leaves_what_others_agree_on():
    wrong = -0.5 * ((DEPTHS_KM - 400.0) / 8.0) ** 2
    found = DepthDensity.begin(DEEP, DepthEstimate(30.0, 12.0)).with_section(DepthEstimate(26.0, 8.0)).with_inversion(wrong)
    assert found.estimate().depth_km == pytest.approx(28.0, abs=4.0)
    assert found.estimate().uncertainty_km < 15.0, "most of the probability is here"
    assert found.deviation_km > 30.0, "the inversion may be right"


def test_depth_phases_decide_between_a_vague_depth_and_a_misread_section():
    found = (
        DepthDensity.begin(DEEP, DepthEstimate(200.0, 300.0)).with_section(DepthEstimate(30.0, 20.0)).with_phases(make_phases(500.0, 10.0))
    )
    assert found.estimate().depth_km == pytest.approx(500.0, abs=60.0)
    certain = DepthDensity.begin(DEEP, DepthEstimate(480.0, 40.0)).with_phases(make_phases(500.0, 6.0)).estimate()
    assert certain.depth_km == pytest.approx(500.0, abs=10.0)
    assert 10.0 < certain.uncertainty_km < 25.0


def test_weak_depth_phases_leave_a_depth_that_others_agree_on():
    found = (
        DepthDensity.begin(SHALLOW, DepthEstimate(20.0, 15.0)).with_section(DepthEstimate(15.0, 8.0)).with_phases(make_phases(90.0, 0.5))
    )
    assert found.estimate().depth_km == pytest.approx(16.0, abs=6.0)


def test_arrival_times_that_know_nothing_do_not_make_a_region_of_shallow_earthquakes_a_deep_one():
    california = list_known_depths(unit_vectors(37.0, -118.0)[None], np.ones(1))
    found = DepthDensity.begin(california, DepthEstimate(90.0, 400.0)).estimate()
    assert found.depth_km < 100.0
    assert found.uncertainty_km > 60.0
    certain = DepthDensity.begin(california, DepthEstimate(20.0, 10.0)).estimate()
    assert certain.depth_km == pytest.approx(20.0, abs=4.0)


def test_without_any_observation_the_prior_remains():
    found = DepthDensity.begin(SHALLOW, None).estimate()
    assert 20.0 < found.depth_km < 70.0
    assert found.uncertainty_km > 30.0


def arrive(trace: int, phase: str, time_s: float) -> Arrival:
    return Arrival(trace, phase, time_s, 0.0, 1.0)


def test_the_earliest_first_arrival_of_each_trace_counts():
    arrivals = (arrive(1, "PKPab", 30.0), arrive(0, "P", 5.0), arrive(1, "PKP", 20.0), arrive(0, "S", 2.0), arrive(0, "LR", 1.0))
    assert find_onsets(arrivals, np.array([60.0, 150.0])) == {0: Onset(5.0, "P"), 1: Onset(20.0, "PKP")}


def test_traces_near_the_source_and_beyond_the_shadow_of_p_are_left_out():
    arrivals = tuple(arrive(trace, "P", 5.0) for trace in range(4))
    assert list(find_onsets(arrivals, np.array([3.0, 24.0, 60.0, 101.0]))) == [2]
    assert find_onsets((), np.zeros(0)) == {}
