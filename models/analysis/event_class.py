"""
Weigh the classes of an event: the network's likelihoods times prior odds and the likelihood ratios of physical discriminants.

The network knows two kinds of sources, a dislocation (earthquake) and a single force (glacial earthquake). Landslides are single forces as
well (Ekstrom & Stark 2013, doi:10.1126/science.1232887), so that a force is a glacial earthquake at an ice sheet and an `other` event
elsewhere. Explosions and collapses look like shallow earthquakes at the periods of the network; physical discriminants distinguish them.

Glacial earthquakes occur at outlet glaciers of ice sheets only. Catalogs hold hundreds at Greenland's glaciers (Tsai & Ekstrom 2007,
doi:10.1029/2006JF000596; Olsen & Nettles 2017, doi:10.1002/2016JF004054), some dozens along Antarctica's coast (Nettles & Ekstrom 2010,
doi:10.1146/annurev-earth-040809-152414), and two in Alaska (Ekstrom, Nettles & Abers 2003, doi:10.1126/science.1088057). The network
cannot learn it: on purpose, the sources of its training sections are spread over the whole Earth. So the prior is applied here, where it
can be read and changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from typing import Final

import numpy as np

from models.analysis.sections import SectionReference
from models.array_types import Floats
from models.seismic.earth.seismicity import lies_at_ice_sheet
from models.seismic.location.regions import EpicenterRegion, sample_ellipse
from models.specs.event_type import EVENT_CLASSES, ClassAnswer, EventClass

MIN_CLASS_PROBABILITY: Final = 0.8
"""Probability that a class must reach to be stated; below it the event is `undetermined`."""
PRIOR_EXPLOSION_ODDS, PRIOR_LANDSLIDE_ODDS = 0.05, 0.02
"""
Prior odds against an earthquake of an explosion or collapse, and of a landslide.

Among events that networks report above magnitude 3.5 they are rarer still; but an event that is sent to be classified is more often one in
doubt. With these odds, evidence as strong as 3 % of earthquakes give by chance leaves an earthquake undetermined.
"""
PRIOR_ODDS_OFF_ICE: Final = ((500.0, 20.0), (np.inf, 10.0))
"""
Upper bound of the epicenter's 68 % radius in kilometers, and the odds of a tectonic earthquake away from both ice sheets.

Catalogs would allow odds of hundreds, but epicenters of large uncertainty were often wrong: `python -m training experiment class-prior`
measures the fraction of either class that is recognized, by this radius. Up to 2,000 km the odds have the best mean of both; beyond, lower
ones would, but the replica has as many glacial events as tectonic ones there, and nature has not (decision 0013).
"""
TECTONIC_ODDS_AT_ICE: Final = 0.3
"""
Odds of a tectonic against a glacial earthquake at an ice sheet.

The catalogs that synthetic events are drawn from hold 0.4 tectonic and 21 glacial earthquakes a year of magnitude 4.6 and above in the
circles of Greenland, odds of 0.02. Smaller events are recorded there as well, and epicenters are uncertain; so the odds are less extreme.
"""
GIVEN_RADIUS_KM: Final = 50.0  # 68 % radius ascribed to an epicenter that a user gives
FORCE_ODDS_AT_ICE: Final = 5.0
"""
Odds of a single force at an ice sheet against one off the ice, where the epicenter lies at either with the same probability.

The catalogs hold 21 glacial earthquakes a year in Greenland alone, and 29 landslides whose long-period waves were recorded worldwide in 33
years (Ekstrom & Stark 2013). Smaller landslides are recorded nearby, and epicenters are uncertain; so the odds are less extreme.
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
    `log_landslide`: of a single force, whatever the network takes it for, None where nothing was measured. Both hold what waves near 1 Hz
    say.
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
    tectonic = float(network[0]) * tectonic_prior_odds(reference)
    force = float(network[1]) * exp(evidence.log_force)
    if evidence.log_landslide is not None:
        force += tectonic * PRIOR_LANDSLIDE_ODDS * exp(evidence.log_landslide)
    glacial = glacial_share(reference)
    explosion = tectonic * PRIOR_EXPLOSION_ODDS * exp(evidence.log_explosion)
    weights = (tectonic, force * glacial, force * (1.0 - glacial) + explosion)
    return _normalize(weights)


def _normalize(weights: tuple[float, float, float]) -> dict[EventClass, float]:
    """Normalize weights of the classes, in the order of `EVENT_CLASSES`, to probabilities."""
    return {name: weight / sum(weights) for name, weight in zip(EVENT_CLASSES, weights, strict=True)}


