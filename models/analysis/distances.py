"""
Predict epicentral distance and origin time of every trace of a gather with the offset network.

A trace is read from its own first sample: its distribution is the mean of those of pictures that begin at that sample and up to ten
minutes before it, so that the answer says little about where a record happens to begin (see docs/explanation/location.md).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from models.array_types import Flags, Floats, Integers
from models.errors import NoUsableTrace
from models.imaging.render import render_traces
from models.imaging.style import AmplitudeStyle, FrequencyStyle
from models.registry.inference import OnnxModel, Quantities
from models.seismic.earth.travel_times import first_arrival_s
from models.seismic.location.solution import StationDistances
from models.seismic.signal.picker import Picks, pick_records
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import SHORT_RECORD_S, Gather, Record
from models.specs.offset import BIN_DEG, BINS, OFFSET
from models.specs.spec import ModelSpec

SLACK: Final = 0.05
"""A record longer than the window by at most this fraction is read from its start: the last minutes of a coda carry no information."""
STEPS_PER_WINDOW: Final = 4
EARLIER_STARTS_S: Final = (0.0, 120.0, 240.0, 360.0, 480.0, 600.0)
"""Pictures of a trace begin this long before its first sample, blank until there."""
MAX_PICTURES: Final = 256  # that are held at once where several windows are read together: 12 MiB
CALIBRATION_KEY: Final = "averaged_readings"
"""Key of the calibration of averaged readings on the card: factors on both uncertainties."""
PER_TRACE_FIELDS: Final = ("distances_deg", "uncertainties_deg", "probabilities", "origin_times_s", "origin_uncertainties_s")
"""Fields of `DistanceReadings` that are NaN for a trace that was not read."""
MIN_AFTER_ARRIVAL_S: Final = 120.0
"""Least time between the first arrival and the end of a record that the network has learned."""
ENDING_EARLY: Final = f"end less than {MIN_AFTER_ARRIVAL_S:.0f} s after their first arrival, so that no distance is read from them"
CLEAR_STRENGTH: Final = 5.0  # of a pick, in standard deviations of noise
ONE_SIGMA: Final = 0.6827
REFERENCE_DEPTH_KM: Final = 33.0


class RecordsTooShort(NoUsableTrace):
    """Records of which none is long enough for the distance network; arrivals may be picked in them all the same."""


@dataclass(frozen=True)
class DistanceReadings:
    """
    Output of the offset network for the traces of a gather, in the gather's order; NaN for a trace that was not read.

    `distances_deg`, `uncertainties_deg` (one standard deviation) [traces]; `probabilities` [traces, 180], a bin of one degree each;
    `origin_times_s` (POSIX), `origin_uncertainties_s` [traces]. `window_start_s` (POSIX) is the earliest left edge of a trace, `live`
    [traces] whether a trace has data in it. `calibration` is that of the model's card, with the factors on uncertainties (see
    `models.seismic.location.geometry_scales`). `ending_early`: traces whose readings were dropped (`drop_early_ends`).
    """

    trace_ids: tuple[TraceId, ...]
    distances_deg: Floats
    uncertainties_deg: Floats
    probabilities: Floats
    origin_times_s: Floats
    origin_uncertainties_s: Floats
    window_start_s: float
    live: Flags
    calibration: Mapping[str, Any] = field(default_factory=dict)
    ending_early: tuple[TraceId, ...] = ()

    @property
    def has_distance(self) -> Flags:
        """Whether a trace [traces] was read."""
        return np.isfinite(self.distances_deg)

    @property
    def withheld(self) -> bool:
        """Whether no trace was read: all records are too short for the networks or end too early, and no picture is drawn for them."""
        return not self.has_distance.any()


PredictDistances = Callable[[OnnxModel, Gather], DistanceReadings]


def predict_distances(model: OnnxModel, gather: Gather) -> DistanceReadings:
    """
    Predict distance and origin time of every trace from its first sample on, averaged over earlier starts.

    Where a record is longer than the network's window by more than SLACK, later windows are tried, common to all traces because all of
    them record the same event (`choose_window`). Raises RecordsTooShort where no window has a live trace.
    """
    window_s = model.spec.style.window_s
    candidates = [starts for starts in list_window_starts(gather, window_s) if find_live_traces(gather, starts, window_s).any()]
    if not candidates:
        raise RecordsTooShort(describe_short_records(gather, window_s))
    chosen = candidates[0] if len(candidates) == 1 else choose_window(model, gather, candidates)
    live = find_live_traces(gather, chosen, window_s)
    readings = _predict_in_windows(model, gather, [chosen - earlier for earlier in EARLIER_STARTS_S], live)
    return _average_readings(readings, float(chosen.min()), model.card.calibration)


def choose_window(model: OnnxModel, gather: Gather, candidates: Sequence[Floats]) -> Floats:
    """
    Choose among windows [traces] of a long record, by one picture each.

    Only windows with at least half as many live traces as the window that has most count, and of these only those in which the first
    arrival predicted for most traces lies inside: a window of coda alone may have a small entropy and a wrong distance. Among them the
    one with the smallest median entropy of the distance distributions is taken, the earlier one of two with equal entropy.
    """
    window_s = model.spec.style.window_s
    live = [find_live_traces(gather, starts, window_s) for starts in candidates]
    most_live = max(int(mask.sum()) for mask in live)
    usable = [k for k, mask in enumerate(live) if 2 * mask.sum() >= most_live]
    readings = {k: _predict_in_windows(model, gather, [candidates[k]], live[k])[0] for k in usable}
    with_arrival = [k for k in usable if _has_first_arrivals(readings[k], candidates[k])]
    best = min(with_arrival or usable, key=lambda k: _median_entropy(readings[k].probabilities[live[k]]))
    return candidates[best]


def _has_first_arrivals(readings: DistanceReadings, starts_s: Floats) -> bool:
    """Whether the predicted first arrival of most traces is after the start of the window [traces]."""
    first_s = first_arrival_s(readings.distances_deg, REFERENCE_DEPTH_KM)
    return bool(np.nanmedian(readings.origin_times_s + first_s - starts_s) > 0.0)


def read_distances(
    model: OnnxModel, gather: Gather, records: Sequence[Record] = (), predict: PredictDistances = predict_distances
) -> DistanceReadings:
    """
    Predict distances, but none from `records` (in the order of the traces) that end too early (`drop_early_ends`).

    Where all records are too short, return readings without any, for a location by arrival times alone.
    """
    try:
        return drop_early_ends(predict(model, gather), records)
    except RecordsTooShort:
        return withhold_distances(model, gather)


def drop_early_ends(readings: DistanceReadings, records: Sequence[Record]) -> DistanceReadings:
    """
    Drop the readings of traces whose first clear arrival comes less than `MIN_AFTER_ARRIVAL_S` before the end of its record.

    The network has learned no records that end so early, and reads a distance from the noise before the arrival. `records` in the order of
    the traces, or none.
    """
    rows = [row for row, picks in enumerate(pick_records(records)) if readings.has_distance[row] and _ends_early(picks)]
    if not rows:
        return readings
    kept: dict[str, Any] = {name: getattr(readings, name).copy() for name in PER_TRACE_FIELDS}
    for values in kept.values():
        values[rows] = np.nan
    return replace(readings, ending_early=tuple(readings.trace_ids[row] for row in rows), **kept)


def _ends_early(picks: Picks) -> bool:
    """Whether the first clear arrival of a record comes less than `MIN_AFTER_ARRIVAL_S` before its end."""
    clear = picks.times_s[(picks.strengths >= CLEAR_STRENGTH) & ~picks.horizontal]
    return bool(len(clear)) and picks.end_s - float(clear.min()) < MIN_AFTER_ARRIVAL_S


def withhold_distances(model: OnnxModel, gather: Gather) -> DistanceReadings:
    """Return the readings of a gather whose distances are not read: NaN for every trace, with the calibration of the card."""
    missing, probabilities = np.full(len(gather.trace_ids), np.nan), np.full((len(gather.trace_ids), BINS), np.nan)
    live = np.zeros(len(gather.trace_ids), np.bool_)
    columns = (missing, missing, probabilities, missing, missing)
    return DistanceReadings(gather.trace_ids, *columns, gather.start_time_s, live, model.card.calibration)


def station_distances(gather: Gather, readings: DistanceReadings) -> StationDistances:
    """Combine the coordinates of a gather's stations with their predicted distances."""
    return StationDistances(gather.latitudes_deg, gather.longitudes_deg, readings.distances_deg, readings.uncertainties_deg)


