"""
Random sources of each kind, which evidence for an explosion or collapse is averaged over: double couples at depth, or at the surface.

An explosion or collapse releases tectonic stress, a double couple that is added to it (Toksoz & Kehrer 1972,
doi:10.1111/j.1365-246X.1972.tb06152.x). All evidence has the same ones, so that it may be combined source by source.
"""

from functools import cache
from typing import Final

import numpy as np

from models.array_types import Floats

SOURCES: Final = 1500
EARTHQUAKE_DEPTHS_KM: Final = (2.0, 60.0)
SURFACE_DEPTH_KM: Final = 1.0
COLLAPSE_SHARE: Final = 0.25  # of the sources at the surface; the others are explosions
SURFACE_TENSORS: Final = {"explosion": (1.0, 1.0, 1.0, 0.0, 0.0, 0.0), "collapse": (-0.52, -0.52, -1.57, 0.0, 0.0, 0.0)}
"""Moment tensors (nn, ee, dd, ne, nd, ed) of an explosion and of a closing horizontal crack, of equal norm."""
RELEASE_MEDIAN, RELEASE_SIGMA = 0.3, 0.7
"""Moment of the tectonic release over that of the explosion: median, and standard deviation of the natural logarithm."""


@cache
def random_sources(kind: str) -> tuple[Floats, Floats, Floats, Floats]:
    """
    Return random sources of a kind (earthquake, explosion, collapse), always the same ones; do not write to them.

    Moment tensors [SOURCES, 6] (nn, ee, dd, ne, nd, ed), depths [km], numbers from 0 to 1 that choose a crust, and the scattered Love waves
    in standard deviations [SOURCES].
    """
    random = np.random.default_rng(15)
    tensors, depths = draw_mechanisms(SOURCES, random), random.uniform(*EARTHQUAKE_DEPTHS_KM, SOURCES)
    if kind in SURFACE_TENSORS:
        tensors, depths = add_release(kind, tensors, random), np.full(SOURCES, SURFACE_DEPTH_KM)
    return tensors, depths, random.uniform(size=SOURCES), np.abs(random.normal(size=SOURCES))


def add_release(kind: str, mechanisms: Floats, random: np.random.Generator) -> Floats:
    """Add double couples [count, 6], times a random moment, to the tensor of an explosion or collapse."""
    release = RELEASE_MEDIAN * random.lognormal(0.0, RELEASE_SIGMA, (len(mechanisms), 1))
    return np.asarray(np.array(SURFACE_TENSORS[kind]) + release * mechanisms)


def draw_mechanisms(count: int, random: np.random.Generator) -> Floats:
    """Draw double couples of unit moment and random orientation [count, 6]: nn, ee, dd, ne, nd, ed."""
    normal, slip = random.normal(size=(2, count, 3))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    slip -= (slip * normal).sum(axis=1, keepdims=True) * normal
    slip /= np.linalg.norm(slip, axis=1, keepdims=True)
    tensors = normal[:, :, None] * slip[:, None, :] + slip[:, :, None] * normal[:, None, :]
    rows, columns = (0, 1, 2, 0, 0, 1), (0, 1, 2, 1, 2, 2)
    return np.asarray(tensors[:, rows, columns])


def to_spherical(tensors: Floats) -> Floats:
    """Convert moment tensors [count, 6] from nn, ee, dd, ne, nd, ed to rr, tt, pp, rt, rp, tp (r up, t south, p east)."""
    nn, ee, dd, ne, nd, ed = tensors.T
    return np.stack((dd, nn, ee, nd, -ed, -ne), axis=1)
