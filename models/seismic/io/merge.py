"""Merging of the decoded segments of one channel to a record on a regular clock: gaps, overlaps, defects, mean removal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models.array_types import Flags, Floats
from models.seismic.data_issues import DataIssue
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record

RATE_TOLERANCE: Final = 1e-3
"""Relative difference of sampling rates up to which segments are merged (clock drift, rounded headers)."""

MAX_SAMPLE: Final = 1e30
"""Larger values are no ground motion, and their squares would overflow float32."""

CLIPPED_RUN: Final = 4
"""Consecutive samples at the extreme value that make a flat top."""

CLIPPED_JUMP: Final = 10.0
"""Step into a flat top, in quanta of the digitizer, above which it is clipped: rounded peaks are reached by smaller steps."""

PLATEAU_LEVEL: Final = 0.75
"""Fraction of the largest value above which plateaus are searched: a filter overshoots them by up to 18 percent (Gibbs)."""

PLATEAU_SIDES: Final = 2.5
"""Length times mean step at the sides over height: below 1.2 for sampled sines, 4.4 for one clipped at half its amplitude."""

MIN_PLATEAUS: Final = 4
"""Plateaus from which on a record counts as clipped; one or two are a boxcar, or chance."""

MIN_FILL_S: Final = 2.0
"""Length of a constant stretch from which on it may fill a gap..."""
MIN_FILL_SAMPLES: Final = 10

MIN_FILL_JUMP: Final = 5.0
"""...if the steps into and out of it are so many times as large as any among the ten samples beside it; clipped waves rise to theirs..."""

MIN_HELD_S: Final = 10.0
MIN_HELD_SAMPLES: Final = 20
MAX_EQUAL_SHARE: Final = 0.2
"""
...or if it lasts this long inside a record of which no more than this share of other neighboring samples are equal, as they are where the
digitizer resolves nothing, and if it is not the largest or smallest value, at which a record may be clipped.
"""

CLIPPED_ADVICE: Final = "used as it is; a low-gain or strong-motion channel would not be clipped"

Samples = NDArray[Any]
ReportIssue = Callable[[str, str], None]
"""Takes the code and the detail of a `DataIssue` of the channel."""


@dataclass(frozen=True)
class DecodedSegment:
    """Decoded samples [n] (int32, float32 or float64) of a segment without gaps; `start_time_ns` is POSIX time in nanoseconds."""

    start_time_ns: int
    sampling_rate_hz: float
    samples: Samples


def merge_segments(trace_id: TraceId, segments: Sequence[DecodedSegment]) -> tuple[Record | None, list[DataIssue]]:
    """
    Merge segments to one record, without coordinates; None where fewer than two live samples, or constant ones, are left.

    Segments are put at the nearest sample of the clock of the earliest one, so each may be shifted by up to half a sample. Where
    segments overlap, the earlier one is kept. Every step that changed the data is reported as an issue.
    """
    issues: list[DataIssue] = []

    def report(code: str, detail: str) -> None:
        issues.append(DataIssue(str(trace_id), None, code, detail))

    kept = _select_rate(segments, report)
    if not kept:
        report("empty", "no samples; left out")
        return None, issues
    rate_hz = max(kept, key=lambda segment: len(segment.samples)).sampling_rate_hz
    merged = _leave_out_fills(_merge_samples(kept, rate_hz, report), rate_hz, report)
    start_time_s, samples = _trim(kept[0].start_time_ns * 1e-9, rate_hz, merged)
    missing = np.isnan(samples)
    live = samples[~missing] if missing.any() else samples
    if not _check_live(live, report):
        return None, issues
    _report_gaps(missing, rate_hz, report)
    mean = float(live.mean())
    _report_clipping(samples, float(live.min()), float(live.max()), mean, report)
    samples -= mean
    return Record(trace_id, start_time_s, rate_hz, samples.astype(np.float32), None, None), issues


def grid_length(starts_ns: Sequence[int], counts: Sequence[int], rate_hz: float) -> int:
    """Count the samples that the regular clock of these segments would have, before anything is decoded."""
    first = min(starts_ns)
    return max(_index(start, first, rate_hz) + count for start, count in zip(starts_ns, counts, strict=True))


def _select_rate(segments: Sequence[DecodedSegment], report: ReportIssue) -> list[DecodedSegment]:
    """The segments with the sampling rate of the longest one, earliest first."""
    filled = [segment for segment in segments if len(segment.samples)]
    if not filled:
        return []
    rate_hz = max(filled, key=lambda segment: len(segment.samples)).sampling_rate_hz
    kept = [segment for segment in filled if abs(segment.sampling_rate_hz / rate_hz - 1.0) <= RATE_TOLERANCE]
    if len(kept) < len(filled):
        report("mixed-rates", f"{len(filled) - len(kept)} segments are not sampled at {rate_hz:g} Hz and were left out")
    return sorted(kept, key=lambda segment: segment.start_time_ns)


def _merge_samples(segments: Sequence[DecodedSegment], rate_hz: float, report: ReportIssue) -> Floats:
    """Samples [n] float64 on the regular clock that begins with the first segment, NaN where nothing was recorded."""
    values = [_to_floats(segment.samples) for segment in segments]
    invalid = sum(int(np.isnan(value).sum()) for segment, value in zip(segments, values, strict=True) if segment.samples.dtype.kind == "f")
    if invalid:
        report("non-finite", f"{invalid} samples are not finite or larger than {MAX_SAMPLE:g}; taken as gaps")
    if len(segments) == 1:
        return values[0]
    first = segments[0].start_time_ns
    grid = np.full(grid_length([segment.start_time_ns for segment in segments], [len(value) for value in values], rate_hz), np.nan)
    twice = differing = 0
    for segment, value in zip(segments, values, strict=True):
        begin = _index(segment.start_time_ns, first, rate_hz)
        target = grid[begin : begin + len(value)]
        both = ~np.isnan(target) & ~np.isnan(value)
        twice, differing = twice + int(both.sum()), differing + int((target[both] != value[both]).sum())
        np.copyto(target, value, where=np.isnan(target))
    if twice:
        what = "identically; one copy was kept" if not differing else f"with {differing} differing samples; the earlier segment was kept"
        report("overlap", f"{twice / rate_hz:g} s recorded twice, {what}")
    return grid


def _to_floats(samples: Samples) -> Floats:
    """Samples as float64, those that are not finite or too large as NaN."""
    values = samples.astype(np.float64)
    if samples.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            values[~(np.abs(values) < MAX_SAMPLE)] = np.nan
    return values


def _leave_out_fills(samples: Floats, rate_hz: float, report: ReportIssue) -> Floats:
    """Replace the stretches of one value by NaN with which an archive fills gaps: entered and left by a jump, or long."""
    changes = np.diff(samples) != 0.0
    edges = np.flatnonzero(changes)
    starts, ends = np.concatenate(([0], edges + 1)), np.concatenate((edges + 1, [len(samples)]))
    long = (ends - starts >= max(MIN_FILL_SAMPLES, MIN_FILL_S * rate_hz)) & (ends - starts < len(samples))
    constant = list(zip(starts[long].tolist(), ends[long].tolist(), strict=True))
    if not constant:
        return samples
    least, held = CLIPPED_JUMP * _quantum(samples), _find_held(samples, changes, constant, rate_hz)
    fills = [pair for pair in constant if pair in held or _is_fill(samples, *pair, least)]
    if not fills:
        return samples
    filled = samples.copy()
    for start, end in fills:
        filled[start:end] = np.nan
    seconds = sum(end - start for start, end in fills) / rate_hz
    values = sorted({float(samples[start]) for start, _ in fills})
    named = f"the value {values[0]:g}" if len(values) == 1 else "constant values"
    count = f"{len(fills)} stretch{'es' if len(fills) > 1 else ''}"
    report("gaps", f"{count} of {named}, {seconds:g} s in all, with which gaps are filled; left empty")
    return filled


def _find_held(samples: Floats, changes: Flags, constant: list[tuple[int, int]], rate_hz: float) -> set[tuple[int, int]]:
    """Find the long constant stretches (first sample, one past the last) inside a record that is not constant elsewhere."""
    least = max(MIN_HELD_SAMPLES, MIN_HELD_S * rate_hz)
    held = [(start, end) for start, end in constant if end - start >= least]
    others = len(changes) - sum(end - start - 1 for start, end in held)
    if np.count_nonzero(changes) < (1.0 - MAX_EQUAL_SHARE) * others:
        return set()
    low, high = np.nanmin(samples), np.nanmax(samples)
    return {(start, end) for start, end in held if start > 0 and end < len(samples) and low < samples[start] < high}


def _is_fill(samples: Floats, start: int, end: int, least: float) -> bool:
    """Whether a record jumps by more than `least` into and out of a constant stretch; at its ends, on the one side that there is."""
    before, after = samples[max(0, start - MIN_FILL_SAMPLES) : start + 1], samples[end - 1 : end + MIN_FILL_SAMPLES]
    sides = [np.abs(np.diff(side)) for side in (before[::-1], after) if len(side) > 3]
    return bool(sides) and all(side[0] > max(MIN_FILL_JUMP * side[1:].max(), least) for side in sides)


def _trim(start_time_s: float, rate_hz: float, samples: Floats) -> tuple[float, Floats]:
    """Remove gaps at either end; returns the new start and samples."""
    if not (np.isnan(samples[0]) or np.isnan(samples[-1])):
        return start_time_s, samples
    live = np.flatnonzero(~np.isnan(samples))
    if len(live) == 0:
        return start_time_s, samples[:0]
    return start_time_s + float(live[0]) / rate_hz, samples[live[0] : live[-1] + 1]


def _check_live(live: Floats, report: ReportIssue) -> bool:
    """Whether the live samples are at least two and not constant."""
    if len(live) < 2:
        report("empty", "fewer than two live samples; left out")
        return False
    if live.min() == live.max():
        report("dead", f"constant at {live[0]:g}; left out")
        return False
    return True


def _report_gaps(missing: Flags, rate_hz: float, report: ReportIssue) -> None:
    if missing.any():
        gaps = int(np.count_nonzero(np.diff(missing.astype(np.int8)) == 1))
        report("gaps", f"{gaps} gap{'s' if gaps != 1 else ''}, {missing.sum() / rate_hz:g} s in all, left empty")


def _report_clipping(samples: Floats, low: float, high: float, mean: float, report: ReportIssue) -> None:
    """
    Report flat tops at the largest or smallest value, or steep-sided plateaus near it if a filter was applied after clipping.

    A smooth peak is flat too, by rounding, but is reached in small steps; a clipped one is reached by a jump.
    """
    for extreme in (high, low):
        at = np.flatnonzero(samples == extreme)
        if len(at) < CLIPPED_RUN:
            continue
        runs = [run for run in np.split(at, np.flatnonzero(np.diff(at) > 1) + 1) if len(run) >= CLIPPED_RUN]
        jumps = [abs(samples[max(run[0] - 1, 0)] - extreme) for run in runs]
        if any(jump > CLIPPED_JUMP * _quantum(samples) for jump in jumps):
            report("clipped", f"{sum(map(len, runs))} samples lie in flat runs at the extreme value {extreme:g}; {CLIPPED_ADVICE}")
            return
    plateaus = _count_plateaus(samples, mean, high) + _count_plateaus(samples, mean, low)
    if plateaus >= MIN_PLATEAUS:
        report("clipped", f"{plateaus} steep-sided plateaus near the extreme values: clipped before it was filtered; {CLIPPED_ADVICE}")


def _count_plateaus(samples: Floats, mean: float, extreme: float) -> int:
    """Count the times that samples [n], NaN in gaps, stay near an extreme between sides too steep for a smooth wave."""
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
    return int(np.count_nonzero(steep > CLIPPED_JUMP * _quantum(samples))) if len(steep) else 0


def _quantum(samples: Floats) -> float:
    """Smallest change between neighboring samples that occurs: the quantum of the digitizer, or 0 for constant samples."""
    changes = np.abs(np.diff(samples))
    changes = changes[changes > 0]
    return float(changes.min()) if len(changes) else 0.0


def _index(start_ns: int, first_ns: int, rate_hz: float) -> int:
    return round((start_ns - first_ns) * 1e-9 * rate_hz)