def describe_unread(gather: Gather, readings: DistanceReadings) -> str:
    """State why no distance is read from any record, and what to send."""
    if not readings.ending_early:
        return describe_short_records(gather)
    return f"the records {ENDING_EARLY}: send records from before P to the end of the surface waves"


def describe_short_records(gather: Gather, window_s: float = OFFSET.style.window_s) -> str:
    """State the length of the longest record in any window, the length that the distance network needs, and what to send."""
    windows = list_window_starts(gather, window_s)
    longest = max(int(_count_live_samples(gather, starts, window_s).max(initial=0)) for starts in windows)
    return (
        f"the longest record has {longest / gather.sampling_rate_hz:.0f} s; the distance network needs {SHORT_RECORD_S:.0f} s in its "
        f"{window_s:,.0f} s window: send records from before P to the end of the surface waves"
    )


def list_window_starts(gather: Gather, window_s: float) -> list[Floats]:
    """
    List the left edges [traces] (POSIX seconds) of windows to try: each trace's own first sample, then common ones.

    There are common ones only where the longest record is longer than the window: every quarter of a window from the gather's start,
    and the last full window.
    """
    first, last = find_record_spans(gather)
    spare = float((last - first).max(initial=0.0)) - window_s
    if spare <= SLACK * window_s:
        return [first]
    step, latest = window_s / STEPS_PER_WINDOW, gather.duration_s - window_s
    later = (*np.arange(step, latest - 0.25 * step, step), latest)
    return [first, *(np.full(len(first), gather.start_time_s + after) for after in later)]


