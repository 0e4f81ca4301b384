"""
Data of figures as JSON, from which the page draws them with zoom and hover: the record section, and the events of a clustering.

Samples are base64 of little-endian int16 in units of the trace's `peak` over 32767, -32768 where there is no datum.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.array_types import Floats, Floats32, Integers
from models.errors import NoUsableTrace
from models.imaging.conditioning import condition
from models.imaging.style import Conditioning
from models.seismic.earth.travel_times import PHASES, travel_time_s
from models.seismic.geodesy import KM_PER_DEGREE
from models.seismic.waveforms import Gather, Record
from models.specs.pictures import CONDITIONING

MAX_TRACES: Final = 60
MAX_LONG_SAMPLES: Final = 100_000
"""Samples of all traces at long periods; beyond, each pair of extremes stands for a block of samples."""

RAYLEIGH_WAVE_KM_S: Final = 3.8
"""Typical group velocity of Rayleigh waves of 50 to 100 s: a line for comparison, without dispersion."""

LOCAL_DISTANCE_DEG: Final = 10.0


@dataclass(frozen=True)
class _ArrivalBand:
    """A pass-band of first arrivals, after the picker's bands, with the lead before the first arrival and the length in seconds."""

    conditioning: Conditioning
    lead_s: float
    length_s: float


def _make_band(rate_hz: float, shortest_period_s: float, longest_period_s: float, lead_s: float, length_s: float) -> _ArrivalBand:
    conditioning = Conditioning(
        sampling_rate_hz=rate_hz, shortest_period_s=shortest_period_s, longest_period_s=longest_period_s, taper_s=longest_period_s
    )
    return _ArrivalBand(conditioning, lead_s, length_s)


_LOCAL: Final = (
    _make_band(12.5, 0.25, 1.25, 30.0, 150.0),
    _make_band(6.25, 0.5, 1.25, 30.0, 150.0),
    _make_band(2.5, 2.3, 10.0, 60.0, 300.0),
)
_DISTANT: Final = (_make_band(5.0, 0.5, 3.33, 60.0, 300.0), _make_band(2.5, 2.3, 10.0, 90.0, 400.0))
"""From short to long periods; the first that half of the records have is shown."""

_CURVE_NODES: Final = 121
_USABLE_RATE: Final = 0.45


@dataclass(frozen=True)
class SectionTraces:
    """
    The traces of a section: their gather, epicentral `distances_deg` and `azimuths_deg` [traces] (NaN where unknown), and records.

    `distance_label` says what distances are measured from.
    """

    gather: Gather
    distances_deg: Floats
    azimuths_deg: Floats
    records: Sequence[Record]
    distance_label: str


def write_section_data(
    traces: SectionTraces,
    chosen: Integers,
    *,
    origin_time_s: float | None,
    window_s: tuple[float, float] | None = None,
    depth_km: float | None = None,
) -> bytes:
    """
    Return a record section as JSON: waveforms in one or two pass-bands, and travel-time curves.

    Parameters
    ----------
    traces
        The traces.
    chosen
        Indices of those that are shown.
    origin_time_s
        Origin time, POSIX seconds, from which times count; by default they count from the start of the window.
    window_s
        Time window (start, end) of the long periods, POSIX seconds; by default the whole gather.
    depth_km
        Source depth of the travel-time curves; without it there are none.

    Returns
    -------
    bytes
        JSON of at most about a megabyte.

    """
    gather = traces.gather
    window_s = window_s or (gather.start_time_s, gather.start_time_s + gather.duration_s)
    zero_s = window_s[0] if origin_time_s is None else origin_time_s
    return _encode(
        {
            "zero_time_s": round(zero_s, 3),
            "zero_is_origin": origin_time_s is not None,
            "distance_label": traces.distance_label,
            "depth_km": depth_km,
            "traces": [_describe_trace(traces, int(index)) for index in chosen],
            "traces_in_all": len(gather.trace_ids),
            "bands": _collect_bands(traces, chosen, zero_s, window_s, None if origin_time_s is None else depth_km),
            "curves": [] if depth_km is None else _travel_time_curves(traces.distances_deg[chosen], depth_km),
        }
    )


