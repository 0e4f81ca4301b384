"""Nodal planes against published ones, angles between mechanisms, and trial mechanisms."""

import numpy as np
import pytest

from models.seismic.source.mechanisms import kagan_angle_deg, nodal_planes, trial_forces, trial_tensors


def tensor_of(strike_deg, dip_deg, rake_deg):
    """Moment tensor of a double couple (Aki & Richards 2002, box 4.4), as rr, tt, pp, rt, rp, tp."""
    f, d, r = np.radians((strike_deg, dip_deg, rake_deg))
    xx = -(np.sin(d) * np.cos(r) * np.sin(2 * f) + np.sin(2 * d) * np.sin(r) * np.sin(f) ** 2)
    yy = np.sin(d) * np.cos(r) * np.sin(2 * f) - np.sin(2 * d) * np.sin(r) * np.cos(f) ** 2
    zz = np.sin(2 * d) * np.sin(r)
    xy = np.sin(d) * np.cos(r) * np.cos(2 * f) + 0.5 * np.sin(2 * d) * np.sin(r) * np.sin(2 * f)
    xz = -(np.cos(d) * np.cos(r) * np.cos(f) + np.cos(2 * d) * np.sin(r) * np.sin(f))
    yz = -(np.cos(d) * np.cos(r) * np.sin(f) - np.cos(2 * d) * np.sin(r) * np.cos(f))
    return np.array((zz, xx, yy, xz, -yz, -xy))


@pytest.mark.parametrize("plane", [(30.0, 60.0, 90.0), (200.0, 80.0, -170.0), (310.0, 35.0, -60.0), (75.0, 45.0, 20.0)])
def test_one_of_the_nodal_planes_is_the_one_that_the_tensor_was_made_of(plane):
    turns = [np.abs((np.array(found) - plane + 180.0) % 360.0 - 180.0).max() for found in nodal_planes(tensor_of(*plane))]

    assert min(turns) < 1e-6


def test_the_kagan_angle_is_that_of_a_rotation_and_none_between_the_planes_of_one_tensor():
    first, second = tensor_of(0.0, 90.0, 0.0), tensor_of(25.0, 90.0, 0.0)

    assert kagan_angle_deg(first, second) == pytest.approx(25.0)
    assert kagan_angle_deg(first, tensor_of(*nodal_planes(first)[1])) == pytest.approx(0.0, abs=1e-4)


def test_every_double_couple_has_a_trial_tensor_within_40_degrees():
    random = np.random.default_rng(2)
    angles = [
        min(kagan_angle_deg(tensor_of(*random.uniform((0, 0, -180), (360, 90, 180))), trial) for trial in trial_tensors())
        for _ in range(12)
    ]

    assert max(angles) < 40.0
    assert np.allclose(np.linalg.norm(trial_forces(), axis=1), 1.0)
