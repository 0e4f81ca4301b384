"""Bundles of synthetic events for the demonstration and tests: miniSEED and stations.csv in a zip, as a client uploads them."""

import io
import zipfile
from pathlib import Path

import numpy as np
from obspy import Stream, Trace, UTCDateTime

from models.seismic.geodesy import azimuthal_gap_deg
from models.seismic.waveforms import Record
from training.config import TrainingSettings
from training.earth import greens
from training.synthesis.events import EventSampler, SyntheticEvent, draw_event_source, open_sampler, synthesize_event
from training.synthesis.path_effects import PathScatter
from training.synthesis.records import ORIGIN_S, Realism

PEAK_COUNTS = 200_000
ANOMALY_KINDS = ("explosion", "landslide", "resonance")


def encode_miniseed(records: tuple[Record, ...]) -> bytes:
    """Encode records as integer counts in Steim-2 miniSEED."""
    traces = []
    for record in records:
        codes = record.trace_id._asdict()
        header = {**codes, "sampling_rate": record.sampling_rate_hz, "starttime": UTCDateTime(record.start_time_s)}
        filled = np.nan_to_num(record.samples)
        traces.append(Trace(np.round(filled * PEAK_COUNTS).astype(np.int32), header))
    buffer = io.BytesIO()
    Stream(traces).write(buffer, format="MSEED", encoding="STEIM2", reclen=512)
    return buffer.getvalue()


def encode_stations(records: tuple[Record, ...]) -> bytes:
    """Encode station coordinates as stations.csv."""
    rows = [f"{r.trace_id.network},{r.trace_id.station},{r.latitude_deg:.4f},{r.longitude_deg:.4f},0" for r in records]
    return "\n".join(["network,station,latitude,longitude,elevation", *rows, ""]).encode()


def _is_well_recorded(event: SyntheticEvent | None, count: int, largest_gap_deg: float) -> bool:
    """Tell whether all stations recorded the event, with a small azimuthal gap, in a window that holds its surface waves."""
    if event is None or len(event.records) < count or event.records[0].duration_s < 3000:
        return False
    lead_s = ORIGIN_S - event.records[0].start_time_s
    return -600 < lead_s < 700 and azimuthal_gap_deg(event.stations.azimuths_deg) < largest_gap_deg


def _draw_well_recorded_event(
    sampler: EventSampler, kind: str, count: int, largest_gap_deg: float, random: np.random.Generator
) -> tuple[Record, ...]:
    """Draw events of a kind until one is well recorded; returns its records."""
    while True:
        source, year, _ = draw_event_source(sampler, kind, random)
        event = synthesize_event(sampler, source, year, count, (12.0, 95.0), random)
        if event is not None and _is_well_recorded(event, count, largest_gap_deg):
            return event.records


def _write_zip(files: dict[str, bytes], path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)


def write_bundles(settings: TrainingSettings, folder: Path, seed: int = 3407) -> None:
    """Write `earthquake.zip` and `glacial.zip` (24 stations each), and `anomalies.zip` (30 events of three kinds, 8 stations each)."""
    folder.mkdir(parents=True, exist_ok=True)
    realism = Realism(PathScatter(coda=0.5), instruments=False, defects=False)
    sampler = open_sampler(greens.load_store(settings.build_dir / "greens" / "greens_10s"), settings, seed, realism)
    random = np.random.default_rng(seed)
    for kind in ("earthquake", "glacial"):
        records = _draw_well_recorded_event(sampler, kind, 24, 150.0, random)
        _write_zip({"waveforms.mseed": encode_miniseed(records), "stations.csv": encode_stations(records)}, folder / f"{kind}.zip")
    order = random.permutation(np.repeat(ANOMALY_KINDS, 10))
    files = {}
    for number, kind in enumerate(order, start=1):
        records = _draw_well_recorded_event(sampler, str(kind), 8, 360.0, random)
        files[f"anomaly_{number:03d}/waveforms.mseed"] = encode_miniseed(records)
        files[f"anomaly_{number:03d}/stations.csv"] = encode_stations(records)
    _write_zip(files, folder / "anomalies.zip")
