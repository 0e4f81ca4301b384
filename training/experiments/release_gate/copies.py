"""
Synthetic copies of observed events: the same stations, starts and ends of records, epicenter, depth and magnitude; other mechanisms.

Of the observed event only this geometry is used, never a waveform. A bias that copies show is made by the training or by the reading of
records, not by the Earth.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.array_types import Floats
from models.imaging.conditioning import condition
from models.seismic.geodesy import distance_deg
from models.seismic.waveforms import Gather
from models.specs.pictures import CONDITIONING
from training.earth.greens import GreensStore
from training.evaluation.event_result import Truth
from training.evaluation.event_sources import read_real_records, read_real_truth
from training.synthesis.catalogs import StationCatalog, draw_double_couples
from training.synthesis.records import PRE_EVENT_S, Realism, find_nearest_table, synthesize_records
from training.synthesis.sources import Source, make_anomalous, make_earthquake, make_tensor_source
from training.synthesis.station_geometry import snap_to_table
from training.synthesis.windows import Window

MAX_DEG = 175.0
EXPLOSION_S = 2.0


@dataclass(frozen=True)
class EventGeometry:
    """The truth of an observed event, its stations, and the window of the record of each, relative to the origin time."""

    truth: Truth
    stations: StationCatalog
    windows: tuple[Window, ...]


def read_geometry(folder: Path) -> EventGeometry:
    """Read the geometry of the event in a folder of real events; stations without coordinates or beyond the stores are left out."""
    truth = read_real_truth(folder)
    records = [record for record in read_real_records(folder) if record.latitude_deg is not None and record.longitude_deg is not None]
    places = np.array([(record.latitude_deg, record.longitude_deg) for record in records], np.float64).reshape(-1, 2)
    inside = np.flatnonzero(distance_deg(truth.latitude_deg, truth.longitude_deg, places[:, 0], places[:, 1]) <= MAX_DEG)
    names = [(records[row].trace_id.network, records[row].trace_id.station) for row in inside]
    ever = np.full(len(inside), np.inf)
    networks, stations = (tuple(column) for column in zip(*names, strict=True)) if names else ((), ())
    catalog = StationCatalog(networks, stations, places[inside, 0], places[inside, 1], -ever, ever)
    return EventGeometry(truth, catalog, tuple(_relate(records[row].start_time_s, records[row].duration_s, truth) for row in inside))


def _relate(start_s: float, duration_s: float, truth: Truth) -> Window:
    """Relate the span of a record to the origin time; what precedes the synthetic records is cut off."""
    after_s = start_s - truth.origin_time_s
    late_s = max(0.0, -PRE_EVENT_S - after_s)
    return Window(after_s + late_s, duration_s - late_s)


def draw_copy_source(truth: Truth, depth_km: float, step_s: float, random: np.random.Generator) -> Source:
    """Draw a source of the event's kind, place and magnitude, of random mechanism (and random size, where its magnitude is unknown)."""
    hypocenter = (truth.latitude_deg, truth.longitude_deg, depth_km)
    if truth.kind == "landslide" or not np.isfinite(truth.magnitude):
        return make_anomalous(truth.kind, hypocenter[:2], step_s, random)
    moment = np.array([10 ** (1.5 * truth.magnitude + 9.1)])
    if truth.kind == "explosion":
        tensor = moment * np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
        return make_tensor_source("explosion", hypocenter, tensor, EXPLOSION_S, step_s, random)
    return make_earthquake(hypocenter, draw_double_couples(random, moment)[0], step_s, random)


def draw_copy(
    geometry: EventGeometry, stores: tuple[GreensStore, ...], realism: Realism, max_traces: int, random: np.random.Generator
) -> tuple[Gather, Floats]:
    """Draw one copy at up to `max_traces` stations, through the stores; returns its gather and true distances [traces] in degrees."""
    truth, count, store = geometry.truth, len(geometry.windows), stores[0]
    rows = np.sort(random.choice(count, min(count, max_traces), replace=False))
    depth_km = store.table(truth.depth_km if np.isfinite(truth.depth_km) else 10.0).depth_km
    source = draw_copy_source(truth, depth_km, store.time_step_s, random)
    stations = snap_to_table(geometry.stations, rows, (truth.latitude_deg, truth.longitude_deg), find_nearest_table(store, source))
    records = synthesize_records(stores, source, stations, [geometry.windows[row] for row in rows], realism, random)
    return condition(records, CONDITIONING), stations.distances_deg
