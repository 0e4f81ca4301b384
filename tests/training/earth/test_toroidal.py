"""Transverse motion by toroidal harmonics: against the full engine, and derivatives of Legendre polynomials."""

import numpy as np
import pytest
import yspec
from scipy.special import eval_legendre

from training.earth.structure import load_earth_model
from training.earth.toroidal import differentiate_legendre, layer_deck, synthesize_transverse

BAND_HZ = (0.00225, 0.0045, 0.0075, 0.01)
DISTANCES = np.array([60.0, 100.0])
STEP_S, SAMPLES = 10.0, 450


@pytest.fixture(scope="module")
def series():
    return synthesize_transverse("prem-no-ocean", (180.0,), DISTANCES, BAND_HZ, STEP_S, SAMPLES)


@pytest.mark.parametrize(("component", "index", "sign"), [("tp", 1, 2.0), ("rt", 0, -2.0)])
def test_tensors_radiate_the_transverse_waves_of_the_full_engine(series, component, index, sign):
    """
    A station to the west records motion to the north; there d is west and c north, so M_tp is M_dc and M_rt is -M_rc.

    What is left, 4 % at these long periods, is the near field of spheroidal motion.
    """
    tensor = dict.fromkeys(("rr", "rt", "rp", "tt", "tp", "pp"), 0.0) | {component: 1.0}
    calculation = yspec.Calculation(
        degrees=120,
        frequencies_mhz=(0.56, 10.0),
        length_min=SAMPLES * STEP_S / 60.0,
        time_step_s=STEP_S,
        filter_mhz=tuple(1e3 * corner for corner in BAND_HZ),
        gravity="cowling",
        tolerance=1e-3,
    )
    receivers = [yspec.Receiver(latitude=0, longitude=-float(distance)) for distance in DISTANCES]
    source = yspec.Source(latitude=0, longitude=0, depth_km=180.0, moment_tensor=tensor)
    north = yspec.seismograms(load_earth_model("prem-no-ocean"), calculation, source, receivers).data[0][:, 1, :SAMPLES]

    own = sign * series[0, :, index]

    assert np.linalg.norm(own - north) < 0.1 * np.linalg.norm(north)


def test_derivatives_of_legendre_polynomials_agree_with_differences():
    step = 1e-3
    angles = np.radians(40.0) + step * np.arange(-2, 3)
    for degree in (1, 7, 30):
        values = eval_legendre(degree, np.cos(angles))
        first, second = (values[3] - values[1]) / (2.0 * step), (values[3] - 2.0 * values[2] + values[1]) / step**2
        third = (values[4] - 2.0 * values[3] + 2.0 * values[1] - values[0]) / (2.0 * step**3)
        found = differentiate_legendre(degree, np.array([40.0]))[:, degree - 1, 0]
        assert np.allclose(found, [first, second, third], rtol=1e-3, atol=1e-3 * degree**3)


def test_layers_end_at_the_wanted_depths_and_have_no_discontinuity_inside():
    radii, layers = layer_deck("continental", (13.5, 680.0))
    assert {6_371_000.0 - 13_500.0, 6_371_000.0 - 680_000.0, 6_336_000.0, 6_371_000.0} <= set(radii.tolist())
    assert len(layers) == len(radii) - 1
    assert np.isclose(layers[-1, 0], 2720.0)
