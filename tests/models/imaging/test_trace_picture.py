import numpy as np
import pytest

from models.imaging import trace_picture
from models.imaging.render import render_traces
from models.imaging.trace_picture import row_periods_s
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from models.specs.pictures import TRACE_AMPLITUDE, TRACE_FREQUENCY

TIMES_S = np.arange(5120)


def gather(samples):
    samples = np.atleast_2d(np.asarray(samples, np.float32))
    none = np.full(len(samples), np.nan)
    return Gather(tuple(TraceId("XX", str(k), "", "LHZ") for k in range(len(samples))), 0.0, 1.0, samples, none, none)


def packet(period_s, at_s, width_s=200.0):
    return np.cos(2 * np.pi * (TIMES_S - at_s) / period_s) * np.exp(-0.5 * ((TIMES_S - at_s) / width_s) ** 2)


@pytest.mark.parametrize("period_s", [12.0, 25.0, 60.0, 120.0])
@pytest.mark.parametrize("at_s", [800.0, 2565.0, 4000.0])
def test_a_wave_packet_is_brightest_at_its_time_in_the_row_of_its_period(period_s, at_s):
    picture = render_traces(TRACE_FREQUENCY, gather(packet(period_s, at_s)), 0.0)[0, 0]
    row = np.argmin(np.abs(np.log(row_periods_s(TRACE_FREQUENCY) / period_s)))
    bright = picture[row].astype(float)
    assert bright.max() == 255
    assert np.average(np.arange(512), weights=bright > 250) * 10.0 + 5.0 == pytest.approx(at_s, abs=15.0)


def test_rows_run_from_the_longest_to_the_shortest_period():
    periods_s = row_periods_s(TRACE_FREQUENCY)
    assert periods_s[[0, -1]] == pytest.approx([150.0, 10.0])
    assert (np.diff(periods_s) < 0).all()


def test_an_early_packet_of_long_period_differs_from_a_late_one_of_short_period():
    picture = render_traces(TRACE_FREQUENCY, gather(packet(100.0, 1000.0) + packet(15.0, 4000.0)), 0.0)[0, 0]
    periods_s = row_periods_s(TRACE_FREQUENCY)
    long_row, short_row = (np.argmin(np.abs(periods_s - p)) for p in (100.0, 15.0))
    assert np.flatnonzero(picture[long_row] == 255).mean() == pytest.approx(100, abs=2)
    assert np.flatnonzero(picture[short_row] == 255).mean() == pytest.approx(400, abs=2)


def test_brightness_is_linear_in_decibels():
    """Half the amplitude is 6.02 dB down, of 40 dB in 254 steps."""
    picture = render_traces(TRACE_FREQUENCY, gather(packet(30.0, 1500.0) + 0.5 * packet(30.0, 3500.0)), 0.0)[0, 0]
    row = picture[np.argmin(np.abs(row_periods_s(TRACE_FREQUENCY) - 30.0))]
    assert row[:256].max() == 255
    assert row[256:].max() == pytest.approx(255 - 254 * 6.0206 / 40.0, abs=2)


def test_silence_within_the_data_differs_from_no_data():
    picture = render_traces(TRACE_FREQUENCY, gather(packet(30.0, 1500.0)), 0.0)[0, 0]
    assert picture[20, 400:].max() == 1


@pytest.mark.parametrize("style", [TRACE_AMPLITUDE, TRACE_FREQUENCY])
def test_a_gap_is_no_data(style):
    samples = packet(30.0, 1500.0) + packet(30.0, 3500.0)
    samples[2000:2600] = np.nan
    whole = slice(3) if style is TRACE_AMPLITUDE else slice(1)  # the zoom ends before the gap
    picture = render_traces(style, gather(samples), 0.0)[0, whole]
    assert not picture[:, :, 201:259].any()
    assert picture[:, :, :199].any(axis=1).all()


def test_borders_of_the_data_leave_no_bright_edge():
    """A record that ends within a wave shows the wave, and no broadband edge."""
    samples = np.sin(2 * np.pi * TIMES_S / 30.0)
    samples[3000:] = np.nan
    picture = render_traces(TRACE_FREQUENCY, gather(samples), 0.0)[0, 0]
    steady = picture[np.argmin(np.abs(row_periods_s(TRACE_FREQUENCY) - 30.0)), 20:280]
    assert steady.min() > 245


@pytest.mark.parametrize("style", [TRACE_AMPLITUDE, TRACE_FREQUENCY])
@pytest.mark.parametrize("samples", [np.zeros(5120), np.full(5120, np.nan), np.zeros(0)])
def test_a_dead_trace_is_black(style, samples):
    assert not render_traces(style, gather(samples), 0.0).any()


def test_a_wiggle_spans_the_height_of_the_picture():
    picture = render_traces(TRACE_AMPLITUDE, gather(packet(30.0, 2500.0)), 0.0)[0, 1]
    column = picture[:, 250]
    assert column[[0, -1]].max() > 0
    assert (column[2:-2] == 255).sum() > 20
    assert np.flatnonzero(picture[:, 10]).tolist() in ([23, 24], [23], [24])


def test_each_band_shows_the_wave_of_its_period():
    picture = render_traces(TRACE_AMPLITUDE, gather(packet(18.0, 1000.0) + packet(35.0, 2500.0) + packet(80.0, 4000.0)), 0.0)[0]
    heights = (picture > 0).sum(axis=1)
    assert [int(np.argmax(np.convolve(band, np.ones(21), "same"))) for band in heights] == pytest.approx([100, 250, 400], abs=6)


@pytest.mark.parametrize("dynamic_range_db", [20.0, 40.0, 60.0])
def test_the_table_of_brightness_holds_the_formula_exactly(dynamic_range_db):
    """At random ratios, at both ends, and beside every ratio at which the brightness rises."""
    table = trace_picture._tabulate_brightness(dynamic_range_db)
    steps = table.step[np.isfinite(table.step)]
    random = (10.0 ** np.random.default_rng(1).uniform(-1.2 * dynamic_range_db / 10.0, 0.0, 2000)).astype(np.float32)
    ratios = np.concatenate((steps, np.nextafter(steps, np.float32(0.0)), random, np.array([0.0, 1.0], np.float32)))
    bins = np.maximum((ratios.view(np.int32) >> table.shift) - table.first, 0)
    expected = [trace_picture.brightness(float(ratio), dynamic_range_db) for ratio in ratios]
    np.testing.assert_array_equal(table.dark[bins] + (ratios >= table.step[bins]), expected)
    assert (min(expected), max(expected)) == (1, 255)
    assert len(steps) == 254
