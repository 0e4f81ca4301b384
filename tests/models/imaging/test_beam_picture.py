"""Beam pictures recover the azimuth of a horizontal force from Rayleigh waves along dispersive paths."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.imaging.beam_picture import NOTHING
from models.imaging.render import Placement, render_beam
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from models.specs.pictures import FORCE_BEAM

ORIGIN_S, LENGTH = 1000.0, 6000
TIMES_S = np.arange(LENGTH)
ROW_DEG = 360.0 / FORCE_BEAM.rows
SURROUNDING = np.array([5.0, 47.0, 92.0, 133.0, 171.0, 222.0, 268.0, 311.0, 344.0])
DISTANCES = np.array([22.0, 71.0, 35.0, 58.0, 90.0, 27.0, 44.0, 66.0, 39.0])


def sent(force_deg, azimuths_deg=SURROUNDING, noise=0.02, seed=1):
    """Make records of a force of 30 s and its reversal of 30 s, at various distances, with white noise; and their placement."""
    frequencies = np.fft.rfftfreq(2 * LENGTH, 1.0)
    push = np.sin(np.pi * np.clip((TIMES_S - 0.0) / 30.0, 0, 2)) * (TIMES_S < 60)
    velocity = np.interp(1.0 / np.maximum(frequencies, 1e-5), FORCE_BEAM.phase_periods_s, FORCE_BEAM.phase_velocities_km_s)
    way_km = DISTANCES[:, None] * 111.195
    phase = np.radians(135.0) - 2 * np.pi * frequencies * (way_km / velocity + ORIGIN_S)
    waves = np.fft.irfft(np.fft.rfft(push, 2 * LENGTH) * np.exp(1j * phase), 2 * LENGTH)[:, :LENGTH]
    random = np.random.default_rng(seed)
    samples = np.cos(np.radians(azimuths_deg - force_deg))[:, None] * waves + noise * random.normal(size=waves.shape)
    none = np.full(len(samples), np.nan)
    ids = tuple(TraceId("XX", str(k), "", "LHZ") for k in range(len(samples)))
    return Gather(ids, 0.0, 1.0, samples.astype(np.float32), none, none), Placement(DISTANCES, azimuths_deg)


def swing(picture):
    """Compute the energy of each row [rows]."""
    return ((picture.astype(float) - NOTHING) ** 2).sum(axis=(0, 2))


@pytest.mark.parametrize("force_deg", [10.0, 75.0, 140.0, 300.0])
def test_the_row_of_the_force_has_the_greatest_energy_and_the_opposite_row_is_its_negative(force_deg):
    picture = render_beam(FORCE_BEAM, *swapped(sent(force_deg)))
    found = (swing(picture).argmax() + 0.5) * ROW_DEG
    assert abs((found - force_deg + 90) % 180 - 90) <= ROW_DEG
    half = FORCE_BEAM.rows // 2
    assert np.abs(picture[:, :half].astype(int) + picture[:, half:].astype(int) - 2 * NOTHING).max() <= 1


def swapped(gather_and_placement):
    gather, placement = gather_and_placement
    return gather, ORIGIN_S, placement


def test_opposite_forces_have_different_pictures():
    """Rotating the force by 180 degrees rotates the picture by half its rows, except for noise."""
    one, other = (render_beam(FORCE_BEAM, *swapped(sent(angle, noise=1e-4))).astype(int) for angle in (60.0, 240.0))
    assert np.abs(np.roll(one, FORCE_BEAM.rows // 2, axis=1) - other).max() <= 8
    assert np.abs(one - other).max() > 40


@settings(deadline=None, max_examples=10)
@given(steps=st.integers(1, FORCE_BEAM.rows - 1), seed=st.integers(0, 99))
def test_rotating_the_stations_about_the_epicenter_rotates_the_rows(steps, seed):
    gather, placement = sent(75.0, seed=seed)
    turned = replace(placement, azimuths_deg=(placement.azimuths_deg + steps * ROW_DEG) % 360)
    picture, other = (render_beam(FORCE_BEAM, gather, ORIGIN_S, each).astype(int) for each in (placement, turned))
    assert np.abs(np.roll(picture, steps, axis=1) - other).max() <= 1


@settings(deadline=None, max_examples=10)
@given(exponents=st.lists(st.integers(-40, 40), min_size=9, max_size=9), order=st.permutations(range(9)))
def test_scale_and_order_of_the_traces_change_nothing(exponents, order):
    gather, placement = sent(75.0)
    scaled = gather.samples * (2.0 ** np.array(exponents, np.float32))[:, None].astype(np.float32)
    other = replace(gather, samples=scaled[list(order)])
    permuted = Placement(placement.distances_deg[list(order)], placement.azimuths_deg[list(order)])
    picture, again = (render_beam(FORCE_BEAM, *args).astype(int) for args in ((gather, ORIGIN_S, placement), (other, ORIGIN_S, permuted)))
    assert np.abs(picture - again).max() <= 1


def test_a_trace_without_placement_and_one_without_data_are_left_out():
    gather, _ = sent(75.0)
    fewer = replace(gather, samples=gather.samples[:-2])
    expected = render_beam(FORCE_BEAM, fewer, ORIGIN_S, Placement(DISTANCES[:-2], SURROUNDING[:-2]))
    unplaced = Placement(DISTANCES, np.where(np.arange(9) == 7, np.nan, SURROUNDING))
    gather.samples[8] = np.nan
    np.testing.assert_allclose(render_beam(FORCE_BEAM, gather, ORIGIN_S, unplaced).astype(int), expected.astype(int), atol=1)


def test_a_seismometer_that_does_not_record_long_periods_is_left_out():
    """A corner period of 30 s shifts the phase at 100 s by half a cycle and more."""
    gather, placement = sent(75.0, noise=0.2)
    frequencies = np.fft.rfftfreq(LENGTH, 1.0)
    short = (2j * np.pi * frequencies) ** 2 / ((2j * np.pi * (frequencies + 0.7j / 30.0)) ** 2 - (0.7 * 2 * np.pi / 30.0) ** 2)
    spoiled = gather.samples.copy()
    spoiled[3] = np.fft.irfft(np.fft.rfft(gather.samples[3]) * short, LENGTH)
    fewer = Placement(np.where(np.arange(9) == 3, np.nan, DISTANCES), SURROUNDING)
    without = render_beam(FORCE_BEAM, gather, ORIGIN_S, fewer).astype(int)
    assert np.abs(render_beam(FORCE_BEAM, replace(gather, samples=spoiled), ORIGIN_S, placement).astype(int) - without).max() <= 1


def test_without_placed_traces_the_picture_is_empty():
    gather, _ = sent(75.0)
    nowhere = np.full(9, np.nan)
    assert (render_beam(FORCE_BEAM, gather, ORIGIN_S, Placement(nowhere, nowhere)) == NOTHING).all()


def test_a_window_beyond_the_record_is_empty():
    gather, placement = sent(75.0)
    assert (render_beam(FORCE_BEAM, gather, ORIGIN_S + 2 * LENGTH, placement) == NOTHING).all()


def test_another_sampling_rate_or_a_placement_of_another_length_is_refused():
    gather, placement = sent(75.0)
    with pytest.raises(ValueError, match="Hz"):
        render_beam(FORCE_BEAM, replace(gather, sampling_rate_hz=2.0), ORIGIN_S, placement)
    with pytest.raises(ValueError, match="one distance"):
        render_beam(FORCE_BEAM, gather, ORIGIN_S, Placement(DISTANCES[:3], SURROUNDING[:3]))
