"""Properties of every picture, for random records."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.imaging.conditioning import condition
from models.imaging.render import Placement, render_section, render_traces
from models.imaging.style import AmplitudeStyle, Band, Conditioning, FrequencyStyle, SectionStyle, channels
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather, Record

CONDITIONING = Conditioning(sampling_rate_hz=1.0, shortest_period_s=8.0, longest_period_s=100.0, taper_s=20.0)
BANDS = (Band(shortest_period_s=12.0, longest_period_s=25.0), Band(shortest_period_s=25.0, longest_period_s=60.0))
LAYOUT = {"conditioning": CONDITIONING, "window_s": 600.0, "columns": 60, "rows": 20}
AMPLITUDE = AmplitudeStyle(kind="amplitude", bands=BANDS, **LAYOUT)
FREQUENCY = FrequencyStyle(
    kind="frequency",
    zooms=(1.0, 2.5),
    shortest_period_s=10.0,
    longest_period_s=60.0,
    relative_bandwidth=0.2,
    dynamic_range_db=40.0,
    **LAYOUT,
)
SECTION = SectionStyle(
    kind="section",
    vertical_axis="distance",
    axis_exponent=0.5,
    reduction_velocity_km_s=4.0,
    wiggle_rows=2.0,
    bands=BANDS,
    one_scale=False,
    quiet_rows=None,
    close_up=None,
    **LAYOUT,
)
STYLES = st.sampled_from([AMPLITUDE, FREQUENCY, SECTION])
SEEDS = st.integers(0, 2**32 - 1)
ONE_STEP_FEW = 0.01


@st.composite
def gathers(draw):
    """Draw colored noise with gaps, dead traces and empty traces."""
    rng = np.random.default_rng(draw(SEEDS))
    count, length = draw(st.integers(1, 20)), draw(st.integers(1, 900))
    samples = np.cumsum(rng.standard_normal((count, length)), axis=1) + 3.0 * rng.standard_normal((count, length))
    for row in samples:
        fate = rng.integers(6)
        if fate == 0:
            row[:] = rng.choice([0.0, np.nan])
        elif fate < 3:
            begin = rng.integers(length)
            row[begin : begin + rng.integers(1, 300)] = np.nan
    none = np.full(count, np.nan)
    return Gather(tuple(TraceId("XX", str(k), "", "LHZ") for k in range(count)), 1e9, 1.0, samples.astype(np.float32), none, none)


def make_placement(gather):
    return Placement(np.linspace(5.0, 120.0, len(gather.samples)), np.zeros(len(gather.samples)))


def render(style, gather, start_s=1e9, placement=None):
    if isinstance(style, SectionStyle):
        return render_section(style, gather, start_s, placement or make_placement(gather))
    return render_traces(style, gather, start_s)


def changed(gather, **values):
    return Gather(**{**vars(gather), **values})


def nearly_equal(one, other):
    """Assert equality except for values that are rounded to the neighboring step."""
    return np.mean(np.abs(one.astype(int) - other.astype(int)) > 1) <= ONE_STEP_FEW


@settings(deadline=None, max_examples=60)
@given(STYLES, gathers(), st.floats(-2000.0, 2000.0))
def test_shape_and_type_hold_for_any_window(style, gather, shift_s):
    picture = render(style, gather, 1e9 + shift_s)
    one = (channels(style), 20, 60)
    assert picture.shape == (one if style is SECTION else (len(gather.samples), *one))
    assert picture.dtype == np.uint8


@settings(deadline=None, max_examples=40)
@given(STYLES, gathers(), st.integers(-40, 40))
def test_a_power_of_two_in_amplitude_changes_no_byte(style, gather, exponent):
    scaled = changed(gather, samples=gather.samples * np.float32(2.0**exponent))
    assert np.array_equal(render(style, gather), render(style, scaled))


@settings(deadline=None, max_examples=40)
@given(STYLES, gathers(), st.floats(1e-12, 1e12))
def test_amplitude_does_not_change_the_picture(style, gather, factor):
    scaled = changed(gather, samples=gather.samples * np.float32(factor))
    assert nearly_equal(render(style, gather), render(style, scaled))


@settings(deadline=None, max_examples=40)
@given(gathers(), SEEDS)
def test_the_order_of_traces_does_not_change_a_section(gather, seed):
    order = np.random.default_rng(seed).permutation(len(gather.samples))
    placement = make_placement(gather)
    mixed = Placement(placement.distances_deg[order], placement.azimuths_deg[order])
    assert np.array_equal(render(SECTION, gather), render(SECTION, changed(gather, samples=gather.samples[order]), placement=mixed))


@settings(deadline=None, max_examples=40)
@given(st.sampled_from([AMPLITUDE, FREQUENCY]), gathers())
def test_a_trace_does_not_depend_on_the_others(style, gather):
    together = render(style, gather)
    single = [render(style, changed(gather, samples=gather.samples[k : k + 1])) for k in range(len(gather.samples))]
    assert np.array_equal(together, np.concatenate(single))


@settings(deadline=None, max_examples=40)
@given(STYLES, gathers(), st.integers(-(10**9), 10**9))
def test_the_date_does_not_change_the_picture(style, gather, shift_s):
    later = changed(gather, start_time_s=gather.start_time_s + shift_s)
    assert np.array_equal(render(style, gather), render(style, later, 1e9 + shift_s))


@settings(deadline=None, max_examples=40)
@given(STYLES, gathers(), st.integers(1, 500))
def test_empty_time_around_the_data_does_not_change_the_picture(style, gather, padding):
    around = np.pad(gather.samples, ((0, 0), (padding, padding)), constant_values=np.nan)
    assert np.array_equal(render(style, gather), render(style, changed(gather, samples=around, start_time_s=1e9 - padding)))


@settings(deadline=None, max_examples=20)
@given(STYLES, gathers(), st.sampled_from([-1e15, -1e5, 1e5, 1e15]))
def test_a_picture_is_black_outside_the_data(style, gather, shift_s):
    assert not render(style, gather, 1e9 + shift_s).any()


@settings(deadline=None, max_examples=40)
@given(st.sampled_from([AMPLITUDE, FREQUENCY]), gathers())
def test_reversed_polarity_reverses_wiggles_and_keeps_envelopes(style, gather):
    turned = render(style, changed(gather, samples=-gather.samples))
    assert nearly_equal(turned if style is FREQUENCY else turned[:, :, ::-1], render(style, gather))


@settings(deadline=None, max_examples=20)
@given(SEEDS, st.sampled_from([0.1, 1.0, 5.0, 20.0]), st.sampled_from([1e-9, 7.0, 1e9]))
def test_the_gain_of_an_instrument_does_not_change_the_picture(seed, rate_hz, gain):
    noise = np.random.default_rng(seed).standard_normal(int(1200 * rate_hz)).astype(np.float32)
    records = [Record(TraceId("XX", "A", "", "LHZ"), 1e9, rate_hz, noise * np.float32(g), None, None) for g in (1.0, gain)]
    pictures = [render(style, condition([record], CONDITIONING)) for style in (AMPLITUDE, FREQUENCY) for record in records]
    assert nearly_equal(pictures[0], pictures[1])
    assert nearly_equal(pictures[2], pictures[3])


@pytest.mark.parametrize("style", [AMPLITUDE, FREQUENCY, SECTION])
def test_rendering_does_not_change_the_gather(style):
    samples = np.random.default_rng(0).standard_normal((3, 700)).astype(np.float32)
    gather = Gather(tuple(TraceId("XX", str(k), "", "LHZ") for k in range(3)), 1e9, 1.0, samples.copy(), np.zeros(3), np.zeros(3))
    render(style, gather)
    assert np.array_equal(gather.samples, samples)


@settings(deadline=None, max_examples=20)
@given(st.sampled_from([AMPLITUDE, FREQUENCY]), gathers())
def test_each_trace_may_begin_at_its_own_left_edge(style, gather):
    starts = 1e9 + 70.0 * np.arange(len(gather.samples))
    own = render_traces(style, gather, starts)
    for trace, start in enumerate(starts):
        assert np.array_equal(own[trace], render_traces(style, gather, start)[trace])


def test_a_zoom_of_one_is_the_whole_window_and_a_zoom_of_two_its_first_half():
    rng = np.random.default_rng(1)
    samples = np.cumsum(rng.standard_normal((2, 900)), axis=1).astype(np.float32)
    none = np.full(2, np.nan)
    gather = Gather(tuple(TraceId("XX", str(k), "", "LHZ") for k in range(2)), 1e9, 1.0, samples, none, none)
    zoomed = FREQUENCY.model_copy(update={"zooms": (1.0, 2.0)})
    half = FREQUENCY.model_copy(update={"zooms": (1.0,), "window_s": FREQUENCY.window_s / 2})
    picture = render_traces(zoomed, gather, 1e9 + 100.0)
    assert np.array_equal(picture[:, :1], render_traces(FREQUENCY.model_copy(update={"zooms": (1.0,)}), gather, 1e9 + 100.0))
    assert np.array_equal(picture[:, 1:], render_traces(half, gather, 1e9 + 100.0))
