"""What stacking surface waves gives: test events of the twin's archive located with it and without, the same in all else."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.analysis.distances import DistanceReadings, predict_distances
from models.analysis.pipeline import EventLocation, Models, predict_event
from models.analysis.refinement import RefinedLocation, refine_location
from models.analysis.sections import locate_by_readings
from models.errors import UnusableData
from models.imaging.conditioning import condition
from models.seismic.geodesy import distance_deg
from models.seismic.waveforms import Gather
from models.specs.pictures import CONDITIONING
from training.config import SPAWN, TrainingSettings
from training.datasets.archive import ArchivedEvent, read_manifest, read_shard
from training.evaluation.event_scores import TEST
from training.evaluation.location_page import PAGE
from training.evaluation.location_scores import LocationScore, Truth, open_models, score_location, twin_truth
from training.evaluation.location_tables import FAR_KM, median_of, share_of
from training.evaluation.markdown import markdown_table, write_part
from training.synthesis.signal_to_noise import signal_to_noise

SPLIT = "split_random"
BORDERS = (4.0, 6.0, 10.0)  # median peak over noise
HEADS = ("events", "n", "stack used", "", "median km", "P90 km", "beyond 1,000 km", "68 % region holds", "90 % region holds")


@dataclass(frozen=True)
class Answer:
    """What was answered: the place, the origin time less the true one, the class; errors in kilometers and degrees, NaN where not said."""

    place: LocationScore
    late_s: float
    right: bool
    depth_error_km: float
    azimuth_error_deg: float


@dataclass(frozen=True)
class Pair:
    """One event without and with the stack; `used` where it decided."""

    truth: Truth
    stations: int
    snr: float
    used: bool
    without: Answer
    with_stack: Answer


def compare_stack(models: Models, event: ArchivedEvent) -> Pair | None:
    """One event; None where it cannot be located."""
    said = event.truth or {}
    truth, origin_s = twin_truth(event.name, said), float(str(said["origin_time_s"]))
    try:
        gather = condition(event.records, CONDITIONING)
        readings = predict_distances(models["offset"], gather)
        location = locate_by_readings(gather, readings)
    except UnusableData:
        return None
    found = refine_location(event.records, gather, readings, location)
    used = found.method == "surface-wave-stack"
    with_stack = _said(models, gather, readings, found, (truth, origin_s))
    without = with_stack
    if used:
        plain = refine_location((), gather, readings, location, use_surface_waves=False)
        without = _said(models, gather, readings, plain, (truth, origin_s))
    away = distance_deg(truth.latitude_deg, truth.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)
    peaks = signal_to_noise(gather, away, truth.depth_km, origin_s)
    known = peaks[np.isfinite(peaks)]
    return Pair(truth, int(readings.has_distance.sum()), float(np.median(known)) if len(known) else np.nan, used, without, with_stack)


def _said(models: Models, gather: Gather, readings: DistanceReadings, refined: RefinedLocation, true: tuple[Truth, float]) -> Answer:
    truth, origin_s = true
    free = predict_event(models, gather, readings, refined)
    right = free.event_type == truth.kind
    told: EventLocation = free
    if not right:  # the true class, so that place alone decides
        told = predict_event(models, gather, readings, refined, event_type="glacial" if truth.kind == "glacial" else "earthquake")
    depth = np.nan if told.depth is None else told.depth.depth_km - truth.depth_km
    turn = np.nan if told.force_azimuth is None else told.force_azimuth.azimuth_deg - truth.force_azimuth_deg
    return Answer(score_location(told.location, truth), told.origin.time_s - origin_s, right, abs(depth), abs((turn + 90.0) % 180.0 - 90.0))


def report_stack(settings: TrainingSettings, archive: Path, most: int | None) -> None:
    """Compare on the archive's test part of the random split, at most so many of each file; write the part of the page."""
    stems = list(read_manifest(archive)["shards"])
    with ProcessPoolExecutor(settings.processes, SPAWN) as pool:
        found = tqdm(pool.map(partial(_shard, archive, settings, most), stems), desc="compared", unit="file", total=len(stems))
        pairs = [pair for some in found for pair in some]
    write_part(PAGE, "faint", stack_page(pairs, most))


def _shard(archive: Path, settings: TrainingSettings, most: int | None, stem: str) -> list[Pair]:
    models = open_models(settings)
    tested = [event for event in read_shard(archive, stem) if (event.truth or {})[SPLIT] == TEST][:most]
    pairs = [compare_stack(models, event) for event in tested]
    return [pair for pair in pairs if pair is not None]


def stack_page(pairs: Sequence[Pair], most: int | None) -> str:
    """The tables."""
    many = [pair for pair in pairs if pair.stations >= 10]
    edges = (0.0, *BORDERS, np.inf)
    groups = [("all", list(pairs)), ("10 stations or more", many), ("where the stack decides", [pair for pair in pairs if pair.used])]
    groups += [
        (f"peak over noise {low:g} to {high:g}", [pair for pair in pairs if low <= pair.snr < high]) for low, high in pairwise(edges)
    ]
    groups.append(("peak over noise not known", [pair for pair in pairs if np.isnan(pair.snr)]))
    lines = [row for name, group in groups if group for row in _lines(name, group)]
    used = [pair for pair in pairs if pair.used]
    command = f"python -m training location --archive ARCHIVE{'' if most is None else f' --most {most}'}"
    return "\n\n".join((
        f"`{command}`: {len(pairs)} test events of the twin's random split; intervals are 95 %. Peak over noise is the median over "
        "traces of the largest amplitude from P on over the root mean square before it.",
        markdown_table(HEADS, lines),
        "Where the stack decides, without and with it (depth and azimuth read as of the true class):",
        _words(used),
    ))  # fmt: skip


def _lines(name: str, pairs: Sequence[Pair]) -> list[tuple[str, ...]]:
    rows = []
    for said, places in (("without", [pair.without.place for pair in pairs]), ("with", [pair.with_stack.place for pair in pairs])):
        errors = [place.error_km for place in places]
        shares = ([error > FAR_KM for error in errors], [place.inner <= 1.0 for place in places], [place.outer <= 1.0 for place in places])
        head = (name, str(len(pairs)), f"{sum(pair.used for pair in pairs)}") if said == "without" else ("", "", "")
        rows.append((*head, said, median_of(errors), f"{np.percentile(errors, 90):.0f}", *(share_of(hits) for hits in shares)))
    return rows


def _words(pairs: Sequence[Pair]) -> str:
    both = [[pair.without for pair in pairs], [pair.with_stack for pair in pairs]]

    def errors(name: str, said: Sequence[Answer]) -> list[float]:
        values = np.abs([getattr(one, name) for one in said])
        found: list[float] = values[np.isfinite(values)].tolist()
        return found

    return "\n".join((
        "- Class right: " + "; ".join(share_of([one.right for one in said]) for said in both),
        "- Origin time, median error in seconds: " + "; ".join(median_of(errors("late_s", said)) for said in both),
        "- Depth of earthquakes, median error in km: " + "; ".join(median_of(errors("depth_error_km", said), 1) for said in both),
        "- Force azimuth modulo 180, median error in degrees: " + "; ".join(median_of(errors("azimuth_error_deg", said)) for said in both),
    ))  # fmt: skip
