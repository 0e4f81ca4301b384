import numpy as np
import pytest

from models.errors import NoUsableTrace
from models.imaging.conditioning import condition
from models.imaging.style import Conditioning
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record, Response

CONDITIONING = Conditioning(sampling_rate_hz=1.0, shortest_period_s=8.0, longest_period_s=200.0, taper_s=30.0)
PERIOD_S = 30.0
START_S = 1_000_000_000.0


def wave(times_s):
    return np.sin(2 * np.pi * np.asarray(times_s) / PERIOD_S)


def recording(rate_hz=1.0, start_s=START_S, duration_s=3600.0, shape=wave, response=None):
    times_s = start_s + np.arange(int(duration_s * rate_hz)) / rate_hz
    return Record(TraceId("XX", "A", "", "LHZ"), start_s, rate_hz, shape(times_s - START_S).astype(np.float32), 1.0, 2.0, response=response)


def inner(gather, row=0, margin=300):
    """Return times since START_S and samples, away from the ends."""
    times_s = gather.start_time_s - START_S + np.arange(gather.samples.shape[1]) / gather.sampling_rate_hz
    live = np.flatnonzero(np.isfinite(gather.samples[row]))[margin:-margin]
    return times_s[live], gather.samples[row, live]


@pytest.mark.parametrize("rate_hz", [0.1, 0.5, 1.0, 5.0, 15.625, 19.997, 20.0, 40.0, 99.9, 100.0])
def test_a_wave_in_the_pass_band_keeps_amplitude_and_phase_at_any_rate(rate_hz):
    gather = condition([recording(rate_hz)], CONDITIONING)
    times_s, samples = inner(gather)
    assert len(samples) > 2900
    assert np.max(np.abs(samples - wave(times_s))) < 0.01


@pytest.mark.parametrize("start_s", [0.0, 0.25, 0.5, 0.999, 17.3])
def test_a_record_with_an_offset_of_its_samples_is_resampled_to_the_common_clock(start_s):
    gather = condition([recording(20.0), recording(20.0, START_S + start_s)], CONDITIONING)
    assert gather.start_time_s == START_S
    times_s, samples = inner(gather, row=1)
    assert np.max(np.abs(samples - wave(times_s))) < 0.01


@pytest.mark.parametrize(("period_s", "kept"), [(4.0, 0.0), (8.0, 0.5), (30.0, 1.0), (200.0, 0.5), (1000.0, 0.0)])
def test_the_response_of_the_pass_band_is_a_half_at_its_corners(period_s, kept):
    gather = condition([recording(duration_s=14400.0, shape=lambda t: np.sin(2 * np.pi * t / period_s))], CONDITIONING)
    _, samples = inner(gather, margin=3000)
    assert np.max(np.abs(samples)) == pytest.approx(kept, abs=0.03)


def test_offset_and_trend_are_removed():
    plain = condition([recording()], CONDITIONING).samples
    tilted = condition([recording(shape=lambda t: wave(t) + 300.0 - 0.2 * t)], CONDITIONING).samples
    assert np.allclose(plain, tilted, atol=1e-3)


def test_a_long_gap_is_no_data_and_a_short_one_is_bridged():
    record = recording()
    record.samples[1000:1400] = np.nan
    record.samples[2500:2503] = np.nan
    gather = condition([record], CONDITIONING)
    assert np.array_equal(np.flatnonzero(np.isnan(gather.samples[0])), np.arange(1000, 1400))
    times_s = np.arange(2400, 2600)
    assert np.max(np.abs(gather.samples[0, 2400:2600] - wave(times_s))) < 0.25
    far = np.r_[400:700, 1700:2300]
    assert np.max(np.abs(gather.samples[0, far] - wave(far))) < 0.03


