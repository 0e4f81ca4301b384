"""Segments of a channel merged to one record."""

import numpy as np
import pytest
from scipy.signal import butter, resample_poly, sosfilt

from models.seismic.data_issues import DataIssue
from models.seismic.io.merge import DecodedSegment, grid_length, merge_segments
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record

ID = TraceId("IU", "ANMO", "00", "BHZ")
RAMP = np.arange(100, dtype=np.int32) ** 2


def merge(*segments: tuple[float, float, np.ndarray]) -> tuple[Record | None, list[DataIssue]]:
    return merge_segments(ID, [DecodedSegment(round(start_s * 1e9), rate_hz, samples) for start_s, rate_hz, samples in segments])


def codes(issues: list[DataIssue]) -> list[str]:
    return [issue.code for issue in issues]


def test_the_earlier_segment_is_kept_in_an_overlap_and_differences_are_counted() -> None:
    record, issues = merge((80, 1.0, RAMP[:50] + 7), (0, 1.0, RAMP))
    assert record is not None
    assert len(record.samples) == 130
    np.testing.assert_allclose(np.diff(record.samples[:100]), np.diff(RAMP), atol=0.01)
    assert issues == [DataIssue(str(ID), None, "overlap", "20 s recorded twice, with 20 differing samples; the earlier segment was kept")]


def test_an_identical_overlap_is_reported_as_identical() -> None:
    record, issues = merge((0, 2.0, RAMP), (0, 2.0, RAMP))
    assert record is not None
    assert len(record.samples) == 100
    assert issues[0].detail == "50 s recorded twice, identically; one copy was kept"


def test_rates_within_a_tenth_of_a_percent_are_one_clock() -> None:
    record, issues = merge((0, 20.0, RAMP), (5.0, 20.01, RAMP[:50]))
    assert record is not None
    assert record.sampling_rate_hz == 20.0
    assert len(record.samples) == 150
    assert issues == []


def test_a_segment_at_another_rate_is_left_out() -> None:
    record, issues = merge((0, 20.0, RAMP), (5.0, 10.0, RAMP[:50]))
    assert record is not None
    assert len(record.samples) == 100
    assert codes(issues) == ["mixed-rates"]


def test_a_dead_channel_gives_no_record() -> None:
    record, issues = merge((0, 1.0, np.full(500, 17, np.int32)))
    assert record is None
    assert codes(issues) == ["dead"]


@pytest.mark.parametrize("segments", [[], [(0, 1.0, RAMP[:0])], [(0, 1.0, RAMP[:1])], [(0, 1.0, np.full(9, np.nan))]])
def test_no_live_samples_give_no_record(segments: list[tuple[float, float, np.ndarray]]) -> None:
    record, issues = merge(*segments)
    assert record is None
    assert "empty" in codes(issues)


def test_samples_that_are_not_finite_are_gaps() -> None:
    samples = np.sin(np.arange(100.0))
    samples[[0, 40, 41, 99]] = np.nan, np.inf, 1e35, -np.inf
    record, issues = merge((10, 2.0, samples))
    assert record is not None
    assert record.start_time_s == 10.5
    assert len(record.samples) == 98
    assert np.isnan(record.samples).sum() == 2
    assert codes(issues) == ["non-finite", "gaps"]
    assert issues[0].detail.startswith("4 samples")


def test_a_small_motion_on_a_large_offset_survives_the_cast() -> None:
    """A float32 has 24 bits: unless the mean is removed in float64, a motion of one count is lost."""
    record, _ = merge((0, 1.0, (2_000_000_000 + RAMP % 2).astype(np.int32)))
    assert record is not None
    assert np.ptp(record.samples) == 1.0


def test_clipping_is_reported() -> None:
    wave = np.clip(3000 * np.sin(np.arange(2000) / 3.0), -2000, 2000).astype(np.int32)
    _, issues = merge((0, 1.0, wave))
    assert codes(issues) == ["clipped"]


@pytest.mark.parametrize("amplitude", [3, 1000, 1e6])
def test_a_smooth_wave_with_rounded_tops_is_not_clipped(amplitude: float) -> None:
    wave = np.round(amplitude * np.sin(np.arange(20_000) / 500.0)).astype(np.int32)
    _, issues = merge((0, 20.0, wave))
    assert issues == []


def decimate(wave: np.ndarray, times: int) -> np.ndarray:
    return resample_poly(wave, 1, times).astype(np.int32)


