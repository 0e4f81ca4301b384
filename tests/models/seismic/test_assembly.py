"""Pieces of a channel to one record."""

import numpy as np
import pytest

from models.seismic.assembly import Piece, assemble, grid_length
from models.seismic.codes import TraceId
from models.seismic.remarks import Remark
from models.seismic.waveforms import Record

ID = TraceId("IU", "ANMO", "00", "BHZ")
RAMP = np.arange(100, dtype=np.int32) ** 2


def joined(*pieces: tuple[float, float, np.ndarray]) -> tuple[Record | None, list[Remark]]:
    return assemble(ID, [Piece(round(start_s * 1e9), rate_hz, samples) for start_s, rate_hz, samples in pieces])


def codes(remarks: list[Remark]) -> list[str]:
    return [remark.code for remark in remarks]


def test_the_earlier_piece_wins_an_overlap_and_the_difference_is_counted() -> None:
    record, remarks = joined((80, 1.0, RAMP[:50] + 7), (0, 1.0, RAMP))
    assert record is not None
    assert len(record.samples) == 130
    np.testing.assert_allclose(np.diff(record.samples[:100]), np.diff(RAMP), atol=0.01)
    assert remarks == [Remark(str(ID), None, "overlap", "20 s recorded twice, with 20 differing samples; the earlier segment was kept")]


def test_a_stretch_delivered_twice_is_said_to_be_identical() -> None:
    record, remarks = joined((0, 2.0, RAMP), (0, 2.0, RAMP))
    assert record is not None
    assert len(record.samples) == 100
    assert remarks[0].detail == "50 s recorded twice, identically"


def test_rates_within_a_tenth_of_a_percent_are_one_clock() -> None:
    record, remarks = joined((0, 20.0, RAMP), (5.0, 20.01, RAMP[:50]))
    assert record is not None
    assert record.sampling_rate_hz == 20.0
    assert len(record.samples) == 150
    assert remarks == []


def test_a_piece_at_another_rate_is_left_out() -> None:
    record, remarks = joined((0, 20.0, RAMP), (5.0, 10.0, RAMP[:50]))
    assert record is not None
    assert len(record.samples) == 100
    assert codes(remarks) == ["mixed-rates"]


def test_a_dead_channel_gives_no_record() -> None:
    record, remarks = joined((0, 1.0, np.full(500, 17, np.int32)))
    assert record is None
    assert codes(remarks) == ["dead"]


@pytest.mark.parametrize("pieces", [[], [(0, 1.0, RAMP[:0])], [(0, 1.0, RAMP[:1])], [(0, 1.0, np.full(9, np.nan))]])
def test_nothing_alive_gives_no_record(pieces: list[tuple[float, float, np.ndarray]]) -> None:
    record, remarks = joined(*pieces)
    assert record is None
    assert "empty" in codes(remarks)


def test_samples_that_are_not_finite_are_gaps() -> None:
    samples = np.sin(np.arange(100.0))
    samples[[0, 40, 41, 99]] = np.nan, np.inf, 1e35, -np.inf
    record, remarks = joined((10, 2.0, samples))
    assert record is not None
    assert record.start_time_s == 10.5
    assert len(record.samples) == 98
    assert np.isnan(record.samples).sum() == 2
    assert codes(remarks) == ["non-finite", "gaps"]
    assert remarks[0].detail.startswith("4 samples")


def test_a_small_motion_on_a_large_offset_survives_the_cast() -> None:
    """A float32 has 24 bits: without the mean taken off in float64 the motion of one count would be gone."""
    record, _ = joined((0, 1.0, (2_000_000_000 + RAMP % 2).astype(np.int32)))
    assert record is not None
    assert np.ptp(record.samples) == 1.0


def test_clipping_is_said() -> None:
    wave = np.clip(3000 * np.sin(np.arange(2000) / 3.0), -2000, 2000).astype(np.int32)
    _, remarks = joined((0, 1.0, wave))
    assert codes(remarks) == ["clipped"]


@pytest.mark.parametrize("amplitude", [3, 1000, 1e6])
def test_a_smooth_wave_with_rounded_tops_is_not_clipped(amplitude: float) -> None:
    wave = np.round(amplitude * np.sin(np.arange(20_000) / 500.0)).astype(np.int32)
    _, remarks = joined((0, 20.0, wave))
    assert remarks == []


def test_the_length_of_the_clock_is_known_beforehand() -> None:
    assert grid_length([0, 10**9 * 3_000_000_000], [10, 10], 1.0) == 3_000_000_010
