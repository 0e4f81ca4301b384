"""Impulsive and emergent first arrivals: pulses of P in noise, and noise that grows over ten seconds and more."""

import numpy as np

from models.seismic.discriminants.onsets import is_impulsive
from models.seismic.signal.filters import bandpass_causal
from models.seismic.signal.picker import pick_record
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record

RATE_HZ = 20.0
TIMES = np.arange(-150.0, 150.0, 1.0 / RATE_HZ)


def make_record(samples):
    return Record(TraceId("XX", "S", "", "BHZ"), float(TIMES[0]), RATE_HZ, samples.astype(np.float32), 1.0, 2.0)


def draw_noise(random, low_hz, high_hz):
    samples = bandpass_causal(random.normal(size=len(TIMES)), RATE_HZ, low_hz, high_hz)
    return samples / samples.std()


def simulate_landslide(random, strength):
    """Scattered waves of 0.4 Hz and more that grow over 10 to 40 s and fade, in noise."""
    rise_s, after = float(np.exp(random.uniform(*np.log((10.0, 40.0))))), np.maximum(TIMES, 0.0)
    envelope = np.minimum(after / rise_s, 1.0) ** random.uniform(1.0, 2.0) * np.exp(
        -np.maximum(after - rise_s, 0.0) / random.uniform(15, 40)
    )
    return make_record(draw_noise(random, 0.2, 8.0) + strength * envelope * draw_noise(random, 0.4, 6.0))


def simulate_earthquake(random, strength, s_minus_p_s):
    """A pulse of P of 0.2 to 1.5 s with coda, and S with larger coda, in noise."""
    pulse_s = random.uniform(0.2, 1.5)
    pulse = np.where((TIMES > 0.0) & (pulse_s > TIMES), np.sin(2.0 * np.pi * TIMES / pulse_s), 0.0) * random.uniform(0.3, 1.0)
    codas = []
    for start_s, decay_s in ((0.5 * pulse_s, random.uniform(3, 20)), (s_minus_p_s, random.uniform(10, 30))):
        coda = np.where(start_s < TIMES, np.exp(-np.maximum(TIMES - start_s, 0.0) / decay_s), 0.0) * draw_noise(random, 0.4, 5.0)
        codas.append(coda / np.abs(coda).max())
    return make_record(
        draw_noise(random, 0.2, 8.0) + strength * (pulse + random.uniform(0.2, 0.6) * codas[0] + random.uniform(2, 8) * codas[1])
    )


def find_first_pick(record, latest_s):
    picks = pick_record(record)
    usable = (picks.bands < 3) & (picks.times_s > -3.0) & (picks.times_s < latest_s)
    return float(picks.times_s[usable].min()) if usable.any() else None


def test_emergent_waves_are_hardly_ever_impulsive_and_p_in_weak_noise_mostly_is():
    random, emergent, impulsive = np.random.default_rng(5), [], []
    for _ in range(30):
        for strength in (3.0, 6.0, 25.0):
            record = simulate_landslide(random, strength)
            pick_s = find_first_pick(record, 40.0)
            emergent += [] if pick_s is None else [is_impulsive(record, pick_s)]
        s_minus_p_s = random.uniform(8.0, 70.0)
        record = simulate_earthquake(random, random.uniform(12.0, 50.0), s_minus_p_s)
        pick_s = find_first_pick(record, 6.0)
        impulsive += [] if pick_s is None else [is_impulsive(record, pick_s, s_minus_p_s - 1.0)]
    assert len(emergent) > 60
    assert np.mean(emergent) <= 0.02
    assert np.mean(impulsive) >= 0.85


def test_slow_and_short_records_are_not_called_impulsive():
    record = simulate_earthquake(np.random.default_rng(6), 50.0, 40.0)
    assert is_impulsive(record, 0.0, 39.0)
    assert not is_impulsive(record, -140.0)
    assert not is_impulsive(Record(record.trace_id, record.start_time_s, 2.0, record.samples[::10], 1.0, 2.0), 0.0)