def find_record_spans(gather: Gather) -> tuple[Floats, Floats]:
    """Find the times (POSIX seconds) of the first and the last sample of each trace [traces]; the whole gather where a trace has none."""
    finite = np.isfinite(gather.samples)
    last = gather.samples.shape[1] - 1 - finite[:, ::-1].argmax(axis=1)
    return gather.start_time_s + finite.argmax(axis=1) / gather.sampling_rate_hz, gather.start_time_s + last / gather.sampling_rate_hz


def find_live_traces(gather: Gather, starts_s: float | Floats, window_s: float) -> Flags:
    """
    Find the traces [traces] with at least `SHORT_RECORD_S` of samples in a window that are not all of one value.

    `starts_s` (POSIX seconds) is one start for all traces or one for each.
    """
    return np.asarray(_count_live_samples(gather, starts_s, window_s) >= SHORT_RECORD_S * gather.sampling_rate_hz)


def _count_live_samples(gather: Gather, starts_s: float | Floats, window_s: float) -> Integers:
    """Count the samples of each trace [traces] in its window (POSIX seconds); 0 for a trace whose samples are all of one value."""
    first = np.maximum(
        0, np.rint((np.full(len(gather.samples), starts_s) - gather.start_time_s) * gather.sampling_rate_hz).astype(np.int64)
    )
    after = np.arange(gather.samples.shape[1]) - first[:, None]
    finite = np.isfinite(gather.samples) & (after >= 0) & (after < round(window_s * gather.sampling_rate_hz))
    low, high = (reduce(gather.samples, axis=1, where=finite, initial=limit) for reduce, limit in ((np.min, np.inf), (np.max, -np.inf)))
    return np.where(high > low, finite.sum(axis=1), 0)


