"""Picks of synthetic records with a known arrival."""

from dataclasses import replace

import numpy as np
import pytest

from models.seismic.signal.picker import pick_record
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Horizontals, Record

ARRIVAL_S = 150.0


def record(rate_hz=5.0, seconds=400.0, ratio=20.0, seed=0, begin_s=1.6e9):
    """White noise that grows `ratio` times stronger at ARRIVAL_S and fades within a minute."""
    rng = np.random.default_rng(seed)
    after = np.arange(round(seconds * rate_hz)) / rate_hz - ARRIVAL_S
    growth = np.where(after >= 0.0, 1.0 + (ratio - 1.0) * np.exp(-np.maximum(after, 0.0) / 20.0), 1.0)
    samples = (rng.normal(size=len(after)) * growth).astype(np.float32)
    return Record(TraceId("XX", "S", "", "BHZ"), begin_s, rate_hz, samples, 0.0, 0.0)


def with_samples(original, samples):
    return Record(original.trace_id, original.start_time_s, original.sampling_rate_hz, samples.astype(np.float32), 0.0, 0.0)


def nearest_s(found, begin_s=1.6e9):
    return np.min(np.abs(found.times_s - begin_s - ARRIVAL_S))


@pytest.mark.parametrize(("rate_hz", "within_s"), [(100.0, 1.5), (20.0, 1.5), (5.0, 1.5), (1.0, 8.0)])
def test_the_strongest_pick_is_the_arrival_at_any_sampling_rate(rate_hz, within_s):
    found = pick_record(record(rate_hz, seconds=900.0))
    strongest = found.times_s[np.argmax(found.strengths)] - 1.6e9
    assert abs(strongest - ARRIVAL_S) < within_s


def test_picks_do_not_depend_on_polarity_scale_or_offset():
    plain = record()
    negated = with_samples(plain, -1e5 * plain.samples.astype(np.float64) + 3e4)
    np.testing.assert_allclose(pick_record(negated).times_s, pick_record(plain).times_s, atol=0.21)


def test_a_glitch_is_not_picked():
    samples = record().samples.copy()
    samples[300] = 1e5
    found = pick_record(with_samples(record(), samples))
    assert nearest_s(found) < 1.0
    assert not np.any(np.abs(found.times_s - 1.6e9 - 60.0) < 3.0)


def test_the_edge_of_a_gap_is_not_picked():
    samples = record(ratio=1.0).samples.copy()
    samples[700:900] = np.nan
    found = pick_record(with_samples(record(), samples))
    assert not np.any((found.times_s - 1.6e9 > 135.0) & (found.times_s - 1.6e9 < 183.0))


def test_noise_has_weak_picks_only():
    strengths = [pick_record(record(ratio=1.0, seed=seed)).strengths.max(initial=0.0) for seed in range(20)]
    assert np.median(strengths) < 4.0
    assert pick_record(record()).strengths.max() > 5.0


@pytest.mark.parametrize("samples", [np.zeros(2000), np.full(2000, np.nan), np.full(2000, 7.0), np.ones(1), np.zeros(0)])
def test_a_dead_record_has_no_picks(samples):
    assert len(pick_record(with_samples(record(), samples)).times_s) == 0


def with_horizontals(vertical, north, east):
    """The vertical record with two others as its horizontal components."""
    names = tuple(vertical.trace_id._replace(channel=channel) for channel in ("BHN", "BHE"))
    return replace(vertical, horizontals=Horizontals(names, np.stack((north.samples, east.samples)), (np.nan, np.nan)))


def test_an_arrival_on_the_horizontals_is_picked_there_and_picks_of_the_vertical_stay():
    quiet = record(ratio=1.0)
    found = pick_record(with_horizontals(quiet, record(seed=1), record(ratio=1.0, seed=2)))
    vertical = pick_record(quiet)
    np.testing.assert_array_equal(found.times_s[~found.horizontal], vertical.times_s)
    strongest = np.argmax(found.strengths)
    assert found.horizontal[strongest]
    assert abs(found.times_s[strongest] - 1.6e9 - ARRIVAL_S) < 1.5
    assert found.times_s.shape == found.horizontal.shape == found.bands.shape


def test_noisy_horizontals_have_weak_picks_only():
    records = [with_horizontals(*(record(ratio=1.0, seed=3 * seed + component) for component in range(3))) for seed in range(20)]
    found = [pick_record(one) for one in records]
    assert np.median([one.strengths[one.horizontal].max(initial=0.0) for one in found]) < 4.0


@pytest.mark.parametrize("level", [np.nan, 7.0])
def test_a_dead_horizontal_has_no_picks(level):
    dead = with_samples(record(), np.full(2000, level))
    assert not pick_record(with_horizontals(record(), record(seed=1), dead)).horizontal.any()


@pytest.mark.parametrize("rate_hz", [1.0, 5.0])
def test_a_record_cut_half_a_minute_before_the_arrival_is_picked(rate_hz):
    """At one sample per second, 30 s are four short windows of noise; a long record would need eight."""
    found = pick_record(cut(record(rate_hz), 120.0, 220.0))
    assert len(found.times_s)
    assert nearest_s(found) < 3.0


def test_noise_is_picked_no_more_often_in_short_records():
    """Their strengths allow for the error of a noise level from three short windows."""
    whole = [record(ratio=1.0, seconds=1000.0, seed=seed) for seed in range(10)]
    pieces = [cut(one, begin_s, begin_s + 100.0) for one in whole for begin_s in np.arange(0.0, 1000.0, 100.0)]
    strengths = np.concatenate([pick_record(piece).strengths for piece in pieces])
    assert np.count_nonzero(strengths > 4.0) <= 0.05 * len(pieces)


def cut(original, begin_s, end_s):
    first, last = round(begin_s * original.sampling_rate_hz), round(end_s * original.sampling_rate_hz)
    return replace(original, start_time_s=original.start_time_s + begin_s, samples=original.samples[first:last])


def test_waves_of_longer_period_that_leak_into_a_band_are_not_picked_in_it():
    """A wave train of 8 to 12 s, 3,000 times larger than the noise at other periods, has picks in no band above 0.3 Hz."""
    rng = np.random.default_rng(4)
    spectrum = np.fft.rfft(rng.normal(size=4000))
    periods_s = 1.0 / np.maximum(np.fft.rfftfreq(4000, 0.2), 1e-6)
    train = np.fft.irfft(np.where((periods_s > 8.0) & (periods_s < 12.0), spectrum, 0.0), 4000)
    grown = train / train.std() * (1.0 + 10.0 * np.exp(-0.5 * ((np.arange(4000) - 2000) / 200.0) ** 2))
    found = pick_record(with_samples(record(), 3000.0 * grown + rng.normal(size=4000)))
    assert len(found.bands) == 0 or found.bands.min() == 3


def test_the_end_of_a_record_is_not_picked():
    samples = record(ratio=1.0).samples.copy()
    samples[-8:] += 30.0 * np.cos(np.arange(8) * 1.5).astype(np.float32)
    found = pick_record(with_samples(record(), samples))
    assert not np.any(found.times_s - 1.6e9 > 398.0)
