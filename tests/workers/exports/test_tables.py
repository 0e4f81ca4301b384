"""Results as QuakeML, GeoJSON and CSV."""

import csv
import io
import json
from datetime import UTC, datetime

import numpy as np
import pytest
from lxml import etree
from obspy.core.event import Catalog
from obspy.io.quakeml.core import _read_quakeml, _validate
from obspy.io.seiscomp.event import _read_scml

from models.seismic.geodesy import distance_deg
from workers.contracts import JobKind, JobRecord, Options, Submission
from workers.exports.geojson import ellipse_geometry, geojson
from workers.exports.quakeml import quakeml
from workers.exports.tables import classify_products, cluster_products, distances_csv, locate_products
from workers.results import (
    ArrivalEstimate,
    Assignment,
    ClassifyResult,
    ClusterResult,
    DetectionResult,
    DistanceEstimate,
    Ellipse,
    Epicenter,
    LocateResult,
    ModelVersion,
    SourceEstimate,
)

OUTSIDE = ("methodID", "earthModelID", "greensFunctionID", "referenceSystemID")
"""Elements that refer to something outside the document."""
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
                epicentral_distance_deg=None if index == 2 else 70.5 + index,
                epicentral_distance_uncertainty_deg=None if index == 2 else 0.25,
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


@pytest.fixture
def nothing(located: LocateResult) -> LocateResult:
    """No event detected."""
    absent = dict.fromkeys(
        ("epicenter", "origin_time", "origin_time_uncertainty_s", "depth_km", "depth_uncertainty_km", "azimuthal_gap_deg")
    )
    detection = DetectionResult(detected=False, statistic=0.4, false_alarm_probability=0.37)
    return located.model_copy(
        update={**absent, "event_type": "none", "offsets": [], "models": [], "method": "none", "detection": detection}
    )


def read(document: bytes) -> Catalog:
    """The catalog, after a check that every id that it refers to is the id of one of its elements."""
    root = etree.fromstring(document)
    ids = {element.get("publicID") for element in root.iter() if element.get("publicID")}
    named = [(etree.QName(element).localname, element.text or "") for element in root.iter(etree.Element)]
    references = {text for name, text in named if name.endswith("ID") and name not in OUTSIDE and text.startswith("smi:")}
    assert references <= ids
    return _read_quakeml(io.BytesIO(document))


def features(record: JobRecord, result: LocateResult, kind: str) -> list[dict]:
    document = json.loads(geojson(record, result))
    assert document["type"] == "FeatureCollection"
    return [feature for feature in document["features"] if feature["properties"]["kind"] == kind]


def test_quakeml_is_valid_by_the_schema(record: JobRecord, located: LocateResult, glacial: LocateResult):
    assert _validate(io.BytesIO(quakeml(record, located)))
    assert _validate(io.BytesIO(quakeml(record, glacial)))
    for name, known in (("other", "other event"), ("undetermined", None)):
        document = quakeml(record, glacial.model_copy(update={"event_type": name, "force_azimuth_deg": None}))
        assert _validate(io.BytesIO(document))
        event = read(document)[0]
        assert (event.event_type, event.event_type_certainty) == (known, "suspected" if known else None)


def test_quakeml_says_which_of_two_directions_a_force_azimuth_is(record: JobRecord, glacial: LocateResult):
    comment = read(quakeml(record, glacial))[0].comments[0].text
    direction = "direction in which the horizontal force on the Earth acts first, or the opposite"
    assert comment == f"force azimuth 310.0 +- 12.0 degrees clockwise from north: {direction}"


def test_without_an_event_quakeml_says_not_existing_and_has_no_origin(record: JobRecord, nothing: LocateResult):
    document = quakeml(record, nothing)
    assert _validate(io.BytesIO(document))
    event = read(document)[0]
    assert (event.event_type, event.origins, event.picks) == ("not existing", [], [])
    assert event.comments[0].text == "no event detected: noise reaches the detection statistic of these records with probability 0.37"


