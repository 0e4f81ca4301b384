"""Data of figures: what the page draws is what the figure shows, in a bounded size."""

import base64
import json

import numpy as np
import pytest

from models.seismic.earth.travel_times import travel_time_s
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather, Record
from workers.exports.figure_data import MAX_LONG_SAMPLES, SectionTraces, write_families_data, write_section_data

ORIGIN_S = 1_000_000_000.0


def make_traces(distances_deg, rate_hz=5.0, seconds=3000):
    """Make traces of noise with a gap in the first; the records begin 300 s before the origin."""
    count, rng = len(distances_deg), np.random.default_rng(1)
    ids = tuple(TraceId("XX", f"S{number}", "00", "BHZ") for number in range(count))
    samples = rng.standard_normal((count, seconds)).astype(np.float32)
    samples[0, 100:140] = np.nan
    gather = Gather(ids, ORIGIN_S - 300.0, 1.0, samples, np.zeros(count), np.asarray(distances_deg, np.float64))
    raw = rng.standard_normal((count, int(seconds * rate_hz))).astype(np.float32)
    records = [Record(trace, ORIGIN_S - 300.0, rate_hz, row, 0.0, 0.0) for trace, row in zip(ids, raw, strict=True)]
    return SectionTraces(gather, np.asarray(distances_deg, np.float64), np.full(count, 90.0), records, "Epicentral distance")


def read_section(traces, **options):
    return json.loads(write_section_data(traces, np.arange(len(traces.distances_deg)), **options))


def decode(waveform):
    return np.frombuffer(base64.b64decode(waveform["samples"]), "<i2")


def test_waveforms_of_long_periods_are_those_of_the_gather_with_gaps():
    traces = make_traces([20.0, 40.0])
    section = read_section(traces, origin_time_s=ORIGIN_S, window_s=(ORIGIN_S - 250.0, ORIGIN_S + 1000.0), depth_km=10.0)
    first = section["bands"][0]["waveforms"][0]
    values = decode(first)
    assert (first["start_s"], first["step_s"], len(values)) == (-250.0, 1.0, 1250)
    assert np.flatnonzero(values == -32768).tolist() == list(range(50, 90))
    live = values != -32768
    np.testing.assert_allclose(values[live] * first["peak"] / 32767, traces.gather.samples[0, 50:1300][live], atol=2e-4 * first["peak"])


def test_too_many_samples_are_replaced_by_their_extremes():
    traces = make_traces(np.linspace(10.0, 90.0, 60), seconds=8000)
    traces.gather.samples[7, 4321] = 50.0
    waves = read_section(traces, origin_time_s=None)["bands"][0]["waveforms"]
    assert sum(len(decode(wave)) for wave in waves) <= MAX_LONG_SAMPLES
    assert waves[7]["peak"] == 50.0
    at_s = waves[7]["start_s"] + waves[7]["step_s"] * decode(waves[7]).argmax()
    assert at_s == pytest.approx(4321.0, abs=2 * waves[7]["step_s"])


@pytest.mark.parametrize(
    ("distances", "rate_hz", "periods_s"),
    [([0.5, 2.0], 20.0, (0.25, 1.25)), ([0.5, 2.0], 5.0, (0.5, 1.25)), ([0.5, 2.0], 1.0, (2.3, 10.0)), ([30.0, 80.0], 5.0, (0.5, 3.33))],
)
def test_the_band_of_first_arrivals_fits_distance_and_sampling_rate(distances, rate_hz, periods_s):
    section = read_section(make_traces(distances, rate_hz), origin_time_s=ORIGIN_S, depth_km=10.0)
    band = section["bands"][1]
    assert (band["shortest_period_s"], band["longest_period_s"]) == periods_s
    for wave, distance in zip(band["waveforms"], distances, strict=True):
        first_s = float(travel_time_s("P", distance, 10.0))
        assert wave["start_s"] < first_s - 20.0
        assert wave["start_s"] + wave["step_s"] * len(decode(wave)) > first_s + 100.0


def test_records_without_short_periods_and_unknown_distances_leave_one_band():
    assert len(read_section(make_traces([30.0, 80.0], 0.4), origin_time_s=ORIGIN_S, depth_km=10.0)["bands"]) == 1
    unknown = read_section(make_traces([np.nan, np.nan]), origin_time_s=ORIGIN_S, depth_km=10.0)
    assert (len(unknown["bands"]), unknown["curves"], unknown["traces"][0]["distance_deg"]) == (1, [], None)


def test_travel_time_curves_are_those_of_the_table_and_end_where_a_phase_ends():
    curves = {curve["phase"]: curve for curve in read_section(make_traces([20.0, 150.0]), origin_time_s=ORIGIN_S, depth_km=33.0)["curves"]}
    assert {"P", "S", "PKP", "LR"} <= set(curves)
    last = curves["P"]["distances_deg"][-1]
    assert curves["P"]["times_s"][-1] is None
    assert curves["PKP"]["times_s"][-1] == pytest.approx(float(travel_time_s("PKP", last, 33.0)), abs=0.01)


@pytest.mark.parametrize(("depth_km", "nearest_deg"), [(10.0, 2.0), (40.0, 1.0), (600.0, 6.0)])
def test_rayleigh_waves_have_no_line_before_s(depth_km, nearest_deg):
    section = read_section(make_traces([0.1, 12.0]), origin_time_s=ORIGIN_S, depth_km=depth_km)
    curves = {curve["phase"]: curve["times_s"] for curve in section["curves"]}
    grid = section["curves"][0]["distances_deg"]
    drawn = [row for row in zip(grid, curves["LR"], curves["S"], strict=True) if row[1] is not None]
    assert all(rayleigh_s >= shear_s for _, rayleigh_s, shear_s in drawn)
    assert nearest_deg <= drawn[0][0] < drawn[-1][0] == grid[-1]


def test_families_hold_the_waveforms_of_representatives_alone():
    waveforms = np.zeros((3, 600), np.int8)
    waveforms[0, 200] = -127
    data = json.loads(write_families_data(["a", "b"], np.array([[0.0, 1.0], [2.0, 3.0]]), {1: waveforms}))
    assert (data["events"], data["positions"], list(data["waveforms"])) == (["a", "b"], [[0.0, 1.0], [2.0, 3.0]], ["b"])
    (trace,) = data["waveforms"]["b"]
    assert np.frombuffer(base64.b64decode(trace), np.int8)[200] == -127
