"""
Calibration of depth and origin time: factors on their standard deviations, so that they contain the truth as often as stated.

The factors are measured on synthetic events (`training.evaluation.hypocenter_calibration`), by location method and number of effective
stations, and are kept in the card of the distance model beside those of the epicenter's regions (`region_calibration`).
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

HYPOCENTER_KEY: Final = "hypocenter"  # in Card.calibration: tables by method


@dataclass(frozen=True)
class HypocenterScales:
    """
    Factors on the standard deviation of the origin time (`time`) and of the depth (`depth`), by the number of effective stations.

    `stations` [k], ascending: bounds between classes; a number equal to a bound belongs to the class above. `time`, `depth` [k + 1].
    """

    stations: tuple[float, ...] = ()
    time: tuple[float, ...] = (1.0,)
    depth: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        """Raise ValueError for lengths that do not match, bounds out of order, or factors that are not positive."""
        lengths = {len(self.time), len(self.depth), len(self.stations) + 1}
        if len(lengths) > 1 or list(self.stations) != sorted(self.stations) or min(*self.time, *self.depth) <= 0.0:
            raise ValueError("hypocenter scales need ascending bounds and one positive factor for each class")

    def at(self, effective_stations: float) -> tuple[float, float]:
        """Return the factors of origin time and depth for a number of effective stations."""
        row = bisect_right(self.stations, effective_stations)
        return self.time[row], self.depth[row]


def read_hypocenter_scales(calibration: Mapping[str, Any], method: str) -> HypocenterScales:
    """Read the factors of a location method from a card's calibration; factors of 1 without one. Raises ValueError for bad values."""
    table = calibration.get(HYPOCENTER_KEY, {}).get(method)
    if table is None:
        return HypocenterScales()
    return HypocenterScales(*(tuple(float(value) for value in table[name]) for name in ("stations", "time", "depth")))
