"""
Leakage: how well linear models predict the class, or the distance, from trivial properties of the data.

Cues of an event: number of traces, duration, start of the window within a minute, channel codes, energy, peak, level before the first
arrival, gaps. Cues of a trace: those of the trace, and the mean of its picture. A linear model of the cues must stay near
chance; in a data set where it does not, networks learn the shortcut and not the physics.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.array_types import Floats
from models.errors import UnusableData
from models.imaging.conditioning import condition
from models.imaging.render import render_traces
from models.imaging.style import AmplitudeStyle, FrequencyStyle
from models.seismic.geodesy import distance_deg
from models.seismic.waveforms import Record
from models.specs.offset import OFFSET
from training.datasets.archive import ArchivedEvent, read_events, read_manifest
from training.evaluation.pages import RESULTS, format_table, write_page
from training.synthesis.sources import KINDS

TRACE_CUES: Final = (
    *("samples", "duration", "sampling rate", "start within the minute", "peak", "energy", "level of the first two minutes", "gaps"),
    *("channel code", "picture mean"),
)
EVENT_CUES: Final = ("number of traces", "number in the name", *TRACE_CUES)
TEMPLATE: Final = Path(__file__).parent / "templates" / "leakage.md"


@dataclass(frozen=True)
class Cues:
    """`events` [events, cues], `kinds` [events]; `traces` [traces, cues], `distances_deg` and `owners` (index of the event) [traces]."""

    events: Floats
    kinds: NDArray[np.str_]
    traces: Floats
    distances_deg: Floats
    owners: NDArray[np.int64]


def _to_decibels(value: float) -> float:
    return float(10 * np.log10(value + 1e-30))


def measure_trace_cues(record: Record, picture_mean: float) -> list[float]:
    """Measure the cues of one trace, in the order of TRACE_CUES."""
    samples = np.nan_to_num(record.samples.astype(np.float64))
    first = samples[: max(int(120 * record.sampling_rate_hz), 1)]
    channel = float(sum(ord(letter) << 8 * k for k, letter in enumerate(record.trace_id.channel)))
    peak, energy = float(np.abs(samples).max(initial=0.0)), float((samples**2).mean())
    gaps = float(np.isnan(record.samples).mean())
    within = record.start_time_s % 60
    return [
        len(samples), record.duration_s, record.sampling_rate_hz, within, peak, _to_decibels(energy),
        _to_decibels(float((first**2).mean())), gaps, channel, picture_mean,
    ]  # fmt: skip


def _measure_picture_means(records: tuple[Record, ...]) -> Floats:
    """Mean [records] of each trace's picture as the distance model reads it; 0 where none can be drawn."""
    style = OFFSET.style
    assert isinstance(style, AmplitudeStyle | FrequencyStyle)  # noqa: S101  (for the type checker: trace models read traces)
    try:
        gather = condition(records, style.conditioning)
    except UnusableData:
        return np.zeros(len(records))
    drawn = render_traces(style, gather, gather.start_time_s)
    means = dict(zip(gather.trace_ids, drawn.reshape(len(drawn), -1).mean(axis=1), strict=True))
    return np.array([means.get(record.trace_id, 0.0) for record in records])


def _parse_number(name: str) -> float:
    return float("".join(letter for letter in name if letter.isdigit()) or 0)


def collect_cues(events: Iterable[ArchivedEvent]) -> Cues:
    """Collect the cues of labeled events."""
    rows, kinds, traces, distances, owners = [], [], [], [], []
    for index, event in enumerate(event for event in events if event.truth is not None):
        truth: Mapping[str, float | str | None] = event.truth or {}
        own = np.array([measure_trace_cues(*pair) for pair in zip(event.records, _measure_picture_means(event.records), strict=True)])
        stations = np.array([(record.latitude_deg, record.longitude_deg) for record in event.records], dtype=float)
        source = np.array([truth["latitude_deg"], truth["longitude_deg"]], dtype=float)
        distances.append(distance_deg(source[0], source[1], stations[:, 0], stations[:, 1]))
        rows.append([len(own), _parse_number(event.name), *np.median(own, axis=0)])
        kinds.append(str(truth["kind"]))
        traces.append(own)
        owners.append(np.full(len(own), index))
    return Cues(np.array(rows), np.array(kinds), np.concatenate(traces), np.concatenate(distances), np.concatenate(owners))


