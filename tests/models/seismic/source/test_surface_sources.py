"""Explosions and collapses at the surface against double couples, by the likelihood of random sources of each kind."""

from types import SimpleNamespace

import numpy as np
import pytest

from models.seismic.earth.random_sources import random_sources, to_spherical
from models.seismic.source import surface_sources, symmetric
from models.seismic.source.greens_tables import DEPTHS_KM
from models.seismic.source.surface_sources import SOURCES, weigh_surface_sources

AZIMUTHS = np.radians(np.arange(0.0, 360.0, 30.0))
SCALE = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])


def radiate(tensor, depth):
    """A Rayleigh and a Love wave at twelve stations: horizontal strain less a third of the vertical one, and transverse strain."""
    rr, tt, pp, rt, rp, tp = tensor
    cosine, sine = np.cos(AZIMUTHS), np.sin(AZIMUTHS)
    shear = DEPTHS_KM[depth] / 20.0
    rayleigh = tt * cosine**2 + pp * sine**2 - tp * 2.0 * sine * cosine - rr / 3.0 + shear * (rt * cosine + rp * sine)
    love = (pp - tt) * sine * cosine - tp * (cosine**2 - sine**2) + shear * (rp * cosine - rt * sine)
    return np.concatenate((rayleigh, love))


def weigh(monkeypatch, tensor, depth, delay_s=0.0, weight=40.0, windows=3):
    """Weigh waves of a source that were observed at twelve stations, its best moment tensor being a double couple somewhat like it."""
    observed = radiate(tensor, depth)

    def evaluate(_, place, state, mechanism, late_s, stretch, fits):
        waves = radiate(mechanism, state)
        correlation = waves @ observed / np.linalg.norm(waves) / np.linalg.norm(observed)
        return weight * max(correlation, 0.0) ** 2 - 0.02 * (late_s - delay_s) ** 2

    for module in (surface_sources, symmetric):
        monkeypatch.setattr(module, "evaluate_source", evaluate)
    couples = to_spherical(random_sources("earthquake")[0])
    fits = [evaluate(None, None, state, one, delay_s, 0.0, None) for one in couples for state in (0, 4)]
    best = np.array([max(fits), *np.radians((40.0, 30.0)), 4.0, delay_s, 0.0, *np.zeros(6)])
    problem = SimpleNamespace(tables=SimpleNamespace(weights=np.ones((3, 3)) * (np.arange(3) < windows)), arrays=None)
    return weigh_surface_sources(problem, best)


@pytest.mark.parametrize("delay_s", [25.0])
def test_an_explosion_with_tectonic_release_is_likelier_at_the_surface_and_a_double_couple_at_depth(monkeypatch, delay_s):
    explosions, couples = to_spherical(random_sources("explosion")[0]), to_spherical(random_sources("earthquake")[0])
    chosen = range(SOURCES, SOURCES + 3)  # not among those that are averaged over

    assert np.median([weigh(monkeypatch, explosions[k], 0, delay_s) for k in chosen]) > 1.0
    assert np.median([weigh(monkeypatch, couples[k], 4, delay_s) for k in chosen]) < -1.0


def test_waveforms_say_less_without_transverse_components(monkeypatch):
    explosion = to_spherical(random_sources("explosion")[0])[SOURCES]
    assert 0.0 < weigh(monkeypatch, explosion, 0, windows=2) < weigh(monkeypatch, explosion, 0, windows=3)


def test_waves_that_no_source_fits_better_than_another_say_nothing(monkeypatch):
    assert weigh(monkeypatch, to_spherical(random_sources("explosion")[0])[SOURCES], 0, weight=0.0) == pytest.approx(0.0, abs=1e-6)
