"""
Realism of the Earth models: synthetic against observed vertical records of earthquakes with a known moment tensor.

Synthetics are computed by the engine at the true distance and depth (without a store), in each Earth model, with the published
centroid and a triangle of the published or usual half duration. Both are compared in displacement: observed records are restored by
the event's StationXML or SAC poles and zeros; where there is no response, a broadband velocity seismometer with a corner at 120 s is
assumed, which matters for the phase at 100 s. Records that were distributed as ground motion are left out.
"""

import csv
import gzip
import hashlib
import json
import tomllib
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from models.array_types import Floats
from models.seismic.geodesy import KM_PER_DEGREE, azimuth_deg, distance_deg
from models.seismic.io.inventory import read_stationxml
from models.seismic.waveforms import Record, Response
from training.config import RECIPES
from training.earth import greens, structure
from training.earth.greens import GreensConfig
from training.evaluation.event_sources import read_real_records
from training.synthesis.path_effects import SPLIT_KM_S
from training.synthesis.records import contract_source
from training.synthesis.sources import Source, half_duration_s

ASSUMED_CORNER_S = 120.0
CUT_HZ = (0.029, 0.033)
"""The synthetics end between these frequencies; observed records are tapered alike."""


@dataclass(frozen=True)
class ButterworthBand:
    """A zero-phase band-pass filter: Butterworth of order 4 between two periods [s], tapered to zero within CUT_HZ."""

    longest_s: float
    shortest_s: float

    def weight(self, frequencies_hz: Floats) -> Floats:
        """Amplitude response at each frequency."""
        f = np.maximum(frequencies_hz, 1e-6)
        butterworth = 1 / np.sqrt((1 + (f * self.longest_s) ** -8) * (1 + (f * self.shortest_s) ** 8))
        return np.asarray(butterworth * np.cos(np.pi / 2 * np.clip((f - CUT_HZ[0]) / (CUT_HZ[1] - CUT_HZ[0]), 0, 1)) ** 2)


BANDS = {"35-100 s": ButterworthBand(100.0, 35.0), "50-100 s": ButterworthBand(100.0, 50.0)}
RANGE_DEG = (15.0, 100.0)
STEP_S = 2.0
MIN_VELOCITY_KM_S = 2.9
MAX_LAG_S = 40.0


def read_sac_responses(text: str) -> dict[tuple[str, str, str, str], Response]:
    """Read responses by network, station, location and channel from SAC poles and zeros (of displacement in meters)."""
    responses = {}
    for block in text.split("** FILE ")[1:]:
        head = {line.split("(")[1].split(")")[0]: line.split(":", 1)[1].strip() for line in block.splitlines() if "(K" in line}
        rows = [line.split() for line in block.splitlines()[1:] if line.strip() and not line.startswith("*")]
        key = (head["KNETWK"], head["KSTNM"], head["KHOLE"].replace("--", ""), head["KCMPNM"])
        responses[key] = _evaluate(rows)
    return responses


def _evaluate(rows: list[list[str]]) -> Response:
    frequencies = np.geomspace(1e-3, 0.4, 160)
    s = 2j * np.pi * frequencies
    value, kind, left = np.ones(len(s), np.complex128), "", 0
    for row in rows:
        if row[0] == "CONSTANT":
            value *= float(row[1])
        elif row[0] in ("ZEROS", "POLES"):
            # Zeros that are counted but not listed lie at the origin.
            value *= s**left if kind == "ZEROS" else 1.0
            kind, left = row[0], int(row[1])
        else:
            left -= 1
            factor = s - complex(float(row[0]), float(row[1]))
            value = value * factor if kind == "ZEROS" else value / factor
    return Response(frequencies, value / s)


def read_verticals(folder: Path) -> list[Record]:
    """Read one raw vertical record a station, with coordinates, and with its response where the folder has it."""
    xml, sac = folder / "stations.xml.gz", folder / "sacpz.txt.gz"
    chosen = read_real_records(folder, [read_stationxml(gzip.decompress(xml.read_bytes()), "stations.xml")] if xml.exists() else [])
    known = read_sac_responses(gzip.decompress(sac.read_bytes()).decode()) if sac.exists() else {}
    keys = [(r.trace_id.network, r.trace_id.station, r.trace_id.location, r.trace_id.channel) for r in chosen]
    return [replace(record, response=known.get(key, record.response)) for record, key in zip(chosen, keys, strict=True)]


def is_clipped(record: Record) -> bool:
    """Whether the record stays at an extreme for five samples or more, or nears the range of 24 bits."""
    recorded = record.samples[np.isfinite(record.samples)]
    extreme = np.abs(recorded).max(initial=0.0)
    flat = max(
        np.count_nonzero(recorded >= recorded.max(initial=0) * 0.9995), np.count_nonzero(recorded <= recorded.min(initial=0) * 0.9995)
    )
    return bool(extreme > 0.95 * 2**23 or flat >= 5)