def write_families_data(names: Sequence[str], positions: Floats, waveforms: Mapping[int, NDArray[np.int8]]) -> bytes:
    """
    Return the events of a clustering as JSON.

    Parameters
    ----------
    names
        Names of the events [n].
    positions
        Positions in the map of the embedding [n, 2], in no unit.
    waveforms
        Waveforms [traces, samples] of representative events, one sample a second, by index of the event; base64 of int8 in JSON.

    """
    drawn = {
        names[index]: [base64.b64encode(trace.astype(np.int8).tobytes()).decode() for trace in traces if trace.any()]
        for index, traces in waveforms.items()
    }
    return _encode({"events": list(names), "positions": np.round(positions, 4).tolist(), "waveforms": drawn})


def _encode(content: object) -> bytes:
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def _collect_bands(
    traces: SectionTraces, chosen: Integers, zero_s: float, window_s: tuple[float, float], depth_km: float | None
) -> list[dict[str, Any]]:
    """Return the band of long periods, and that of first arrivals after an origin at `zero_s` of known depth."""
    long_periods = _long_period_band(traces.gather, chosen, zero_s, window_s)
    return [long_periods, *([] if depth_km is None else _first_arrival_bands(traces, chosen, zero_s, depth_km))]


def _describe_trace(traces: SectionTraces, index: int) -> dict[str, Any]:
    gather = traces.gather
    numbers = (traces.distances_deg[index], traces.azimuths_deg[index], gather.latitudes_deg[index], gather.longitudes_deg[index])
    names = ("distance_deg", "azimuth_deg", "latitude", "longitude")
    known = {name: round(float(number), 4) if np.isfinite(number) else None for name, number in zip(names, numbers, strict=True)}
    return {"trace": str(gather.trace_ids[index]), **known}


def _describe_band(name: str, conditioning: Conditioning, waveforms: list[dict[str, Any]]) -> dict[str, Any]:
    periods_s = {"shortest_period_s": conditioning.shortest_period_s, "longest_period_s": conditioning.longest_period_s}
    return {"name": name, **periods_s, "waveforms": waveforms}