def test_without_an_event_geojson_has_no_geometry_and_the_csv_no_row(record: JobRecord, nothing: LocateResult):
    (feature,) = json.loads(geojson(record, nothing))["features"]
    assert feature["geometry"] is None
    properties = feature["properties"]
    assert (properties["kind"], properties["title"], properties["type"]) == ("no-event", "No event detected", "not existing")
    assert properties["detection"]["false_alarm_probability"] == 0.37
    assert list(csv.DictReader(io.StringIO(distances_csv(nothing).decode()))) == []


def test_quakeml_has_depth_and_ellipse_in_meters(record: JobRecord, located: LocateResult):
    event = read(quakeml(record, located))[0]
    origin = event.preferred_origin()
    assert event.event_type == "earthquake"
    assert origin.depth == 12_000.0
    assert (origin.depth_errors.uncertainty, origin.depth_errors.confidence_level) == (9_000.0, 68.0)
    assert origin.longitude == pytest.approx(-164.02)
    assert origin.origin_uncertainty.max_horizontal_uncertainty == 30_000.0
    assert origin.origin_uncertainty.min_horizontal_uncertainty == 18_000.0
    assert origin.origin_uncertainty.azimuth_max_horizontal_uncertainty == 40.0
    assert origin.time_errors.uncertainty == 4.0
    assert origin.evaluation_mode == "automatic"
    assert "offset-2" in origin.method_id.id


def test_quakeml_without_arrival_times_counts_no_phases_and_names_no_earth_model(record: JobRecord, located: LocateResult):
    event = read(quakeml(record, located))[0]
    origin = event.origins[0]
    quality = origin.quality
    assert (quality.used_phase_count, quality.associated_phase_count, origin.arrivals, event.picks) == (0, 0, [], [])
    assert (quality.used_station_count, quality.associated_station_count) == (1, 2)
    assert (quality.azimuthal_gap, quality.minimum_distance, quality.maximum_distance) == (63.0, 70.5, 71.5)
    assert (quality.standard_error, origin.earth_model_id, origin.depth_type) == (None, None, "other")
    assert "predicted from 2 of 3 traces" in origin.comments[-1].text


def test_quakeml_names_agency_and_flinn_engdahl_region(record: JobRecord, located: LocateResult):
    event = read(quakeml(record, located, "GFZ"))[0]
    (description,) = event.event_descriptions
    assert (description.type, description.text) == ("Flinn-Engdahl region", "Line Islands, Kiribati Region")
    origin = event.origins[0]
    assert {event.creation_info.agency_id, origin.creation_info.agency_id} == {"GFZ"}


def test_quakeml_states_standard_deviations_of_the_ellipse_along_latitude_and_longitude(record: JobRecord, located: LocateResult):
    ellipse = located.epicenter.ellipse.model_copy(update={"azimuth_deg": 0.0})
    epicenter = located.epicenter.model_copy(update={"latitude": 60.0, "ellipse": ellipse})
    origin = read(quakeml(record, located.model_copy(update={"epicenter": epicenter})))[0].origins[0]
    assert origin.latitude_errors.uncertainty == pytest.approx(30.0 / 1.5096 / 111.195, rel=1e-3)
    assert origin.longitude_errors.uncertainty == pytest.approx(2.0 * 18.0 / 1.5096 / 111.195, rel=1e-3)