@pytest.mark.parametrize("period_s", [15.0, 22.0, 60.0])
def test_clipping_before_a_filter_is_reported(period_s: float) -> None:
    """Long-period channels are decimated from faster ones: the filter leaves no flat tops."""
    seconds = np.arange(0, 3000, 0.05)
    packet = np.exp(-(((seconds - 1500) / 600) ** 2)) * np.sin(2 * np.pi * seconds / period_s)
    wave = 4e6 * packet + np.random.default_rng(5).normal(0, 2e4, len(seconds))
    assert codes(merge((0, 1.0, decimate(wave, 20)))[1]) == []
    _, issues = merge((0, 1.0, decimate(np.clip(wave, -2e6, 2e6), 20)))
    assert codes(issues) == ["clipped"]
    assert "plateaus" in issues[0].detail


@pytest.mark.parametrize("longest_s", [3.0, 20.0, 100.0, 600.0])
def test_noise_and_dispersed_waves_are_not_clipped(longest_s: float) -> None:
    """Of any band, alone and with a dispersed wave train of the same strength over it, one with a gap."""
    rng = np.random.default_rng(int(longest_s))
    times = np.arange(5400.0)
    for _ in range(50):
        noise = sosfilt(butter(2, (1 / longest_s, 0.45), "bandpass", fs=1.0, output="sos"), rng.standard_normal(len(times)))
        train = np.exp(-(((times - 2500) / 700) ** 2)) * np.sin(2 * np.pi * (times / 60 + (times / 1800) ** 2 * rng.uniform(2, 20)))
        for wave in (noise, noise / noise.std() + 3 * train):
            wave[1000:1100] = np.nan
            assert codes(merge((0, 1.0, wave))[1]) == ["non-finite", "gaps"]


def test_a_boxcar_is_not_clipped() -> None:
    wave = np.where((np.arange(2000) > 900) & (np.arange(2000) < 1000), 1000.0, 0.0) + np.random.default_rng(1).normal(0, 1, 2000)
    assert codes(merge((0, 1.0, wave))[1]) == []


def test_the_length_of_the_clock_is_known_before_decoding() -> None:
    assert grid_length([0, 10**9 * 3_000_000_000], [10, 10], 1.0) == 3_000_000_010


def make_noise(offset: float, count: int = 20_000) -> np.ndarray:
    return np.round(offset + 50.0 * np.random.default_rng(5).normal(size=count)).astype(np.int32)


@pytest.mark.parametrize(
    ("value", "where"), [(0, slice(4000, 4400)), (0, slice(0, 300)), (0, slice(19_000, 20_000)), (99_999, slice(700, 740))]
)
def test_a_gap_filled_with_a_value_far_from_the_record_is_a_gap(value: int, where: slice) -> None:
    samples = make_noise(20_000.0)
    samples[where] = value
    record, issues = merge((0, 20.0, samples))
    assert record is not None
    assert codes(issues)[0] == "gaps"
    assert f"the value {value:g}" in issues[0].detail
    assert np.nanmax(np.abs(record.samples)) < 300.0
    assert np.isfinite(record.samples).sum() == 20_000 - (where.stop - where.start)


def test_a_wave_clipped_for_many_seconds_is_no_filled_gap() -> None:
    wave = np.round(5e5 * np.sin(np.arange(20_000) / 500.0) + make_noise(0.0)).astype(np.int32)
    _, issues = merge((0, 20.0, np.clip(wave, -200_000, 200_000)))
    assert codes(issues) == ["clipped"]


@pytest.mark.parametrize("value", [0, None])
def test_a_gap_filled_for_long_with_zeros_or_the_last_value_is_a_gap(value: int | None) -> None:
    samples = make_noise(0.0)
    samples[4000:12_000] = samples[3999] if value is None else value
    record, issues = merge((0, 20.0, samples))
    assert record is not None
    assert codes(issues)[0] == "gaps"
    assert np.isnan(record.samples[4001:11_999]).all()
    assert np.isfinite(record.samples[:3999]).all()


def test_short_held_values_and_a_digitizer_that_resolves_nothing_are_no_filled_gaps() -> None:
    held = make_noise(0.0)
    held[4000:4100] = held[3999]
    assert codes(merge((0, 20.0, held))[1]) == []
    coarse = np.round(make_noise(0.0) / 150.0).astype(np.int32)
    coarse[4000:5000] = 0
    record, _ = merge((0, 20.0, coarse))
    assert record is not None
    assert np.isfinite(record.samples).all()


def test_zeros_before_a_wave_that_begins_gently_stay() -> None:
    wave = np.concatenate([np.zeros(2000), 1e5 * np.sin(np.arange(6000) / 40.0) * np.linspace(0.0, 1.0, 6000)])
    record, issues = merge((0, 20.0, wave))
    assert record is not None
    assert np.isfinite(record.samples).all()
    assert issues == []
