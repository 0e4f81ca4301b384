"""What an inversion changes in the answer for a located event, and what it leaves."""

from dataclasses import replace

import numpy as np
import pytest

from models.analysis import source as analysis
from models.analysis.hypocenter import DepthEstimate
from models.analysis.pipeline import locate_event
from models.analysis.source import add_source, combine_source_depth, condition_horizontals
from models.imaging.conditioning import condition
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Horizontals, Record
from models.specs.pictures import CONDITIONING
from tests.support.sources import make_force, make_tensor, make_trace


@pytest.fixture
def glacial(opened, make_gather):
    gather = make_gather()
    return gather, locate_event(opened, gather, event_type="glacial")


def state(monkeypatch, found, gather, source):
    """The answer with that source found."""
    monkeypatch.setattr(analysis, "find_source", lambda *_: source)
    return add_source(found, gather, (), {"toy": None})


def test_without_tables_the_answer_stays_as_it_is(glacial):
    gather, found = glacial

    assert add_source(found, gather, (), {}) == found


def test_a_force_that_is_constrained_gives_azimuth_sign_epicenter_and_origin_time(monkeypatch, glacial):
    gather, found = glacial
    answer = state(monkeypatch, found, gather, make_force())

    assert (answer.force_azimuth.azimuth_deg, answer.force_azimuth.ambiguous) == (230.0, False)
    assert (answer.location.latitude_deg, answer.location.longitude_deg) == (66.0, -38.0)
    assert (answer.origin.time_s, answer.method) == (1000.0, "waveform-inversion")


def test_an_epicenter_that_arrival_times_hold_is_not_moved(monkeypatch, glacial):
    gather, found = glacial
    answer = state(monkeypatch, replace(found, method="distances+arrival-times"), gather, make_force(sign_probability=0.6))

    assert answer.location == found.location
    assert answer.force_azimuth.azimuth_deg == 230.0
    assert answer.force_azimuth.ambiguous


def test_the_sign_of_a_force_is_ambiguous_where_instruments_are_unknown(monkeypatch, glacial):
    gather, found = glacial
    answer = state(monkeypatch, found, gather, make_force(response_known=False))

    assert answer.force_azimuth.azimuth_deg == 230.0
    assert answer.force_azimuth.ambiguous


@pytest.mark.parametrize("changes", [{"log_likelihood": 20.0}, {"azimuthal_gap_deg": 330.0}, {"traces": (make_trace(0),)}])
def test_a_source_without_likelihood_azimuths_or_traces_changes_nothing(monkeypatch, glacial, changes):
    gather, found = glacial
    answer = state(monkeypatch, found, gather, make_force(**changes))

    assert replace(answer, source=None) == found
    assert not answer.source.constrains


def test_a_moment_tensor_long_after_the_origin_is_no_point_and_determines_no_depth():
    tensor = make_tensor()

    assert tensor.constrains
    assert replace(tensor, centroid_delay_s=14.0).constrains
    assert not replace(tensor, centroid_delay_s=60.0).constrains
    assert make_force(centroid_delay_s=60.0).constrains


def test_depths_are_weighted_by_their_variances():
    tensor = make_tensor(depth_km=100.0, depth_uncertainty_km=10.0)

    assert combine_source_depth(None, tensor) == DepthEstimate(100.0, 10.0)
    assert combine_source_depth(DepthEstimate(120.0, 20.0), tensor).depth_km == pytest.approx(104.0)


def make_record(samples, horizontals=None, response=None):
    return Record(TraceId("XX", "ONE", "", "LHZ"), 1000.0, 1.0, samples, 10.0, 20.0, response=response, horizontals=horizontals)


def test_horizontals_are_rotated_to_north_and_east_on_the_clock_of_the_gather():
    """A pulse on a sensor whose first component points to 90 degrees moves to the east; a record without horizontals has none."""
    pulse = np.exp(-0.5 * ((np.arange(2000.0) - 900.0) / 12.0) ** 2).astype(np.float32)
    pair = Horizontals((TraceId("XX", "ONE", "", "LH1"), TraceId("XX", "ONE", "", "LH2")), np.stack((pulse, 0.0 * pulse)), (90.0, 180.0))
    early = replace(make_record(pulse), start_time_s=700.0)
    records = [early, make_record(pulse, pair)]
    gather = condition(records, CONDITIONING)

    motion = condition_horizontals(gather, records, [0, 1])

    assert motion.shape == (2, 2, gather.samples.shape[1])
    assert np.isnan(motion[0]).all()
    np.testing.assert_allclose(np.nan_to_num(motion[1, 1]), np.nan_to_num(gather.samples[1]), atol=1e-3)
    assert np.nanmax(np.abs(motion[1, 0])) < 1e-3
    assert condition_horizontals(gather, records, [0]) is None
