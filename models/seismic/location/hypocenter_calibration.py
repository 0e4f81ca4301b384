"""
Calibration of depth and origin time: factors on their standard deviations, so that they contain the truth as often as stated.

The factors are measured on synthetic events (`training.experiments.location.hypocenter_coverage`), by location method and geometry, and
are kept in the card of the distance model beside those of the epicenter's regions (`region_calibration`).
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from models.seismic.location.region_calibration import QUANTITIES

HYPOCENTER_KEY: Final = "hypocenter"  # in Card.calibration: tables by method


@dataclass(frozen=True)
class HypocenterScales:
    """
    Factors on the standard deviation of the origin time (`time`) and of the depth (`depth`), by a quantity of the geometry.

    `quantity`: the number of effective stations, or the median epicentral distance of the stations in degrees. `bounds` [k], ascending:
    between classes; a value equal to a bound belongs to the class above. `time`, `depth` [k + 1].
    """

    quantity: str = "effective_stations"
    bounds: tuple[float, ...] = ()
    time: tuple[float, ...] = (1.0,)
    depth: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown quantity, lengths that do not match, bounds out of order, or factors that are not positive."""
        lengths = {len(self.time), len(self.depth), len(self.bounds) + 1}
        ordered = list(self.bounds) == sorted(self.bounds) and min(*self.time, *self.depth) > 0.0
        if len(lengths) > 1 or not ordered or self.quantity not in QUANTITIES:
            raise ValueError("hypocenter scales need a known quantity, ascending bounds and one positive factor for each class")

    def at(self, geometry: Mapping[str, float]) -> tuple[float, float]:
        """Return the factors of origin time and depth, given all `QUANTITIES` of an event; one that is NaN counts as large."""
        row = bisect_right(self.bounds, geometry[self.quantity])
        return self.time[row], self.depth[row]


def read_hypocenter_scales(calibration: Mapping[str, Any], method: str) -> HypocenterScales:
    """Read the factors of a location method from a card's calibration; factors of 1 without one. Raises ValueError for bad values."""
    table = calibration.get(HYPOCENTER_KEY, {}).get(method)
    if table is None:
        return HypocenterScales()
    return HypocenterScales(str(table["quantity"]), *(tuple(float(value) for value in table[name]) for name in ("bounds", "time", "depth")))
