"""Physical evidence of a class: what is collected, and when nothing can be measured."""

from types import SimpleNamespace

import numpy as np
import pytest

from models.analysis.distances import predict_distances
from models.analysis.physical_evidence import MAX_EXPLOSION_LOG_RATIO, SHORT_PERIOD_ODDS, collect_evidence
from models.analysis.sections import SectionReference
from models.seismic.association.arrivals import Arrival
from models.seismic.waveforms import Record

EPICENTER = SectionReference(20.0, 30.0, "given")


def make_arrivals(depth_km, error_km=10.0, *, short_period=True):
    arrivals = tuple(Arrival(i, "P", 0.0, 0.0, 1.0, short_period) for i in range(6))
    return SimpleNamespace(arrivals=arrivals, depth_time=SimpleNamespace(depth_km=depth_km, depth_uncertainty_km=error_km))


@pytest.fixture
def observed(opened, make_gather):
    """A gather with its records and distances, whose origin time is known to a second."""
    gather = make_gather()
    readings = predict_distances(opened["offset"], gather)
    readings.origin_times_s[:] = readings.origin_times_s[0]
    readings.origin_uncertainties_s[:] = 1.0
    samples = np.nan_to_num(gather.samples)
    records = [
        Record(name, gather.start_time_s, 1.0, row, latitude, longitude)
        for name, row, latitude, longitude in zip(gather.trace_ids, samples, gather.latitudes_deg, gather.longitudes_deg, strict=True)
    ]
    return gather, readings, records


def test_without_records_only_short_period_arrivals_count(observed):
    gather, readings, _ = observed
    found = collect_evidence((), gather, readings, EPICENTER, make_arrivals(10.0))
    assert (found.log_force, found.log_explosion, found.log_landslide) == (-np.log(SHORT_PERIOD_ODDS), 0.0, None)
    assert collect_evidence((), gather, readings, EPICENTER, make_arrivals(10.0, short_period=False)).log_force == 0.0


def test_a_depth_well_below_the_surface_excludes_an_explosion_and_a_shallow_one_allows_it(observed):
    gather, readings, records = observed
    assert collect_evidence(records, gather, readings, EPICENTER, make_arrivals(150.0)).log_explosion == -MAX_EXPLOSION_LOG_RATIO
    assert 0.0 < collect_evidence(records, gather, readings, EPICENTER, make_arrivals(0.0)).log_explosion <= 0.5
    assert collect_evidence(records, gather, readings, EPICENTER, make_arrivals(150.0, error_km=200.0)).log_explosion == 0.0


def test_nothing_is_measured_where_the_origin_time_is_uncertain(observed):
    gather, readings, records = observed
    readings.origin_uncertainties_s[:] = 100.0
    assert collect_evidence(records, gather, readings, EPICENTER, make_arrivals(150.0)).log_explosion == 0.0