def test_alternatives_are_further_origins_at_the_same_time_and_the_first_is_preferred(record: JobRecord, located: LocateResult):
    other = located.epicenter.model_copy(update={"latitude": -20.0, "longitude": 178.0})
    event = read(quakeml(record, located.model_copy(update={"alternatives": [other]})))[0]
    assert [origin.latitude for origin in event.origins] == [3.3, -20.0]
    assert event.preferred_origin() is event.origins[0]
    assert (event.origins[1].time_fixed, event.origins[1].origin_uncertainty.max_horizontal_uncertainty) == (True, 30_000.0)
    assert _validate(io.BytesIO(quakeml(record, located.model_copy(update={"alternatives": [other]}))))


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
        ArrivalEstimate(
            trace="IU.ANMO.00.LHZ",
            phase=phase,
            time=ORIGIN,
            residual_s=residual,
            uncertainty_s=1.5,
            pick_uncertainty_s=pick_s,
            distance_deg=70.5,
            azimuth_deg=33.0,
        )
        for phase, residual, pick_s in (("P", 3.0, 0.4), ("S", -4.0, 0.9), ("LR", 20.0, None))
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
    expected = [("P", 3.0, 70.5, 33.0), ("S", -4.0, 70.5, 33.0), ("LR", 20.0, 70.5, 33.0)]
    assert [(one.phase, one.time_residual, one.distance, one.azimuth) for one in origin.arrivals] == expected
    assert event.picks[0].waveform_id.id == "IU.ANMO.00.LHZ"
    assert [pick.time_errors.uncertainty for pick in event.picks] == [0.4, 0.9, 1.5], "without the error of the travel time, but for LR"
    assert (origin.quality.used_phase_count, origin.depth_type) == (3, "from location")
    assert str(origin.earth_model_id).endswith("/ak135")
    assert origin.comments[0].text == "90 % ellipse: semi-axes 45000 and 27000 m, major axis 40 degrees clockwise from north"
    assert not any("time residuals" in comment.text for comment in origin.comments)


def test_without_a_depth_a_comment_says_which_source_the_residuals_are_of(record: JobRecord, located: LocateResult):
    shown = with_arrival_times(located).model_copy(update={"depth_km": None, "depth_uncertainty_km": None})
    comments = [comment.text for comment in read(quakeml(record, shown))[0].origins[0].comments]
    assert "no depth is stated; time residuals are those of the source that fits the arrival times best" in comments


def test_the_back_azimuth_of_a_station_is_at_its_first_pick(record: JobRecord, located: LocateResult):
    picks = read(quakeml(record, with_arrival_times(located)))[0].picks
    assert [pick.backazimuth for pick in picks] == [15.0, None, None]
    assert picks[0].backazimuth_errors.uncertainty == 20.0


def test_stations_of_a_location_by_arrival_times_alone_are_in_quakeml_and_geojson(record: JobRecord, located: LocateResult):
    alone = with_arrival_times(located).model_copy(update={"offsets": [], "method": "arrival-times"})
    origin = read(quakeml(record, alone))[0].origins[0]
    assert [(one.distance, one.azimuth) for one in origin.arrivals] == 3 * [(70.5, 33.0)]
    assert (origin.quality.used_station_count, origin.quality.minimum_distance) == (1, 70.5)
    assert not [comment.text for comment in origin.comments if "predicted" in comment.text]
    (epicenter,), (station,) = features(record, alone, "epicenter"), features(record, alone, "station")
    assert (epicenter["properties"]["nst"], epicenter["properties"]["dmin"]) == (1, 70.5)
    longitude, latitude = station["geometry"]["coordinates"]
    assert float(distance_deg(3.3, 195.98, latitude, longitude)) == pytest.approx(70.5, abs=0.01)
    properties = station["properties"]
    assert (properties["trace"], properties["azimuth_deg"], properties["residual_deg"]) == ("IU.ANMO.00.LHZ", 33.0, None)
    assert [arrival["phase"] for arrival in properties["arrivals"]] == ["P", "S", "LR"]


def test_residuals_of_surface_waves_do_not_count_in_the_standard_error(record: JobRecord, located: LocateResult):
    origin = read(quakeml(record, with_arrival_times(located)))[0].origins[0]
    assert origin.quality.standard_error == pytest.approx(12.5**0.5)
    assert "20.0 s" in origin.comments[1].text


