"""The depth at which pP and sP would arrive when energy rises is the most likely one."""

import numpy as np
import pytest

from models.seismic.depth_phases.likelihood import DEPTHS_KM, MIN_TRACES, DepthPhases, compute_rise_ratio, find_depth_phases, predict_delays
from models.seismic.depth_phases.rises import MAX_RISE, Onset
from models.seismic.earth.travel_times import first_arrival_s, travel_time_s
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record

RATE_HZ = 5.0


def make_network(
    depth_km: float, distances_deg: np.ndarray, phases: tuple[str, ...], seed: int = 1
) -> tuple[list[Record], dict[int, Onset]]:
    """Records of a source at a depth, each with the first arrival and some phases, of equal size and with coda."""
    random, records, onsets = np.random.default_rng(seed), [], {}
    for index, distance in enumerate(distances_deg):
        first_s = float(first_arrival_s(distance, depth_km))
        seconds = first_s - 200.0 + np.arange(round(500.0 * RATE_HZ)) / RATE_HZ
        envelope = np.full(len(seconds), 0.02)
        for phase in phases:
            after = seconds - float(travel_time_s(phase, distance, depth_km))
            envelope += np.exp(-np.maximum(after, 0.0) / 12.0) * (after > 0.0)
        samples = (random.normal(size=len(seconds)) * envelope).astype(np.float32)
        records.append(Record(TraceId("XX", f"S{index}", "", "BHZ"), float(seconds[0]), RATE_HZ, samples, 0.0, 0.0))
        onsets[index] = Onset(first_s, "P" if distance < 100.0 else "PKP")
    return records, onsets


def most_likely_km(found: DepthPhases) -> float:
    return float(found.depths_km[np.argmax(found.log_likelihood)])


@pytest.mark.parametrize("depth_km", [60.0, 150.0, 400.0, 600.0])
def test_the_depth_of_p_with_its_depth_phases_is_found(depth_km):
    distances = np.linspace(35.0, 80.0, 12)
    found = find_depth_phases(*make_network(depth_km, distances, ("P", "pP", "sP")), distances)
    assert found is not None
    assert found.found
    assert most_likely_km(found) == pytest.approx(depth_km, abs=12.0 + 0.02 * depth_km)
    assert found.traces == len(distances)
    assert found.rises.shape == (len(found.windows_s), 2, len(DEPTHS_KM))
    assert np.nanmax(found.rises[:, 0, np.abs(DEPTHS_KM - depth_km) < 20.0]) > 1.0


def test_core_phases_have_depth_phases_too():
    distances = np.linspace(146.0, 152.0, 15)
    found = find_depth_phases(*make_network(520.0, distances, ("PKP", "pPKP", "sPKP")), distances)
    assert most_likely_km(found) == pytest.approx(520.0, abs=20.0)


def test_an_epicenter_five_degrees_off_moves_the_depth_little():
    distances = np.linspace(55.0, 62.0, 12)
    records, onsets = make_network(300.0, distances, ("P", "pP", "sP"))
    found = find_depth_phases(records, onsets, distances + 5.0)
    assert most_likely_km(found) == pytest.approx(300.0, abs=25.0)


def test_p_alone_speaks_for_a_shallow_source():
    distances = np.linspace(35.0, 80.0, 12)
    found = find_depth_phases(*make_network(10.0, distances, ("P",)), distances)
    assert not found.found
    assert found.log_likelihood[0] == 0.0
    assert found.log_likelihood[DEPTHS_KM > 60.0].mean() < -1.0


def test_pp_is_no_depth_phase():
    distances = np.linspace(70.0, 76.0, 12)
    found = find_depth_phases(*make_network(10.0, distances, ("P", "PP")), distances)
    assert not found.found


def test_too_few_records_say_nothing():
    distances = np.linspace(35.0, 80.0, MIN_TRACES - 1)
    assert find_depth_phases(*make_network(300.0, distances, ("P", "pP")), distances) is None
    assert find_depth_phases([], {}, np.zeros(0)) is None


def test_delays_grow_with_depth():
    delays, others = predict_delays(["P", "PKP"], np.array([60.0, 150.0]))
    assert delays.shape == (2, 2, len(DEPTHS_KM))
    assert np.all(np.diff(delays[0, 0, 5:]) > 0.0)  # of shallower sources TauP has none
    assert np.all(delays[1, :, 5:] > delays[0, :, 5:])
    assert others.shape == (2, 2, len(DEPTHS_KM))


def test_a_large_rise_counts_less_near_a_phase_that_makes_one():
    at = np.array([0.0, 1.0, 2.5])
    free, near_pcp, near_pp = (
        compute_rise_ratio(at, 0.2, {"PcP": np.full(3, pcp), "PP": np.full(3, pp)})
        for pcp, pp in ((False, False), (True, False), (False, True))
    )
    assert free[0] == 0.0
    assert free[1] > near_pcp[1]
    assert near_pcp[2] > free[2]  # PcP is never that large
    assert near_pp[2] < 3.0
    assert free[2] == pytest.approx((1.0 / MAX_RISE) / (0.05 / (2.0 * MAX_RISE)), rel=0.01)
