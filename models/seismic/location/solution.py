"""
An epicenter as it is stated: its regions, and how the predicted distances of all traces fit it.

Every method of location (distances, directions, surface waves, arrival times) finds `EpicenterRegion`s; `build_location` is the only place
that turns them into a `Location`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from models.array_types import Flags, Floats
from models.seismic.geodesy import azimuth_deg, azimuthal_gap_deg, distance_deg
from models.seismic.location.regions import EpicenterRegion

MIN_UNCERTAINTY_DEG: Final = 0.1  # a smaller stated uncertainty of a distance counts as this
OUTLIER_DEVIATIONS: Final = 4.0  # a residual of more standard deviations marks a trace as not used
MIN_PROBABILITY: Final = 0.05  # of a region that is stated as an alternative


@dataclass(frozen=True)
class StationDistances:
    """Predicted epicentral distances and their standard deviations [n] at stations [n], all in degrees; NaN where unknown."""

    latitudes_deg: Floats
    longitudes_deg: Floats
    distances_deg: Floats
    uncertainties_deg: Floats

    @property
    def usable(self) -> Flags:
        """Whether a trace [n] has coordinates, a distance and a positive uncertainty."""
        columns = (self.latitudes_deg, self.longitudes_deg, self.distances_deg, self.uncertainties_deg)
        return np.asarray(np.all(np.isfinite(columns), axis=0) & (self.uncertainties_deg > 0))


@dataclass(frozen=True)
class Location(EpicenterRegion):
    """
    The most probable epicenter region, its alternatives, and the fit of the predicted distances.

    `residuals_deg` [n]: epicentral distance of the station less its predicted distance, NaN without coordinates or prediction.
    `used` [n]: the residual lies within four standard deviations of the prediction. `azimuthal_gap_deg`: largest gap in azimuth between
    stations that are used or have an associated arrival. `common_bias_deg`: error that the distances of all traces share, as estimated
    at the epicenter of the distances. `effective_stations`: number of independent stations, neighbors within about a degree counting as
    one. `alternatives`: other regions of probability 5 % or more, most probable first.
    """

    residuals_deg: Floats
    used: Flags
    azimuthal_gap_deg: float
    common_bias_deg: float
    effective_stations: float
    alternatives: tuple[EpicenterRegion, ...]

    @property
    def regions(self) -> tuple[EpicenterRegion, ...]:
        """The location's own region and its alternatives, without the fit of the distances."""
        own = {field.name: getattr(self, field.name) for field in fields(EpicenterRegion)}
        return (EpicenterRegion(**own), *self.alternatives)


def build_location(
    regions: Sequence[EpicenterRegion],
    observed: StationDistances,
    *,
    common_bias_deg: float,
    effective_stations: float,
    removed_bias_deg: float = 0.0,
    detected: Sequence[int] = (),
) -> Location:
    """
    Build the location of the first region: distance residuals, traces used, azimuthal gap, and alternatives.

    Parameters
    ----------
    regions : sequence of EpicenterRegion
        Regions of the posterior, calibrated, the one to state first.
    observed : StationDistances
        Predicted distances of all traces of the gather.
    common_bias_deg, effective_stations : float
        Stated in the location unchanged.
    removed_bias_deg : float
        Subtracted from the residuals before they are compared with their uncertainties: the common bias where the epicenter was found from
        the distances, 0 where other observations found it.
    detected : sequence of int
        Traces with an associated arrival; they count for the azimuthal gap whether or not their distance fits.

    """
    best, *others = regions
    epicenter = (best.latitude_deg, best.longitude_deg)
    residuals = distance_deg(*epicenter, observed.latitudes_deg, observed.longitudes_deg) - observed.distances_deg
    tolerance = OUTLIER_DEVIATIONS * np.maximum(observed.uncertainties_deg, MIN_UNCERTAINTY_DEG)
    used = observed.usable & (np.abs(residuals - removed_bias_deg) <= tolerance)
    constraining = used.copy()
    constraining[list(detected)] = True
    azimuths = azimuth_deg(*epicenter, observed.latitudes_deg[constraining], observed.longitudes_deg[constraining])
    return Location(
        **vars(best),
        residuals_deg=np.where(observed.usable, residuals, np.nan),
        used=used,
        azimuthal_gap_deg=azimuthal_gap_deg(azimuths),
        common_bias_deg=common_bias_deg,
        effective_stations=effective_stations,
        alternatives=tuple(other for other in others if other.probability >= MIN_PROBABILITY),
    )