def test_geojson_has_the_property_names_of_the_usgs(record: JobRecord, located: LocateResult):
    (epicenter,) = features(record, with_arrival_times(located), "epicenter")
    properties = epicenter["properties"]
    assert {"mag", "place", "time", "updated", "status", "nst", "dmin", "rms", "gap", "title", "net", "code"} <= set(properties)
    assert (properties["rms"], properties["rms_surface_waves"], properties["dmin"]) == (pytest.approx(12.5**0.5), 20.0, 70.5)
    assert (properties["title"], properties["place"]) == ("earthquake, Line Islands, Kiribati Region", "Line Islands, Kiribati Region")
    assert (properties["coordinates"], properties["net"]) == ("3.30°N, 164.02°W", "ATLAS")


def test_the_epicenter_is_the_first_feature_with_longitude_first(record: JobRecord, located: LocateResult):
    feature = json.loads(geojson(record, located))["features"][0]
    assert (feature["type"], feature["id"]) == ("Feature", "3f2c")
    assert feature["geometry"] == {"type": "Point", "coordinates": [pytest.approx(-164.02), 3.3]}
    properties = feature["properties"]
    assert (properties["depth_km"], properties["nst"], properties["gap"], properties["status"]) == (12.0, 1, 63.0, "automatic")
    assert properties["time"] == 1104022733000


def test_stations_and_alternatives_are_features(record: JobRecord, located: LocateResult):
    result = with_arrival_times(located).model_copy(update={"alternatives": [located.epicenter]})
    (station,) = features(record, result, "station")
    longitude, latitude = station["geometry"]["coordinates"]
    assert float(distance_deg(3.3, 195.98, latitude, longitude)) == pytest.approx(70.5, abs=0.01)
    assert [arrival["phase"] for arrival in station["properties"]["arrivals"]] == ["P", "S", "LR"]
    assert len(features(record, result, "alternative")) == 1
    assert [one["properties"]["alternative"] for one in features(record, result, "ellipse")] == [None, None, 1]


def area_deg2(ring: list[list[float]]) -> float:
    """Signed area of a ring, positive counterclockwise."""
    x, y = np.array(ring).T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) / 2.0)


def test_an_ellipse_has_its_axes_and_runs_counterclockwise():
    ellipse = Ellipse(semi_major_km=300.0, semi_minor_km=100.0, azimuth_deg=90.0, confidence_level=68.0)
    geometry = ellipse_geometry(0.0, 10.0, ellipse)
    (ring,) = geometry["coordinates"]
    longitudes, latitudes = np.array(ring).T
    assert (geometry["type"], ring[0]) == ("Polygon", ring[-1])
    assert (longitudes.max() - 10.0, latitudes.max()) == pytest.approx((300.0 / 111.195, 100.0 / 111.195), rel=1e-2)
    assert area_deg2(ring) == pytest.approx(np.pi * 3.0 / 1.11195**2, rel=0.02)


def test_an_ellipse_across_the_antimeridian_is_cut_there():
    ellipse = Ellipse(semi_major_km=300.0, semi_minor_km=300.0, azimuth_deg=0.0, confidence_level=68.0)
    geometry = ellipse_geometry(0.0, 179.0, ellipse)
    rings = [ring for (ring,) in geometry["coordinates"]]
    assert (geometry["type"], len(rings)) == ("MultiPolygon", 2)
    assert all(abs(longitude) <= 180.0 for ring in rings for longitude, _ in ring)
    assert sum(map(area_deg2, rings)) == pytest.approx(np.pi * 9.0 / 1.11195**2, rel=0.02)
    assert min(map(area_deg2, rings)) > 0


def test_an_ellipse_about_a_pole_is_closed_along_it():
    ellipse = Ellipse(semi_major_km=500.0, semi_minor_km=500.0, azimuth_deg=0.0, confidence_level=68.0)
    geometry = ellipse_geometry(89.0, 30.0, ellipse)
    rings = [ring for (ring,) in geometry["coordinates"]] if geometry["type"] == "MultiPolygon" else geometry["coordinates"]
    assert max(latitude for ring in rings for _, latitude in ring) == 90.0
    assert sum(abs(area_deg2(ring)) for ring in rings) == pytest.approx(360.0 * 4.5, rel=0.1)


