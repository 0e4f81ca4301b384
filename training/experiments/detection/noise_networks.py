"""Networks of noise: drawn between the noise models, and cut from recordings that hold no cataloged event of magnitude 5."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from models.seismic.earth.travel_times import travel_time_s
from models.seismic.geodesy import distance_deg
from models.seismic.io.channel_selection import select_channels
from models.seismic.io.inventory import attach_metadata, read_stations_csv
from models.seismic.io.miniseed import read_records, scan_miniseed
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Record
from training.evaluation.event_sources import read_real_truth
from training.synthesis.catalogs import StationCatalog
from training.synthesis.instrument_defects import DEFECTS, Defects, apply_defects
from training.synthesis.noise import LIMITS, NoiseCharacter, draw_noise_displacement
from training.synthesis.records import ORIGIN_S

MAX_STATIONS, SECONDS = 60, (300.0, 18_000.0)
RADII_DEG = (3.0, 20.0, 180.0)
"""Of local, regional and global networks about one of their stations."""
FAST_HZ, SLOW_HZ, MAX_FAST_S = 10.0, 1.0, 2400.0
"""Sampling rates, and the longest record at the higher one."""
WINDOWS_S = (600.0, 1800.0, 3600.0, 7200.0, 18_000.0)
SUBSETS = (1, 3, 8)
"""Numbers of stations that recorded networks are thinned to, beside all."""
MIN_LIVE_SHARE = 0.9
MARGIN_S, MIN_NOISE_S = 8.0, 55.0
"""Time left out before a predicted first arrival, and the shortest record before it that is used."""
FORESHOCKS = ("eq_20240101_noto", "eq_20110519_turkey")
"""Real events before whose first arrivals there is something: a foreshock of magnitude 5.5; the ringing of an acausal filter."""

RECORDED_EVENTS = {
    "noise_19940807a": ((14.3, 14.75),),
    "noise_day_cop_2009_050": ((0.0, 3.0),),
    "noise_day_kapi_2013_007": ((6.8, 7.6), (18.5, 19.3)),
}
"""
Hours (UTC) of recordings labeled noise in which an event is seen, by eye on the filtered records: an earthquake with P, S and
surface waves on all ten stations; coda of the Kermadec earthquake of 18 February 2009 (magnitude 6.9, 21:54); Taiwan, 7 January 2013
(magnitude 5.1, 06:49); an earthquake missing from the list, with P and surface waves from 20 s to 8 s.
"""


@dataclass(frozen=True)
class NoiseNetwork:
    """Records of a network of noise; `group` it is counted in; `hours` (UTC) of the day that it covers, for recordings."""

    name: str
    group: str
    records: tuple[Record, ...]
    hours: tuple[float, float] | None = None

    @property
    def holds_event(self) -> bool:
        """Whether an event is known in the window."""
        spans = RECORDED_EVENTS.get(self.group, ())
        return self.hours is not None and any(self.hours[0] < end and start < self.hours[1] for start, end in spans)


def draw_noise_network(
    stations: StationCatalog,
    character: NoiseCharacter | None,
    random: np.random.Generator,
    *,
    defects: Defects = DEFECTS,
    seconds: tuple[float, float] = SECONDS,
) -> NoiseNetwork:
    """Draw a network of 1 to 60 stations that record 5 minutes to 5 hours of noise, with the defects of the training data or others."""
    count, duration_s = int(np.exp(random.uniform(0.0, np.log(MAX_STATIONS + 1)))), float(np.exp(random.uniform(*np.log(seconds))))
    rate_hz = FAST_HZ if duration_s <= MAX_FAST_S and random.uniform() < 0.6 else SLOW_HZ
    center = random.integers(len(stations.latitudes_deg))
    separation_deg = distance_deg(
        stations.latitudes_deg[center], stations.longitudes_deg[center], stations.latitudes_deg, stations.longitudes_deg
    )
    inside = np.flatnonzero(separation_deg <= random.choice(RADII_DEG))
    rows = random.choice(inside, min(count, len(inside)), replace=False)
    displacement = draw_noise_displacement(len(rows), round(duration_s * rate_hz), 1.0 / rate_hz, random, character)
    velocity = apply_defects(np.gradient(displacement, axis=1), 1.0 / rate_hz, random, defects)
    velocity /= np.nanstd(velocity, axis=1, keepdims=True) + 1e-300
    channel = "BHZ" if rate_hz == FAST_HZ else "LHZ"
    records = tuple(
        Record(
            TraceId(stations.networks[row], stations.stations[row], "", channel),
            ORIGIN_S,
            rate_hz,
            samples.astype(np.float32),
            float(stations.latitudes_deg[row]),
            float(stations.longitudes_deg[row]),
        )
        for row, samples in zip(rows, velocity, strict=True)
    )
    return NoiseNetwork(f"{len(rows)} stations, {duration_s:.0f} s, {rate_hz:g} Hz", "synthetic", records)


def read_long_records(folder: Path) -> tuple[Record, ...]:
    """Read the vertical records of a folder of recordings, which may last a day; horizontals are left out."""
    records, _ = read_records([scan_miniseed("waveforms.mseed", (folder / "waveforms.mseed").read_bytes())], LIMITS)
    located, _ = attach_metadata(records, [read_stations_csv((folder / "stations.csv").read_bytes(), "stations.csv")])
    return tuple(replace(record, horizontals=None) for record in select_channels(located)[0])


def cut_record(record: Record, start_s: float, end_s: float) -> Record | None:
    """Cut a record to POSIX times; None where less than nine tenths of the window hold data."""
    first = max(0, round((start_s - record.start_time_s) * record.sampling_rate_hz))
    samples = record.samples[first : max(first, round((end_s - record.start_time_s) * record.sampling_rate_hz))]
    if np.isfinite(samples).sum() < MIN_LIVE_SHARE * (end_s - start_s) * record.sampling_rate_hz:
        return None
    return replace(record, start_time_s=record.start_time_s + first / record.sampling_rate_hz, samples=samples)


def cut_before_arrivals(folder: Path) -> NoiseNetwork | None:
    """Cut the records of a real event before its first arrival (ak135); None where less than a minute of any record is left."""
    truth, parts = read_real_truth(folder), []
    for record in read_long_records(folder):
        if record.latitude_deg is None or record.longitude_deg is None:
            continue
        degrees = distance_deg(truth.latitude_deg, truth.longitude_deg, record.latitude_deg, record.longitude_deg)
        depth_km = 0.0 if np.isnan(truth.depth_km) else truth.depth_km
        first_s = float(np.nanmin([travel_time_s(phase, degrees, depth_km) for phase in ("P", "PKP")]))
        end_s = truth.origin_time_s + first_s - MARGIN_S
        if end_s - record.start_time_s >= MIN_NOISE_S:
            part = cut_record(record, record.start_time_s, end_s)
            parts += [] if part is None else [part]
    return NoiseNetwork(f"before {folder.name}", "before the first arrival", tuple(parts)) if parts else None


def cut_noise_networks(folder: Path, random: np.random.Generator) -> Iterator[NoiseNetwork]:
    """Cut recordings into windows of 10 minutes to 5 hours, and networks into random subsets of stations."""
    records = read_long_records(folder)
    start_s, end_s = min(r.start_time_s for r in records), max(r.start_time_s + r.duration_s for r in records)
    midnight_s = 86_400.0 * (start_s // 86_400.0)
    for window_s in WINDOWS_S:
        for first_s in np.arange(start_s, end_s - 0.95 * window_s, max(0.5 * window_s, 1200.0)).tolist():
            cut = [part for record in records if (part := cut_record(record, first_s, first_s + window_s)) is not None]
            hours = ((first_s - midnight_s) / 3600.0, (first_s + window_s - midnight_s) / 3600.0)
            for count in sorted({*(count for count in SUBSETS if count < len(cut)), len(cut)} - {0}):
                chosen = sorted(random.permutation(len(cut))[:count].tolist())
                name = f"{hours[0]:.2f} to {hours[1]:.2f} h, {count} stations"
                yield NoiseNetwork(name, folder.name, tuple(cut[index] for index in chosen), hours)
