"""
Bundles of synthetic events for the demonstration and tests, miniSEED and stations.csv in a zip, and the truth they were made from.

Sources are chosen, not drawn: a large earthquake, and a glacial earthquake as large as the largest of the catalog. In each sector of
azimuth the record that shows the event best is taken, of a dozen random stations, so that a section shows wave trains. Anomalies of a
kind have one source, at different places. Mechanism of the earthquake, path effects and noise are random.

Of the bundles of seeds 1 to 5, which are not shipped, the service answered 5 of 5 earthquakes, 5 of 5 glacial earthquakes and 3 of 5 sets
of anomalies right by the rules of `app.demo.truth`; in the other two it split kinds into several families. Of the noise of seeds 1 to 30 no
window was called an event.
"""

import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from obspy import Stream, Trace, UTCDateTime

from models.array_types import Integers
from models.imaging.conditioning import condition
from models.seismic.geodesy import azimuth_deg, distance_deg
from models.seismic.waveforms import Record
from models.specs.pictures import CONDITIONING
from training.config import TrainingSettings
from training.earth import greens
from training.synthesis.catalogs import StationCatalog, draw_double_couples
from training.synthesis.events import EventSampler, open_sampler
from training.synthesis.path_effects import PathScatter
from training.synthesis.records import ORIGIN_S, Realism, find_nearest_table, synthesize_records
from training.synthesis.signal_to_noise import signal_to_noise
from training.synthesis.sources import Source, make_anomalous, make_earthquake, make_glacial
from training.synthesis.station_geometry import find_operating_stations, snap_to_table
from training.synthesis.windows import Window

EVENT_COUNTS, ANOMALY_COUNTS = 200_000, 1_500  # of the largest sample
ANOMALY_KINDS, ANOMALIES_OF_A_KIND, ANOMALY_STATIONS = ("explosion", "slow_earthquake", "resonance"), 10, 6
EARTHQUAKE, EARTHQUAKE_MOMENT_N_M = (38.0, 142.5, 24.0), 2.5e19  # off Honshu, magnitude 6.9; degrees and km
GLACIER, FORCE_AZIMUTH_DEG, FORCE_AMPLITUDE_KG_M = (66.4, -38.2), 115.0, 1.9e14  # Helheim; the largest of the catalog
YEAR, WINDOW = datetime(2010, 7, 1, tzinfo=UTC), Window(-300.0, 4800.0)
DISTANCES_DEG, SECTORS, STATIONS_OF_A_SECTOR = (5.0, 75.0), 24, 12


def encode_miniseed(records: tuple[Record, ...], peak_counts: int = EVENT_COUNTS) -> bytes:
    """Encode records as integer counts in Steim-2 miniSEED."""
    traces = []
    for record in records:
        codes = record.trace_id._asdict()
        header = {**codes, "sampling_rate": record.sampling_rate_hz, "starttime": UTCDateTime(record.start_time_s)}
        filled = np.nan_to_num(record.samples)
        traces.append(Trace(np.round(filled * peak_counts).astype(np.int32), header))
    buffer = io.BytesIO()
    Stream(traces).write(buffer, format="MSEED", encoding="STEIM2", reclen=512)
    return buffer.getvalue()


def encode_stations(records: tuple[Record, ...]) -> bytes:
    """Encode station coordinates as stations.csv."""
    rows = [f"{r.trace_id.network},{r.trace_id.station},{r.latitude_deg:.4f},{r.longitude_deg:.4f},0" for r in records]
    return "\n".join(["network,station,latitude,longitude,elevation", *rows, ""]).encode()


def make_demo_source(kind: str, sampler: EventSampler, seed: int, random: np.random.Generator) -> Source:
    """
    Make the source of a bundle; "noise" is an earthquake far below the noise.

    Anomalies are at random epicenters of the earthquake catalog; their sources depend on kind and seed alone.
    """
    step_s = sampler.store.time_step_s
    if kind == "glacial":
        return make_glacial(GLACIER, FORCE_AMPLITUDE_KG_M, FORCE_AZIMUTH_DEG, step_s, random)
    if kind in ("earthquake", "noise"):
        moment = EARTHQUAKE_MOMENT_N_M if kind == "earthquake" else 1e9
        return make_earthquake(EARTHQUAKE, draw_double_couples(random, np.array([moment]))[0], step_s, random)
    row = random.integers(len(sampler.earthquakes.years))
    epicenter = (float(sampler.earthquakes.latitudes_deg[row]), float(sampler.earthquakes.longitudes_deg[row]))
    return make_anomalous(kind, epicenter, step_s, np.random.default_rng([seed, *kind.encode()]))


