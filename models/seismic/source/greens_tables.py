"""
Tables of Green's functions of one Earth model, as they ship: 0.5 to 160 degrees, 29 depths, 10 s sampling, 4.5 to 45 mHz.

Vertical displacement of a unit step: for a moment tensor the strain components rr, dd, cc, rd (d toward the station, c across) at depth,
for a single force at the surface the components z and d (see `training.earth.greens`, which computes them by reciprocity). Transverse
displacement, 90 degrees clockwise from the direction away from the source, for the strain components rc and dc (`training.earth.toroidal`)
and for the component c of a force, clockwise from d. A series begins before the first arrival and ends after the Rayleigh wave. Blocks of
16 samples are int8 numbers with a common power of two, so body waves keep their precision beside Rayleigh waves.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.array_types import Floats, Floats32, Integers
from models.compiled import compiled
from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE

Crust = Literal["land", "sea"]
STEP_S: Final = 10.0
DISTANCE_STEP_DEG: Final = 0.5
DISTANCES_DEG: Final[Floats] = np.arange(0.5, 160.01, DISTANCE_STEP_DEG)
DEPTHS_KM: Final = (
    *(3.5, 6, 9.5, 13.5, 18, 23, 28.5, 34, 41, 50, 60, 73, 88, 105, 125, 150),
    *(178, 208, 240, 275, 312, 352, 394, 438, 484, 531, 578, 625, 680),
)
"""None lies on a discontinuity of the Earth models."""
STRAINS, FORCES = 4, 2  # components of a moment tensor and of a single force
TRANSVERSE = (2, 1)  # the same on transverse records
BLOCK: Final = 16
TABLE_SCALE: Final = 1e20  # of what is read: displacements in meters of a unit source would underflow when squared
LEAD_S: Final = 60.0
TAIL_S: Final = 120.0
_SLOWEST_KM_S = ((60.0, 3.1), (150.0, 3.3), (np.inf, 3.5))  # group velocities of the last waves, by the greatest depth


def series_begins_s() -> Floats:
    """Return the begin of the series at all distances, in seconds after the origin time; multiples of the sampling interval."""
    arrivals = [travel_time_s(phase, DISTANCES_DEG, DEPTHS_KM[-1]) for phase in ("P", "PKP", "PP")]
    return np.asarray(np.maximum(0.0, STEP_S * np.floor((np.fmin.reduce(arrivals) - LEAD_S) / STEP_S)))


def series_ends_s(depth_km: float) -> Floats:
    """Return the end of the series at all distances, in seconds after the origin time; multiples of the sampling interval."""
    velocity = next(velocity for depth, velocity in _SLOWEST_KM_S if depth_km <= depth)
    return np.asarray(STEP_S * np.ceil((DISTANCES_DEG * KM_PER_DEGREE / velocity + TAIL_S) / STEP_S))


def nearest_distances(distance: float, half_width: int) -> Integers:
    """Return the indices of the `2 * half_width + 1` tabulated distances around one in degrees, moved inside the table."""
    center = round(distance / DISTANCE_STEP_DEG) - 1
    first = min(max(center - half_width, 0), len(DISTANCES_DEG) - 2 * half_width - 1)
    return np.arange(first, first + 2 * half_width + 1)


def pack_series(series: Floats32) -> tuple[NDArray[np.int8], NDArray[np.int16]]:
    """Pack series [components, samples] into int8 [components, blocks * BLOCK] and exponents [components, blocks]."""
    blocks = -(-series.shape[1] // BLOCK)
    padded = np.zeros((len(series), blocks * BLOCK))
    padded[:, : series.shape[1]] = series
    shaped = padded.reshape(len(series), blocks, BLOCK)
    peaks = np.abs(shaped).max(axis=2)
    exponents = np.where(peaks > 0.0, np.ceil(np.log2(np.maximum(peaks, 1e-300) / 127.0)), -400).astype(np.int16)
    mantissas = np.rint(shaped * 2.0 ** -exponents[..., None].astype(np.float64)).astype(np.int8)
    return mantissas.reshape(padded.shape), exponents


@dataclass(frozen=True)
class GreensTables:
    """
    Packed Green's functions of one Earth model.

    `mantissas` and `exponents` hold all series one after the other. `begins_s` [distances] after the origin time; `counts`
    [depths + 1, distances] samples, the last row being that of forces; `first_blocks` of the first component likewise. `transverse`: the
    tables of transverse displacement; None where there are none. `crust`: below what its crust lies; None of a mean Earth.
    """

    mantissas: NDArray[np.int8]
    exponents: NDArray[np.int16]
    begins_s: Floats
    counts: Integers
    first_blocks: Integers
    transverse: "GreensTables | None" = None
    crust: Crust | None = None

    def read(self, distances: Integers, states: Integers, components: int) -> Floats32:
        """
        Read series [distances, states, components, samples] at some distances and states, by index, times `TABLE_SCALE`.

        The states are depths, or the one after the last depth for a force. Zero beyond the end of a series.
        """
        block = np.empty((len(distances), len(states), components, int(self.counts[states][:, distances].max())), np.float32)
        read_block(self.mantissas, self.exponents, self.counts, self.first_blocks, distances, states, block)
        return block


def layout(components: tuple[int, int] = (STRAINS, FORCES)) -> tuple[Floats, Integers, Integers]:
    """Lay out series with the components of a tensor and of a force: `begins_s`, `counts` and `first_blocks` of `GreensTables`."""
    states, begins_s = (*DEPTHS_KM, 0.0), series_begins_s()
    counts = np.rint((np.stack([series_ends_s(depth) for depth in states]) - begins_s) / STEP_S).astype(np.int64) + 1
    blocks = (-(-counts // BLOCK) * np.where(np.arange(len(states)) < len(DEPTHS_KM), *components)[:, None]).ravel()
    first = (np.cumsum(blocks) - blocks).reshape(counts.shape)
    return begins_s, counts, first


def load_tables(path: Path, transverse: Path | None = None, crust: Crust | None = None) -> GreensTables:
    """Load the tables of an Earth model, and those of transverse displacement; raises ValueError for a file of another layout."""
    love = None if transverse is None else _load_layout(transverse, *layout(TRANSVERSE))
    return replace(_load_layout(path, *layout()), transverse=love, crust=crust)


def _load_layout(path: Path, begins_s: Floats, counts: Integers, first_blocks: Integers) -> GreensTables:
    with np.load(path, allow_pickle=False) as content:
        mantissas, exponents = content["mantissas"], content["exponents"]
    if len(exponents) * BLOCK != len(mantissas) or len(exponents) <= first_blocks[-1, -1]:
        raise ValueError(f"{path.name} does not have the layout of the tables of Green's functions")
    return GreensTables(mantissas, exponents, begins_s, counts, first_blocks)


@compiled
def read_block(
    mantissas: NDArray[np.int8],
    exponents: NDArray[np.int16],
    counts: Integers,
    first_blocks: Integers,
    distances: Integers,
    states: Integers,
    block: Floats32,
) -> None:
    """
    Unpack the series at some distances and states (indices) into `block` [distances, states, components, samples].

    Zero beyond a series' end. Multiplied by 1e20, because squares of values of 1e-22 underflow in single precision.
    """
    for j in range(len(distances)):
        for s in range(len(states)):
            count = counts[states[s], distances[j]]
            blocks, used = -(-count // BLOCK), min(count, block.shape[3])
            for k in range(block.shape[2]):
                first, series = first_blocks[states[s], distances[j]] + k * blocks, block[j, s, k]
                series[used:] = np.float32(0.0)
                for begin in range(0, used, BLOCK):
                    scale, packed = np.float32(np.exp2(float(exponents[first + begin // BLOCK])) * TABLE_SCALE), first * BLOCK + begin
                    read, part = series[begin : min(begin + BLOCK, used)], mantissas[packed : packed + BLOCK]
                    for i in range(len(read)):
                        read[i] = part[i] * scale
