"""Steps, pulses and spikes at one instant on many records are left out; waves are not."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from models.seismic.signal.common_disturbances import find_abrupt_changes, find_common_disturbances, remove_common_disturbances
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Horizontals, Record

RATE_HZ, COUNT, INSTANT = 5.0, 9000, 1.6e9 + 901.0


def make_network(count: int = 8, spacing_deg: float = 2.0, seed: int = 1) -> list[Record]:
    """Records of noise on a line of stations that begin at different times."""
    random = np.random.default_rng(seed)
    return [
        Record(
            TraceId("XX", f"S{k}", "", "BHZ"),
            1.6e9 + 0.3 * k,
            RATE_HZ,
            random.normal(size=COUNT).astype(np.float32),
            10.0 + spacing_deg * k,
            20.0,
        )
        for k in range(count)
    ]


def disturb(record: Record, shape: str, time_s: float = INSTANT, height: float = 200.0) -> Record:
    at = round((time_s - record.start_time_s) * RATE_HZ)
    tail = {
        "step": np.ones(COUNT),
        "pulse": np.exp(-np.arange(COUNT) / 150.0),
        "spike": np.arange(COUNT) < 1,
        "square": np.arange(COUNT) < 1500,
    }
    samples = record.samples.copy()
    samples[at:] += np.float32(height) * tail[shape][: COUNT - at].astype(np.float32)
    return replace(record, samples=samples)


@pytest.mark.parametrize("shape", ["step", "pulse", "spike", "square"])
def test_what_most_stations_record_at_one_instant_is_left_out_and_reported_once(shape):
    quiet = make_network()
    records = [disturb(record, shape) if k < 6 else record for k, record in enumerate(quiet)]
    mended, issues = remove_common_disturbances(records)
    assert {issue.code for issue in issues} == {"common-disturbance"}
    assert len(issues) == (2 if shape == "square" else 1)
    assert "6 of 8 records" in issues[0].detail
    assert "2020-09-13 12:41:4" in issues[0].detail
    for before, after in zip(quiet[6:], mended[6:], strict=True):  # they may be disturbed too little to be noticed
        assert 0.0 < np.isnan(after.samples).sum() <= 60.0 * len(issues) * RATE_HZ
        assert np.nanmax(np.abs(after.samples - before.samples)) < 1.0
    for before, after in zip(quiet[:6], mended[:6], strict=True):
        left = np.isfinite(after.samples)
        assert 0.5 < left.mean() < 0.99
        assert np.abs(after.samples[left] - before.samples[left]).max() < 3.0  # pulses decay to less than the noise


def test_horizontals_are_left_out_at_the_same_instant():
    records = make_network()
    pairs = [disturb(record, "step").samples for record in records]
    ids = (TraceId("XX", "A", "", "BHN"), TraceId("XX", "A", "", "BHE"))
    records = [
        replace(disturb(record, "step"), horizontals=Horizontals(ids, np.stack([pair, -pair]), (0.0, 90.0)))
        for record, pair in zip(records, pairs, strict=True)
    ]
    mended, _ = remove_common_disturbances(records)
    for record in mended:
        assert record.horizontals is not None
        assert np.nanmax(np.abs(record.horizontals.samples)) < 10.0


def test_a_step_at_a_fifth_of_many_stations_is_left_out():
    records = [disturb(record, "step") if k < 5 else record for k, record in enumerate(make_network(20))]
    (found,) = find_common_disturbances(records)
    assert found.indices == (0, 1, 2, 3, 4)
    assert found.recording == tuple(range(20))
    assert found.affected == found.indices
    assert find_common_disturbances([*records, *make_network(20, seed=7)]) == []


@pytest.mark.parametrize(("disturbed", "spacing_deg"), [(3, 2.0), (8, 0.01)])
def test_a_step_at_few_stations_or_within_a_small_array_is_left_alone(disturbed, spacing_deg):
    records = make_network(spacing_deg=spacing_deg)
    records = [disturb(record, "step") if k < disturbed else record for k, record in enumerate(records)]
    mended, issues = remove_common_disturbances(records)
    assert issues == []
    assert mended == records


def test_a_disturbance_of_hundreds_of_records_is_found_in_little_memory():
    few = [disturb(record, "step") for record in make_network(10)]
    records = [replace(record, latitude_deg=-60.0 + 0.1 * (number % 1200)) for number, record in enumerate(few * 60)]
    tracemalloc.start()
    (found,) = find_common_disturbances(records)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.indices) == 600
    assert peak < 1e8


def test_steps_at_different_times_are_left_alone():
    records = [disturb(record, "step", INSTANT + 7.0 * k) for k, record in enumerate(make_network())]
    assert all(len(find_abrupt_changes(record)) == 1 for record in records)
    assert find_common_disturbances(records) == []


def test_a_wave_that_arrives_everywhere_at_once_is_no_abrupt_change():
    """As PKIKP near the antipode or P above a deep source: an onset from one sample to the next, with waves behind it."""
    random, records = np.random.default_rng(4), make_network()
    wave = 300.0 * random.normal(size=COUNT) * np.exp(-np.arange(COUNT) / 100.0)
    at = [round((INSTANT - record.start_time_s) * RATE_HZ) for record in records]
    moved = [np.concatenate([np.zeros(k), wave[: COUNT - k]]).astype(np.float32) for k in at]
    arriving = [replace(record, samples=record.samples + motion) for record, motion in zip(records, moved, strict=True)]
    assert find_common_disturbances(arriving) == []


def test_noise_and_stations_without_coordinates_have_no_common_disturbance():
    assert sum(len(find_abrupt_changes(record)) for record in make_network(40, seed=2)) == 0
    unknown = [replace(disturb(record, "step"), latitude_deg=None, longitude_deg=None) for record in make_network()]
    assert find_common_disturbances(unknown) == []