def draw_stations(catalog: StationCatalog, epicenter: tuple[float, float], random: np.random.Generator) -> tuple[Integers, Integers]:
    """Draw a few stations in every sector of azimuth about an epicenter: indices in the catalog, and the sector of each."""
    operating = find_operating_stations(catalog, YEAR.timestamp())
    coordinates = catalog.latitudes_deg[operating], catalog.longitudes_deg[operating]
    distances = distance_deg(*epicenter, *coordinates)
    sectors = np.where(
        (distances >= DISTANCES_DEG[0]) & (distances <= DISTANCES_DEG[1]), azimuth_deg(*epicenter, *coordinates) // (360 / SECTORS), -1
    ).astype(np.int64)
    chosen = [random.permutation(np.flatnonzero(sectors == sector))[:STATIONS_OF_A_SECTOR] for sector in range(SECTORS)]
    rows = np.concatenate(chosen)
    return operating[rows], sectors[rows]


def draw_visible_event(
    kind: str, sampler: EventSampler, count: int, seed: int, random: np.random.Generator
) -> tuple[Source, tuple[Record, ...]]:
    """
    Synthesize an event; returns its source and the `count` records of highest signal-to-noise ratio, at most one a sector of azimuth.

    Of "noise" the first record of each sector is taken: the record with the largest peak would be one with a transient.
    """
    source = make_demo_source(kind, sampler, seed, random)
    epicenter = (source.latitude_deg, source.longitude_deg)
    chosen, sectors = draw_stations(sampler.stations, epicenter, random)
    stations = snap_to_table(sampler.stations, chosen, epicenter, find_nearest_table(sampler.store, source))
    windows = (WINDOW,) * len(stations.distances_deg)
    records = synthesize_records(sampler.stores, source, stations, windows, sampler.realism, random)
    gather = condition(records, CONDITIONING)
    ratios = (
        np.zeros(len(records))
        if kind == "noise"
        else np.nan_to_num(signal_to_noise(gather, stations.distances_deg, source.depth_km, ORIGIN_S))
    )
    best = [max(np.flatnonzero(sectors == sector), key=ratios.__getitem__) for sector in np.unique(sectors)]
    return source, tuple(records[row] for row in sorted(sorted(best, key=lambda row: -ratios[row])[:count]))


def _write_zip(files: dict[str, bytes], path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data)


def _describe_truth(kind: str, source: Source) -> dict[str, object]:
    """Describe what a bundle holds, in the fields of the service's results."""
    if kind == "noise":
        return {"event_type": "none"}
    place = {"event_type": kind, "latitude": source.latitude_deg, "longitude": source.longitude_deg}
    origin = {"origin_time": datetime.fromtimestamp(ORIGIN_S, UTC).isoformat()}
    return place | origin | ({"force_azimuth_deg": FORCE_AZIMUTH_DEG} if source.is_force else {"depth_km": source.depth_km})


def write_bundles(settings: TrainingSettings, folder: Path, seed: int = 3407) -> None:
    """Write `earthquake.zip`, `glacial.zip` and `noise.zip`, `anomalies.zip` (events of three kinds), and `truth.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    realism = Realism(PathScatter(coda=0.5), instruments=False, defects=False)
    sampler = open_sampler(greens.load_store(settings.build_dir / "greens" / "greens_10s"), settings, seed, realism)
    truth: dict[str, object] = {}
    for number, kind in enumerate(("earthquake", "glacial", "noise")):
        source, records = draw_visible_event(kind, sampler, SECTORS, seed, np.random.default_rng([seed, number]))
        truth[kind] = _describe_truth(kind, source)
        _write_zip({"waveforms.mseed": encode_miniseed(records), "stations.csv": encode_stations(records)}, folder / f"{kind}.zip")
    random, files, kinds = np.random.default_rng([seed, 3]), {}, {}
    for number, kind in enumerate(random.permutation(np.repeat(ANOMALY_KINDS, ANOMALIES_OF_A_KIND)).tolist(), start=1):
        name, (_, records) = f"anomaly_{number:03d}", draw_visible_event(kind, sampler, ANOMALY_STATIONS, seed, random)
        kinds[name], files[f"{name}/stations.csv"] = kind, encode_stations(records)
        files[f"{name}/waveforms.mseed"] = encode_miniseed(records, ANOMALY_COUNTS)
    _write_zip(files, folder / "anomalies.zip")
    (folder / "truth.json").write_text(json.dumps(truth | {"anomalies": kinds}, indent=1) + "\n")
