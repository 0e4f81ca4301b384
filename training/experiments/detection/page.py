"""What is called an event: noise, real events, and events of the synthetic catalog replica by signal-to-noise ratio."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from scipy.signal import butter, sosfilt, sosfiltfilt

from models.analysis.detection import (
    MAX_FALSE_ALARM_PROBABILITY,
    MAX_TRANSIENT_PROBABILITY,
    Detection,
    detect_event,
    network_probability,
    read_noise_table,
    trace_probabilities,
)
from models.array_types import Floats
from models.errors import UnusableData
from models.imaging.conditioning import condition
from models.registry.inference import OnnxModel
from models.seismic.signal.transients import measure_transients
from models.seismic.waveforms import Gather, Record
from models.specs.pictures import CONDITIONING
from training.config import TrainingSettings
from training.evaluation.evaluate import open_models
from training.evaluation.event_result import Truth
from training.evaluation.event_sources import EventSource, FolderSource, ReplicaSource
from training.evaluation.location_page import load_replica_recipe
from training.evaluation.metrics import format_fraction
from training.evaluation.pages import RESULTS, format_table, write_page
from training.experiments.detection.calibrate import TEST, draw_noise_networks, make_noise_networks
from training.synthesis.signal_to_noise import median_signal_to_noise

TEMPLATE = Path(__file__).parents[1] / "templates" / "detection.md"
SNR_BORDERS = (3.0, 5.0, 10.0)
LEVELS = (0.5, 0.2, 0.1, 0.05, 0.02)
MIN_STATIONS = 4
NO_MOMENT = 1e-6
"""Factor on moments and forces that leaves an event without waves, and its noise as it is."""
VISIBLE_RATIO = 1.25
"""Of the signal-to-noise ratio of an event to that of its noise alone: below, noise decides the ratio, and no wave is above the noise."""
TRANSIENT_LIMITS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
"""Probabilities in noise up to which transients count, that are compared."""


FILTERS_HZ: Final[Mapping[str, tuple[str, tuple[float, ...]]]] = {
    "25 s and longer": ("lowpass", (0.04,)),
    "20 to 100 s": ("bandpass", (0.01, 0.05)),
    "10 to 50 s": ("bandpass", (0.02, 0.1)),
    "0.5 to 2 Hz": ("bandpass", (0.5, 2.0)),
    "1 to 4 Hz": ("bandpass", (1.0, 4.0)),
    "1 Hz and higher": ("highpass", (1.0,)),
}
"""Filters of users, Butterworth of four poles: kind and corners."""
MAX_CORNER: Final = 0.95  # of the Nyquist frequency
FILTERED_NETWORKS: Final = 60


@dataclass(frozen=True)
class RecordsResult:
    """
    Detection of one set of records: its name and group, number of stations, whether it holds an event.

    `snr`: median signal-to-noise ratio of its traces, and `noise_snr` that of the same noise without the event, if known. `duration_s`:
    median length of its records.
    """

    name: str
    group: str
    stations: int
    holds_event: bool
    detected: bool
    statistic: float
    false_alarm_probability: float
    decided_by: str
    snr: float = float("nan")
    noise_snr: float = float("nan")
    duration_s: float = float("nan")

    @property
    def is_visible(self) -> bool:
        """Whether the event raises the signal-to-noise ratio that noise alone has."""
        return self.snr >= VISIBLE_RATIO * self.noise_snr


def write_detection_page(settings: TrainingSettings, command: str, count: int, store: str | None, most: int | None) -> Path:
    """Detect events in noise, in real events and in the replica's test part; write the page."""
    reader = open_models(settings)["offset"]
    noise = detect_noise(settings, count, reader)
    real = [] if settings.data_dir is None else detect_source(FolderSource(settings.data_dir / "real_events"), settings, reader)
    source = ReplicaSource(load_replica_recipe(store), "test", most)
    replica = measure_noise_alone(source, settings, detect_source(source, settings, reader))
    return write_page(
        RESULTS / "detection.md",
        TEMPLATE,
        command,
        threshold=f"{MAX_FALSE_ALARM_PROBABILITY:g}",
        noise=format_noise(noise),
        levels=format_levels([result for result in noise if not result.holds_event]),
        called=format_called(noise),
        events=format_events(noise),
        real=format_real(real),
        real_share=format_fraction([result.detected for result in real if result.stations >= MIN_STATIONS]),
        replica=format_replica(replica),
        visible_ratio=f"{VISIBLE_RATIO:g}",
        missed=format_missed(replica),
        limit=f"{MAX_TRANSIENT_PROBABILITY:g}",
        limits=format_limits(settings, count),
        filtered=format_filtered(settings, min(count, FILTERED_NETWORKS), reader),
    )


