"""Located events beside their truth: the serving chain on synthetic and real events, one flat row an event."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import batched
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.analysis.pipeline import EventLocation, Models, locate_event
from models.analysis.sections import locate_by_readings
from models.errors import UnusableData
from models.imaging.conditioning import condition
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.seismic.geodesy import KM_PER_DEGREE, distance_deg
from models.seismic.location.region_calibration import CARD_KEY, CoverageScales, read_coverage_scales, scale_to_contain
from models.seismic.location.regions import EpicenterRegion
from models.seismic.location.solution import Location
from models.seismic.waveforms import Gather, Record
from models.specs.index import MODELS
from models.specs.pictures import CONDITIONING
from training.config import SPAWN, TrainingSettings
from training.datasets.catalog_replica import ReplicaRecipe, draw_replica

BATCH = 24
MIN_GROUP_VELOCITY_KM_S = 3.0  # of Rayleigh waves at the periods of the pictures


@dataclass(frozen=True)
class Truth:
    """What an event was; NaN where a kind has no such quantity or nobody knows it."""

    name: str
    kind: str
    latitude_deg: float
    longitude_deg: float
    depth_km: float
    magnitude: float
    force_azimuth_deg: float
    origin_time_s: float = np.nan


@dataclass(frozen=True)
class LocationScore:
    """
    A location against the truth: error in kilometers, gap in degrees.

    `inner` is how many times as large as stated the 68 % ellipse of the nearest of its regions must be to hold the truth,
    `outer` the same of the 90 % ellipse: the stated region holds the truth where it is at most 1.
    """

    error_km: float
    stated_km: float
    gap_deg: float
    effective_stations: float
    inner: float
    outer: float


@dataclass(frozen=True)
class LocationResult:
    """
    One event: its truth, what was found by the service (`best`) and by the distances alone, NaN for what it did not say.

    `in_window`: the share of stations whose surface waves the window holds.
    """

    truth: Truth
    stations: int
    distance_deg: float
    snr_db: float
    said: str
    method: str
    best: LocationScore
    offsets: LocationScore
    depth_km: float
    force_azimuth_deg: float
    ambiguous: bool
    in_window: float = np.nan


def open_models(settings: TrainingSettings, *, calibrated: bool = True) -> Models:
    """Every served model by name; without the calibration of regions where that is to be found."""
    store = open_store(settings.artifacts_dir)
    models = {spec.name: OnnxModel.load(store, spec) for spec in MODELS}
    return models if calibrated else models | {"offset": _plain(models["offset"])}


def _plain(model: OnnxModel) -> OnnxModel:
    kept = {name: value for name, value in model.card.calibration.items() if name != CARD_KEY}
    return replace(model, card=model.card.model_copy(update={"calibration": kept}))


def evaluate_location(models: Models, records: Sequence[Record], truth: Truth) -> LocationResult | None:
    """One event through the serving chain; None where it cannot be located."""
    try:
        gather = condition(records, CONDITIONING)
        found = locate_event(models, gather, records=tuple(records))
        alone = locate_by_readings(gather, found.readings)
    except UnusableData:
        return None
    return _row(gather, found, alone, truth)


def _row(gather: Gather, found: EventLocation, alone: Location, truth: Truth) -> LocationResult:
    away = distance_deg(truth.latitude_deg, truth.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)
    force = found.force_azimuth
    return LocationResult(
        truth=truth,
        stations=int(found.readings.has_distance.sum()),
        distance_deg=float(np.nanmedian(away)),
        snr_db=peak_snr_db(gather),
        said=found.event_type,
        method=found.method,
        best=score_location(found.location, truth),
        offsets=score_location(alone, truth),
        depth_km=np.nan if found.depth is None else found.depth.depth_km,
        force_azimuth_deg=np.nan if force is None else force.azimuth_deg,
        ambiguous=force is not None and force.ambiguous,
        in_window=share_in_window(gather, away, truth.origin_time_s),
    )


def share_in_window(gather: Gather, away_deg: NDArray[np.float64], origin_s: float) -> float:
    """Of stations so far away, the share whose slowest surface waves arrive before the gather's end; NaN without an origin time."""
    arrive_s = origin_s + away_deg[np.isfinite(away_deg)] * KM_PER_DEGREE / MIN_GROUP_VELOCITY_KM_S
    return float(np.mean(arrive_s <= gather.start_time_s + gather.duration_s)) if np.isfinite(origin_s) else np.nan


def recalibrate(row: LocationResult, calibration: Mapping[str, Any]) -> LocationResult:
    """A row of plain models, its regions stretched as a card's calibration says (the smallest and largest stated lengths aside)."""
    best, offsets = (
        _stretched(place, read_coverage_scales(calibration, method))
        for place, method in ((row.best, row.method), (row.offsets, "distances"))
    )
    return replace(row, best=best, offsets=offsets)


def _stretched(place: LocationScore, scales: CoverageScales) -> LocationScore:
    inner, outer = scales.at(place.effective_stations)
    stretched = place.inner / inner
    return replace(place, stated_km=place.stated_km * inner, inner=stretched, outer=min(place.outer / outer, stretched))


def score_location(location: Location, truth: Truth) -> LocationScore:
    """A location against the truth; of its regions the one counts that holds the truth most easily."""
    point = (truth.latitude_deg, truth.longitude_deg)
    places: tuple[EpicenterRegion, ...] = (location, *location.alternatives)
    return LocationScore(
        error_km=float(distance_deg(*point, location.latitude_deg, location.longitude_deg)) * KM_PER_DEGREE,
        stated_km=location.horizontal_uncertainty_km,
        gap_deg=location.azimuthal_gap_deg,
        effective_stations=location.effective_stations,
        inner=min(scale_to_contain(place, *point) for place in places),
        outer=min(scale_to_contain(place, *point) / place.axis_ratio_90 for place in places),
    )


def peak_snr_db(gather: Gather) -> float:
    """How far traces stand out of their noise: peak over median of absolute values in decibels, the median over traces."""
    size = np.abs(gather.samples)
    peak, middle = np.nanmax(size, axis=1), np.nanmedian(size, axis=1)
    good = middle > 0.0
    return float(np.median(20.0 * np.log10(peak[good] / middle[good]))) if good.any() else np.nan


def locate_twins(recipe: ReplicaRecipe, settings: TrainingSettings, numbers: Sequence[int]) -> Iterator[dict[int, LocationResult | None]]:
    """Events of the twin by number, drawn now with the recipe's stations and located, uncalibrated, some at a time."""
    parts = list(batched(numbers, BATCH))
    with ProcessPoolExecutor(settings.processes, SPAWN) as pool:
        yield from tqdm(pool.map(partial(_some, recipe, settings), parts), desc="located", unit="batch", total=len(parts))


def _some(recipe: ReplicaRecipe, settings: TrainingSettings, numbers: tuple[int, ...]) -> dict[int, LocationResult | None]:
    models = open_models(settings, calibrated=False)
    drawn = zip(numbers, draw_replica(recipe, settings, list(numbers)), strict=True)
    return {number: evaluate_location(models, event.records, twin_truth(event.name, event.truth or {})) for number, event in drawn}


def twin_truth(name: str, said: Mapping[str, object]) -> Truth:
    """A twin's label."""

    def number(key: str) -> float:
        value = said[key]
        return np.nan if value is None else float(str(value))

    quantities = ("latitude_deg", "longitude_deg", "depth_km", "magnitude", "force_azimuth_deg", "origin_time_s")
    return Truth(name, str(said["kind"]), *(number(key) for key in quantities))
