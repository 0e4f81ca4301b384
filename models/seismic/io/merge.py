"""From the pieces of one channel to its record on a regular clock: gaps, overlaps, defects, mean removed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.seismic.data_issues import DataIssue
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record

RATE_TOLERANCE = 1e-3
"""Relative difference up to which pieces of one channel count as sampled alike (clocks that drift, rounded headers)."""

MAX_SAMPLE = 1e30
"""Floats beyond this are no ground motion, and their squares would overflow float32."""

CLIPPED_RUN = 4
"""Consecutive samples at the very extreme that make a flat top."""

CLIPPED_JUMP = 10.0
"""Quanta of the digitizer in the step into a flat top, beyond which no rounded peak goes."""

PLATEAU_LEVEL = 0.75
"""Share of the largest value above which a plateau is looked for: a filter's overshoot stands up to 18 percent above it (Gibbs)."""

PLATEAU_SIDES = 2.5
"""Length times mean step at the sides over height: below 1.2 for sampled sines, 4.4 for one clipped at half its amplitude."""

PLATEAUS = 4
"""Plateaus that make a clipped record; one or two are a boxcar, or chance."""

Samples = NDArray[Any]
ReportIssue = Callable[[str, str], None]


@dataclass(frozen=True)
class DecodedSegment:
    """Decoded samples [n] (int32, float32 or float64) without a gap; `start_time_ns` is POSIX time."""

    start_time_ns: int
    sampling_rate_hz: float
    samples: Samples


def merge_segments(trace_id: TraceId, pieces: Sequence[DecodedSegment]) -> tuple[Record | None, list[DataIssue]]:
    """
    One record of all pieces, or None where nothing alive is left; every step that changed the data is remarked.

    Pieces are put at the nearest sample of the clock of the earliest one, so each may be shifted by up to half a sample.
    Where pieces overlap the earlier one is kept.
    """
    issues: list[DataIssue] = []

    def tell(code: str, detail: str) -> None:
        issues.append(DataIssue(str(trace_id), None, code, detail))

    alike = _of_one_rate(pieces, tell)
    if not alike:
        tell("empty", "no samples")
        return None, issues
    rate_hz = max(alike, key=lambda piece: len(piece.samples)).sampling_rate_hz
    start_time_s, samples = _trimmed(alike[0].start_time_ns * 1e-9, rate_hz, _on_one_clock(alike, rate_hz, tell))
    missing = np.isnan(samples)
    live = samples[~missing] if missing.any() else samples
    if not _alive(live, tell):
        return None, issues
    _tell_gaps(missing, rate_hz, tell)
    mean = float(live.mean())
    _tell_clipping(samples, float(live.min()), float(live.max()), mean, tell)
    samples -= mean
    return Record(trace_id, start_time_s, rate_hz, samples.astype(np.float32), None, None), issues


def grid_length(starts_ns: Sequence[int], counts: Sequence[int], rate_hz: float) -> int:
    """Samples that the regular clock of these pieces would have, known before anything is decoded."""
    first = min(starts_ns)
    return max(_index(start, first, rate_hz) + count for start, count in zip(starts_ns, counts, strict=True))


def _of_one_rate(pieces: Sequence[DecodedSegment], tell: ReportIssue) -> list[DecodedSegment]:
    """The pieces sampled like the longest one, earliest first."""
    filled = [piece for piece in pieces if len(piece.samples)]
    if not filled:
        return []
    rate_hz = max(filled, key=lambda piece: len(piece.samples)).sampling_rate_hz
    alike = [piece for piece in filled if abs(piece.sampling_rate_hz / rate_hz - 1.0) <= RATE_TOLERANCE]
    if len(alike) < len(filled):
        tell("mixed-rates", f"{len(filled) - len(alike)} segments are not sampled at {rate_hz:g} Hz and were left out")
    return sorted(alike, key=lambda piece: piece.start_time_ns)


def _on_one_clock(pieces: Sequence[DecodedSegment], rate_hz: float, tell: ReportIssue) -> NDArray[np.float64]:
    """Samples [n] float64 on the regular clock that begins with the first piece, NaN where nothing was recorded."""
    values = [_finite(piece.samples) for piece in pieces]
    spoiled = sum(int(np.isnan(value).sum()) for piece, value in zip(pieces, values, strict=True) if piece.samples.dtype.kind == "f")
    if spoiled:
        tell("non-finite", f"{spoiled} samples are not finite or absurdly large; taken as gaps")
    if len(pieces) == 1:
        return values[0]
    first = pieces[0].start_time_ns
    grid = np.full(grid_length([p.start_time_ns for p in pieces], [len(v) for v in values], rate_hz), np.nan)
    twice = differing = 0
    for piece, value in zip(pieces, values, strict=True):
        begin = _index(piece.start_time_ns, first, rate_hz)
        target = grid[begin : begin + len(value)]
        both = ~np.isnan(target) & ~np.isnan(value)
        twice, differing = twice + int(both.sum()), differing + int((target[both] != value[both]).sum())
        np.copyto(target, value, where=np.isnan(target))
    if twice:
        what = "identically" if not differing else f"with {differing} differing samples; the earlier segment was kept"
        tell("overlap", f"{twice / rate_hz:g} s recorded twice, {what}")
    return grid