def class_auc(cues: Floats, is_glacial: NDArray[np.bool_]) -> float:
    """
    Area under the ROC curve of a logistic regression of cues [events, cues], by cross-validation; 0.5 is chance.

    Values below 0.5 are returned as 0.5: a model that is worse than chance on unseen events has learned nothing.
    """
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    folds = GroupKFold(5)
    predicted = cross_val_predict(model, cues, is_glacial, cv=folds, groups=np.arange(len(cues)), method="decision_function")
    return max(float(roc_auc_score(is_glacial, predicted)), 0.5)


def distance_r2(cues: Floats, distances_deg: Floats, owners: NDArray[np.int64]) -> float:
    """Variance of distance explained by a ridge regression of cues [traces, cues], by cross-validation over events; 0 at least."""
    predicted = cross_val_predict(make_pipeline(StandardScaler(), Ridge()), cues, distances_deg, cv=GroupKFold(5), groups=owners)
    return max(float(1 - ((distances_deg - predicted) ** 2).mean() / distances_deg.var()), 0.0)


def class_separations(cues: Cues) -> dict[str, float]:
    """AUC of glacial against tectonic by each cue alone and by all together."""
    both = np.isin(cues.kinds, ("glacial", "earthquake"))
    events, is_glacial = cues.events[both], cues.kinds[both] == "glacial"
    single = {name: class_auc(events[:, [k]], is_glacial) for k, name in enumerate(EVENT_CUES)}
    return {**single, "all together": class_auc(events, is_glacial)}


def chance_scatter(glacial: int, tectonic: int) -> float:
    """Standard deviation of the AUC of an uninformative cue (Mann & Whitney 1947), given the number of events of each class."""
    return float(np.sqrt((glacial + tectonic + 1) / (12 * glacial * tectonic)))


def distance_separations(cues: Cues) -> dict[str, float]:
    """Explained variance of distance by each cue of a trace alone and by all together."""
    single = {name: distance_r2(cues.traces[:, [k]], cues.distances_deg, cues.owners) for k, name in enumerate(TRACE_CUES)}
    return {**single, "all together": distance_r2(cues.traces, cues.distances_deg, cues.owners)}


def find_telling_files(folder: Path) -> list[str]:
    """Find files outside `labels` whose name or content contains the name of a kind, in upper or lower case."""
    # Short words occur in compressed data by chance, so they are searched in file names only.
    words = [kind.encode() for kind in KINDS]
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.parent.name != "labels"):
        content, name = path.read_bytes().lower(), str(path.relative_to(folder)).lower().encode()
        if any(word in name or (len(word) > 6 and word in content) for word in words):
            found.append(str(path.relative_to(folder)))
    return found


def format_archive(folder: Path, most: int) -> str:
    """Format the section of one archive, from its first `most` events."""
    made_from = read_manifest(folder)["made_from"]
    cues = collect_cues(islice(read_events(folder), most))
    separations, explained = class_separations(cues), distance_separations(cues)
    glacial, tectonic = (int((cues.kinds == kind).sum()) for kind in ("glacial", "earthquake"))
    rows = [(name, f"{auc:.2f}", f"{explained[name]:.2f}" if name in explained else "") for name, auc in separations.items()]
    return "\n\n".join((
        f"## {folder.name}",
        f"{len(cues.kinds)} events, {len(cues.traces)} traces, seed {made_from.get('seed')}, commit {made_from.get('commit')}. "
        f"Files that name a kind: {', '.join(find_telling_files(folder)) or 'none'}.",
        f"{glacial} glacial, {tectonic} tectonic; the standard deviation of the AUC by chance is {chance_scatter(glacial, tectonic):.2f}.",
        format_table(("cue", "glacial against tectonic, AUC", "explained variance of distance"), rows),
    ))  # fmt: skip


def write_leakage_page(folders: list[Path], most: int, command: str, page: Path = RESULTS / "leakage.md") -> Path:
    """Measure the cues in the first `most` events of archives; write `leakage.md`."""
    return write_page(page, TEMPLATE, command, archives="\n\n".join(format_archive(folder, most) for folder in folders))
