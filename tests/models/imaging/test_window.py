import numpy as np
import pytest

from models.imaging.style import AmplitudeStyle, Band, Conditioning
from models.imaging.window import choose_frame, cut_windows
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather

STYLE = AmplitudeStyle(
    kind="amplitude",
    conditioning=Conditioning(sampling_rate_hz=1.0, shortest_period_s=8.0, longest_period_s=40.0, taper_s=10.0),
    window_s=640.0,
    columns=64,
    rows=8,
    bands=(Band(shortest_period_s=10.0, longest_period_s=30.0),),
)
FRAME = choose_frame(STYLE, 30.0)


def gather(samples):
    samples = np.atleast_2d(np.asarray(samples, np.float32))
    none = np.full(len(samples), np.nan)
    return Gather(tuple(TraceId("XX", str(k), "", "LHZ") for k in range(len(samples))), 1000.0, 1.0, samples, none, none)


def take(samples, start_s=1000.0):
    return cut_windows(STYLE, FRAME, gather(samples), np.array([start_s]), np.array([0]))


def test_the_margin_is_at_least_twice_the_longest_period():
    assert FRAME.margin >= 60
    assert FRAME.samples == 640 + 2 * FRAME.margin
    assert FRAME.samples_per_column == 10.0


@pytest.mark.parametrize(("columns", "window_s"), [(1, 10.0), (7, 333.3), (160, 5120.0), (512, 300.0)])
def test_a_frame_covers_its_window_whatever_its_size(columns, window_s):
    frame = choose_frame(STYLE.model_copy(update={"columns": columns, "window_s": window_s}), 30.0)
    assert frame.margin >= 59
    assert frame.samples - 2 * frame.margin == pytest.approx(window_s, abs=1.5)


def test_live_samples_are_at_the_index_of_their_time():
    piece = take(np.ones(100), 950.0)
    assert np.array_equal(np.flatnonzero(piece.live[0]), FRAME.margin + 50 + np.arange(100))
    assert (piece.samples[~piece.live] == 0).all()


@pytest.mark.parametrize("start_s", [-1e12, 1000.0 - 2000.0, 1000.0 + 5000.0, 1e12])
def test_outside_the_data_samples_are_zero_and_dead(start_s):
    piece = take(np.ones(100), start_s)
    assert not piece.live.any()
    assert not piece.samples.any()


@pytest.mark.parametrize("scale", [1e-35, 1e-9, 1.0, 3.0, 1e30])
def test_the_largest_value_lies_between_a_half_and_one(scale):
    wave = np.sin(np.arange(640) / 7.0) * scale
    assert 0.45 < np.max(np.abs(take(wave).samples)) <= 1.0


def test_borders_of_live_stretches_are_tapered():
    ones = np.ones(300)
    ones[100:120] = np.nan
    inside = take(ones).samples[0, FRAME.margin : FRAME.margin + 300]
    assert np.max(np.abs(np.diff(inside))) < 0.1
    assert inside[[50, 150, 250]] == pytest.approx(0.5)
    assert not inside[100:120].any()


def test_a_single_live_sample_is_kept():
    piece = take(np.where(np.arange(300) == 100, 1.0, np.nan))
    assert np.flatnonzero(piece.samples[0]).tolist() == [FRAME.margin + 100]


def test_a_gather_of_another_sampling_rate_is_refused():
    other = gather(np.ones(10))
    with pytest.raises(ValueError, match="Hz"):
        cut_windows(
            STYLE.model_copy(update={"conditioning": STYLE.conditioning.model_copy(update={"sampling_rate_hz": 2.0})}),
            FRAME,
            other,
            np.zeros(1),
            np.zeros(1, int),
        )


def test_a_window_without_a_finite_start_is_refused():
    with pytest.raises(ValueError, match="finite"):
        take(np.ones(10), np.nan)
