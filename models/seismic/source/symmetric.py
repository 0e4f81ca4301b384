"""
Find the source at the surface that is symmetric about the vertical, an explosion or a collapse, which fits long-period waveforms best.

Such a source has no Love waves, and Rayleigh waves of one sign and shape at all azimuths. An earthquake with a double couple fits it badly;
the isotropic part, which long-period waves of a deviatoric tensor imitate at some depth, is thus tested without being inverted for.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from models.array_types import Floats
from models.seismic.geodesy import destination
from models.seismic.source.array_layout import DELAY, PLACE, STRETCH
from models.seismic.source.greens_tables import DEPTHS_KM
from models.seismic.source.problem import REFINED_DELAY_S, InversionProblem
from models.seismic.source.search import evaluate_source

RATIOS: Final = ((0.7, 0.5), (0.4, 0.65), (0.0, 0.7), (-0.9, -0.25), (-0.7, -0.5), (-0.4, -0.65))
"""Vertical and horizontal diagonal of moment tensors: explosions with vertical axes of different length, and collapses."""
SHALLOW: Final = tuple(index for index, depth in enumerate(DEPTHS_KM) if depth <= 6.0)
DELAYS_S: Final[Floats] = np.arange(-40.0, 41.0, 8.0)  # of the origin time about that of the best moment tensor
STEPS_DEG: Final = (0.5, 0.25, 0.12)  # of the search around the best place


class SymmetricTrial(NamedTuple):
    """One trial source: place (latitude, longitude in radians), depth by index, moment tensor, delay in seconds."""

    place: Floats
    depth: int
    tensor: Floats
    delay_s: float


def fit_symmetric(problem: InversionProblem, best: Floats) -> tuple[SymmetricTrial, float]:
    """
    Find the likeliest source symmetric about the vertical at the surface, and its log likelihood, around the best moment tensor.

    `best` is a row of `walk_sources`. All mechanisms, depths and delays are tried at its place, then places and delays around it with the
    best of them, then all mechanisms and depths there.
    """
    fits = np.zeros((*problem.tables.weights.shape, 3))

    def evaluate(one: SymmetricTrial) -> float:
        return evaluate_source(problem.arrays, one.place, one.depth, one.tensor, one.delay_s, best[STRETCH], fits)

    top = max(_list_mechanisms(best[PLACE], best[DELAY] + DELAYS_S), key=evaluate)
    for step in STEPS_DEG:
        top = max(_list_neighbors(top, step), key=evaluate)
    top = max(_list_mechanisms(top.place, top.delay_s + DELAYS_S[3:-3] / 2.0), key=evaluate)
    return top, evaluate(top)


def _list_mechanisms(place: Floats, delays_s: Floats) -> Iterator[SymmetricTrial]:
    """List all mechanisms and shallow depths at a place."""
    for vertical, horizontal in RATIOS:
        tensor = np.array((vertical, horizontal, horizontal, 0.0, 0.0, 0.0))
        for depth in SHALLOW:
            yield from (SymmetricTrial(place, depth, tensor, float(delay)) for delay in delays_s if abs(delay) <= REFINED_DELAY_S)


def _list_neighbors(top: SymmetricTrial, step_deg: float) -> Iterator[SymmetricTrial]:
    """List places around a trial, itself first, each at its delay, a little earlier and later."""
    latitude, longitude = np.degrees(top.place)
    around = np.radians(np.stack(destination(latitude, longitude, np.arange(0.0, 360.0, 60.0), np.full(6, step_deg)), axis=1))
    for place in (top.place, *around):
        for late in (0.0, -4.0, 4.0):
            if abs(top.delay_s + late) <= REFINED_DELAY_S:
                yield top._replace(place=place, delay_s=top.delay_s + late)
