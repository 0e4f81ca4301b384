"""Moment tensors and forces to try, and what is stated of one: nodal planes and scalar moment (GCMT convention, r up, t south, p east)."""

from functools import cache
from typing import Final

import numpy as np

from models.array_types import Floats

TENSORS: Final = 96
FORCE_STEP_DEG: Final = 15.0
_CANDIDATES: Final = 3000


@cache
def trial_tensors() -> Floats:
    """Spread double couples of scalar moment 1 evenly over all orientations: tensors [96, 6], by farthest points. Do not write to it."""
    random = np.random.default_rng(1)
    quaternions = random.normal(size=(_CANDIDATES, 4))
    a, b, c, d = (quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)).T
    normal = np.stack([1 - 2 * (c * c + d * d), 2 * (b * c + a * d), 2 * (b * d - a * c)], axis=1)
    slip = np.stack([2 * (b * c - a * d), 1 - 2 * (b * b + d * d), 2 * (c * d + a * b)], axis=1)
    full = normal[:, :, None] * slip[:, None, :] + slip[:, :, None] * normal[:, None, :]
    tensors = np.stack([full[:, i, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))], axis=1)
    scale = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
    chosen, closest = [0], np.full(_CANDIDATES, -np.inf)
    while len(chosen) < TENSORS:
        closest = np.maximum(closest, tensors @ (scale * tensors[chosen[-1]]))
        chosen.append(int(np.argmin(closest)))
    return np.ascontiguousarray(tensors[chosen])


def trial_forces() -> Floats:
    """Horizontal forces of length 1 every 15 degrees of azimuth: [24, 3] (up, north, east)."""
    azimuths = np.radians(np.arange(0.0, 360.0, FORCE_STEP_DEG))
    return np.stack((np.zeros(len(azimuths)), np.cos(azimuths), np.sin(azimuths)), axis=1)


def tensor_matrix(tensor: Floats) -> Floats:
    """Write a tensor [6] (rr, tt, pp, rt, rp, tp) as a symmetric matrix [3, 3]."""
    rr, tt, pp, rt, rp, tp = tensor
    return np.array([[rr, rt, rp], [rt, tt, tp], [rp, tp, pp]])


def nodal_planes(tensor: Floats) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Compute strike, dip and rake in degrees of both nodal planes of the best double couple of a tensor [6] (Aki & Richards 2002)."""
    vectors = np.linalg.eigh(tensor_matrix(tensor))[1]
    tension, pressure = vectors[:, 2], vectors[:, 0]
    normal, slip = (tension + pressure) / np.sqrt(2.0), (tension - pressure) / np.sqrt(2.0)
    return _plane(normal, slip), _plane(slip, normal)


def _plane(normal: Floats, slip: Floats) -> tuple[float, float, float]:
    """Strike, dip and rake of a plane by its normal and slip vectors (r, t, p)."""
    if normal[0] < 0.0:
        normal, slip = -normal, -slip
    up, south, east = normal
    dip = float(np.degrees(np.arccos(min(up, 1.0))))
    strike = float(np.degrees(np.arctan2(south, east)) % 360.0) if np.hypot(south, east) > 1e-9 else 0.0
    # The normal of the hanging wall's side points up; strike has the dip on its right.
    phi = np.radians(strike)
    along = np.array([0.0, -np.cos(phi), np.sin(phi)])
    rake = float(np.degrees(np.arctan2(slip[0] / max(np.sin(np.radians(dip)), 1e-9), slip @ along)))
    return strike, dip, rake


def kagan_angle_deg(first: Floats, second: Floats) -> float:
    """Compute the smallest rotation between the double couples of two tensors [6], 0 to 120 degrees (Kagan 1991)."""
    return float(kagan_angles_deg(first, second[None])[0])


def kagan_angles_deg(tensor: Floats, others: Floats) -> Floats:
    """Compute the smallest rotations [m] between the double couple of a tensor [6] and those of others [m, 6], 0 to 120 degrees."""
    frame, *frames = (_principal_frame(one) for one in (tensor, *others))
    turns = np.array([np.diag(signs) for signs in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))], np.float64)
    traces = np.einsum("ij,tjk,mik->mt", frame, turns, np.stack(frames))
    return np.asarray(np.degrees(np.arccos(np.clip((traces.max(axis=1) - 1.0) / 2.0, -1.0, 1.0))))


def _principal_frame(tensor: Floats) -> Floats:
    """Axes of tension and pressure, and the one across them, as columns [3, 3]."""
    vectors = np.linalg.eigh(tensor_matrix(tensor))[1]
    return np.stack((vectors[:, 2], vectors[:, 0], np.cross(vectors[:, 2], vectors[:, 0])), axis=1)


def double_couple_fraction(tensor: Floats) -> float:
    """Compute the fraction of a deviatoric tensor [6] that is a double couple: 1 - 2 |e| with e the middle over the largest eigenvalue."""
    values = np.linalg.eigvalsh(tensor_matrix(tensor))
    return float(1.0 - 2.0 * abs(values[1]) / max(float(np.abs(values).max()), 1e-300))


def principal_axes(tensor: Floats) -> tuple[tuple[float, float, float], ...]:
    """Compute azimuth and plunge in degrees and eigenvalue of the axes of a tensor [6]: tension, null and pressure."""
    values, vectors = np.linalg.eigh(tensor_matrix(tensor))
    axes = []
    for value, (up, south, east) in sorted(zip(values, vectors.T, strict=True), key=lambda pair: -pair[0]):
        sign = -1.0 if up > 0.0 else 1.0  # downward
        azimuth = float(np.degrees(np.arctan2(sign * east, -sign * south)) % 360.0)
        axes.append((azimuth, float(np.degrees(np.arcsin(min(abs(up), 1.0)))), float(value)))
    return tuple(axes)