def format_filtered(settings: TrainingSettings, count: int, reader: OnnxModel) -> str:
    """Tabulate how often synthetic noise that was filtered before it was sent is called an event, by the filter."""
    networks, rows = list(draw_noise_networks(settings, count, TEST)), []
    for name, (kind, corners_hz) in FILTERS_HZ.items():
        fast = [one.records for one in networks if corners_hz[-1] < MAX_CORNER * 0.5 * one.records[0].sampling_rate_hz]
        for apply in (sosfilt, sosfiltfilt):
            sent = [[filter_record(one, kind, corners_hz, apply) for one in records] for records in fast]
            found = [detect_records(name, "filtered", records, reader, holds_event=False) for records in sent]
            detected = [result.detected for result in found if result is not None]
            rows.append((name, "causal" if apply is sosfilt else "zero-phase", str(len(detected)), format_fraction(detected)))
    return format_table(("filter", "phase", "networks of noise", "called an event"), rows)


def filter_record(record: Record, kind: str, corners_hz: tuple[float, ...], apply: Callable[[Floats, Floats], Floats]) -> Record:
    """Filter a record as a user may have done, with the mean in its gaps."""
    sections = butter(4, corners_hz if len(corners_hz) > 1 else corners_hz[0], kind, fs=record.sampling_rate_hz, output="sos")
    live = np.isfinite(record.samples)
    samples = np.where(live, record.samples - np.nanmean(record.samples), 0.0).astype(np.float64)
    return replace(record, samples=np.where(live, apply(sections, samples), np.nan).astype(np.float32))


def format_limits(settings: TrainingSettings, count: int) -> str:
    """Tabulate how often transients of synthetic noise alone fall below a probability of 0.01, by the limit up to which they count."""
    table, networks = read_noise_table(), draw_noise_networks(settings.model_copy(update={"data_dir": None}), count)
    measured = [trace_probabilities(measure_transients(network.records), table) for network in networks]
    known = [probabilities for probabilities in measured if np.isfinite(probabilities).any()]
    rows = [(f"{limit:g}", format_fraction([network_probability(one, limit) < 0.01 for one in known])) for limit in TRANSIENT_LIMITS]
    return format_table(("transients count up to", f"networks of noise below 0.01 (n = {len(known)})"), rows)


def detect_noise(settings: TrainingSettings, count: int, reader: OnnxModel) -> list[RecordsResult]:
    """Detect events in the noise that tests."""
    networks = make_noise_networks(settings, count, TEST)
    found = (detect_records(network.name, network.group, network.records, reader, holds_event=network.holds_event) for network in networks)
    return [result for result in found if result is not None]


def detect_source(source: EventSource, settings: TrainingSettings, reader: OnnxModel) -> list[RecordsResult]:
    """Detect the events of a source."""
    found = []
    for batch in source.batches(settings):
        for key, event in source.load(batch, settings):
            try:
                median = measure_median_snr(condition(event.records, CONDITIONING), event.truth)
            except UnusableData:
                continue
            result = detect_records(key, event.truth.kind, event.records, reader, holds_event=True, snr=median)
            found += [] if result is None else [result]
    return found


def measure_median_snr(gather: Gather, truth: Truth) -> float:
    """Measure the median signal-to-noise ratio of the traces that have one; NaN without any."""
    return median_signal_to_noise(gather, (truth.latitude_deg, truth.longitude_deg), truth.depth_km, truth.origin_time_s)


def measure_noise_alone(source: ReplicaSource, settings: TrainingSettings, results: Sequence[RecordsResult]) -> list[RecordsResult]:
    """Measure the signal-to-noise ratio of the same noise without the event, for the events of the replica whose ratio counts as clear."""
    clear = [result.name for result in results if result.snr >= SNR_BORDERS[1]]
    silent = replace(source, recipe=source.recipe.model_copy(update={"moment_scale": NO_MOMENT}))
    ratios = {key: measure_median_snr(condition(event.records, CONDITIONING), event.truth) for key, event in silent.load(clear, settings)}
    return [replace(result, noise_snr=ratios.get(result.name, float("nan"))) for result in results]


def detect_records(
    name: str, group: str, records: Sequence[Record], reader: OnnxModel, *, holds_event: bool, snr: float = float("nan")
) -> RecordsResult | None:
    """Detect an event on records as the service does; None where they are unusable."""
    try:
        found = detect_event(records, condition(records, CONDITIONING), reader)
    except UnusableData:
        return None
    values = (found.detected, found.statistic, found.false_alarm_probability, name_evidence(found))
    duration_s = float(np.median([record.duration_s for record in records]))
    return RecordsResult(name, group, len(records), holds_event, *values, snr, duration_s=duration_s)


