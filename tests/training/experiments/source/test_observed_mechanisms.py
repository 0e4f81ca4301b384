"""Moment tensors of observed earthquakes are compared with cataloged ones of the same event."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from models.seismic.source.solution import SourceAmplitude
from tests.support.sources import make_tensor
from training.evaluation.event_result import NAN, Truth
from training.experiments.source.observed_mechanisms import (
    HEADS,
    ObservedMechanism,
    describe_comparable,
    find_catalog_tensor,
    format_mechanisms,
)
from training.synthesis.catalogs import load_earthquakes

CATALOG = load_earthquakes(None, 1)
TRUTH = Truth("a", "earthquake", float(CATALOG.latitudes_deg[7]) + 0.5, float(CATALOG.longitudes_deg[7]), 100.0, 6.5, NAN, 0.0)


def make_observed(**changes):
    source = make_tensor(amplitude=SourceAmplitude(10.0 ** (1.5 * 6.7 + 9.1), 0.1, 9))
    located = SimpleNamespace(
        source=source,
        event_type="earthquake",
        depth=SimpleNamespace(depth_km=112.0),
        location=SimpleNamespace(azimuthal_gap_deg=90.0),
    )
    known = {"truth": TRUTH, "located": located, "stations": 12, "catalog_tensor": np.asarray(source.tensor)}
    return ObservedMechanism(**(known | changes))


def test_the_cataloged_tensor_is_that_of_the_same_time_and_place():
    at = replace(TRUTH, origin_time_s=float(CATALOG.times_s[7]) + 20.0)
    np.testing.assert_array_equal(find_catalog_tensor(CATALOG, at), CATALOG.tensors[7])
    assert find_catalog_tensor(CATALOG, replace(at, origin_time_s=at.origin_time_s + 3000.0)) is None
    assert find_catalog_tensor(CATALOG, replace(at, latitude_deg=-at.latitude_deg, longitude_deg=at.longitude_deg + 90.0)) is None


def test_mechanism_magnitude_and_depth_are_compared():
    found = make_observed()
    assert found.kagan_deg == pytest.approx(0.0, abs=1e-3)
    assert found.magnitude_error == pytest.approx(0.2)
    assert found.comparable
    (line,) = format_mechanisms([found])
    assert len(line) == len(HEADS)
    assert line[5:7] == ("+12", "+0.20")
    assert "1 have a magnitude" in describe_comparable([found])


def test_what_is_not_stated_is_not_compared():
    lost, unsure = make_observed(located=None), make_observed()
    unsure.located.source = make_tensor(log_likelihood=12.0)
    assert np.isnan([lost.kagan_deg, lost.magnitude_error, unsure.kagan_deg, unsure.magnitude_error]).all()
    assert not lost.comparable
    lines = format_mechanisms([lost, unsure])
    assert all(len(line) == len(HEADS) for line in lines)
    assert "not stated" in lines[1][4]
    assert "waveforms constrain a moment tensor of 0" in describe_comparable([lost, unsure])


def test_a_mechanism_that_waveforms_leave_open_is_not_compared():
    found = make_observed()
    found.located.source = make_tensor(mechanism_uncertainty_deg=80.0)
    assert found.constrained
    assert np.isnan(found.kagan_deg)
    (line,) = format_mechanisms([found])
    assert len(line) == len(HEADS)
    assert line[7:] == ("not stated", "80", "")
