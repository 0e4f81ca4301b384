"""Moment tensors in QuakeML and GeoJSON."""

import io
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest
from lxml import etree
from obspy.io.quakeml.core import _read_quakeml, _validate

from models.seismic.source.mechanisms import principal_axes
from models.seismic.trace_id import TraceId
from tests.support.sources import THRUST, make_force, make_tensor
from workers.contracts import JobKind, JobRecord, Options, Submission
from workers.exports.geojson import geojson
from workers.exports.quakeml import quakeml
from workers.jobs.source_answer import describe_inversion
from workers.results import Ellipse, Epicenter, LocateResult

TIME = datetime(2013, 5, 24, 5, 44, 49, tzinfo=UTC)
RECORD = JobRecord(id="3f2c", submission=Submission(kind=JobKind.LOCATE, parts=(), options=Options()), created_at=TIME)
GATHER = SimpleNamespace(trace_ids=tuple(TraceId("IU", f"S{k}", "00", "LHZ") for k in range(8)))


def make_result(source):
    return LocateResult(
        event_type="earthquake",
        epicenter=Epicenter(
            latitude=66.1,
            longitude=-38.2,
            horizontal_uncertainty_km=21.0,
            ellipse=Ellipse(semi_major_km=30.0, semi_minor_km=18.0, azimuth_deg=40.0, confidence_level=68.0),
        ),
        origin_time=TIME,
        origin_time_uncertainty_s=4.0,
        depth_km=118.0,
        depth_uncertainty_km=9.0,
        force_azimuth_deg=None,
        force_azimuth_uncertainty_deg=None,
        force_azimuth_ambiguous=None,
        offsets=[],
        azimuthal_gap_deg=63.0,
        models=[],
        source=describe_inversion(GATHER, SimpleNamespace(source=source)),
    )


def read_event(document):
    """Read the event of a valid document whose references all resolve."""
    assert _validate(io.BytesIO(document))
    root = etree.fromstring(document)
    ids = {element.get("publicID") for element in root.iter() if element.get("publicID")}
    names = ("preferredOriginID", "preferredMagnitudeID", "preferredFocalMechanismID", "triggeringOriginID", "originID")
    names += ("derivedOriginID", "momentMagnitudeID")
    references = {element.text for element in root.iter() if str(element.tag).rpartition("}")[2] in names}
    assert references <= ids
    return _read_quakeml(io.BytesIO(document))[0]


def test_a_moment_tensor_is_read_by_obspy_with_mechanism_centroid_and_magnitude():
    event = read_event(quakeml(RECORD, make_result(make_tensor())))
    mechanism, magnitude = event.preferred_focal_mechanism(), event.preferred_magnitude()
    tensor = mechanism.moment_tensor

    assert (magnitude.mag, magnitude.magnitude_type, magnitude.station_count) == (6.0, "Mw", 8)
    assert tensor.scalar_moment == pytest.approx(10**18.1, rel=1e-5)
    assert tensor.tensor.m_rr == pytest.approx(THRUST[0] * 10**18.1, rel=1e-5)
    assert tensor.tensor.m_tp == pytest.approx(THRUST[5] * 10**18.1, rel=1e-5)
    origin = tensor.derived_origin_id.get_referred_object()
    assert (origin.origin_type, origin.depth, origin.latitude) == ("centroid", 120_000.0, 66.0)
    radius_km = make_result(make_tensor()).source.centroid.horizontal_uncertainty_km
    assert origin.origin_uncertainty.horizontal_uncertainty == pytest.approx(1000.0 * radius_km)
    assert origin.latitude_errors.uncertainty == pytest.approx(radius_km / 1.5096 / 111.195, rel=1e-3)
    assert origin.longitude_errors.uncertainty == pytest.approx(origin.latitude_errors.uncertainty / np.cos(np.radians(66.0)), rel=1e-3)
    assert event.preferred_origin().latitude == 66.1
    assert tensor.data_used[0].station_count == 8
    assert mechanism.nodal_planes.nodal_plane_1.dip == pytest.approx(make_result(make_tensor()).source.nodal_planes[0]["dip"])


def test_axes_of_a_thrust_fault_under_east_west_compression():
    (_, plunge, tension), _, (azimuth, flat, pressure) = principal_axes([1.0, 0.0, -1.0, 0.0, 0.0, 0.0])

    assert (plunge, tension, pressure) == pytest.approx((90.0, 1.0, -1.0))
    assert azimuth % 180.0 == pytest.approx(90.0)
    assert flat == pytest.approx(0.0)


def test_without_gains_there_is_a_mechanism_but_no_moment_and_the_reason_is_a_comment():
    event = read_event(quakeml(RECORD, make_result(make_tensor(amplitude=None))))
    mechanism = event.preferred_focal_mechanism()

    assert (event.magnitudes, mechanism.moment_tensor.scalar_moment, mechanism.moment_tensor.tensor) == ([], None, None)
    assert mechanism.nodal_planes.nodal_plane_2.rake is not None
    uncertainty, tensor = (comment.text for comment in mechanism.comments)
    assert uncertainty.endswith("68 %: 20 degrees")
    assert "rr 0.9000" in tensor
    assert "StationXML" in tensor


def test_a_mechanism_that_is_not_known_leaves_centroid_and_magnitude():
    event = read_event(quakeml(RECORD, make_result(make_tensor(mechanism_uncertainty_deg=75.0))))

    assert event.focal_mechanisms == []
    assert event.preferred_magnitude().mag == 6.0
    assert [origin.origin_type for origin in event.origins] == [None, "centroid"]


@pytest.mark.parametrize("source", [make_tensor(log_likelihood=5.0), make_force()])
def test_a_force_and_a_source_that_nothing_constrains_have_no_focal_mechanism(source):
    event = read_event(quakeml(RECORD, make_result(source)))

    assert (event.focal_mechanisms, event.magnitudes, len(event.origins)) == ([], [], 1)


def test_geojson_has_magnitude_planes_and_tensor_as_flat_properties():
    properties = json.loads(geojson(RECORD, make_result(make_tensor())))["features"][0]["properties"]

    assert (properties["mag"], properties["magType"]) == (6.0, "Mw")
    assert properties["mrr"] == pytest.approx(THRUST[0] * 10**18.1, rel=1e-4)
    assert {"strike1", "dip1", "rake1", "strike2", "dip2", "rake2"} <= set(properties)
    assert properties["source"]["moment_magnitude"] == 6.0
    assert not {"traces", "depth_profile"} & set(properties["source"])
    unknown = json.loads(geojson(RECORD, make_result(make_tensor(log_likelihood=5.0))))["features"][0]["properties"]
    assert (unknown["mag"], unknown["magType"], "strike1" in unknown) == (None, None, False)
