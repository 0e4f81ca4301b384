"""From where waves came: plane waves across arrays, and the motion of single stations with three components; joined with distances."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.analysis.distances import DistanceReadings
from models.seismic.arrays.likelihood import PlaneWaveLikelihood
from models.seismic.arrays.plane_waves import PlaneWave, detect_plane_waves
from models.seismic.location.distances import prepare_distances
from models.seismic.location.likelihood import LogPrior
from models.seismic.location.sphere_grid import fibonacci_sphere
from models.seismic.polarization.back_azimuth import BackAzimuthLikelihoods, measure_back_azimuths
from models.seismic.signal.picker import Picks
from models.seismic.waveforms import Gather, Record

LEVEL_STEP_DEG: Final = 1.5


@dataclass(frozen=True)
class Directions:
    """What is known of directions, which may be nothing."""

    fronts: tuple[PlaneWave, ...] = ()
    motions: BackAzimuthLikelihoods | None = None

    @property
    def any(self) -> bool:
        """Whether there is anything known."""
        return bool(self.fronts) or self.motions is not None

    def back_azimuths(self) -> dict[int, tuple[float, float]]:
        """What single stations say, by their numbers: degrees clockwise from north, and half the width of what holds 68 %."""
        if self.motions is None:
            return {}
        pairs = zip(*(values.tolist() for values in self.motions.back_azimuths_deg()), strict=True)
        return dict(zip(self.motions.rows.tolist(), pairs, strict=True))

    def log_likelihood(self, nodes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Logarithm of how much likelier [m] it all is from sources at geocentric unit vectors [m, 3] than from anywhere."""
        by_fronts = PlaneWaveLikelihood(self.fronts).log_likelihood(nodes)
        return by_fronts if self.motions is None else by_fronts + self.motions.log_likelihood(nodes)


def read_directions(gather: Gather, records: Sequence[Record], picks: Sequence[Picks]) -> Directions:
    """Of a gather's fronts and its records' motion; records with their onsets in the gather's order, or none."""
    return Directions(detect_plane_waves(gather), measure_back_azimuths(records, picks))


def joint_prior(gather: Gather, readings: DistanceReadings, directions: Directions) -> LogPrior:
    """What distances and directions say of places together, one being uniform."""
    by_offsets = prepare_distances(
        gather.latitudes_deg, gather.longitudes_deg, readings.distances_deg, readings.uncertainties_deg
    ).log_likelihood
    if not directions.any:
        return by_offsets
    everywhere = fibonacci_sphere(LEVEL_STEP_DEG)
    total = by_offsets(everywhere) + directions.log_likelihood(everywhere)
    level = float(np.logaddexp.reduce(total)) - np.log(len(everywhere))
    return lambda nodes: by_offsets(nodes) + directions.log_likelihood(nodes) - level
