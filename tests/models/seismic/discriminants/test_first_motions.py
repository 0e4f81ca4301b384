"""First motions of P: read from simulated onsets, predicted for mechanisms, and weighed between explosion, collapse and earthquake."""

import numpy as np
import pytest

from models.seismic.discriminants.first_motions import (
    READING_ERROR,
    FirstMotion,
    first_motion_log_likelihoods,
    read_first_motion,
    takeoff_angles_deg,
)
from models.seismic.discriminants.love_rayleigh import MAX_LOG_RATIO, weigh_explosion
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record

RATE_HZ = 10.0
PICK_S = 60.0
AROUND = np.arange(0.0, 360.0, 45.0)


def simulate_record(random, *, up, strength, pulse_s):
    """Noise in which a pulse of ground velocity of one sign first begins near the pick, followed by scattered waves."""
    times = np.arange(round(100.0 * RATE_HZ)) / RATE_HZ - PICK_S - random.normal(0.0, 0.2)
    displacement = np.where((times > 0.0) & (times < pulse_s), 1.0 - np.cos(2.0 * np.pi * times / pulse_s), 0.0)
    coda = np.where(times > 0.5 * pulse_s, np.exp(-times / 5.0), 0.0) * random.normal(size=len(times))
    velocity = np.gradient(displacement)
    signal = velocity / np.abs(velocity).max() + 0.3 * coda
    samples = random.normal(size=len(times)) + (1.0 if up else -1.0) * strength * signal
    return Record(TraceId("XX", "S", "", "BHZ"), 0.0, RATE_HZ, samples.astype(np.float32), 1.0, 2.0)


def test_most_onsets_are_read_and_one_in_ten_of_those_wrongly_at_most():
    random, read = np.random.default_rng(3), []
    for _ in range(150):
        up, strength, pulse_s = bool(random.integers(2)), float(np.exp(random.uniform(1.5, 4.0))), float(random.uniform(0.4, 1.5))
        sign = read_first_motion(simulate_record(random, up=up, strength=strength, pulse_s=pulse_s), PICK_S)
        read += [] if sign is None else [sign == up]
    assert len(read) > 50
    assert 1.0 - np.mean(read) <= READING_ERROR


def test_noise_and_slow_records_have_no_first_motion():
    random = np.random.default_rng(4)
    quiet = [read_first_motion(simulate_record(random, up=True, strength=0.0, pulse_s=1.0), PICK_S) for _ in range(30)]
    assert sum(sign is not None for sign in quiet) <= 1
    record = simulate_record(random, up=True, strength=50.0, pulse_s=1.0)
    slow = Record(record.trace_id, 0.0, 1.0, record.samples[::10], 1.0, 2.0)
    assert read_first_motion(slow, PICK_S) is None
    assert read_first_motion(record, 5.0) is None  # too little noise before it


def test_takeoff_angles_are_steep_at_distant_stations_and_upward_beside_a_deep_source():
    near, regional, distant = takeoff_angles_deg(np.array([0.2, 8.0, 80.0]), 15.0)
    assert 15.0 < distant < 25.0
    assert distant < regional < near
    assert takeoff_angles_deg(np.array([0.3]), 100.0)[0] > 150.0


def test_a_thrust_earthquake_is_up_at_distant_stations_and_down_across_its_strike_nearby():
    thrust = np.array([[0.0, -1.0, 1.0, 0.0, 0.0, 0.0]])  # pressure axis east, tension axis vertical
    up, down = (
        first_motion_log_likelihoods([FirstMotion(is_up, 90.0, takeoff) for takeoff in (20.0,)], thrust)[0] for is_up in (True, False)
    )
    assert up == pytest.approx(np.log(1.0 - READING_ERROR), abs=0.01)
    assert down == pytest.approx(np.log(READING_ERROR), abs=0.01)
    assert first_motion_log_likelihoods([FirstMotion(False, 90.0, 80.0)], thrust)[0] > np.log(0.8)


def weigh(signs, takeoff_deg=50.0):
    return weigh_explosion((), 0.0, [FirstMotion(bool(up), azimuth, takeoff_deg) for up, azimuth in zip(signs, AROUND, strict=True)])


def test_one_sign_everywhere_speaks_for_a_source_at_the_surface_and_both_for_an_earthquake():
    assert 1.0 < weigh([True] * 8) <= MAX_LOG_RATIO
    assert weigh([False] * 8) > 0.5
    assert weigh([True, True, False, False] * 2) < -2.0
    assert weigh([True] * 8, takeoff_deg=15.0) < weigh([True] * 8)  # one side of the focal sphere alone


def test_fewer_than_four_first_motions_decide_nothing():
    assert weigh_explosion((), 0.7, [FirstMotion(True, azimuth, 50.0) for azimuth in AROUND[:3]]) == 0.7