def _finite(samples: Samples) -> NDArray[np.float64]:
    values = samples.astype(np.float64)
    if samples.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            values[~(np.abs(values) < MAX_SAMPLE)] = np.nan
    return values


def _trimmed(start_time_s: float, rate_hz: float, samples: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Without the gaps at either end."""
    if not (np.isnan(samples[0]) or np.isnan(samples[-1])):
        return start_time_s, samples
    live = np.flatnonzero(~np.isnan(samples))
    if len(live) == 0:
        return start_time_s, samples[:0]
    return start_time_s + float(live[0]) / rate_hz, samples[live[0] : live[-1] + 1]


def _alive(live: NDArray[np.float64], tell: ReportIssue) -> bool:
    """Whether the record moves at all, going by its live samples."""
    if len(live) < 2:
        tell("empty", "fewer than two live samples; left out")
        return False
    if live.min() == live.max():
        tell("dead", f"constant at {live[0]:g}; left out")
        return False
    return True


def _tell_gaps(missing: NDArray[np.bool_], rate_hz: float, tell: ReportIssue) -> None:
    if missing.any():
        gaps = int(np.count_nonzero(np.diff(missing.astype(np.int8)) == 1))
        tell("gaps", f"{gaps} gap{'s' if gaps != 1 else ''}, {missing.sum() / rate_hz:g} s in all")


def _tell_clipping(samples: NDArray[np.float64], low: float, high: float, mean: float, tell: ReportIssue) -> None:
    """
    Flat tops at the largest or smallest value, or steep-sided plateaus near it where a filter has rippled the tops since.

    A smooth peak is flat too, by rounding, but is reached in small steps; a clipped one is reached by a jump.
    """
    for extreme in (high, low):
        at = np.flatnonzero(samples == extreme)
        if len(at) < CLIPPED_RUN:
            continue
        runs = [run for run in np.split(at, np.flatnonzero(np.diff(at) > 1) + 1) if len(run) >= CLIPPED_RUN]
        jumps = [abs(samples[max(run[0] - 1, 0)] - extreme) for run in runs]
        if any(jump > CLIPPED_JUMP * _step(samples) for jump in jumps):
            tell("clipped", f"{sum(map(len, runs))} samples lie in flat runs at the extreme value {extreme:g}")
            return
    plateaus = _plateaus(samples, mean, high) + _plateaus(samples, mean, low)
    if plateaus >= PLATEAUS:
        tell("clipped", f"{plateaus} steep-sided plateaus near the extreme values: clipped before it was filtered")


def _plateaus(samples: NDArray[np.float64], mean: float, extreme: float) -> int:
    """How many times the samples [n], NaN in gaps, stay near an extreme between sides too steep for a smooth wave."""
    level, largest = mean + PLATEAU_LEVEL * (extreme - mean), abs(extreme - mean)
    beyond = samples >= level if extreme > mean else samples <= level
    edges = np.flatnonzero(beyond[1:] != beyond[:-1])
    if len(edges) < 2:
        return 0
    first = edges[int(beyond[edges[0]]) :]  # begin with a rise
    rises, falls = first[: len(first) // 2 * 2 : 2], first[1::2]
    lengths = falls - rises
    sides = np.abs(samples[rises + 1] - samples[rises] + samples[falls] - samples[falls + 1]) / 2.0
    steep = sides[(lengths >= CLIPPED_RUN) & (lengths * sides > PLATEAU_SIDES * largest)]
    return int(np.count_nonzero(steep > CLIPPED_JUMP * _step(samples))) if len(steep) else 0


def _step(samples: NDArray[np.float64]) -> float:
    """The smallest change between neighbors that occurs: the quantum of the digitizer, or 0 for smooth floats."""
    changes = np.abs(np.diff(samples))
    changes = changes[changes > 0]
    return float(changes.min()) if len(changes) else 0.0


def _index(start_ns: int, first_ns: int, rate_hz: float) -> int:
    return round((start_ns - first_ns) * 1e-9 * rate_hz)
