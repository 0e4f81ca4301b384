"""Measurements of the gate for one version of the distance reader, event by event; kept, so that a stopped run continues."""

import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.analysis.distances import DistanceReadings, PredictDistances, RecordsTooShort
from models.array_types import Floats
from models.imaging.conditioning import condition
from models.registry.inference import OnnxModel
from models.seismic.geodesy import distance_deg
from models.seismic.waveforms import Gather, Record
from models.specs.pictures import CONDITIONING
from training.earth.greens import GreensStore
from training.evaluation.event_sources import list_real_events, read_real_records, read_real_truth
from training.experiments.release_gate.copies import draw_copy, read_geometry
from training.experiments.release_gate.invariance import SHIFTS_S, cut_about_first_arrival, shift_records
from training.synthesis.records import Realism

Measured = dict[str, Any]
SEED = 3407


@dataclass(frozen=True)
class Reader:
    """A version of the distance reader: its model and the way it is served."""

    model: OnnxModel
    predict: PredictDistances

    def read(self, gather: Gather) -> DistanceReadings | None:
        """Read a gather; None where all records are too short."""
        try:
            return self.predict(self.model, gather)
        except RecordsTooShort:
            return None


def measure_copies(reader: Reader, folder: Path, stores: Sequence[GreensStore], realism: Realism, copies: int, max_traces: int) -> Measured:
    """
    Read copies of the event in a folder, through the Earth models of the stores in turn.

    Returns `true_deg`, `predicted_deg`, `sigma_deg`, number of the `copy`, and index of its `earth` of each trace.
    """
    geometry = read_geometry(folder)
    random = np.random.default_rng([SEED, zlib.crc32(folder.name.encode())])
    rows = []
    for number in range(copies if geometry.windows else 0):
        earth = number % len(stores)
        gather, distances = draw_copy(geometry, (stores[earth],), realism, max_traces, random)
        readings = reader.read(gather)
        if readings is not None:
            rows += [(*row, number, earth) for row in zip(distances, readings.distances_deg, readings.uncertainties_deg, strict=True)]
    return _tabulate(rows, ("true_deg", "predicted_deg", "sigma_deg", "copy", "earth"))


def _tabulate(rows: Sequence[tuple[float, ...]], names: tuple[str, ...]) -> Measured:
    """Make columns of rows, without those whose second value (what was read) is missing."""
    table = np.array(rows, np.float64).reshape(-1, len(names))
    return {name: column.round(4).tolist() for name, column in zip(names, table[np.isfinite(table[:, 1])].T, strict=True)}


def measure_observed(reader: Reader, folder: Path) -> Measured:
    """Read the observed records of an event as they are, shifted and cut: true distances and those read from each variant."""
    truth = read_real_truth(folder)
    records = [record for record in read_real_records(folder) if record.latitude_deg is not None and record.longitude_deg is not None]
    places = np.array([(record.latitude_deg, record.longitude_deg) for record in records], np.float64).reshape(-1, 2)
    true = np.asarray(distance_deg(truth.latitude_deg, truth.longitude_deg, places[:, 0], places[:, 1]))
    variants = {f"{shift:+.0f}": shift_records(records, truth, shift) for shift in SHIFTS_S}
    variants["cut"] = cut_about_first_arrival(records, truth, true)
    whole, sigma = _read_variant(reader, records)
    return {
        "magnitude": truth.magnitude if np.isfinite(truth.magnitude) else None,
        "kind": truth.kind,
        "true_deg": true.round(4).tolist(),
        "predicted_deg": _list_numbers(whole),
        "sigma_deg": _list_numbers(sigma),
        "variants": {name: _list_numbers(_read_variant(reader, variant)[0]) for name, variant in variants.items()},
    }


def _list_numbers(values: Floats) -> list[float | None]:
    return [round(float(value), 4) if np.isfinite(value) else None for value in values]


def _read_variant(reader: Reader, records: Sequence[Record | None]) -> tuple[Floats, Floats]:
    """Read distances and standard deviations [records] of the records there are; NaN for the others."""
    distances, sigmas = np.full(len(records), np.nan), np.full(len(records), np.nan)
    rows = [row for row, record in enumerate(records) if record is not None]
    if rows:
        readings = reader.read(condition([record for record in records if record is not None], CONDITIONING))
        if readings is not None:
            distances[rows], sigmas[rows] = readings.distances_deg, readings.uncertainties_deg
    return distances, sigmas


def measure_events(path: Path, folder: Path, measure: Callable[[Path], Measured]) -> dict[str, Measured]:
    """Measure every event of a folder, by name; results are kept in `path`, and those that are there are not measured again."""
    known: dict[str, Measured] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    for event in list_real_events(folder):
        if event.name not in known:
            known[event.name] = measure(event)
            path.write_text(json.dumps(known), encoding="utf-8")
    return {event.name: known[event.name] for event in list_real_events(folder)}
