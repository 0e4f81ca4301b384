"""From where waves came: plane waves across arrays, and the motion of single stations with three components; joined with distances."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.analysis.distances import OffsetReadings
from models.seismic.arrays.likelihood import log_likelihood
from models.seismic.arrays.plane_waves import Front, find_fronts
from models.seismic.association.grid_scan import sphere_nodes
from models.seismic.association.locate import offsets_prior
from models.seismic.association.search import Prior
from models.seismic.location.distances import prepare_offsets
from models.seismic.polarization.back_azimuth import Motions, read_motions
from models.seismic.signal.picker import Onsets
from models.seismic.waveforms import Gather, Record

LEVEL_STEP_DEG: Final = 1.5


@dataclass(frozen=True)
class Directions:
    """What is known of directions, which may be nothing."""

    fronts: tuple[Front, ...] = ()
    motions: Motions | None = None

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
        by_fronts = log_likelihood(self.fronts, nodes)
        return by_fronts if self.motions is None else by_fronts + self.motions.log_likelihood(nodes)


def read_directions(gather: Gather, records: Sequence[Record], picks: Sequence[Onsets]) -> Directions:
    """Of a gather's fronts and its records' motion; records with their onsets in the gather's order, or none."""
    return Directions(find_fronts(gather), read_motions(records, picks))


def joint_prior(gather: Gather, readings: OffsetReadings, directions: Directions) -> Prior:
    """What distances and directions say of places together, one being uniform."""
    by_offsets = offsets_prior(
        prepare_offsets(gather.latitudes_deg, gather.longitudes_deg, readings.distances_deg, readings.uncertainties_deg)
    )
    if not directions.any:
        return by_offsets
    everywhere = sphere_nodes(LEVEL_STEP_DEG)
    total = by_offsets(everywhere) + directions.log_likelihood(everywhere)
    level = float(np.logaddexp.reduce(total)) - np.log(len(everywhere))
    return lambda nodes: by_offsets(nodes) + directions.log_likelihood(nodes) - level
