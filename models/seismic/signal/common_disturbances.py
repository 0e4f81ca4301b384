"""
Disturbances that many records have at one instant: steps, pulses and spikes of telemetry, timing systems and calibrations.

Waves cross a network, so what happens to distant stations at once is no wave. Such records would else be taken for those of an event.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import numpy as np
from scipy.ndimage import maximum_filter1d

from models.array_types import Flags, Floats, Floats32
from models.parallel import thread_map
from models.seismic.data_issues import DataIssue, join_names
from models.seismic.geodesy import distance_deg
from models.seismic.signal.characteristic_function import find_peaks
from models.seismic.signal.picker import MAX_RATE_HZ
from models.seismic.waveforms import Horizontals, Record

MIN_SHARPNESS: Final = 5.0
"""
Least ratio of an abrupt change, from one sample to the next, to all changes in the seconds before and after it. Of 400,000 samples of
Gaussian noise none exceeds 3; the onset of a wave is followed by the wave.
"""
NEIGHBORHOOD_S: Final = 10.0
MIN_NEIGHBORS: Final = 8  # samples on either side, of records of low rate
RINGING: Final = 2  # samples beside an abrupt change that an anti-alias filter makes of it
MAX_CHANGES: Final = 10  # of a record
TOLERANCE_S: Final = 1.0
TOLERANCE_SAMPLES: Final = 1.5
MIN_RECORDS: Final = 4
MIN_SHARE: Final = 0.2  # of the records that have samples then
MIN_SLOWNESS_S_DEG: Final = 6.0
"""
Slowness of a wave that would cross the disturbed stations in more than the tolerance, as that of P within 60 degrees. A steeper wave,
beneath a network or through the core, is no isolated change, nor is one whose front runs along a line of stations.
"""
MIN_EXTENT_DEG: Final = 0.5
MAX_DISTURBANCES: Final = 5
LEAD_S: Final = 2.0  # before the instant, for filters without phase
LEVEL_S: Final = 10.0  # of which a level of the record is the median
BACKGROUND_S: Final = 300.0  # of the levels before
MIN_LEFT_OUT_S: Final = 30.0
MAX_LEFT_OUT_S: Final = 300.0
SETTLED_LEVELS: Final = 3
SETTLED_DEVIATIONS: Final = 3.0


@dataclass(frozen=True)
class Disturbance:
    """An instant (POSIX seconds) at which some records (`indices`) change abruptly, of those that have samples then (`recording`)."""

    time_s: float
    indices: tuple[int, ...]
    recording: tuple[int, ...]

    @property
    def affected(self) -> tuple[int, ...]:
        """All that have samples then where half of them change abruptly, the others more weakly; else those that do."""
        return self.recording if 2 * len(self.indices) >= len(self.recording) else self.indices


def remove_common_disturbances(records: Sequence[Record]) -> tuple[list[Record], list[DataIssue]]:
    """
    Leave out what distant stations recorded at one instant, and report it (code `common-disturbance`).

    Samples are NaN from two seconds before the instant until the level is steady again, for 300 s at most, and the later ones
    are shifted to the level before.
    """
    found = find_common_disturbances(records)
    mended = list(records)
    for one in found:
        for index in one.affected:
            mended[index] = _leave_out(mended[index], one.time_s)
    return mended, [_describe(one, records) for one in found]


def find_common_disturbances(records: Sequence[Record]) -> list[Disturbance]:
    """Find the instants at which a fifth of the records, four at least, change abruptly, at stations too far apart for a wave."""
    if len(records) < MIN_RECORDS:
        return []
    found: list[Disturbance] = []
    changes = thread_map(find_abrupt_changes, records)
    times = np.concatenate(changes)
    owners = np.repeat(np.arange(len(records)), [len(one) for one in changes])
    tolerances = np.array([max(TOLERANCE_S, TOLERANCE_SAMPLES / record.sampling_rate_hz) for record in records])[owners]
    order = np.argsort(times, kind="stable")
    times, owners, tolerances = times[order], owners[order], tolerances[order]
    while len(times) >= MIN_RECORDS and len(found) < MAX_DISTURBANCES:
        first, end = np.searchsorted(times, times - tolerances, "left"), np.searchsorted(times, times + tolerances, "right")
        best = int(np.argmax(end - first))
        together = slice(int(first[best]), int(end[best]))
        indices, tolerance_s = np.unique(owners[together]), float(tolerances[together].max())
        recording = tuple(k for k, one in enumerate(records) if one.start_time_s <= times[best] <= one.start_time_s + one.duration_s)
        if len(indices) < max(MIN_RECORDS, MIN_SHARE * len(recording)):
            break
        if measure_extent_deg([records[index] for index in indices]) > max(MIN_EXTENT_DEG, 2.0 * tolerance_s / MIN_SLOWNESS_S_DEG):
            found.append(Disturbance(float(np.median(times[together])), tuple(indices.tolist()), recording))
        times, owners, tolerances = (np.delete(values, together) for values in (times, owners, tolerances))
    return found


def find_abrupt_changes(record: Record) -> Floats:
    """Find the times [k] (POSIX seconds) of at most ten changes of the vertical component that none nearby comes near."""
    step = max(1, int(record.sampling_rate_hz // MAX_RATE_HZ))
    rate_hz = record.sampling_rate_hz / step
    count = len(record.samples) // step
    blocks = record.samples[: count * step].astype(np.float64).reshape(count, step)  # nothing compiled: parsers may not write a cache
    size = np.abs(np.diff(blocks.mean(axis=1)))
    size[~np.isfinite(size)] = 0.0
    width = max(MIN_NEIGHBORS, round(NEIGHBORHOOD_S * rate_hz))
    if len(size) < 2 * (width + RINGING) + 1:
        return np.zeros(0)
    shift = RINGING + 1 + width // 2
    largest = maximum_filter1d(size, width)
    inside = slice(2 * shift, len(size) - 2 * shift)
    neighbors = np.maximum(np.roll(largest, shift), np.roll(largest, -shift))[inside]
    sharpness = np.divide(size[inside], neighbors, out=np.zeros_like(neighbors), where=neighbors > 0.0)
    peaks = find_peaks(sharpness, MIN_SHARPNESS, width, MAX_CHANGES)
    return record.start_time_s + (np.array(peaks, np.float64) + 2 * shift + 1.0) / rate_hz


def measure_extent_deg(records: Sequence[Record]) -> float:
    """Measure the largest distance in degrees between the stations of some records; 0 without coordinates."""
    known = [(one.latitude_deg, one.longitude_deg) for one in records if one.latitude_deg is not None and one.longitude_deg is not None]
    if not known:
        return 0.0
    latitudes, longitudes = np.array(known, np.float64).T
    return float(np.max(distance_deg(latitudes[:, None], longitudes[:, None], latitudes, longitudes)))


def _leave_out(record: Record, time_s: float) -> Record:
    """Leave out a disturbance of all components of a record."""
    samples = _leave_out_samples(record.samples, record, time_s)
    horizontals = record.horizontals
    if horizontals is None:
        return replace(record, samples=samples)
    pair = np.stack([_leave_out_samples(component, record, time_s) for component in horizontals.samples])
    return replace(record, samples=samples, horizontals=Horizontals(horizontals.trace_ids, pair, horizontals.azimuths_deg))


def _leave_out_samples(samples: Floats32, record: Record, time_s: float) -> Floats32:
    """Replace samples [n] from an instant on by NaN until their level is steady, and shift those after it to the level before."""
    rate_hz = record.sampling_rate_hz
    first = max(0, int((time_s - LEAD_S - record.start_time_s) * rate_hz))
    width = max(4, round(LEVEL_S * rate_hz))
    before = _measure_levels(samples[max(0, first - round(BACKGROUND_S * rate_hz)) : first][::-1], width)
    after = _measure_levels(samples[first : first + round(MAX_LEFT_OUT_S * rate_hz) + SETTLED_LEVELS * width], width)
    scatter = float(np.std(before)) if len(before) > 1 else 0.0
    steady = np.abs(np.diff(after)) <= SETTLED_DEVIATIONS * scatter
    last = first + width * _count_until_steady(steady, max(2, round(MIN_LEFT_OUT_S / LEVEL_S)), round(MAX_LEFT_OUT_S / LEVEL_S))
    mended: Floats32 = samples.copy()
    mended[first:last] = np.nan
    later = _measure_levels(samples[last : last + SETTLED_LEVELS * width], width)
    if len(later) and len(before):
        mended[last:] -= np.float32(np.median(later) - np.median(before[:SETTLED_LEVELS]))
    return mended


def _measure_levels(samples: Floats32, width: int) -> Floats:
    """Measure the median [k] of each stretch of `width` samples, where half of it are finite."""
    stretches = samples[: len(samples) // width * width].astype(np.float64).reshape(-1, width)
    live = stretches[np.isfinite(stretches).mean(axis=1) >= 0.5]
    return np.asarray(np.nanmedian(live, axis=1)) if len(live) else np.zeros(0)


def _count_until_steady(steady: Flags, least: int, most: int) -> int:
    """Count the levels until `SETTLED_LEVELS` steady ones follow, between `least` and `most`."""
    for count in range(least, min(most, len(steady) - SETTLED_LEVELS)):
        if steady[count : count + SETTLED_LEVELS].all():
            return count
    return most


def _describe(found: Disturbance, records: Sequence[Record]) -> DataIssue:
    """Describe a disturbance, with the names of some of its traces."""
    time = f"{datetime.fromtimestamp(found.time_s, UTC):%Y-%m-%d %H:%M:%S}"
    names = join_names([str(records[index].trace_id) for index in found.indices])
    detail = (
        f"{len(found.indices)} of {len(found.recording)} records change abruptly at {time} ({names}): their stations are too far apart "
        f"for a wave; up to {MAX_LEFT_OUT_S:.0f} s of {len(found.affected)} records are left out; check their timing, telemetry and "
        "calibrations"
    )
    return DataIssue(None, None, "common-disturbance", detail)
