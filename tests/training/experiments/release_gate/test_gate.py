"""The gate: copies keep an observed geometry, records are shifted and cut as stated, and a common error becomes a bias."""

import json

import numpy as np
import pytest

from models.analysis.distances import predict_distances
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import destination
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record
from models.specs.offset import OFFSET
from training.evaluation.event_result import Truth
from training.experiments.demo_bundles import encode_miniseed
from training.experiments.release_gate import page
from training.experiments.release_gate.copies import draw_copy, draw_copy_source, read_geometry
from training.experiments.release_gate.invariance import cut_about_first_arrival, shift_records
from training.experiments.release_gate.measure import Reader, measure_copies, measure_events, measure_observed
from training.synthesis.records import Realism

ORIGIN_S = 1.0e9
TRUTH = Truth("event", "earthquake", 10.0, 20.0, 30.0, 6.0, float("nan"), ORIGIN_S)
PLAIN = Realism(None, noise=True, instruments=False, defects=False)


def make_records(starts_s=(-100.0, 300.0, -9000.0), duration_s=3000.0):
    """Records at 30, 60 and 90 degrees from the epicenter, begun at these times after the origin."""
    random = np.random.default_rng(0)
    records = []
    for number, start in enumerate(starts_s):
        latitude, longitude = destination(10.0, 20.0, 40.0 * number, 30.0 * (number + 1))
        samples = random.normal(size=int(duration_s + max(0.0, -start - 1000.0))).astype(np.float32)
        records.append(Record(TraceId("XX", f"S{number}", "00", "LHZ"), ORIGIN_S + start, 1.0, samples, float(latitude), float(longitude)))
    return tuple(records)


@pytest.fixture
def toy_offset(toy_artifacts):
    return OnnxModel.load(open_store(toy_artifacts), OFFSET)


@pytest.fixture
def event_folder(tmp_path):
    folder = tmp_path / "events" / "event"
    folder.mkdir(parents=True)
    records = make_records()
    (folder / "waveforms.mseed").write_bytes(encode_miniseed(records))
    rows = [f"{r.trace_id.network},{r.trace_id.station},{r.latitude_deg},{r.longitude_deg},0.0" for r in records]
    (folder / "stations.csv").write_text("\n".join(["network,station,latitude,longitude,elevation_m", *rows]))
    event = {"event_id": "event", "type": "earthquake", "latitude": 10.0, "longitude": 20.0, "depth_km": 30.0, "magnitude": 6.0}
    (folder / "event.json").write_text(json.dumps(event | {"origin_time": "2001-09-09T01:46:40+00:00"}))
    return folder


def test_a_copy_has_the_stations_starts_and_ends_of_the_observed_event(event_folder, store):
    geometry = read_geometry(event_folder)
    gather, distances = draw_copy(geometry, (store,), PLAIN, 3, np.random.default_rng(0))
    np.testing.assert_allclose(distances, [30.0, 60.0, 90.0], atol=4.0)
    recorded = np.isfinite(gather.samples)
    first = gather.start_time_s + recorded.argmax(axis=1) - ORIGIN_S
    np.testing.assert_allclose(first, [-100.0, 300.0, -3840.0], atol=3.0)
    np.testing.assert_allclose(recorded[:2].sum(axis=1), 3000.0, atol=12.0)


def test_copies_differ_in_mechanism_and_explosions_are_isotropic():
    random = np.random.default_rng(0)
    one, two = (draw_copy_source(TRUTH, 30.0, 2.0, random) for _ in range(2))
    assert not np.allclose(one.rates.sum(axis=1), two.rates.sum(axis=1))
    tensor = draw_copy_source(Truth("x", "explosion", 0.0, 0.0, 1.0, 5.0, 0.0), 2.0, 2.0, random).rates.sum(axis=1) * 2.0
    np.testing.assert_allclose(tensor, 10 ** (1.5 * 5.0 + 9.1) * np.array([1, 1, 1, 0, 0, 0]), rtol=1e-6)


def test_records_begin_at_the_shift_and_those_that_begin_later_are_left_out():
    shifted = shift_records(make_records(), TRUTH, 60.0)
    assert [record and record.start_time_s - ORIGIN_S for record in shifted] == [60.0, None, 60.0]


def test_records_are_cut_from_five_minutes_before_to_ten_after_p():
    cut = cut_about_first_arrival(make_records(), TRUTH, np.array([30.0, 60.0, 90.0]))
    for record, distance in zip(cut, (30.0, 60.0, 90.0), strict=True):
        assert record.start_time_s - ORIGIN_S == pytest.approx(travel_time_s("P", distance, 30.0) - 300.0, abs=1.0)
        assert record.duration_s == pytest.approx(899.0, abs=1.5)


def test_a_common_error_is_the_bias_of_an_event_and_uncertain_traces_count_little():
    measured = {"true_deg": [50.0] * 4, "predicted_deg": [52.0, 52.0, 53.0, 90.0], "sigma_deg": [1.0, 1.0, 1.0, 40.0], "copy": [0, 0, 1, 1]}
    assert page.measure_bias(measured) == pytest.approx(2.5, abs=0.1)
    summary = dict(page.summarize_copies([{"event": measured}]))
    assert summary["events with a bias above 1 degree"] == "1 of 1"
    assert summary["median error, degrees"] == "2.50"


def test_copies_pass_through_all_earth_models_in_turn(event_folder, store, toy_offset):
    measured = measure_copies(Reader(toy_offset, predict_distances), event_folder, (store, store), PLAIN, 3, 3)
    assert [dict(zip(measured["copy"], measured["earth"], strict=True))[copy] for copy in (0, 1, 2)] == [0, 1, 0]
    measured["predicted_deg"] = [true + 2 * earth for true, earth in zip(measured["true_deg"], measured["earth"], strict=True)]
    assert [cells.split(" ")[0] for _, cells in page.format_earths([{"event": measured}])] == ["+0.00", "+2.00", "none"]


def test_the_page_compares_two_versions_and_measures_each_event_once(event_folder, store, toy_offset, tmp_path):
    readers = [Reader(toy_offset, predict_distances)] * 2
    copies = [{"event": measure_copies(reader, event_folder, (store,), PLAIN, 1, 3)} for reader in readers]
    observed = [{"event": measure_observed(reader, event_folder)} for reader in readers]
    assert [len(row) for row in page.format_copies(copies)] == [4]
    moved = {row[0]: row[1:] for row in page.format_invariance(observed)}
    assert moved["begun -60 s of the origin time: distance moves by"][0].endswith("(1 events)")
    assert page.format_observed(observed)[0] == ("traces, events", "3, 1", "3, 1")
    assert [row[0] for row in page.format_biases(observed)] == ["event"]
    calls = []
    for _ in range(2):
        measure_events(tmp_path / "kept.json", event_folder.parent, lambda event: calls.append(event) or {"n": 1})
    assert calls == [event_folder]