def test_outside_its_record_a_trace_has_no_data():
    gather = condition([recording(duration_s=600.0), recording(start_s=START_S + 1000.0, duration_s=600.0)], CONDITIONING)
    assert gather.samples.shape == (2, 1600)
    assert np.array_equal(np.isfinite(gather.samples[0]), np.arange(1600) < 600)
    assert np.array_equal(np.isfinite(gather.samples[1]), np.arange(1600) >= 1000)


def test_a_trace_does_not_depend_on_its_neighbors():
    noise = np.random.default_rng(3).standard_normal(72_000)
    records = [recording(20.0, START_S + k * 7.31, shape=lambda _, k=k: np.roll(noise, 991 * k)) for k in range(5)]
    together = condition(records, CONDITIONING)
    for record, row in zip(records, together.samples, strict=True):
        single = condition([record], CONDITIONING).samples[0]
        assert np.array_equal(single[np.isfinite(single)], row[np.isfinite(row)])


@pytest.mark.parametrize("shape", [np.zeros_like, lambda t: np.full_like(t, 7e6), lambda t: 1e5 + 3.3 * t])
def test_a_dead_trace_is_zero_throughout(shape):
    samples = condition([recording(shape=shape)], CONDITIONING).samples
    assert not samples.any()


def test_a_record_of_gaps_alone_is_no_data():
    gather = condition([recording(), recording(shape=lambda t: np.full_like(t, np.nan))], CONDITIONING)
    assert np.isnan(gather.samples[1]).all()


def test_an_empty_record_and_a_single_sample_are_conditioned():
    gather = condition([recording(), recording(duration_s=0.0), recording(duration_s=1.0)], CONDITIONING)
    assert np.isnan(gather.samples[1]).all()
    assert not np.nansum(np.abs(gather.samples[2]))


def test_infinities_are_gaps():
    record = recording()
    record.samples[100:200] = np.inf
    gather = condition([record], CONDITIONING)
    assert np.isnan(gather.samples[0, 100:200]).all()
    assert np.isfinite(gather.samples[0, 200:]).all()


def test_dividing_by_the_response_gives_ground_velocity():
    """A wave recorded by an oscillator of 20 s and gain 1e9 is recovered by the division."""
    frequencies_hz = np.geomspace(1e-4, 10.0, 400)
    ratio = frequencies_hz * 20.0
    sensed = 1e9 * -(ratio**2) / (1 - ratio**2 + 1.4j * ratio)
    at = 1e9 * -((20.0 / PERIOD_S) ** 2) / (1 - (20.0 / PERIOD_S) ** 2 + 1.4j * 20.0 / PERIOD_S)
    recorded = recording(
        shape=lambda t: np.imag(at * np.exp(2j * np.pi * t / PERIOD_S)), response=Response(frequencies_hz, sensed.astype(np.complex128))
    )
    times_s, samples = inner(condition([recorded], CONDITIONING), margin=900)
    assert np.max(np.abs(samples - wave(times_s))) < 0.01


def test_a_vanishing_response_does_not_amplify_without_bound():
    frequencies_hz = np.geomspace(1e-4, 10.0, 100)
    blind = Response(frequencies_hz, np.zeros(100, np.complex128))
    assert np.isfinite(condition([recording(response=blind)], CONDITIONING).samples).all()
    steep = Response(frequencies_hz, (frequencies_hz**8).astype(np.complex128))
    assert np.isfinite(condition([recording(response=steep)], CONDITIONING).samples).all()


def test_coordinates_are_kept_and_unknown_ones_are_nan():
    stray = Record(TraceId("XX", "B", "", "LHZ"), START_S, 1.0, np.ones(600, np.float32), None, None)
    gather = condition([recording(), stray], CONDITIONING)
    assert gather.trace_ids[1].station == "B"
    assert np.array_equal(gather.latitudes_deg, [1.0, np.nan], equal_nan=True)
    assert np.array_equal(gather.longitudes_deg, [2.0, np.nan], equal_nan=True)


def test_conditioning_no_record_is_refused():
    with pytest.raises(NoUsableTrace):
        condition([], CONDITIONING)
