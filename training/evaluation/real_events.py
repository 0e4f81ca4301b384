"""
How the shipped models read real events that they have never seen: a table, written to docs/real_events.md.

A folder of events holds, for each, waveforms.mseed, stations.csv and event.json with type, origin_time, latitude, longitude and
depth_km. Real events are for measuring only; nothing is trained or tuned on them.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from models.analysis.distances import DistanceReadings
from models.analysis.pipeline import EventLocation, Models, classify_event, locate_event
from models.array_types import Floats
from models.errors import UnusableData
from models.imaging.conditioning import condition
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.seismic.geodesy import KM_PER_DEGREE, distance_deg
from models.seismic.io.channel_selection import select_channels
from models.seismic.io.inventory import attach_metadata, read_stations_csv
from models.seismic.io.miniseed import MiniseedLimits, read_records, scan_miniseed
from models.seismic.waveforms import Gather, Record
from models.specs.index import MODELS
from models.specs.pictures import CONDITIONING
from training.evaluation.location_scores import Truth

LIMITS = MiniseedLimits(max_traces=2000, max_segments=5000, max_samples=200_000_000, max_span_s=6 * 3600.0)

HEAD = """# Real events

Written by `python -m training real-events FOLDER`; do not edit. Waveforms and station coordinates alone were given.
Distances are two-sided errors in degrees, over the traces of the event; "held" is the share of true distances inside the
stated one sigma. Offset error is the median over traces, gap the azimuthal gap in degrees, origin time its error.

| event | type | stations | distances | said | novelty | offset error | bias | held | epicenter error | said | gap | origin time |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class RealEventResult:
    """One event's truth and what was read."""

    truth: dict[str, Any]
    gather: Gather
    event_type: str
    novelty: float
    offsets: DistanceReadings
    located: EventLocation | None

    @property
    def true_distances_deg(self) -> Floats:
        """Distances [traces] from the true epicenter."""
        return distance_deg(self.truth["latitude"], self.truth["longitude"], self.gather.latitudes_deg, self.gather.longitudes_deg)


def read_chosen_events(folder: Path) -> tuple[Record, ...]:
    """One vertical record a station, with coordinates from stations.csv."""
    records, _ = read_records([scan_miniseed("waveforms.mseed", (folder / "waveforms.mseed").read_bytes())], LIMITS)
    book = read_stations_csv((folder / "stations.csv").read_bytes(), "stations.csv")
    placed, _ = attach_metadata(records, [book])
    chosen, _ = select_channels(placed)
    return tuple(chosen)


def real_truth(said: dict[str, str | float | None]) -> Truth:
    """The truth in an event.json."""
    depth, magnitude = (np.nan if said.get(key) is None else float(str(said[key])) for key in ("depth_km", "magnitude"))
    name, kind = str(said["event_id"]), str(said["type"])
    origin_s = datetime.fromisoformat(str(said["origin_time"])).timestamp() if said.get("origin_time") else np.nan
    return Truth(name, kind, float(str(said["latitude"])), float(str(said["longitude"])), depth, magnitude, np.nan, origin_s)


def read_gather(folder: Path) -> Gather:
    """The same, conditioned."""
    return condition(read_chosen_events(folder), CONDITIONING)


def evaluate_real_event(models: Models, folder: Path) -> RealEventResult:
    """Classify and locate one event by the serving chain."""
    records = read_chosen_events(folder)
    gather = condition(records, CONDITIONING)
    found = classify_event(models, gather, records=records)
    try:
        located = locate_event(models, gather, records=records)
    except UnusableData:
        located = None
    truth = json.loads((folder / "event.json").read_text())
    return RealEventResult(truth, gather, found.event_type, found.ood_score, found.readings, located)


def _located(reading: RealEventResult) -> tuple[str, str, str, str]:
    """Epicenter error, stated uncertainty, gap and origin time error as text."""
    found = reading.located
    if found is None:
        return "too few stations", "", "", ""
    place, truth = found.location, reading.truth
    apart = float(distance_deg(truth["latitude"], truth["longitude"], place.latitude_deg, place.longitude_deg)) * KM_PER_DEGREE
    late = found.origin.time_s - datetime.fromisoformat(truth["origin_time"]).timestamp()
    return f"{apart:.0f} km", f"{place.horizontal_uncertainty_km:.0f} km", f"{place.azimuthal_gap_deg:.0f}", f"{late:+.0f} s"


def row(reading: RealEventResult) -> str:
    """One line of the table."""
    true = reading.true_distances_deg
    error = reading.offsets.distances_deg - true
    held = np.nanmean(np.abs(error) <= reading.offsets.uncertainties_deg)
    truth = reading.truth
    cells = (
        truth["event_id"],
        truth["type"],
        str(len(true)),
        f"{np.nanmin(true):.1f} to {np.nanmax(true):.1f}",
        reading.event_type,
        f"{reading.novelty:.2f}",
        f"{np.nanmedian(np.abs(error)):.2f}",
        f"{np.nanmedian(error):+.2f}",
        f"{held:.2f}",
        *_located(reading),
    )
    return f"| {' | '.join(cells)} |"


def summary(readings: list[RealEventResult]) -> str:
    """The figures over all earthquakes, and over the teleseismic traces that the goals are stated for."""
    quakes = [reading for reading in readings if reading.truth["type"] == "earthquake"]
    right = sum(reading.event_type == "earthquake" for reading in quakes)
    lines = [f"Earthquakes called earthquakes: {right} of {len(quakes)}.", ""]
    chosen = [r for r in quakes if (r.truth.get("magnitude") or 0) >= 5.5]
    for name, group, near, far in (
        ("all traces of earthquakes", quakes, 0, 180),
        ("traces at 10 to 140 degrees, magnitude 5.5 and above", chosen, 10, 140),
    ):
        true = np.concatenate([r.true_distances_deg for r in group])
        said = np.concatenate([r.offsets.distances_deg for r in group])
        sigma = np.concatenate([r.offsets.uncertainties_deg for r in group])
        rows = np.isfinite(said) & (true >= near) & (true <= far)
        error = np.abs(said - true)[rows]
        lines.append(
            f"Offset, {name} (n = {rows.sum()}): median {np.median(error):.2f} degrees, 90th percentile {np.percentile(error, 90):.1f}, "
            f"within 8 % {np.mean(error <= 0.08 * true[rows]):.0%}, inside one sigma {np.mean(error <= sigma[rows]):.0%}."
        )
    return "\n".join(lines)


def real_events_page(artifacts: Path, events: Path) -> str:
    """The page for all events of a folder."""
    store = open_store(artifacts)
    models = {spec.name: OnnxModel.load(store, spec, threads=2) for spec in MODELS}
    versions = ", ".join(f"{name} {model.version}" for name, model in models.items())
    folders = sorted(path.parent for path in events.glob("*/event.json"))
    readings = [evaluate_real_event(models, folder) for folder in folders]
    return HEAD + "\n".join(map(row, readings)) + f"\n\nModels: {versions}.\n\n{summary(readings)}\n"
