"""Records of ground motion as arrays: one channel's record, and the gather of one event on a common clock."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from models.array_types import Complexes, Floats, Floats32, Integers
from models.seismic.trace_id import TraceId

SHORT_RECORD_S: Final = 240.0
"""
The one minimum length of records: shorter ones are read by no network, and arrivals are picked in them alone.

The records that the networks were trained on last 282 s and more (`training.synthesis.windows.draw_window`); some may be missing
at either end. The maximum is a setting of the service, `max_span_s`.
"""


@dataclass(frozen=True)
class Response:
    """
    The frequency response of an instrument.

    `frequencies_hz` [m] ascending; `velocity_response` [m] complex: output units per meter per second.
    """

    frequencies_hz: Floats
    velocity_response: Complexes


@dataclass(frozen=True)
class Horizontals:
    """
    The two horizontal components of the sensor whose vertical component is a record, on that record's clock.

    `samples` [2, n] float32 in the digitizer's units, NaN where there is none; `azimuths_deg` [2]: direction of positive motion,
    clockwise from north, NaN where unknown.
    """

    trace_ids: tuple[TraceId, TraceId]
    samples: Floats32
    azimuths_deg: tuple[float, float]


@dataclass(frozen=True)
class Record:
    """
    One channel's record on a regular clock.

    `samples` [n] float32 with the mean removed before the cast, NaN in gaps; the first at POSIX time `start_time_s`.
    `latitude_deg` and `longitude_deg` are None for a station without coordinates.
    """

    trace_id: TraceId
    start_time_s: float
    sampling_rate_hz: float
    samples: Floats32
    latitude_deg: float | None
    longitude_deg: float | None
    elevation_m: float | None = None
    response: Response | None = None
    horizontals: Horizontals | None = None

    @property
    def duration_s(self) -> float:
        """Time from the first to the last sample in seconds."""
        return (len(self.samples) - 1) / self.sampling_rate_hz

    @property
    def is_ground_motion(self) -> bool:
        """Whether all samples are smaller than one, as in meters per second; counts of a digitizer are whole numbers."""
        return float(np.nanmax(np.abs(self.samples), initial=0.0)) < 1.0


@dataclass(frozen=True)
class Gather:
    """
    The conditioned vertical records of one event on one clock.

    `samples` [traces, samples] float32, NaN where a trace has no data; sample j is at POSIX time
    `start_time_s + j / sampling_rate_hz`. `latitudes_deg`, `longitudes_deg` [traces], NaN where unknown.
    """

    trace_ids: tuple[TraceId, ...]
    start_time_s: float
    sampling_rate_hz: float
    samples: Floats32
    latitudes_deg: Floats
    longitudes_deg: Floats

    @property
    def duration_s(self) -> float:
        """Length of the common clock in seconds."""
        return float(self.samples.shape[1] / self.sampling_rate_hz)

    def subset(self, trace_indices: Sequence[int] | Integers) -> Self:
        """Select some of the traces, in that order, on the same clock."""
        indices = np.asarray(trace_indices, np.int64)
        return replace(
            self,
            trace_ids=tuple(self.trace_ids[index] for index in indices),
            samples=self.samples[indices],
            latitudes_deg=self.latitudes_deg[indices],
            longitudes_deg=self.longitudes_deg[indices],
        )
