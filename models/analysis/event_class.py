"""
Weigh the classes of an event: the network's likelihoods times prior odds and the likelihood ratios of physical discriminants.

The network knows two kinds of sources, a dislocation (earthquake) and a single force (glacial earthquake). Landslides are single forces as
well (Ekstrom & Stark 2013, doi:10.1126/science.1232887), so that a force is a glacial earthquake at an ice sheet and an `other` event
elsewhere. Explosions and collapses look like shallow earthquakes at the periods of the network; they are told by physical discriminants.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from typing import Final

from models.analysis.class_prior import horizontal_uncertainty_km, probability_at_ice_sheets, tectonic_prior_odds
from models.analysis.sections import SectionReference
from models.array_types import Floats
from models.specs.event_type import EVENT_CLASSES, ClassAnswer, EventClass

MIN_CLASS_PROBABILITY: Final = 0.8
"""Probability that a class must reach to be stated; below it the event is `undetermined`."""
PRIOR_EXPLOSION_ODDS, PRIOR_LANDSLIDE_ODDS = 0.05, 0.02
"""
Prior odds against an earthquake of an explosion or collapse, and of a landslide.

Among events that networks report above magnitude 3.5 they are rarer still; but an event that is sent to be classified is more often one in
doubt. With these odds, evidence as strong as 3 % of earthquakes give by chance leaves an earthquake undetermined.
"""
GLACIAL_SHARE_OFF_ICE: Final = ((500.0, 0.1), (float("inf"), 0.5))
"""
Upper bound of the epicenter's 68 % radius in kilometers, and the probability that a single force located off the ice is a glacial
earthquake all the same, mislocated, and not a landslide.
"""


@dataclass(frozen=True)
class PhysicalEvidence:
    """
    Natural logarithms of likelihood ratios against an earthquake, from observations that the network does not see; 0 without any.

    `log_force`: of a single force whose waves the network recognizes; `log_explosion`: of an explosion or collapse at the surface;
    `log_landslide`: of a single force, whatever the network takes it for; None where nothing was measured.
    """

    log_force: float = 0.0
    log_explosion: float = 0.0
    log_landslide: float | None = None


NO_EVIDENCE: Final = PhysicalEvidence()


def weigh_classes(network: Floats, reference: SectionReference | None, evidence: PhysicalEvidence = NO_EVIDENCE) -> dict[EventClass, float]:
    """
    Compute the probabilities of all classes, which sum to 1.

    Parameters
    ----------
    network : float [2]
        Probabilities of an earthquake and of a glacial earthquake by the network alone.
    reference : SectionReference or None
        The epicenter, which decides between glacial earthquakes and landslides; without one a force is either with equal odds.
    evidence : PhysicalEvidence
        Of observations besides the section.

    """
    at_ice, radius_km = 0.0, float("inf")
    if reference is not None:
        at_ice, radius_km = probability_at_ice_sheets(reference), horizontal_uncertainty_km(reference)
    tectonic = float(network[0]) * tectonic_prior_odds(reference)
    force = float(network[1]) * exp(evidence.log_force)
    if evidence.log_landslide is not None:
        force = float(network[1]) + tectonic * PRIOR_LANDSLIDE_ODDS * exp(evidence.log_landslide)
    glacial = at_ice + (1.0 - at_ice) * next(share for largest_km, share in GLACIAL_SHARE_OFF_ICE if radius_km <= largest_km)
    explosion = tectonic * PRIOR_EXPLOSION_ODDS * exp(evidence.log_explosion)
    weights = (tectonic, force * glacial, force * (1.0 - glacial) + explosion)
    return {name: weight / sum(weights) for name, weight in zip(EVENT_CLASSES, weights, strict=True)}


def choose_class(probabilities: Mapping[EventClass, float]) -> ClassAnswer:
    """Choose the class whose probability reaches `MIN_CLASS_PROBABILITY`; `undetermined` where none does."""
    best = max(EVENT_CLASSES, key=probabilities.__getitem__)
    return best if probabilities[best] >= MIN_CLASS_PROBABILITY else "undetermined"
