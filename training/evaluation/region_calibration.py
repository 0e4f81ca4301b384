"""
Calibration of the confidence regions: factors by which the computed ellipses are enlarged, from validation parts of the replica.

Split conformal prediction (Vovk, Gammerman & Shafer 2005, doi:10.1007/b106715): the factor is the quantile, with its correction
for a finite sample, of the factors that the ellipses of validation events need to contain the true epicenter, by class of
effective stations. A factor other than 1 is used only for a class whose computed regions contradict the stated probability (95 %
interval of the coverage, after Wilson): a third of all events lie near the edge of their ellipse, so that the sampling error of a
factor from few events is larger than the error it corrects. Fitted on halves of the validation part, factors missed 68 and
90 % on the other halves by 5.4 and 3.5 percentage points with this rule, by 6.5 and 4.2 points without it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from models.array_types import Flags, Floats
from models.seismic.location.regions import CONFIDENCE, CONFIDENCE_90
from training.evaluation.event_result import EpicenterResult, EventResult
from training.evaluation.metrics import wilson

CLASS_BOUNDS = {"effective_stations": (6.0, 12.0), "median_distance_deg": (5.0, 12.0)}
"""Between classes that have factors of their own: below 12 degrees waves guided by the crust are taken for first ones, below 5 all are."""
MIN_EVENTS = 30
"""Events of a class that has factors of its own; smaller classes have the factors of all events."""


def conformal_factor(scales: Floats, level: float) -> float:
    """Factor that a new event needs at most with probability `level`: the ceil((n + 1) level)-th smallest of n needed factors."""
    rank = min(int(np.ceil((len(scales) + 1) * level)), len(scales))
    return float(np.sort(scales)[rank - 1])


def calibration_factor(scales: Floats, level: float) -> float:
    """
    Conformal factor, at least 1, where the coverage of the regions as computed differs from `level` significantly; else 1.

    Regions are never made smaller: synthetic events lack what nobody has thought of.
    """
    low, high = wilson(int((scales <= 1.0).sum()), len(scales))
    return 1.0 if low <= level <= high else max(conformal_factor(scales, level), 1.0)


def fit_scales(quantity: str, values: Floats, **needed: tuple[Floats, float]) -> dict[str, Any] | None:
    """
    Fit the factors by class, as `models.seismic.location.geometry_scales` reads them from a card; None with too few events.

    `values` are of the `quantity`, a name of `CLASS_BOUNDS`, that tells the class of an event; `needed`, by name in the card: the factors
    that events need, NaN where unknown, and the probability with which they are to suffice.
    """
    if len(values) < MIN_EVENTS:
        return None
    bounds = CLASS_BOUNDS[quantity]
    classes = np.digitize(values, bounds)
    members = [classes == k for k in range(len(bounds) + 1)]
    factors = {name: [_fit_factor(scales, member, level) for member in members] for name, (scales, level) in needed.items()}
    return {"quantity": quantity, "bounds": list(bounds), **factors, "events": [int(member.sum()) for member in members]}


def _fit_factor(scales: Floats, member: Flags, level: float) -> float:
    """Fit the factor of a class, given by flags [events]; of fewer than 30 known ones that of all events, or 1 where these are too few."""
    known = np.isfinite(scales)
    own = scales[known & member] if (known & member).sum() >= MIN_EVENTS else scales[known]
    return round(calibration_factor(own, level), 3) if len(own) >= MIN_EVENTS else 1.0


def fit_by_method(results: Sequence[EventResult]) -> dict[str, Any]:
    """Fit the factors of each method on the events that it located; a method with fewer than 30 events has none."""
    methods = sorted({result.method for result in results})
    fitted = {method: _fit_epicenters([one.epicenter for one in results if one.method == method]) for method in methods}
    return {method: factors for method, factors in fitted.items() if factors is not None}


def _fit_epicenters(epicenters: Sequence[EpicenterResult]) -> dict[str, Any] | None:
    columns = np.array([(one.effective_stations, one.scale_68, one.scale_90) for one in epicenters]).T
    return fit_scales("effective_stations", columns[0], inner=(columns[1], CONFIDENCE), outer=(columns[2], CONFIDENCE_90))