def _long_period_band(gather: Gather, chosen: Integers, zero_s: float, window_s: tuple[float, float]) -> dict[str, Any]:
    """Cut the gather to the window, and reduce its samples where they are too many."""
    rate_hz = gather.sampling_rate_hz
    first = max(0, round((window_s[0] - gather.start_time_s) * rate_hz))
    last = max(first + 1, round((window_s[1] - gather.start_time_s) * rate_hz))
    cut = gather.samples[chosen, first:last]
    block = -(-2 * cut.size // MAX_LONG_SAMPLES)
    step_s = 1.0 / rate_hz
    if block > 3:
        cut, step_s = _reduce_to_extremes(cut, block), 0.5 * block / rate_hz
    start_s = gather.start_time_s + first / rate_hz - zero_s
    waveforms = [_pack_waveform(number, start_s, step_s, samples) for number, samples in enumerate(cut)]
    return _describe_band("long-period", CONDITIONING, [waveform for waveform in waveforms if waveform])


def _reduce_to_extremes(samples: Floats32, block: int) -> Floats32:
    """Replace each block of samples [traces, n] by its minimum and its maximum, in this order."""
    whole = samples.shape[1] // block * block
    blocks = samples[:, :whole].reshape(len(samples), -1, block)
    return np.stack((blocks.min(axis=2), blocks.max(axis=2)), axis=2).reshape(len(samples), -1)


def _first_arrival_bands(traces: SectionTraces, chosen: Integers, origin_s: float, depth_km: float) -> list[dict[str, Any]]:
    """Condition the records about their first arrivals in the band that fits the median distance; none where no record has it."""
    distances_deg = traces.distances_deg[chosen]
    if not np.isfinite(distances_deg).any():
        return []
    records = {str(record.trace_id): record for record in traces.records}
    shown = [records.get(str(traces.gather.trace_ids[index])) for index in chosen.tolist()]
    band = _choose_band(_LOCAL if np.nanmedian(distances_deg) < LOCAL_DISTANCE_DEG else _DISTANT, shown)
    if band is None:
        return []
    firsts_s = np.fmin(travel_time_s("P", distances_deg, depth_km), travel_time_s("PKP", distances_deg, depth_km))
    waveforms = [
        _condition_arrival(number, record, band, origin_s, float(first_s))
        for number, (record, first_s) in enumerate(zip(shown, firsts_s, strict=True))
    ]
    kept = [waveform for waveform in waveforms if waveform]
    return [_describe_band("first arrivals", band.conditioning, kept)] if kept else []


def _choose_band(bands: Sequence[_ArrivalBand], records: Sequence[Record | None]) -> _ArrivalBand | None:
    """Choose the band of the shortest periods that at least half of the records have; None where no band is."""
    have = [band for band in bands if 2 * sum(_has_band(record, band) for record in records) >= max(1, len(records))]
    return have[0] if have else None


def _has_band(record: Record | None, band: _ArrivalBand) -> bool:
    return record is not None and _USABLE_RATE * record.sampling_rate_hz * band.conditioning.shortest_period_s >= 1.0


def _condition_arrival(number: int, record: Record | None, band: _ArrivalBand, origin_s: float, first_s: float) -> dict[str, Any] | None:
    """Condition the part of a record about its first arrival; None where there is nothing to show."""
    if record is None or not _has_band(record, band) or not np.isfinite(first_s):
        return None
    cut = _cut_record(record, origin_s + first_s - band.lead_s, band.length_s, band.conditioning.longest_period_s)
    if cut is None:
        return None
    try:
        conditioned = condition([cut], band.conditioning)
    except NoUsableTrace:
        return None
    return _pack_waveform(number, conditioned.start_time_s - origin_s, 1.0 / conditioned.sampling_rate_hz, conditioned.samples[0])


def _cut_record(record: Record, start_s: float, length_s: float, margin_s: float) -> Record | None:
    """Cut a record to a window with a margin on both sides; None where it has no data there."""
    rate_hz = record.sampling_rate_hz
    first = max(0, int((start_s - margin_s - record.start_time_s) * rate_hz))
    last = min(len(record.samples), int((start_s + length_s + margin_s - record.start_time_s) * rate_hz))
    if last - first < margin_s * rate_hz or not np.isfinite(record.samples[first:last]).any():
        return None
    return Record(
        record.trace_id,
        record.start_time_s + first / rate_hz,
        rate_hz,
        record.samples[first:last],
        record.latitude_deg,
        record.longitude_deg,
        response=record.response,
    )


def _pack_waveform(number: int, start_s: float, step_s: float, samples: Floats32) -> dict[str, Any] | None:
    """Pack the live part of a waveform; None where it is empty or zero throughout."""
    live = np.flatnonzero(np.isfinite(samples))
    peak = float(np.abs(samples[live]).max()) if len(live) else 0.0
    if peak <= 0.0:
        return None
    begin, end = int(live[0]), int(live[-1]) + 1
    scaled = np.where(np.isfinite(samples[begin:end]), np.rint(samples[begin:end] * (32767.0 / peak)), -32768).astype("<i2")
    return {
        "trace": number,
        "start_s": round(start_s + begin * step_s, 4),
        "step_s": round(step_s, 6),
        "peak": float(f"{peak:.4g}"),
        "samples": base64.b64encode(scaled.tobytes()).decode(),
    }


def rayleigh_time_s(grid_deg: Floats, depth_km: float) -> Floats:
    """Compute the line of Rayleigh waves over distances [n], seconds after origin; NaN where it would be before S: near deep sources."""
    time_s = grid_deg * KM_PER_DEGREE / RAYLEIGH_WAVE_KM_S
    return np.where(time_s < np.fmin(travel_time_s("S", grid_deg, depth_km), travel_time_s("Sg", grid_deg, depth_km)), np.nan, time_s)


def _travel_time_curves(distances_deg: Floats, depth_km: float) -> list[dict[str, Any]]:
    """Tabulate the travel times of all phases over the range of distances, with null where a phase does not arrive."""
    if not np.isfinite(distances_deg).any():
        return []
    low, high = float(np.nanmin(distances_deg)), float(np.nanmax(distances_deg))
    margin = max(0.05 * (high - low), 0.25)
    grid_deg = np.linspace(max(low - margin, 0.0), min(high + margin, 180.0), _CURVE_NODES)
    times = {phase: travel_time_s(phase, grid_deg, depth_km) for phase in PHASES} | {"LR": rayleigh_time_s(grid_deg, depth_km)}
    return [
        {
            "phase": phase,
            "distances_deg": np.round(grid_deg, 3).tolist(),
            "times_s": [round(time_s, 2) if np.isfinite(time_s) else None for time_s in curve.tolist()],
        }
        for phase, curve in times.items()
        if np.isfinite(curve).any()
    ]
