"""
How real the generator's Earth is: synthetic against observed vertical records of earthquakes with a known moment tensor.

Computed by the engine for the true places and depths (no store in between), through each Earth model, with the published centroid
and a triangle of the published or usual half duration; compared in displacement.
"""

import csv
import hashlib
import json
import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from models.array_types import Floats
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, distance_deg
from models.seismic.waveforms import Record
from training.config import RECIPES
from training.earth import greens, structure
from training.earth.greens import GreensConfig
from training.synthesis.path_effects import SPLIT_KM_S
from training.synthesis.records import contract_source
from training.synthesis.sources import Source, half_duration_s
from training.validation.observed_records import PeriodBand, is_clipped, observed_displacement, read_verticals

BANDS = {"35-100 s": PeriodBand(100.0, 35.0), "50-100 s": PeriodBand(100.0, 50.0)}
RANGE_DEG = (15.0, 100.0)
STEP_S = 2.0
ENGINE: dict[str, Any] = {
    "highest_frequency_mhz": 33.0,
    "taper_mhz": 4.0,
    "lowest_frequency_mhz": 5.0,
    "length_min": 62.0,
    "time_step_s": STEP_S,
    "tolerance": 1e-4,
    "degrees_per_mhz": 10.0,
    "depths_km": (),
    "cells": (),
    "depths_per_batch": 1,
    "seed": 0,
}
MIN_VELOCITY_KM_S = 2.9
MAX_LAG_S = 40.0


@dataclass(frozen=True)
class Solution:
    """A centroid moment tensor: seconds of centroid after the origin, place, depth [km], N m (rr, tt, pp, rt, rp, tp), source."""

    shift_s: float
    latitude_deg: float
    longitude_deg: float
    depth_km: float
    tensor: tuple[float, ...]
    half_duration_s: float
    source: str


def published_solution(event_id: str) -> Solution | None:
    """The solution of training/configs/mechanisms.toml, for events outside the years of the catalog in the data folder."""
    known = tomllib.loads((RECIPES / "mechanisms.toml").read_text())
    row = known.get(event_id)
    return Solution(**row | {"tensor": tuple(row["tensor"])}) if row else None


def cataloged_solution(truth: dict[str, Any], catalog: Path) -> Solution | None:
    """The Global CMT solution of a catalog within 20 s and 1 degree of the event; its half duration from the moment."""
    origin = datetime.fromisoformat(truth["origin_time"])
    with catalog.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["origin_time"][:10] != truth["origin_time"][:10]:
                continue
            late = (datetime.fromisoformat(row["origin_time"]) - origin).total_seconds()
            apart = distance_deg(truth["latitude"], truth["longitude"], float(row["latitude"]), float(row["longitude"]))
            if abs(late) < 20 and apart < 1:
                tensor = tuple(float(row[name]) * 1e-7 for name in ("mrr", "mtt", "mpp", "mrt", "mrp", "mtp"))
                moment = float(row["m0_dyne_cm"]) * 1e-7
                place = (float(row["centroid_latitude"]), float(row["centroid_longitude"]), float(row["centroid_depth_km"]))
                shift, source = float(row["centroid_shift_s"]) + late, f"Global CMT {row['event_name']}"
                return Solution(shift, *place, tensor, half_duration_s(moment), source)
    return None


def strains(deck: str, points: list[tuple[float, float]], cache: Path) -> Floats:
    """Strains [points, 4, samples] at those depths [km] and distances [degrees], after training.greens; kept in the cache."""
    config = GreensConfig(deck=deck, **ENGINE)
    # Surface forces, which are not asked for, have settings of their own.
    settings = config.model_dump(mode="json", exclude={"force_distances_per_cell"})
    key = json.dumps([settings, points, structure.format_deck(deck)])
    path = cache / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy"
    if not path.exists():
        data = greens.compute_greens(config, "strains", points)
        cache.mkdir(parents=True, exist_ok=True)
        np.save(path, data)
    return np.asarray(np.load(path))


def synthetic_trace(solution: Solution, strain: Floats, azimuth: float, band: PeriodBand) -> Floats:
    """Vertical displacement [samples] in the band of the triangular source, sample j at j STEP_S after the origin time."""
    padded = fft.next_fast_len(strain.shape[-1] + 1000, real=True)
    frequencies = fft.rfftfreq(padded, STEP_S)
    source = Source("earthquake", 0, 0, solution.depth_km, np.array(solution.tensor)[:, None])
    weights = contract_source(source, np.array([azimuth]))[0, :, 0]
    history = np.sinc(frequencies * solution.half_duration_s) ** 2 * np.exp(-2j * np.pi * frequencies * solution.shift_s)
    motion = fft.rfft((strain * weights[:, None]).sum(axis=0), padded) * history * band.weight(frequencies)
    return np.asarray(fft.irfft(motion, padded)[: strain.shape[-1]])


