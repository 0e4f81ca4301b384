"""
Compare explosions and collapses at the surface with double couples at depth, by how likely they make long-period waveforms.

The likelihood of either is the mean over random sources, at the best moment tensor's place and at that of the best symmetric source, each
at its best origin time. So it counts that an explosion may release tectonic stress, and that an earthquake seen by few stations may look
like an explosion; how well single sources of either kind fit says neither.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from scipy.special import logsumexp

from models.array_types import Floats
from models.seismic.earth.random_sources import COLLAPSE_SHARE, random_sources, to_spherical
from models.seismic.source.array_layout import DELAY, LOG_LIKELIHOOD, LOVE, PLACE, STRETCH
from models.seismic.source.greens_tables import DEPTHS_KM
from models.seismic.source.problem import REFINED_DELAY_S, InversionProblem
from models.seismic.source.search import evaluate_source
from models.seismic.source.symmetric import fit_symmetric

MIN_LOVE_WINDOWS: Final = 3
SOURCES: Final = 200
"""Random sources of each kind. With 400 as many synthetic explosions and earthquakes are told apart."""
DELAYS_S: Final = (-24.0, -12.0, 0.0, 12.0, 24.0)
"""Of the origin time about the best one at a place; the two beside the best are tried too."""
FINE_DELAY_S: Final = 6.0
TEMPERATURES: Final[Mapping[bool, float]] = {True: 3.0, False: 4.0}
"""
By whether transverse components were looked at. Errors of paths are shared, and the likelihood is too sharp: 3 is the temperature of the
chain that samples sources. At 3 and 4, 2 and 1 % of 115 synthetic earthquakes at 4 to 10 regional stations of known response have a log
ratio above 1.6, by verticals alone 5 and 3 %; of 74 explosions 43 and 30 %, by verticals alone 45 and 32 % (other events than those of
`python -m training experiment surface-sources`, drawn likewise).
"""


def weigh_surface_sources(problem: InversionProblem, best: Floats) -> float:
    """
    Compute the log likelihood ratio of an explosion or collapse at the surface against a double couple.

    `best` is the row of `walk_sources` of the best moment tensor. It counts as one more double couple, and the best symmetric source as one
    more source at the surface: among many records random sources are too few to come near the likeliest.
    """
    top, log_symmetric = fit_symmetric(problem, best)
    starts = ((best[PLACE], float(best[DELAY])), (top.place, top.delay_s))
    means, temperature = {}, TEMPERATURES[has_love_windows(problem)]
    for kind, found in (("earthquake", float(best[LOG_LIKELIHOOD])), ("explosion", log_symmetric), ("collapse", log_symmetric)):
        largest = np.max([_evaluate_kind(problem, kind, *start, float(best[STRETCH])) for start in starts], axis=0)
        means[kind] = float(logsumexp(np.append(largest, found) / temperature))
    surface = np.logaddexp(np.log(1.0 - COLLAPSE_SHARE) + means["explosion"], np.log(COLLAPSE_SHARE) + means["collapse"])
    return float(surface - means["earthquake"])


def has_love_windows(problem: InversionProblem) -> bool:
    """Whether the transverse components of three records and more were looked at."""
    return int((problem.tables.weights[:, LOVE] > 0.0).sum()) >= MIN_LOVE_WINDOWS


def _evaluate_kind(problem: InversionProblem, kind: str, place: Floats, delay_s: float, stretch: float) -> Floats:
    """Largest log likelihood [SOURCES] over origin times about a delay of the random sources of a kind at a place."""
    tensors, depths_km, _, _ = random_sources(kind)
    tensors, states = to_spherical(tensors[:SOURCES]), np.abs(np.array(DEPTHS_KM) - depths_km[:SOURCES, None]).argmin(axis=1)
    arrays, fits = problem.arrays, np.zeros((*problem.tables.weights.shape, 3))

    def evaluate(number: int, late_s: float) -> float:
        delay = min(max(delay_s + late_s, -REFINED_DELAY_S), REFINED_DELAY_S)
        return float(evaluate_source(arrays, place, int(states[number]), tensors[number], delay, stretch, fits))

    coarse = np.array([[evaluate(number, late_s) for late_s in DELAYS_S] for number in range(SOURCES)])
    beside = np.array(DELAYS_S)[coarse.argmax(axis=1)]
    fine = [max(evaluate(number, beside[number] + side) for side in (-FINE_DELAY_S, FINE_DELAY_S)) for number in range(SOURCES)]
    return np.asarray(np.maximum(coarse.max(axis=1), fine))
