"""The page on the source inversion: errors and coverage on synthetic events of mixed paths, and what noise reaches."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.analysis.source import MAX_TRACES
from models.array_types import Floats
from models.registry.earth_tables import load_earths
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg
from models.seismic.location.region_calibration import scale_to_contain
from models.seismic.source.greens_tables import GreensTables
from models.seismic.source.inversion import invert_source
from models.seismic.source.mechanisms import kagan_angle_deg
from models.seismic.source.problem import KNOWN_GAIN_DEVIATION, EpicenterPrior, Kind, Motion
from models.seismic.source.solution import MIN_LOG_LIKELIHOOD, SourceSolution, describe_fit
from training.config import SPAWN, TrainingSettings
from training.evaluation.metrics import format_fraction, format_median
from training.evaluation.pages import RESULTS, write_page
from training.experiments.source.mixed_paths import MixedEvent, draw_mixed_events, open_love_stores, open_mixed_sampler
from training.random_streams import Purpose, make_generator
from training.synthesis.records import ORIGIN_S

TEMPLATE = Path(__file__).parents[1] / "templates" / "source_inversion.md"
GUESS_DEG, GUESS_S = 1.0, 15.0  # standard deviations of the guess of epicenter and origin time


@dataclass(frozen=True)
class SourceResult:
    """A synthetic event with what its inversion states; `cpu_s`: CPU time of the inversion."""

    event: MixedEvent
    solution: SourceSolution
    cpu_s: float = 0.0

    @property
    def is_typical(self) -> bool:
        """Whether the event has 25 to 35 traces."""
        return 25 <= len(self.event.gather.trace_ids) <= 35

    @property
    def epicenter_error_km(self) -> float:
        """Distance of the stated epicenter from the true one."""
        region, source = self.solution.region, self.event.source
        return KM_PER_DEGREE * float(distance_deg(region.latitude_deg, region.longitude_deg, source.latitude_deg, source.longitude_deg))

    @property
    def azimuth_error_deg(self) -> float:
        """Difference of the force azimuth from the true one, -180 to 180; NaN without a force."""
        stated, true = self.solution.force_azimuth_deg, self.event.azimuth_deg
        return float("nan") if stated is None or true is None else (stated - true + 180.0) % 360.0 - 180.0


def guess_epicenter(event: MixedEvent, random: np.random.Generator) -> EpicenterPrior:
    """Guess the epicenter and origin time of an event, with their standard deviations."""
    place = destination(
        event.source.latitude_deg, event.source.longitude_deg, random.uniform(0.0, 360.0), abs(random.normal(0.0, GUESS_DEG))
    )
    return EpicenterPrior(float(place[0]), float(place[1]), GUESS_DEG, ORIGIN_S + float(random.normal(0.0, GUESS_S)))


def invert_event(
    event: MixedEvent, earths: tuple[GreensTables, ...], prior: EpicenterPrior, *, known_responses: bool = False
) -> SourceResult | None:
    """Invert an event for its kind of source from a guess of its epicenter and origin time; None where traces are too few."""
    traces = range(min(len(event.gather.trace_ids), MAX_TRACES))
    kind: Kind = "force" if event.kind == "glacial" else "tensor"
    gains = dict.fromkeys(traces, KNOWN_GAIN_DEVIATION) if known_responses and kind == "force" else {}
    motion: Motion = "displacement" if known_responses else "seismometer"
    began = time.thread_time()
    fit = invert_source(event.gather, traces, earths, prior, kind, motion, gain_deviations=gains, horizontals=event.horizontals)
    return None if fit is None else SourceResult(event, describe_fit(fit, response_known=known_responses), time.thread_time() - began)


def measure_kinds(settings: TrainingSettings, events: int, seed: int, earths: int = 2) -> dict[str, str]:
    """Invert synthetic events of each kind with the first Earth models of those that ship: the text of each section of the page."""
    kinds = (*((kind, known) for kind in ("glacial", "earthquake") for known in (True, False)), ("noise", False))
    with ProcessPoolExecutor(settings.processes, SPAWN) as pool:
        results = dict(zip(kinds, pool.map(partial(_invert_kind, settings, events, seed, earths), kinds), strict=True))
    return {
        "known_forces": describe_forces(results["glacial", True][0]),
        "known_love": describe_forces(results["glacial", True][1]),
        "forces": describe_forces(results["glacial", False][0]),
        "love": describe_forces(results["glacial", False][1]),
        "known_tensors": describe_tensors(results["earthquake", True][0]),
        "tensors": describe_tensors(results["earthquake", False][0]),
        "noise": describe_noise(results["noise", False][0]),
        "times": describe_times(results),
    }


def write_source_page(settings: TrainingSettings, command: str, events: int, seed: int) -> Path:
    """Invert synthetic events of each kind; write `source_inversion.md`."""
    thresholds = {f"{kind}_threshold": f"{least:.0f}" for kind, least in MIN_LOG_LIKELIHOOD.items()}
    sections = measure_kinds(settings, events, seed)
    return write_page(RESULTS / "source_inversion.md", TEMPLATE, command, events=str(events), **thresholds, **sections)


def _invert_kind(
    settings: TrainingSettings, events: int, seed: int, models: int, which: tuple[str, bool]
) -> tuple[list[SourceResult], list[SourceResult]]:
    """Invert events of a kind, with known responses or without: by verticals alone, and forces with horizontals too; half as much noise."""
    kind, known = which
    earths, random = tuple(load_earths(settings.artifacts_dir).values())[:models], make_generator(seed, Purpose.SOURCES, 0)
    sampler = open_mixed_sampler(settings, seed, known_responses=known)
    love = open_love_stores(settings, sampler) if kind == "glacial" else ()
    vertical, both = [], []
    for event in tqdm(draw_mixed_events(sampler, kind, events if kind != "noise" else events // 2, seed, love), desc=kind):
        prior = guess_epicenter(event, random)
        vertical.append(invert_event(replace(event, horizontals=None), earths, prior, known_responses=known))
        if event.horizontals is not None:
            both.append(invert_event(event, earths, prior, known_responses=known))
    return [result for result in vertical if result is not None], [result for result in both if result is not None]


def describe_forces(results: Sequence[SourceResult]) -> str:
    """Describe azimuth, sign and epicenter of forces that the inversion constrains."""
    known = [result for result in results if result.solution.constrains]
    errors = np.array([result.azimuth_error_deg for result in known])
    turned = np.abs((errors + 90.0) % 180.0 - 90.0)
    sure = np.array([(result.solution.sign_probability or 0.0) >= 0.9 for result in known], bool)
    stated = np.array([result.solution.force_azimuth_uncertainty_deg or np.nan for result in known])
    return "\n".join((
        f"- Constrained: {format_fraction([result.solution.constrains for result in results])}.",
        f"- Azimuth modulo 180: median error {format_median(turned.tolist(), 1)} degrees; within 10 degrees "
        f"{format_fraction(list(turned <= 10.0))}, within 20 {format_fraction(list(turned <= 20.0))}; within the stated deviation "
        f"{format_fraction(list(turned <= stated))}; 68 % within {_quantile(turned / stated)} deviations.",
        f"- Sign right: {format_fraction(list(np.abs(errors) < 90.0))}; where it is not called ambiguous "
        f"{format_fraction(list(np.abs(errors[sure]) < 90.0))}.",
        describe_places(known),
    ))  # fmt: skip


def describe_tensors(results: Sequence[SourceResult]) -> str:
    """Describe depth, mechanism and epicenter of moment tensors that the inversion constrains."""
    known = [result for result in results if result.solution.constrains]
    errors = np.array([abs(result.solution.depth_km - result.event.source.depth_km) for result in known])
    stated = np.array([result.solution.depth_uncertainty_km for result in known])
    angles = [kagan_angle_deg(result.solution.tensor, _true_tensor(result)) for result in known if result.solution.tensor is not None]
    return "\n".join((
        f"- Constrained: {format_fraction([result.solution.constrains for result in results])}.",
        f"- Depth: median error {format_median(errors.tolist(), 1)} km; within 10 km {format_fraction(list(errors <= 10.0))}, within 20 "
        f"{format_fraction(list(errors <= 20.0))}; within the stated deviation {format_fraction(list(errors <= stated))}; 68 % within "
        f"{_quantile(errors / stated)} deviations.",
        f"- Kagan angle to the true mechanism: median {format_median(angles, 0)} degrees.",
        describe_places(known),
    ))  # fmt: skip


def describe_places(results: Sequence[SourceResult]) -> str:
    """Describe errors and coverage of epicenters."""
    errors = [result.epicenter_error_km for result in results]
    scales = np.array([
        scale_to_contain(result.solution.region, result.event.source.latitude_deg, result.event.source.longitude_deg)
        for result in results
    ])  # fmt: skip
    farthest = f"{np.percentile(errors, 90):.0f}" if errors else "none"
    percentiles = f"median error {format_median(errors)} km, 90th percentile {farthest} km"
    return (
        f"- Epicenter: {percentiles}; in the 68 % region {format_fraction(list(scales <= 1.0))}, 68 % within {_quantile(scales)} times it."
    )


def describe_noise(results: Sequence[SourceResult]) -> str:
    """Describe the log likelihoods that noise reaches."""
    reached = [result.solution.log_likelihood for result in results]
    return f"Median {format_median(reached)}, largest {max(reached, default=0.0):.0f}, of {len(reached)} sets of records without an event."


def describe_times(results: Mapping[tuple[str, bool], tuple[Sequence[SourceResult], Sequence[SourceResult]]]) -> str:
    """Describe the CPU time of inversions of 25 to 35 traces: of tensors, and of forces without and with horizontals."""
    groups = [("moment tensors", "earthquake", 0), ("forces", "glacial", 0), ("forces with horizontals", "glacial", 1)]
    lines = []
    for name, kind, which in groups:
        taken = [one.cpu_s for known in (True, False) for one in results[kind, known][which] if one.is_typical]
        lines.append(f"- {name[0].upper()}{name[1:]}: median {format_median(taken, 2)} s, n = {len(taken)}.")
    return "\n".join(lines)


def _quantile(scales: Floats) -> str:
    return f"{np.quantile(scales, 0.68):.2f}" if len(scales) else "none"


def _true_tensor(result: SourceResult) -> Floats:
    return np.asarray(result.event.source.rates.sum(axis=1))
