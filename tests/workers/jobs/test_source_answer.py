"""A source inversion as parts of the result."""

from types import SimpleNamespace

import numpy as np
import pytest

from models.seismic.trace_id import TraceId
from workers.jobs.source_answer import describe_inversion, describe_methods

GATHER = SimpleNamespace(trace_ids=(TraceId("IU", "ANMO", "00", "LHZ"),))


def make_found(kind, **changes):
    source = SimpleNamespace(
        kind=kind,
        constrains=True,
        log_likelihood=50.0,
        variance_reduction=0.5,
        tensor=np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0]) if kind == "tensor" else None,
        depth_km=120.0,
        depth_uncertainty_km=12.0,
        sign_probability=None if kind == "tensor" else 0.9,
        duration_s=None if kind == "tensor" else 60.0,
        traces=(SimpleNamespace(trace_index=0, correlation=0.8),),
    )
    is_tensor = kind == "tensor"
    known = {"depth": 120.0 if is_tensor else None, "force_azimuth": None if is_tensor else 230.0, "arrivals": ()}
    known |= {"source": source, "event_type": "earthquake" if is_tensor else "glacial", "readings": SimpleNamespace(withheld=False)}
    return SimpleNamespace(**(known | changes))


def test_a_moment_tensor_is_stated_with_its_nodal_planes_and_depth():
    """A tensor of tp alone is a vertical strike-slip fault along north or east."""
    found = describe_inversion(GATHER, make_found("tensor"))

    assert found.kind == "moment-tensor"
    assert [plane["dip"] for plane in found.nodal_planes] == pytest.approx([90.0, 90.0])
    assert (found.depth_km, found.tensor["tp"], found.correlations) == (120.0, 1.0, {"IU.ANMO.00.LHZ": 0.8})


def test_a_force_has_neither_tensor_nor_depth():
    found = describe_inversion(GATHER, make_found("force"))

    assert (found.kind, found.tensor, found.depth_km, found.nodal_planes) == ("single-force", None, None, [])
    assert (found.sign_probability, found.force_duration_s) == (0.9, 60.0)


def test_the_methods_name_what_depth_and_force_rest_on():
    assert describe_methods(make_found("tensor")) == ("section+waveform-inversion", None)
    assert describe_methods(make_found("force")) == (None, "waveform-inversion")
    assert describe_methods(make_found("force", source=None)) == (None, "beams")
    assert describe_methods(make_found("tensor", source=None, arrivals=(1,))) == ("section+arrival-times", None)
    assert describe_inversion(GATHER, make_found("tensor", source=None)) is None