def _velocity_response(record: Record, frequencies_hz: Floats) -> NDArray[np.complex128]:
    if record.response is None:
        s, corner = 2j * np.pi * frequencies_hz, 2 * np.pi / ASSUMED_CORNER_S
        return np.asarray(s**2 / (s**2 + 2 * 0.707 * corner * s + corner**2))
    known = record.response
    # The phase is interpolated unwrapped, the amplitude in logarithms.
    log_f = np.log(np.maximum(frequencies_hz, known.frequencies_hz[0]))
    nodes = np.log(known.frequencies_hz)
    amplitude = np.exp(np.interp(log_f, nodes, np.log(np.abs(known.velocity_response))))
    return np.asarray(amplitude * np.exp(1j * np.interp(log_f, nodes, np.unwrap(np.angle(known.velocity_response)))))


def restore_displacement(record: Record, band: ButterworthBand, times_s: Floats) -> Floats:
    """Restore ground displacement [samples] in a band at POSIX times, in meters where the response is known; NaN outside the record."""
    samples = record.samples.astype(np.float64)
    gaps = ~np.isfinite(samples)
    clock = np.arange(len(samples))
    samples[gaps] = 0.0
    samples -= np.polyval(np.polyfit(clock[~gaps], samples[~gaps], 1), clock)
    samples[gaps] = 0.0
    ramp = min(int(60 * record.sampling_rate_hz), len(samples) // 10)
    samples[:ramp] *= np.sin(np.pi / 2 * np.arange(ramp) / ramp) ** 2
    samples[len(samples) - ramp :] *= np.sin(np.pi / 2 * np.arange(ramp) / ramp)[::-1] ** 2
    padded = fft.next_fast_len(len(samples) + int(2000 * record.sampling_rate_hz), real=True)
    frequencies = fft.rfftfreq(padded, 1 / record.sampling_rate_hz)
    weight = band.weight(frequencies)
    motion = fft.rfft(samples, padded)
    inside = weight > 1e-3
    motion[~inside] = 0
    motion[inside] *= weight[inside] / (_velocity_response(record, frequencies[inside]) * 2j * np.pi * frequencies[inside])
    ground = fft.irfft(motion, padded)[: len(samples)]
    ground[gaps] = np.nan
    return np.asarray(np.interp(times_s, record.start_time_s + clock / record.sampling_rate_hz, ground, left=np.nan, right=np.nan))


@dataclass(frozen=True)
class Solution:
    """A centroid moment tensor: centroid time after the origin time, centroid, tensor in N m (rr, tt, pp, rt, rp, tp), its reference."""

    shift_s: float
    latitude_deg: float
    longitude_deg: float
    depth_km: float
    tensor: tuple[float, ...]
    half_duration_s: float
    source: str


def read_published_solution(event_id: str) -> Solution | None:
    """Read the solution in training/configs/mechanisms.toml, for events outside the years of the catalog in the data folder."""
    known = tomllib.loads((RECIPES / "mechanisms.toml").read_text())
    row = known.get(event_id)
    return Solution(**row | {"tensor": tuple(row["tensor"])}) if row else None


def find_cataloged_solution(truth: dict[str, Any], catalog: Path) -> Solution | None:
    """Find the Global CMT solution of a catalog within 20 s and 1 degree of the event; its half duration follows from the moment."""
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
                centroid = (float(row["centroid_latitude"]), float(row["centroid_longitude"]), float(row["centroid_depth_km"]))
                shift, source = float(row["centroid_shift_s"]) + late, f"Global CMT {row['event_name']}"
                return Solution(shift, *centroid, tensor, half_duration_s(moment), source)
    return None


def compute_strains(deck: str, points: list[tuple[float, float]], cache: Path) -> Floats:
    """Compute strains [points, 4, samples] at depths [km] and distances [degrees], or read them from the cache."""
    config = GreensConfig(deck=deck, time_step_s=STEP_S, **tomllib.loads((RECIPES / "realism.toml").read_text()))
    # Surface forces, which are not asked for, have settings of their own.
    settings = config.model_dump(mode="json", exclude={"force_distances_per_cell"})
    key = json.dumps([settings, points, structure.format_deck(deck)])
    path = cache / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy"
    if not path.exists():
        data = greens.compute_greens(config, "strains", points)
        cache.mkdir(parents=True, exist_ok=True)
        np.save(path, data)
    return np.asarray(np.load(path))


def synthesize_trace(solution: Solution, strain: Floats, azimuth: float, band: ButterworthBand) -> Floats:
    """Synthesize vertical displacement [samples] of the triangular source in a band, sample j at j STEP_S after the origin time."""
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
    One trace in one band and one Earth model.

    `correlation` at one lag [s], positive where the observed trace is later; `aligned` the correlation after body and surface waves
    were shifted separately, as `training.synthesis.path_effects` draws at random; `amplitude` is observed over synthetic.
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
class ObservedTrace:
    """One record to compare with, and the solution of its event."""

    event: str
    origin_s: float
    solution: Solution
    record: Record
    distance_deg: float
    azimuth_deg: float


def list_traces(events: Path) -> list[ObservedTrace]:
    """List the records within RANGE_DEG of those earthquakes of a folder that have a moment tensor."""
    catalog = next((events.parent / "catalogs").glob("gcmt_*.csv"))
    found = []
    for path in sorted(events.glob("*/event.json")):
        truth = json.loads(path.read_text())
        solution = (
            (read_published_solution(truth["event_id"]) or find_cataloged_solution(truth, catalog))
            if truth["type"] == "earthquake"
            else None
        )
        if solution is None or truth["response_removed"]:
            continue
        origin = datetime.fromisoformat(truth["origin_time"]).timestamp()
        centroid = (solution.latitude_deg, solution.longitude_deg)
        for record in read_verticals(path.parent):
            station = (float(record.latitude_deg or 0), float(record.longitude_deg or 0))
            distance = float(distance_deg(*centroid, *station))
            if RANGE_DEG[0] <= distance <= RANGE_DEG[1]:
                found.append(ObservedTrace(truth["event_id"], origin, solution, record, distance, float(azimuth_deg(*centroid, *station))))
    return found


def find_best_lag(observed: Floats, synthetic: Floats) -> tuple[float, float]:
    """Find the largest correlation coefficient and its lag [s], positive where the observed trace is later."""
    size = np.sqrt((observed**2).sum() * (synthetic**2).sum())
    steps = int(MAX_LAG_S / STEP_S)
    values = [float((observed * np.roll(synthetic, k)).sum() / size) for k in range(-steps, steps + 1)]
    best = int(np.argmax(values))
    return values[best], (best - steps) * STEP_S


def correlate_separately(observed: Floats, synthetic: Floats, split: int) -> float:
    """Correlation coefficient after the sections before and after the sample `split` were shifted each by its best lag."""
    clock = np.arange(len(observed))
    late = 1 / (1 + np.exp(-(clock - split) / 8.0))
    sections = []
    for weight in (1 - late, late):
        _, lag = find_best_lag(observed * weight, synthetic * weight)
        sections.append(np.roll(synthetic * weight, int(lag / STEP_S)))
    shifted = sections[0] + sections[1]
    return float((observed * shifted).sum() / np.sqrt((observed**2).sum() * (shifted**2).sum()))


def select_window(job: ObservedTrace, times_s: Floats) -> NDArray[np.bool_]:
    """Select the samples [samples] from before P until the end of the first Rayleigh wave."""
    last = job.distance_deg * KM_PER_DEGREE / MIN_VELOCITY_KM_S + job.solution.shift_s + 2 * job.solution.half_duration_s + 100
    return (times_s >= 6 * job.distance_deg - 60) & (times_s <= last)


def compare_trace(job: ObservedTrace, strain: Floats, deck: str, name: str) -> tuple[Comparison, Floats, Floats] | None:
    """Compare one trace; return the comparison and both traces, zero outside the window; None with less than 600 s of data."""
    band, clock = BANDS[name], np.arange(strain.shape[-1], dtype=np.float64) * np.float64(STEP_S)
    displacement = restore_displacement(job.record, band, job.origin_s + clock)
    inside = select_window(job, clock) & np.isfinite(displacement)
    if inside.sum() * STEP_S < 600:
        return None
    observed = np.where(inside, displacement, 0.0)
    synthetic = np.where(inside, synthesize_trace(job.solution, strain, job.azimuth_deg, band), 0.0)
    correlation, lag = find_best_lag(observed, synthetic)
    clean = not is_clipped(job.record) and job.solution.half_duration_s < band.shortest_s and _has_surface_wave(job, inside, clock)
    ratio = float(np.sqrt((observed**2).sum() / (synthetic**2).sum()))
    split = int((job.distance_deg * KM_PER_DEGREE / SPLIT_KM_S + job.solution.shift_s) / STEP_S)
    known = job.record.response is not None
    trace, both = str(job.record.trace_id), correlate_separately(observed, synthetic, split)
    row = Comparison(job.event, trace, job.distance_deg, deck, name, correlation, lag, both, ratio, clean, known)
    return row, observed, synthetic


def _has_surface_wave(job: ObservedTrace, inside: NDArray[np.bool_], clock: Floats) -> bool:
    """Whether the record contains the group velocities from 4.2 to 3.3 km/s, which have the largest amplitudes."""
    distance_km = job.distance_deg * KM_PER_DEGREE
    wave = (clock >= distance_km / 4.2 + job.solution.shift_s) & (clock <= distance_km / 3.3 + job.solution.shift_s)
    return bool(inside[wave].all())