@dataclass(frozen=True)
class Comparison:
    """
    One trace in one band through one Earth.

    `correlation` at one lag [s] (positive where the observed is later); `aligned` after body waves and surface waves were shifted
    each by its own lag, which is what training.paths draws at random; `amplitude` is observed over synthetic.
    """

    event: str
    trace: str
    distance_deg: float
    deck: str
    band: str
    correlation: float
    lag_s: float
    aligned: float
    amplitude: float
    clean: bool
    known_response: bool


@dataclass(frozen=True)
class Comparable:
    """One record to compare with."""

    event: str
    origin_s: float
    solution: Solution
    record: Record
    distance_deg: float
    azimuth_deg: float


def comparable_traces(events: Path) -> list[Comparable]:
    """Records within RANGE_DEG of the earthquakes of a folder that have a moment tensor."""
    catalog = next((events.parent / "catalogs").glob("gcmt_*.csv"))
    found = []
    for path in sorted(events.glob("*/event.json")):
        truth = json.loads(path.read_text())
        solution = (published_solution(truth["event_id"]) or cataloged_solution(truth, catalog)) if truth["type"] == "earthquake" else None
        if solution is None or truth["response_removed"]:
            continue
        origin = datetime.fromisoformat(truth["origin_time"]).timestamp()
        place = (solution.latitude_deg, solution.longitude_deg)
        for record in read_verticals(path.parent):
            where = (float(record.latitude_deg or 0), float(record.longitude_deg or 0))
            distance = float(distance_deg(*place, *where))
            if RANGE_DEG[0] <= distance <= RANGE_DEG[1]:
                found.append(Comparable(truth["event_id"], origin, solution, record, distance, float(azimuth_deg(*place, *where))))
    return found


def best_lag(observed: Floats, synthetic: Floats) -> tuple[float, float]:
    """Largest correlation coefficient and its lag [s]: how much later the observed one is."""
    size = np.sqrt((observed**2).sum() * (synthetic**2).sum())
    steps = int(MAX_LAG_S / STEP_S)
    values = [float((observed * np.roll(synthetic, k)).sum() / size) for k in range(-steps, steps + 1)]
    best = int(np.argmax(values))
    return values[best], (best - steps) * STEP_S


def align(observed: Floats, synthetic: Floats, split: int) -> float:
    """Correlation coefficient after the parts before and after the sample `split` were shifted each by its best lag."""
    clock = np.arange(len(observed))
    late = 1 / (1 + np.exp(-(clock - split) / 8.0))
    parts = []
    for weight in (1 - late, late):
        _, lag = best_lag(observed * weight, synthetic * weight)
        parts.append(np.roll(synthetic * weight, int(lag / STEP_S)))
    moved = parts[0] + parts[1]
    return float((observed * moved).sum() / np.sqrt((observed**2).sum() * (moved**2).sum()))


def window(job: Comparable, times_s: Floats) -> NDArray[np.bool_]:
    """From before P until the end of the first Rayleigh wave."""
    last = job.distance_deg * KM_PER_DEGREE / MIN_VELOCITY_KM_S + job.solution.shift_s + 2 * job.solution.half_duration_s + 100
    return (times_s >= 6 * job.distance_deg - 60) & (times_s <= last)


def compare_trace(job: Comparable, strain: Floats, deck: str, name: str) -> tuple[Comparison, Floats, Floats] | None:
    """The comparison and both traces, zero outside the window; None where less than 600 s of the window were recorded."""
    band, clock = BANDS[name], np.arange(strain.shape[-1], dtype=np.float64) * np.float64(STEP_S)
    seen = observed_displacement(job.record, band, job.origin_s + clock)
    inside = window(job, clock) & np.isfinite(seen)
    if inside.sum() * STEP_S < 600:
        return None
    real = np.where(inside, seen, 0.0)
    made = np.where(inside, synthetic_trace(job.solution, strain, job.azimuth_deg, band), 0.0)
    correlation, lag = best_lag(real, made)
    clean = not is_clipped(job.record) and job.solution.half_duration_s < band.shortest_s and _complete(job, inside, clock)
    ratio = float(np.sqrt((real**2).sum() / (made**2).sum()))
    split = int((job.distance_deg * KM_PER_DEGREE / SPLIT_KM_S + job.solution.shift_s) / STEP_S)
    known = job.record.response is not None
    trace, both = str(job.record.trace_id), align(real, made, split)
    row = Comparison(job.event, trace, job.distance_deg, deck, name, correlation, lag, both, ratio, clean, known)
    return row, real, made


def _complete(job: Comparable, inside: NDArray[np.bool_], clock: Floats) -> bool:
    """Whether the record holds the wave of 4.2 to 3.3 km/s, which is the largest."""
    distance_km = job.distance_deg * KM_PER_DEGREE
    wave = (clock >= distance_km / 4.2 + job.solution.shift_s) & (clock <= distance_km / 3.3 + job.solution.shift_s)
    return bool(inside[wave].all())
