from datetime import UTC, datetime

from app.demo.report import describe_classification, describe_clusters, describe_location, progress_bar
from workers.results import (
    Assignment,
    ClassifyResult,
    Cluster,
    ClusterResult,
    DetectionResult,
    DistanceEstimate,
    Ellipse,
    Epicenter,
    LocateResult,
    ModelVersion,
)

MODEL = ModelVersion(name="event_type", version="1")
ELLIPSE = Ellipse(semi_major_km=30.0, semi_minor_km=20.0, azimuth_deg=40.0, confidence_level=68.0)


def location(**changes):
    fields = {
        "event_type": "earthquake",
        "epicenter": Epicenter(latitude=18.7, longitude=96.1, horizontal_uncertainty_km=21.4, ellipse=ELLIPSE),
        "origin_time": datetime(2004, 12, 26, 0, 58, 53, 987_654, tzinfo=UTC),
        "origin_time_uncertainty_s": 4.0,
        "depth_km": 12.0,
        "depth_uncertainty_km": 9.0,
        "force_azimuth_deg": None,
        "force_azimuth_uncertainty_deg": None,
        "force_azimuth_ambiguous": None,
        "offsets": [
            DistanceEstimate(trace="IU.ANMO.00.LHZ", distance_deg=71.2, distance_uncertainty_deg=0.8, residual_deg=0.1, used=True),
            DistanceEstimate(trace="IU.COLA.00.LHZ", distance_deg=90.0, distance_uncertainty_deg=0.8, residual_deg=None, used=False),
        ],
        "azimuthal_gap_deg": 63.0,
        "models": [MODEL],
    }
    return LocateResult(**fields | changes).model_dump(mode="json")


def result_of_classification(*, out_of_distribution):
    return ClassifyResult(
        event_type="glacial",
        probabilities={"earthquake": 0.03, "glacial": 0.96, "other": 0.01},
        reference_point=None,
        traces_used=42,
        model=MODEL,
        out_of_distribution=out_of_distribution,
        novelty=1.5 if out_of_distribution else 0.5,
    ).model_dump(mode="json")


def test_a_class_is_formatted_with_its_probabilities():
    assert describe_classification(result_of_classification(out_of_distribution=False)) == [
        "class       glacial (probabilities: earthquake 3%, glacial 96%, other 1%), 42 traces"
    ]


def test_an_out_of_distribution_class_is_formatted_with_a_warning():
    assert "out of distribution" in describe_classification(result_of_classification(out_of_distribution=True))[-1]


def test_an_earthquake_is_formatted_with_epicenter_time_and_depth():
    assert describe_location(location()) == [
        "epicenter   18.70°, 96.10° ± 21 km (68 %)",
        "origin time 2004-12-26 00:58:53 UTC ± 4 s",
        "depth       12 ± 9 km",
        "distances   1 used, azimuthal gap 63°",
    ]


def test_a_glacial_event_is_formatted_with_its_force():
    force = {"force_azimuth_deg": 220.0, "force_azimuth_uncertainty_deg": 12.0, "force_azimuth_ambiguous": True}
    lines = describe_location(location(event_type="glacial", depth_km=None, depth_uncertainty_km=None, **force))
    assert "force       azimuth 220° ± 12°, or the opposite" in lines


def test_families_are_formatted_with_size_and_confidence():
    result = ClusterResult(
        k=2,
        structure_found=True,
        assignments=[
            Assignment(event="a", cluster=0, confidence=0.9),
            Assignment(event="b", cluster=0, confidence=0.7),
            Assignment(event="c", cluster=1, confidence=1.0),
        ],
        selection=[],
        clusters=[Cluster(cluster=0, size=2, representatives=["a"]), Cluster(cluster=1, size=1, representatives=["c"])],
        model=MODEL,
        fine_tuned=False,
    ).model_dump(mode="json")
    lines = describe_clusters(result)
    assert lines[0] == "families    2 in 3 events"
    assert [line.split() for line in lines[2:]] == [["0", "2", "0.80", "a"], ["1", "1", "1.00", "c"]]


def test_a_progress_bar_is_clipped_at_its_ends():
    assert progress_bar("search", 0.0).startswith("[" + "." * 24 + "]   0% search")
    assert progress_bar("search", 2.0) == "[" + "#" * 24 + "] 100% search      "


def test_an_event_that_was_not_detected_has_one_line():
    detection = DetectionResult(detected=False, statistic=0.4, false_alarm_probability=0.37)
    expected = ["event       none detected (false-alarm probability of the strongest evidence 0.37)"]
    absent = dict.fromkeys(("epicenter", "origin_time", "origin_time_uncertainty_s", "azimuthal_gap_deg"))
    assert describe_location(location(event_type="none", offsets=[], detection=detection, **absent)) == expected
    nothing = result_of_classification(out_of_distribution=False) | {"event_type": "none", "probabilities": {}}
    assert describe_classification(nothing | {"detection": detection.model_dump()}) == expected
