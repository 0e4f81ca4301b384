"""Synthetic explosions and collapses: the tensor of a source in both kinds of axes, and its guess."""

import numpy as np
import pytest

from models.seismic.geodesy import distance_deg
from training.experiments.class_waveforms import MOMENT_OF_MS, compute_moment
from training.experiments.source.regional_networks import DEPTHS_KM, draw_tensor, guess_source, make_source


def test_a_source_has_the_moment_tensor_that_was_drawn():
    random = np.random.default_rng(1)
    tensor, depth_km = draw_tensor("explosion", random)
    source = make_source("explosion", tensor, (10.0, 20.0, depth_km), 1e16, 2.5, random)

    rr, tt, pp, rt, rp, tp = source.rates.sum(axis=1) * 2.5 / 1e16
    assert (tt, pp, rr) == pytest.approx(tuple(tensor[:3]))
    assert (-tp, rt, -rp) == pytest.approx(tuple(tensor[3:]))


def test_earthquakes_are_deeper_than_sources_at_the_surface():
    random = np.random.default_rng(2)
    depths = [draw_tensor("earthquake", random)[1] for _ in range(40)]
    assert DEPTHS_KM[0] <= min(depths) < max(depths) <= DEPTHS_KM[1]
    assert max(draw_tensor(kind, random)[1] for kind in ("explosion", "collapse")) <= DEPTHS_KM[0]


def test_each_coordinate_of_a_guessed_epicenter_has_the_stated_deviation():
    random = np.random.default_rng(3)
    priors = [guess_source((40.0, 20.0), 0.5, random) for _ in range(2000)]
    off = distance_deg(40.0, 20.0, np.array([one.latitude_deg for one in priors]), np.array([one.longitude_deg for one in priors]))
    assert np.sqrt(np.mean(off**2) / 2.0) == pytest.approx(0.5, rel=0.05)


def test_moments_grow_with_the_surface_wave_magnitude_and_are_larger_where_rayleigh_waves_are_small():
    strike_slip, explosion = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    moment = compute_moment(strike_slip, 15.0, 4.0)
    assert np.log10(moment) == pytest.approx(4.0 + MOMENT_OF_MS, abs=0.4)
    assert compute_moment(strike_slip, 15.0, 5.0) == pytest.approx(10.0 * moment)
    assert compute_moment(0.1 * strike_slip, 15.0, 4.0) == pytest.approx(10.0 * moment)
    assert compute_moment(explosion, 1.0, 4.0) < moment
