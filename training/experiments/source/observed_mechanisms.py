"""
Moment tensors of observed earthquakes, against the Global CMT catalog where it has them and against their cataloged magnitude.

Records are read with the responses of `stations.xml.gz` where an event has one; Mw is known there alone.
"""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.analysis.detection import detect_event
from models.analysis.pipeline import EventLocation, locate_event
from models.analysis.source import add_source
from models.array_types import Floats
from models.imaging.conditioning import condition
from models.registry.earth_tables import load_earths
from models.registry.inference import OnnxModel
from models.seismic.geodesy import distance_deg
from models.seismic.io.inventory import read_stationxml
from models.seismic.source.greens_tables import GreensTables
from models.seismic.source.mechanisms import kagan_angle_deg, nodal_planes
from models.seismic.waveforms import Record
from models.specs.pictures import CONDITIONING
from training.config import TrainingSettings
from training.evaluation.evaluate import open_models
from training.evaluation.event_result import Truth
from training.evaluation.event_sources import list_real_events, read_real_records, read_real_truth
from training.evaluation.metrics import format_median
from training.evaluation.pages import RESULTS, format_table, write_page
from training.synthesis.catalogs import EarthquakeCatalog, load_earthquakes

TEMPLATE = Path(__file__).parents[1] / "templates" / "observed_mechanisms.md"
SAME_EVENT_S, SAME_EVENT_DEG = 60.0, 3.0
"""Largest difference of a cataloged origin time and centroid from an event's."""
MAGNITUDES = (5.5, 7.5)
MIN_STATIONS, MAX_GAP_DEG = 8, 180.0
HEADS = (
    "event",
    "magnitude",
    "stations, gap",
    "answer",
    "log likelihood, traces",
    "depth error, km",
    "Mw, less the catalog's",
    "strike, dip, rake",
    "uncertain by, degrees",
    "Kagan angle, degrees",
)


@dataclass(frozen=True)
class ObservedMechanism:
    """An observed earthquake, its answer, and its cataloged tensor [6] if there is one; `comparable` by magnitude, stations and gap."""

    truth: Truth
    located: EventLocation | None
    stations: int
    catalog_tensor: Floats | None

    @property
    def constrained(self) -> bool:
        """Whether waveforms constrain a moment tensor."""
        source = None if self.located is None else self.located.source
        return source is not None and source.kind == "tensor" and source.constrains

    @property
    def comparable(self) -> bool:
        """Whether magnitude, number of stations and azimuthal gap are those that a comparison asks for."""
        if self.located is None:
            return False
        surrounded = self.stations >= MIN_STATIONS and self.located.location.azimuthal_gap_deg < MAX_GAP_DEG
        return surrounded and MAGNITUDES[0] <= self.truth.magnitude <= MAGNITUDES[1]

    @property
    def kagan_deg(self) -> float:
        """Angle between the two mechanisms; NaN where one is missing."""
        source = None if self.located is None else self.located.source
        if not self.constrained or self.catalog_tensor is None or source is None or source.tensor is None or not source.states_mechanism:
            return float("nan")
        return kagan_angle_deg(source.tensor, self.catalog_tensor)

    @property
    def magnitude_error(self) -> float:
        """Mw less the cataloged magnitude; NaN without a response."""
        source = None if self.located is None else self.located.source
        if not self.constrained or source is None or source.amplitude is None:
            return float("nan")
        return source.amplitude.moment_magnitude - self.truth.magnitude


def read_observed(folder: Path) -> tuple[Record, ...]:
    """Read the records of an observed event, with the responses of its `stations.xml.gz` if there is one."""
    xml = folder / "stations.xml.gz"
    return read_real_records(folder, [read_stationxml(gzip.decompress(xml.read_bytes()), xml.name)] if xml.exists() else [])


def find_catalog_tensor(catalog: EarthquakeCatalog, truth: Truth) -> Floats | None:
    """Find the cataloged tensor of an event by its origin time and epicenter; None where there is none."""
    late = np.abs(catalog.times_s - truth.origin_time_s)
    near = distance_deg(truth.latitude_deg, truth.longitude_deg, catalog.latitudes_deg, catalog.longitudes_deg) <= SAME_EVENT_DEG
    same = np.flatnonzero((late <= SAME_EVENT_S) & near)
    return np.asarray(catalog.tensors[same[np.argmin(late[same])]]) if len(same) else None