def _predict_in_windows(model: OnnxModel, gather: Gather, windows: Sequence[Floats], live: Flags) -> list[DistanceReadings]:
    """
    Read the live traces in windows that begin at each of `windows` [traces].

    Several windows are read together: a run of the network takes a fixed number of pictures, and would be filled up with blank ones.
    """
    rows, style = np.flatnonzero(live), _trace_style(model.spec)
    subset, together = gather.subset(rows), max(1, MAX_PICTURES // max(1, len(rows)))
    readings: list[DistanceReadings] = []
    for first in range(0, len(windows), together):
        chosen = windows[first : first + together]
        outputs = model.run(np.concatenate([render_traces(style, subset, starts_s[rows]) for starts_s in chosen]))
        for number, starts_s in enumerate(chosen):
            part = {name: values[number * len(rows) : (number + 1) * len(rows)] for name, values in outputs.items()}
            readings.append(_make_readings(part, gather.trace_ids, starts_s, live))
    return readings


def _average_readings(readings: Sequence[DistanceReadings], window_start_s: float, calibration: Mapping[str, Any]) -> DistanceReadings:
    """
    Average readings of the same traces: the mean of their distributions, whose median and central 68 % interval are the distance.

    Origin times are averaged too, with the spread between the readings in their uncertainty. Both uncertainties have the factors of the
    card.
    """
    factors = calibration.get(CALIBRATION_KEY, {"distance": 1.0, "origin_time": 1.0})
    probabilities = np.mean([one.probabilities for one in readings], axis=0)
    low, middle, high = (find_quantile(probabilities, 0.5 + side * ONE_SIGMA / 2) for side in (-1, 0, 1))
    times = np.stack([one.origin_times_s for one in readings])
    variance = np.mean([one.origin_uncertainties_s**2 for one in readings], axis=0) + times.var(axis=0)
    return replace(
        readings[0],
        distances_deg=middle,
        uncertainties_deg=(high - low) / 2 * factors["distance"],
        probabilities=probabilities,
        origin_times_s=times.mean(axis=0),
        origin_uncertainties_s=np.sqrt(variance) * factors["origin_time"],
        window_start_s=window_start_s,
        calibration=calibration,
    )


def find_quantile(probabilities: Floats, level: float) -> Floats:
    """Find the quantile [traces] in degrees of binned distributions [traces, bins], linear within a bin; NaN for a trace without one."""
    cumulative = np.cumsum(probabilities, axis=1)
    index = np.minimum((cumulative < level).sum(axis=1), probabilities.shape[1] - 1)[:, None]
    inside = np.maximum(np.take_along_axis(probabilities, index, axis=1), 1e-9)
    below = np.take_along_axis(cumulative, index, axis=1) - inside
    return np.asarray(BIN_DEG * (index + np.clip((level - below) / inside, 0.0, 1.0)))[:, 0]


def _trace_style(spec: ModelSpec) -> AmplitudeStyle | FrequencyStyle:
    if not isinstance(spec.style, AmplitudeStyle | FrequencyStyle):
        raise ValueError(f"model {spec.name} reads pictures of events, not of traces")
    return spec.style


def _make_readings(outputs: Quantities, trace_ids: tuple[TraceId, ...], starts_s: Floats, live: Flags) -> DistanceReadings:
    """Scatter network outputs of the live traces into arrays over all traces, NaN for the others."""

    def scatter(name: str, *shape: int) -> Floats:
        values = np.full((len(live), *shape), np.nan)
        values[live] = outputs[name]
        return values

    return DistanceReadings(
        trace_ids=trace_ids,
        distances_deg=scatter("distance_deg"),
        uncertainties_deg=scatter("distance_uncertainty_deg"),
        probabilities=scatter("distance_probabilities", BINS),
        origin_times_s=starts_s + scatter("origin_lag_s"),
        origin_uncertainties_s=scatter("origin_lag_uncertainty_s"),
        window_start_s=float(starts_s.min()),
        live=live,
    )


def distance_entropies(probabilities: Floats) -> Floats:
    """Entropies [traces] in nats of distributions of distance [traces, bins]."""
    return np.asarray(-(probabilities * np.log(np.maximum(probabilities, 1e-12))).sum(axis=1))


def _median_entropy(probabilities: Floats) -> float:
    """Median over traces of the entropy [nats] of distributions [traces, bins], rounded so that equal windows stay equal."""
    return round(float(np.median(distance_entropies(probabilities))), 6)
