"""
Whether picks belong to the stations whose codes their records carry: a test by random permutations, for sources near a network.

A local network sees all waves of an event within a minute, so that picks of records that carry the codes of other stations still fit some
source, with a small region, though no better than picks that are assigned to the stations at random (Fisher 1935, The Design of
Experiments).
"""

from dataclasses import replace
from typing import Final

import numpy as np

from models.array_types import Integers
from models.seismic.association.candidates import Candidates
from models.seismic.association.search import scan_near_network, select_coarse_traces
from models.seismic.geodesy import geocentric

FIRST_PERMUTATIONS: Final = 3
PERMUTATIONS: Final = 12
CLEAR_RATIO: Final = 1.5
"""Of the score to the best of the first permutations, from which on no more are tried."""
MAX_RANDOM_RATIO: Final = 1.05
"""
Ratio of the score to its mean over random assignments up to which it is no better. Of 59 accepted solutions of simulated networks within 20
degrees (10 to 40 stations; picks that are missed, late or false) the least ratio is 1.17. With all records exchanged solutions were
accepted for 17 of them, 12 with a ratio below this one.
"""
MIN_TRACES: Final = 10
"""Fewer picks fit some source nearly as well wherever they are: of 36 accepted solutions of 5 to 9 stations one had a ratio of 0.92."""
MIN_SPREAD_DEG: Final = 0.5
"""Standard deviation of the epicentral distances below which stations cannot be tested: P arrives within few seconds at all of them."""


def is_assigned_at_random(data: Candidates, epicenter_deg: tuple[float, float]) -> bool:
    """
    Whether some source near the network fits candidates no better than if they were assigned to its stations at random.

    False where that cannot be tested: for few stations, a network wider than 20 degrees, or stations at nearly one distance from the
    epicenter (geographic latitude and longitude).
    """
    spread_deg = float(np.std(data.distances_deg(geocentric(*epicenter_deg))))
    if len(data.trace_indices) < MIN_TRACES or spread_deg < MIN_SPREAD_DEG:
        return False
    few = select_coarse_traces(data.subset(np.lexsort(data.stations.T)))
    own, random, scores = _find_best_score(few), np.random.default_rng(0), list[float]()
    if not np.isfinite(own):
        return False
    for number in range(PERMUTATIONS):
        if number == FIRST_PERMUTATIONS and own >= CLEAR_RATIO * max(scores):
            return False
        scores.append(_find_best_score(permute_stations(few, random.permutation(len(few.trace_indices)))))
    return own <= MAX_RANDOM_RATIO * float(np.mean(scores))


def permute_stations(data: Candidates, order: Integers) -> Candidates:
    """Assign the picks of other traces, in an order [n], to the stations."""
    kept = {name: getattr(data, name) for name in ("stations", "interstation_deg", "trace_indices")}
    return replace(data.subset(order), **kept)


def _find_best_score(data: Candidates) -> float:
    """Maximum log-likelihood ratio of a source near the network; minus infinity for a network that is too wide."""
    scanned = scan_near_network(data)
    return -np.inf if scanned is None else float(scanned[1].max_llr.max())