def test_numbers_of_results_have_six_significant_digits():
    ellipse = Ellipse(semi_major_km=123.456789, semi_minor_km=1.0 / 3.0, azimuth_deg=0.0, confidence_level=68.0)
    assert (ellipse.semi_major_km, ellipse.semi_minor_km) == (123.457, 0.333333)
    arrival = ArrivalEstimate(trace="a", phase="P", time=datetime(2004, 12, 26, 0, 0, 0, 123456, UTC), residual_s=0.0, uncertainty_s=1.0)
    assert arrival.time.microsecond == 123000
    source = SourceEstimate(
        kind="moment-tensor", constrains=True, log_likelihood=1.0, variance_reduction=0.5, nodal_planes=[{"strike": 326.36627639153494}]
    )
    assert source.nodal_planes == [{"strike": 326.366}]


def test_the_csv_of_distances_has_a_row_a_trace(located: LocateResult):
    rows = list(csv.DictReader(io.StringIO(distances_csv(located).decode())))
    assert [row["trace"] for row in rows] == ["IU.ANMO.00.LHZ", "IU.ANMO.10.LHZ", "XX.NONE..LHZ"]
    assert [row["back_azimuth_deg"] for row in rows] == ["", "15.0", ""]
    assert (rows[0]["distance_deg"], rows[0]["residual_deg"], rows[2]["residual_deg"], rows[2]["used"]) == ("70.0", "0.5", "", "False")
    assert [row["epicentral_distance_deg"] for row in rows] == ["70.5", "71.5", ""]
    assert [row["epicentral_distance_uncertainty_deg"] for row in rows] == ["0.25", "0.25", ""]


def test_each_kind_of_result_has_its_formats(record: JobRecord, located: LocateResult):
    assert set(locate_products(record, located, "ATLAS")) == {"quakeml", "geojson", "csv"}
    classified = ClassifyResult(
        event_type="glacial",
        probabilities={"earthquake": 0.25, "glacial": 0.75},
        reference_point=None,
        traces_used=3,
        model=ModelVersion(name="event_type", version="1"),
        out_of_distribution=False,
        novelty=0.5,
    )
    assert classify_products(classified) == {"csv": b"event_type,probability\r\nearthquake,0.25\r\nglacial,0.75\r\n"}
    nothing = classified.model_copy(update={"event_type": "none", "probabilities": {}})
    assert classify_products(nothing) == {"csv": b"event_type,probability\r\nnone,\r\n"}
    clustered = ClusterResult(
        k=2,
        structure_found=True,
        assignments=[Assignment(event="a,b", cluster=1, confidence=0.5)],
        selection=[],
        clusters=[],
        model=ModelVersion(name="families", version="1"),
        fine_tuned=False,
    )
    assert cluster_products(clustered) == {"csv": b'event,cluster,confidence,outlier,structure_found\r\n"a,b",1,0.5,False,True\r\n'}


@pytest.mark.parametrize("version", ["0.11", "0.12", "0.13", "0.14"])
def test_quakeml_becomes_valid_xml_of_seiscomp_with_its_origin_and_picks(record: JobRecord, located: LocateResult, version: str):
    """Converted by the style sheets that SeisComP ships, and validated against its schemas; both are in ObsPy."""
    result = with_arrival_times(located)
    event = read(quakeml(record, result.model_copy(update={"alternatives": [located.epicenter]})))
    converted = io.BytesIO()
    event.write(converted, format="SCML", version=version, validate=True)
    converted.seek(0)
    back = _read_scml(converted)[0]
    assert (len(back.origins), len(back.picks)) == (2, 3)
    origin = back.preferred_origin()
    assert (origin.latitude, origin.depth) == (3.3, 12000.0)
    assert [arrival.phase for arrival in origin.arrivals] == ["P", "S", "LR"]