def glacial_share(reference: SectionReference | None) -> float:
    """Compute the probability that a single force at an epicenter is a glacial earthquake, and not a landslide."""
    if reference is None:
        return GLACIAL_SHARE_OFF_ICE[-1][1]
    located_at_ice, radius_km = probability_at_ice_sheets(reference), horizontal_uncertainty_km(reference)
    at_ice = FORCE_ODDS_AT_ICE * located_at_ice / (FORCE_ODDS_AT_ICE * located_at_ice + 1.0 - located_at_ice)
    return at_ice + (1.0 - at_ice) * next(share for largest_km, share in GLACIAL_SHARE_OFF_ICE if radius_km <= largest_km)


def add_force_evidence(probabilities: Mapping[EventClass, float], share: float, log_ratio: float) -> dict[EventClass, float]:
    """
    Multiply the odds of a single force, glacial earthquake or landslide, by a likelihood ratio given as its logarithm.

    `share`: the probability that a single force there is a glacial earthquake (`glacial_share`).
    """
    factor, share = exp(log_ratio), max(share, 1e-6)
    landslide = min(probabilities["glacial"] * (1.0 - share) / share, probabilities["other"])
    weights = (
        probabilities["earthquake"],
        probabilities["glacial"] * factor,
        probabilities["other"] + landslide * (factor - 1.0),
    )
    return _normalize(weights)


def add_explosion_evidence(
    probabilities: Mapping[EventClass, float], evidence: PhysicalEvidence, log_ratio: float
) -> dict[EventClass, float]:
    """
    Multiply the odds of an explosion or collapse against an earthquake by a likelihood ratio given as its logarithm.

    `evidence` is what the probabilities rest on: it tells which part of those of `other` is the explosion's.
    """
    explosion = min(probabilities["earthquake"] * PRIOR_EXPLOSION_ODDS * exp(evidence.log_explosion), probabilities["other"])
    weights = (
        probabilities["earthquake"],
        probabilities["glacial"],
        probabilities["other"] + explosion * (exp(log_ratio) - 1.0),
    )
    return _normalize(weights)


def choose_class(probabilities: Mapping[EventClass, float]) -> ClassAnswer:
    """Choose the class whose probability reaches `MIN_CLASS_PROBABILITY`; `undetermined` where none does."""
    best = max(EVENT_CLASSES, key=probabilities.__getitem__)
    return best if probabilities[best] >= MIN_CLASS_PROBABILITY else "undetermined"


def doubt_class(probabilities: Mapping[EventClass, float]) -> dict[EventClass, float]:
    """Mix probabilities in equal parts with even ones, where the waves of two events are in the records: no class is then stated."""
    return {name: 0.5 * probability + 0.5 / len(EVENT_CLASSES) for name, probability in probabilities.items()}


def tectonic_prior_odds(reference: SectionReference | None) -> float:
    """Return the prior odds of a tectonic against a glacial earthquake at an epicenter; 1 without one."""
    if reference is None:
        return 1.0
    return prior_odds(probability_at_ice_sheets(reference), prior_odds_off_ice(horizontal_uncertainty_km(reference)))


def horizontal_uncertainty_km(reference: SectionReference) -> float:
    """Return the radius of the circle that holds 68 % of the epicenter's probability."""
    return GIVEN_RADIUS_KM if reference.location is None else reference.location.horizontal_uncertainty_km


def prior_odds_off_ice(radius_km: float) -> float:
    """Look up the odds of a tectonic earthquake away from ice sheets, by the 68 % radius of the epicenter."""
    return next(odds for largest_km, odds in PRIOR_ODDS_OFF_ICE if radius_km <= largest_km)


def prior_odds(at_ice: float, odds_off_ice: float) -> float:
    """
    Combine the odds over an epicenter that lies at an ice sheet with probability `at_ice`.

    Rates of tectonic earthquakes off the ice and of glacial ones at it are taken as equal; the odds give the other two.
    """
    tectonic, glacial = 1.0 - at_ice + at_ice * TECTONIC_ODDS_AT_ICE, at_ice + (1.0 - at_ice) / odds_off_ice
    return tectonic / glacial


def probability_at_ice_sheets(reference: SectionReference) -> float:
    """Compute the probability (0 to 1) that an epicenter lies at an ice sheet, over its region and all alternatives."""
    location = reference.location
    if location is None:
        radius = GIVEN_RADIUS_KM
        region = EpicenterRegion(reference.latitude_deg, reference.longitude_deg, radius, radius, 0.0, radius, 1.0)
        return float(lies_at_ice_sheet(*sample_ellipse(region)).mean())
    return min(sum(region.probability * float(lies_at_ice_sheet(*sample_ellipse(region)).mean()) for region in location.regions), 1.0)
