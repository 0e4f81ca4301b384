"""Records of ground motion as arrays: one channel's record, and the gather of one event on a common clock."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.seismic.trace_id import TraceId


@dataclass(frozen=True)
class Response:
    """
    An instrument's response sampled in frequency.

    `frequencies_hz` [m] ascending, `velocity_response` [m] complex: output units per meter per second.
    """

    frequencies_hz: NDArray[np.float64]
    velocity_response: NDArray[np.complex128]


@dataclass(frozen=True)
class Horizontals:
    """
    The two horizontal components beside a vertical one, on its clock.

    `samples` [2, n] float32 in the digitizer's units, NaN where there is none; `azimuths_deg` [2]: towards where each is positive,
    clockwise from north, NaN where it is not known.
    """

    trace_ids: tuple[TraceId, TraceId]
    samples: NDArray[np.float32]
    azimuths_deg: tuple[float, float]


@dataclass(frozen=True)
class Record:
    """
    One channel's record on a regular clock.

    `samples` [n] float32 with the mean removed before the cast; NaN where there is a gap. `start_time_s` is POSIX time.
    `latitude_deg` and `longitude_deg` are None for a station without coordinates.
    """

    trace_id: TraceId
    start_time_s: float
    sampling_rate_hz: float
    samples: NDArray[np.float32]
    latitude_deg: float | None
    longitude_deg: float | None
    elevation_m: float | None = None
    response: Response | None = None
    horizontals: Horizontals | None = None

    @property
    def duration_s(self) -> float:
        """Length from the first to the last sample, in seconds."""
        return (len(self.samples) - 1) / self.sampling_rate_hz


@dataclass(frozen=True)
class Gather:
    """
    The conditioned vertical records of one event on one clock.

    `samples` [traces, samples] float32, NaN where a trace has no data; sample j lies at
    `start_time_s + j / sampling_rate_hz` (POSIX seconds). `latitudes_deg`, `longitudes_deg` [traces], NaN where unknown.
    """

    trace_ids: tuple[TraceId, ...]
    start_time_s: float
    sampling_rate_hz: float
    samples: NDArray[np.float32]
    latitudes_deg: NDArray[np.float64]
    longitudes_deg: NDArray[np.float64]

    @property
    def duration_s(self) -> float:
        """Length of the common clock in seconds."""
        return float(self.samples.shape[1] / self.sampling_rate_hz)

    def part(self, rows: Sequence[int] | NDArray[np.int64]) -> Self:
        """Some of the traces, in that order, on the same clock."""
        rows = np.asarray(rows, np.int64)
        return replace(
            self,
            trace_ids=tuple(self.trace_ids[row] for row in rows),
            samples=self.samples[rows],
            latitudes_deg=self.latitudes_deg[rows],
            longitudes_deg=self.longitudes_deg[rows],
        )
