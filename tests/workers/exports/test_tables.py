"""Results as QuakeML, GeoJSON and CSV."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from obspy.core.event import Catalog
from obspy.io.quakeml.core import _read_quakeml, _validate

from workers.contracts import (
    ArrivalEstimate,
    Assignment,
    ClassifyResult,
    ClusterResult,
    DistanceEstimate,
    Ellipse,
    Epicenter,
    JobKind,
    JobRecord,
    LocateResult,
    ModelVersion,
    Options,
    Submission,
)
from workers.exports.quakeml import quakeml
from workers.exports.tables import classify_products, cluster_products, distances_csv, geojson, locate_products

ORIGIN = datetime(2004, 12, 26, 0, 58, 53, tzinfo=UTC)


@pytest.fixture
def record() -> JobRecord:
    return JobRecord(id="3f2c", submission=Submission(kind=JobKind.LOCATE, parts=(), options=Options()), created_at=ORIGIN)


@pytest.fixture
def located() -> LocateResult:
    ellipse = Ellipse(semi_major_km=30.0, semi_minor_km=18.0, azimuth_deg=40.0, confidence_level=68.0)
    traces = ("IU.ANMO.00.LHZ", "IU.ANMO.10.LHZ", "XX.NONE..LHZ")
    return LocateResult(
        event_type="earthquake",
        epicenter=Epicenter(latitude=3.3, longitude=195.98, horizontal_uncertainty_km=21.0, ellipse=ellipse),
        origin_time=ORIGIN,
        origin_time_uncertainty_s=4.0,
        depth_km=12.0,
        depth_uncertainty_km=9.0,
        force_azimuth_deg=None,
        force_azimuth_uncertainty_deg=None,
        force_azimuth_ambiguous=None,
        offsets=[
            DistanceEstimate(
                trace=trace,
                distance_deg=70.0 + index,
                distance_uncertainty_deg=0.8,
                residual_deg=None if index == 2 else 0.5,
                back_azimuth_deg=15.0 if index == 1 else None,
                back_azimuth_uncertainty_deg=20.0 if index == 1 else None,
                used=index < 2,
            )
            for index, trace in enumerate(traces)
        ],
        azimuthal_gap_deg=63.0,
        models=[ModelVersion(name="offset", version="2"), ModelVersion(name="depth", version="1")],
    )


@pytest.fixture
def glacial(located: LocateResult) -> LocateResult:
    force = {"force_azimuth_deg": 310.0, "force_azimuth_uncertainty_deg": 12.0, "force_azimuth_ambiguous": True}
    return located.model_copy(update={"event_type": "glacial", "depth_km": None, "depth_uncertainty_km": None, **force})


def read(document: bytes) -> Catalog:
    return _read_quakeml(io.BytesIO(document))


def test_quakeml_is_valid_by_the_schema(record: JobRecord, located: LocateResult, glacial: LocateResult):
    assert _validate(io.BytesIO(quakeml(record, located)))
    assert _validate(io.BytesIO(quakeml(record, glacial)))


def test_quakeml_has_depth_and_ellipse_in_meters(record: JobRecord, located: LocateResult):
    event = read(quakeml(record, located))[0]
    origin = event.preferred_origin()
    assert event.event_type == "earthquake"
    assert origin.depth == 12_000.0
    assert origin.depth_errors.uncertainty == 9_000.0
    assert origin.longitude == pytest.approx(-164.02)
    assert origin.origin_uncertainty.max_horizontal_uncertainty == 30_000.0
    assert origin.origin_uncertainty.min_horizontal_uncertainty == 18_000.0
    assert origin.origin_uncertainty.azimuth_max_horizontal_uncertainty == 40.0
    assert origin.time_errors.uncertainty == 4.0
    assert origin.evaluation_mode == "automatic"
    assert "offset-2" in origin.method_id.id


def test_quakeml_counts_stations_and_phases(record: JobRecord, located: LocateResult):
    origin = read(quakeml(record, located))[0].origins[0]
    quality = origin.quality
    assert (quality.used_phase_count, quality.associated_phase_count) == (2, 3)
    assert (quality.used_station_count, quality.associated_station_count) == (1, 2)
    assert (quality.azimuthal_gap, quality.minimum_distance, quality.maximum_distance) == (63.0, 70.5, 71.5)
    assert [arrival.distance for arrival in origin.arrivals] == [70.5, 71.5, 72.0]
    assert [arrival.time_weight for arrival in origin.arrivals] == [1.0, 1.0, 0.0]


def test_quakeml_has_the_distance_and_back_azimuth_of_each_trace_as_comments(record: JobRecord, located: LocateResult):
    arrivals = read(quakeml(record, located))[0].preferred_origin().arrivals
    comments = [arrival.comments[0].text for arrival in arrivals]
    assert comments[0] == "offset read: 70.0 +- 0.8 degrees"
    assert comments[1].endswith("; back azimuth by its own motion: 15.0 +- 20.0 degrees")


def test_quakeml_of_a_glacial_earthquake_is_an_ice_quake(record: JobRecord, glacial: LocateResult):
    event = read(quakeml(record, glacial))[0]
    assert event.event_type == "ice quake"
    assert event.origins[0].depth is None
    assert "310.0" in event.comments[0].text
    assert "opposite" in event.comments[0].text


def test_quakeml_of_the_same_result_is_the_same_bytes(record: JobRecord, located: LocateResult):
    assert quakeml(record, located) == quakeml(record, located)


def with_arrival_times(located: LocateResult) -> LocateResult:
    arrivals = [
        ArrivalEstimate(trace="IU.ANMO.00.LHZ", phase=phase, time=ORIGIN, residual_s=residual, uncertainty_s=1.5)
        for phase, residual in (("P", 3.0), ("S", -4.0))
    ]
    offsets = [located.offsets[0].model_copy(update={"azimuth_deg": 33.0}), *located.offsets[1:]]
    outer = located.epicenter.ellipse.model_copy(update={"semi_major_km": 45.0, "semi_minor_km": 27.0, "confidence_level": 90.0})
    epicenter = located.epicenter.model_copy(update={"outer_ellipse": outer})
    return located.model_copy(
        update={"arrivals": arrivals, "offsets": offsets, "epicenter": epicenter, "method": "distances+arrival-times"}
    )


def test_associated_picks_are_picks_and_arrivals_with_residuals(record: JobRecord, located: LocateResult):
    document = quakeml(record, with_arrival_times(located))
    assert _validate(io.BytesIO(document))
    event = read(document)[0]
    origin = event.origins[0]
    timed = [arrival for arrival in origin.arrivals if arrival.time_residual is not None]
    assert [(one.phase, one.time_residual, one.distance, one.azimuth) for one in timed] == [("P", 3.0, 70.5, 33.0), ("S", -4.0, 70.5, 33.0)]
    assert {pick.resource_id for pick in event.picks} == {arrival.pick_id for arrival in timed}
    assert event.picks[0].waveform_id.id == "IU.ANMO.00.LHZ"
    assert origin.quality.standard_error == pytest.approx(12.5**0.5)
    assert "90 % ellipse: 45000 by 27000 m" in origin.comments[0].text


def test_geojson_has_the_property_names_of_the_usgs(record: JobRecord, located: LocateResult):
    properties = json.loads(geojson(record, with_arrival_times(located)))["properties"]
    assert {"mag", "place", "time", "updated", "status", "nst", "dmin", "rms", "gap", "title", "net", "code"} <= set(properties)
    assert (properties["rms"], properties["dmin"]) == (pytest.approx(12.5**0.5), 70.5)
    assert properties["title"] == "earthquake at 3.30°N, 164.02°W"
    assert properties["outer_ellipse"]["confidence_level"] == 90.0


def test_geojson_is_a_feature_with_longitude_first(record: JobRecord, located: LocateResult):
    feature = json.loads(geojson(record, located))
    assert (feature["type"], feature["id"]) == ("Feature", "3f2c")
    assert feature["geometry"] == {"type": "Point", "coordinates": [pytest.approx(-164.02), 3.3]}
    properties = feature["properties"]
    assert (properties["depth_km"], properties["nst"], properties["gap"], properties["status"]) == (12.0, 2, 63.0, "automatic")
    assert properties["time"] == 1104022733000


def test_the_csv_of_distances_has_a_row_a_trace(located: LocateResult):
    rows = list(csv.DictReader(io.StringIO(distances_csv(located).decode())))
    assert [row["trace"] for row in rows] == ["IU.ANMO.00.LHZ", "IU.ANMO.10.LHZ", "XX.NONE..LHZ"]
    assert [row["back_azimuth_deg"] for row in rows] == ["", "15.0", ""]
    assert (rows[0]["distance_deg"], rows[0]["residual_deg"], rows[2]["residual_deg"], rows[2]["used"]) == ("70.0", "0.5", "", "False")


def test_each_kind_of_result_has_its_formats(record: JobRecord, located: LocateResult):
    assert set(locate_products(record, located)) == {"quakeml", "geojson", "csv"}
    classified = ClassifyResult(
        event_type="glacial",
        probabilities={"earthquake": 0.25, "glacial": 0.75},
        reference_point=None,
        traces_used=3,
        model=ModelVersion(name="event_type", version="1"),
        out_of_distribution=False,
        novelty=0.5,
    )
    assert classify_products(classified) == {"csv": b"event_type,probability\r\nearthquake,0.250000\r\nglacial,0.750000\r\n"}
    clustered = ClusterResult(
        k=2,
        structure_found=True,
        assignments=[Assignment(event="a,b", cluster=1, confidence=0.5)],
        selection=[],
        clusters=[],
        model=ModelVersion(name="families", version="1"),
        fine_tuned=False,
    )
    assert cluster_products(clustered) == {"csv": b'event,cluster,confidence\r\n"a,b",1,0.500000\r\n'}