def name_evidence(found: Detection) -> str:
    """Name the kind of evidence that is least probable in noise, by its first word."""
    return min(found.evidence, key=lambda evidence: evidence[1])[0].split()[0]


def format_noise(results: Sequence[RecordsResult]) -> str:
    """Tabulate how many windows of noise are called an event, by group."""
    rows = []
    for group in sorted({result.group for result in results}):
        chosen = [result for result in results if result.group == group and not result.holds_event]
        events = [result.detected for result in results if result.group == group and result.holds_event]
        counts = (str(len(chosen)), format_fraction([result.detected for result in chosen]))
        rows.append((group, *counts, f"{sum(events)} of {len(events)}" if events else ""))
    return format_table(("noise", "windows", "called an event", "windows with a known event: detected"), rows)


def format_levels(results: Sequence[RecordsResult]) -> str:
    """Tabulate how often test noise falls below false-alarm probabilities: the shares should be these probabilities, or less."""
    groups = [("synthetic", [result for result in results if result.group == "synthetic"])]
    groups.append(("recorded", [result for result in results if result.group != "synthetic"]))
    rows = [
        (name, str(len(group)), *(format_fraction([result.false_alarm_probability < level for result in group]) for level in LEVELS))
        for name, group in groups
    ]
    return format_table(("test noise", "windows", *(f"below {level:g}" for level in LEVELS)), rows)


def format_called(results: Sequence[RecordsResult]) -> str:
    """Tabulate the windows without a known event that are called an event."""
    called = [result for result in results if result.detected and not result.holds_event]
    return _format_each(called, lambda result: (result.group, result.name)) if called else "none"


def format_events(results: Sequence[RecordsResult]) -> str:
    """Tabulate the windows of all stations with a known event in recordings of noise that are missed."""
    missed = [result for result in results if result.holds_event and not result.detected]
    return _format_each(missed, lambda result: (result.group, result.name)) if missed else "none"


def format_real(results: Sequence[RecordsResult]) -> str:
    """Tabulate the real events."""
    return _format_each(results, lambda result: (result.name, f"{result.stations} stations")) if results else "no data folder"


def _format_each(results: Iterable[RecordsResult], describe: Callable[[RecordsResult], tuple[str, str]]) -> str:
    rows = [
        (
            *describe(result),
            f"{result.statistic:.1f}",
            f"{result.false_alarm_probability:.1g}",
            result.decided_by,
            "yes" if result.detected else "no",
        )
        for result in results
    ]
    return format_table(("records", "", "statistic", "false-alarm probability", "strongest evidence", "detected"), rows)


def format_replica(results: Sequence[RecordsResult]) -> str:
    """Tabulate detected events of the replica by median signal-to-noise ratio and number of stations."""
    edges = (0.0, *SNR_BORDERS, np.inf)
    rows = []
    for low, high in pairwise(edges):
        chosen = [result for result in results if low <= result.snr < high]
        few = [result.detected for result in chosen if result.stations < 10]
        many = [result.detected for result in chosen if result.stations >= 10]
        name = f"{low:g} and above" if np.isinf(high) else f"{low:g} to {high:g}"
        rows.append((name, str(len(chosen)), *(format_fraction(hits) for hits in (few + many, few, many))))
    clear = [result for result in results if result.snr >= SNR_BORDERS[1]]
    visible = [result.detected for result in clear if result.is_visible]
    rows.append((f"{SNR_BORDERS[1]:g} and above, together", str(len(clear)), format_fraction([one.detected for one in clear]), "", ""))
    rows.append((f"these, and {VISIBLE_RATIO:g} times noise alone", str(len(visible)), format_fraction(visible), "", ""))
    return format_table(("median signal-to-noise ratio", "n", "detected", "fewer than 10 stations", "10 and more"), rows)


def format_missed(results: Sequence[RecordsResult]) -> str:
    """Tabulate the events of the replica with a clear signal-to-noise ratio that are missed."""
    rows = [
        (
            f"{result.group} {result.name}",
            str(result.stations),
            f"{result.duration_s:.0f}",
            f"{result.snr:.1f}",
            f"{result.noise_snr:.1f}",
            f"{result.false_alarm_probability:.1g}",
        )
        for result in results
        if result.snr >= SNR_BORDERS[1] and not result.detected
    ]
    heads = ("event", "stations", "record in s", "signal-to-noise ratio", "of its noise alone", "false-alarm probability")
    return format_table(heads, rows) if rows else "none"
