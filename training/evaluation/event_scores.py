"""What the served chain says of events whose truth is known, from an archive or from a folder of real events: one row an event."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from models.analysis.pipeline import (
    Classification,
    EventLocation,
    Models,
    classify_event,
    locate_event,
    predict_depth,
    predict_force_azimuth,
)
from models.analysis.sections import make_reference
from models.array_types import Floats
from models.errors import NoUsableTrace, TooFewStations
from models.imaging.conditioning import condition
from models.seismic.geodesy import distance_deg
from models.seismic.waveforms import Gather, Record
from models.specs.event_type import CLASSES
from models.specs.pictures import CONDITIONING
from training.config import SPAWN, TrainingSettings
from training.datasets.archive import ArchivedEvent, read_manifest, read_shard
from training.evaluation.location_scores import Truth, open_models, twin_truth
from training.evaluation.real_events import read_chosen_events, real_truth
from training.synthesis.signal_to_noise import signal_to_noise

SPLITS = ("random", "region", "year")
TEST = "test"
NAN = float("nan")


@dataclass(frozen=True)
class TraceScores:
    """
    Each [traces]: distances in degrees, true, said and one sigma; origin time said less the true one in seconds; snr.

    Loudness is the largest amplitude from the first arrival on over the root mean square before it, in the band that pictures are
    drawn from; NaN without a minute of record before the first arrival.
    """

    true_deg: Floats
    said_deg: Floats
    sigma_deg: Floats
    late_s: Floats
    snr: Floats


@dataclass(frozen=True)
class EventScores:
    """
    One event: truth, the splits that test on it, and what was said; NaN where nothing was.

    `depth_km`, `force_azimuth_deg` and their sigmas are the models' own words on the section as served, whatever class was said;
    `served_depth_km` is the service's answer, which arrival times may have moved, and NaN for what is called glacial.
    """

    truth: Truth
    tested_by: tuple[str, ...]
    stations: int
    traces: TraceScores
    probabilities: tuple[float, ...]
    novelty: float
    depth_km: float = NAN
    depth_sigma_km: float = NAN
    served_depth_km: float = NAN
    force_azimuth_deg: float = NAN
    force_azimuth_sigma_deg: float = NAN

    @property
    def right(self) -> bool:
        """Whether the likelier class is the true one."""
        return CLASSES[int(np.argmax(self.probabilities))] == self.truth.kind

    @property
    def depth_error_km(self) -> float:
        """Said less true."""
        return self.depth_km - self.truth.depth_km

    @property
    def azimuth_error_deg(self) -> float:
        """Said less true modulo 180 degrees, -90 to 90."""
        return (self.force_azimuth_deg - self.truth.force_azimuth_deg + 90.0) % 180.0 - 90.0

    @property
    def snr(self) -> float:
        """Median over traces, NaN where none can be told."""
        known = self.traces.snr[np.isfinite(self.traces.snr)]
        return float(np.median(known)) if len(known) else NAN


def score_event(
    models: Models, records: Sequence[Record], truth: Truth, origin_s: float, tested_by: tuple[str, ...] = ()
) -> EventScores | None:
    """One event through the served chain; None where no trace can be read."""
    gather = condition(records, CONDITIONING)
    found: EventLocation | None = None
    try:
        found = locate_event(models, gather, records=records)
        told = found.classification
    except TooFewStations:
        told = classify_event(models, gather, records=records)
    except NoUsableTrace:
        return None
    if told is None:
        raise ValueError("an event whose type nobody gave has been located without one")
    readings = told.readings if found is None else found.readings
    true = distance_deg(truth.latitude_deg, truth.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)
    traces = TraceScores(
        true_deg=true,
        said_deg=readings.distances_deg,
        sigma_deg=readings.uncertainties_deg,
        late_s=readings.origin_times_s - origin_s,
        snr=signal_to_noise(gather, true, truth.depth_km, origin_s),
    )
    words = {} if found is None else _section_words(models, gather, told, found, truth.kind)
    probabilities = tuple(told.probabilities[name] for name in CLASSES)
    return EventScores(truth, tested_by, int(readings.has_distance.sum()), traces, probabilities, told.ood_score, **words)


def _section_words(models: Models, gather: Gather, told: Classification, found: EventLocation, kind: str) -> dict[str, float]:
    """Depth of what was an earthquake, force azimuth of what was glacial, off the section that serving draws at the epicenter."""
    reference = make_reference(found.location)
    if kind == "glacial":
        force = predict_force_azimuth(models["force_azimuth"], gather, told.readings, reference)
        return {"force_azimuth_deg": force.azimuth_deg, "force_azimuth_sigma_deg": force.uncertainty_deg}
    if kind != "earthquake":
        return {}
    depth = predict_depth(models["depth"], gather, told.readings, reference)
    served = NAN if found.depth is None else found.depth.depth_km
    return {"depth_km": depth.depth_km, "depth_sigma_km": depth.uncertainty_km, "served_depth_km": served}


def score_twin(archive: Path, settings: TrainingSettings, most: int | None = None) -> list[EventScores]:
    """Every event of an archive of the twin that some split tests on, at most `most` of each file."""
    stems = list(read_manifest(archive)["shards"])
    work = partial(_score_shard, archive, settings, most)
    with ProcessPoolExecutor(settings.processes, SPAWN) as pool:
        found = tqdm(pool.map(work, stems), desc="scored", unit="file", total=len(stems), mininterval=5)
        return [row for rows in found for row in rows]


def _score_shard(archive: Path, settings: TrainingSettings, most: int | None, stem: str) -> list[EventScores]:
    models = open_models(settings)
    tested = [event for event in read_shard(archive, stem) if test_splits_of(event.truth or {})][:most]
    rows = [_archived(models, event) for event in tested]
    return [row for row in rows if row is not None]


def test_splits_of(truth: Mapping[str, Any]) -> tuple[str, ...]:
    """The splits that have the event in their test part."""
    return tuple(name for name in SPLITS if truth[f"split_{name}"] == TEST)


def _archived(models: Models, event: ArchivedEvent) -> EventScores | None:
    truth = event.truth or {}
    return score_event(models, event.records, twin_truth(event.name, truth), float(str(truth["origin_time_s"])), test_splits_of(truth))


def score_real(folder: Path, settings: TrainingSettings) -> Iterator[EventScores]:
    """Every event of a folder as `training.evaluation.real_events` reads it; those that cannot be read are left out."""
    models = open_models(settings)
    for place in sorted(path.parent for path in folder.glob("*/event.json")):
        said = json.loads((place / "event.json").read_text())
        origin_s = datetime.fromisoformat(said["origin_time"]).timestamp()
        row = score_event(models, read_chosen_events(place), real_truth(said), origin_s)
        if row is not None:
            yield row
