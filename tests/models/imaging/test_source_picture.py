from dataclasses import replace

import numpy as np
import pytest

from models.imaging.render import render_source
from models.imaging.source_picture import attenuation_db
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from models.specs.pictures import SOURCE

DISTANCES = np.array([20.0, 35.0, 50.0, 65.0, 80.0])


def gather_of(period_s, duration_s, seed=0, noise=1.0, amplitude=300.0, seconds=6000):
    """Make records of a wave train of that period and length at about 1,500 s, with white noise between 8 and 200 s."""
    random = np.random.default_rng(seed)
    time = np.arange(seconds)
    frequencies = np.fft.rfftfreq(seconds)
    rows = []
    for delay in DISTANCES:
        spectrum = np.fft.rfft(random.normal(size=seconds)) * ((frequencies > 1 / 200) & (frequencies < 1 / 8))
        train = np.exp(-0.5 * ((time - 1500 - delay) / duration_s) ** 2) * np.sin(2 * np.pi * time / period_s)
        rows.append(noise * np.fft.irfft(spectrum, seconds) + amplitude * train)
    ids = tuple(TraceId("XX", f"S{k}", "", "LHZ") for k in range(len(rows)))
    return Gather(ids, 0.0, 1.0, np.array(rows, np.float32), np.zeros(len(rows)), np.zeros(len(rows)))


def strongest_period_s(picture):
    return np.geomspace(150.0, 9.0, 24)[picture[0].max(axis=1).argmax()]


@pytest.mark.parametrize("period_s", [12.0, 25.0, 50.0, 100.0])
def test_the_period_of_the_source_is_the_brightest_row(period_s):
    picture = render_source(SOURCE, gather_of(period_s, 150.0), np.zeros(5))
    assert picture.shape == (2, 24, 32)
    assert picture.dtype == np.uint8
    assert strongest_period_s(picture) == pytest.approx(period_s, rel=0.08)


def test_a_long_source_is_wide_and_a_short_one_narrow():
    wide, narrow = (render_source(SOURCE, gather_of(25.0, duration), np.zeros(5)) for duration in (200.0, 40.0))
    row = wide[0].max(axis=1).argmax()
    assert (wide[0, row] > 200).sum() >= 2 * (narrow[0, row] > 200).sum()


def test_each_picture_is_centered_on_the_largest_arrival():
    early = gather_of(25.0, 60.0)
    late = replace(early, samples=np.roll(early.samples, 1000, axis=1))
    one, other = (render_source(SOURCE, gather, np.zeros(5)).astype(float) for gather in (early, late))
    assert np.abs(one - other).max() <= 8


def test_pure_noise_is_nearly_black():
    assert render_source(SOURCE, gather_of(25.0, 60.0, amplitude=0.0), np.zeros(5))[1].max() < 40


def test_order_of_traces_changes_nothing_and_their_scale_hardly_anything():
    gather = gather_of(40.0, 80.0)
    picture = render_source(SOURCE, gather, DISTANCES)
    order = np.array([3, 1, 4, 0, 2])
    mixed = replace(gather, samples=gather.samples[order])
    np.testing.assert_array_equal(render_source(SOURCE, mixed, DISTANCES[order]), picture)
    scaled = replace(gather, samples=gather.samples * np.array([[3e-9], [1.0], [7e5], [0.1], [2e3]], np.float32))
    assert np.abs(render_source(SOURCE, scaled, DISTANCES).astype(int) - picture).max() <= 1


def test_gaps_and_dead_traces_are_ignored():
    gather = gather_of(40.0, 80.0)
    samples = gather.samples.copy()
    samples[0] = np.nan
    samples[1, 3000:] = np.nan
    samples[2] = 0.0
    assert strongest_period_s(render_source(SOURCE, replace(gather, samples=samples), DISTANCES)) == pytest.approx(40.0, rel=0.2)


def test_without_data_the_picture_is_black():
    gather = gather_of(40.0, 80.0)
    assert not render_source(SOURCE, replace(gather, samples=np.full_like(gather.samples, np.nan)), DISTANCES).any()


def test_attenuation_grows_with_frequency_and_distance_and_is_zero_for_an_unknown_distance():
    lost = attenuation_db(np.array([10.0, 100.0]), np.array([10.0, 60.0, np.nan]))
    assert lost[1, 0] > lost[1, 1] > lost[0, 1] > 0
    assert not lost[2].any()


def test_another_sampling_rate_or_number_of_distances_is_refused():
    gather = gather_of(40.0, 80.0)
    with pytest.raises(ValueError, match="Hz"):
        render_source(SOURCE, replace(gather, sampling_rate_hz=2.0), DISTANCES)
    with pytest.raises(ValueError, match="one distance per trace"):
        render_source(SOURCE, gather, DISTANCES[:3])