def observe_mechanism(
    models: Mapping[str, OnnxModel], earths: Mapping[str, GreensTables], folder: Path, catalog: EarthquakeCatalog
) -> ObservedMechanism:
    """Detect, locate and invert one event as the service does."""
    truth, records = read_real_truth(folder), read_observed(folder)
    gather = condition(records, CONDITIONING)
    located = None
    if detect_event(records, gather, models["offset"]).detected:
        located = add_source(locate_event(models, gather, records=records), gather, records, earths)
    return ObservedMechanism(truth, located, len(records), find_catalog_tensor(catalog, truth))


def format_mechanisms(found: Sequence[ObservedMechanism]) -> list[Sequence[str]]:
    """Format one line an event, in the columns of HEADS."""
    lines: list[Sequence[str]] = []
    for one in found:
        head: tuple[str, ...] = (one.truth.name, f"{one.truth.magnitude:.1f}")
        if one.located is None:
            lines.append((*head, f"{one.stations}", "none", *[""] * 6))
            continue
        source, location = one.located.source, one.located.location
        head = (*head, f"{one.stations}, {location.azimuthal_gap_deg:.0f}", one.located.event_type)
        if source is None or source.kind != "tensor" or source.tensor is None:
            lines.append((*head, "not inverted", *[""] * 5))
            continue
        fit = f"{source.log_likelihood:.0f}, {len(source.traces)}"
        if not one.constrained:
            lines.append((*head, f"{fit}: not stated", *[""] * 5))
            continue
        depth = "" if one.located.depth is None else f"{one.located.depth.depth_km - one.truth.depth_km:+.0f}"
        plane = ", ".join(f"{value:.0f}" for value in nodal_planes(source.tensor)[0]) if source.states_mechanism else "not stated"
        uncertainty = f"{source.mechanism_uncertainty_deg:.0f}"
        magnitude = _format_known(one.magnitude_error, "+.2f")
        lines.append((*head, fit, depth, magnitude, plane, uncertainty, _format_known(one.kagan_deg, ".0f")))
    return lines


def _format_known(value: float, form: str) -> str:
    return "" if np.isnan(value) else f"{value:{form}}"


def describe_comparable(found: Sequence[ObservedMechanism]) -> str:
    """Describe how many events can be compared, and the medians over them."""
    comparable = [one for one in found if one.comparable]
    known = [one for one in comparable if one.catalog_tensor is not None]
    angles = [one.kagan_deg for one in found if np.isfinite(one.kagan_deg)]
    errors = [abs(one.magnitude_error) for one in found if np.isfinite(one.magnitude_error)]
    stated = sum(one.constrained for one in found)
    return "\n".join((
        f"- Of {len(found)} earthquakes waveforms constrain a moment tensor of {stated}.",
        f"- {len(comparable)} have a magnitude of {MAGNITUDES[0]:g} to {MAGNITUDES[1]:g}, {MIN_STATIONS} stations and a gap below "
        f"{MAX_GAP_DEG:.0f} degrees, of which the catalog has {len(known)}.",
        f"- Kagan angle, of all mechanisms that are stated and cataloged, in degrees: median {format_median(angles)} (n = {len(angles)}).",
        f"- Mw where responses are known: median absolute difference {format_median(errors, 2)} (n = {len(errors)}).",
    ))  # fmt: skip


def write_observed_mechanisms_page(settings: TrainingSettings, command: str, folder: Path) -> Path:
    """Invert the earthquakes of a folder of real events; write `observed_mechanisms.md`."""
    if settings.data_dir is None:
        raise SystemExit("set ATLAS_TRAINING_DATA_DIR to the folder with the Global CMT catalog")
    models, earths, catalog = open_models(settings), load_earths(settings.artifacts_dir), load_earthquakes(settings.data_dir, 0)
    earthquakes = [event for event in list_real_events(folder) if read_real_truth(event).kind == "earthquake"]
    found = [observe_mechanism(models, earths, event, catalog) for event in earthquakes]
    table = format_table(HEADS, format_mechanisms(found))
    return write_page(RESULTS / "observed_mechanisms.md", TEMPLATE, command, table=table, summary=describe_comparable(found))
