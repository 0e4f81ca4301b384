"""Inversions of synthetic events of mixed paths, with what is true of them, kept in a file from which a stopped run continues."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from tqdm import tqdm

from models.analysis.pipeline import ForceAzimuthEstimate, Models
from models.analysis.source import (
    ASSUMED_MOTION,
    MAX_TRACES,
    choose_gain_deviations,
    has_ambiguous_sign,
    limit_explosion,
)
from models.registry.earth_tables import load_earths
from models.seismic.geodesy import KM_PER_DEGREE, destination, distance_deg
from models.seismic.location.region_calibration import scale_to_contain
from models.seismic.source.greens_tables import GreensTables
from models.seismic.source.inversion import SourceFit, invert_source
from models.seismic.source.mechanisms import kagan_angle_deg
from models.seismic.source.problem import EpicenterPrior, Kind, Motion
from models.seismic.source.solution import SourceSolution, describe_fit
from training.config import TrainingSettings
from training.earth.greens import GreensStore
from training.evaluation.evaluate import open_models
from training.evaluation.event_result import EDITION, NAN
from training.experiments.kept_results import continue_results
from training.experiments.source.methods import Statement, compare_network, state_azimuth
from training.experiments.source.mixed_paths import (
    MixedEvent,
    draw_mixed_events,
    open_love_stores,
    open_mixed_sampler,
    open_section_sampler,
)
from training.random_streams import Purpose, make_generator
from training.synthesis.events import EventSampler
from training.synthesis.records import ORIGIN_S
from training.synthesis.sources import NOISE

SHORT_PERIODS = "earthquake-10s"
"""Earthquakes of records with waves from 10 s on, by verticals of unknown response."""
READ_KINDS = ("glacial", SHORT_PERIODS)
"""Kinds whose depth or force azimuth networks read: sections show periods that records of the other earthquakes do not have."""
GUESS_DEG, GUESS_S = 1.0, 15.0  # standard deviations of the guess of epicenter and origin time


@dataclass(frozen=True)
class SourceResult:
    """
    What the inversion of one synthetic event states, and its errors; NaN where its kind has no such parameter.

    `traces` and `snr` (median signal-to-noise ratio) of the event; `constrains` and `log_likelihood` as of `SourceSolution`;
    `place_scale`: the factor by which the 68 % ellipse must be enlarged to contain the epicenter; `time_error_s`: origin time less the
    true one; `azimuth_error_deg` from -180 to 180; `log_explosion` as of `limit_explosion`; `kagan_deg`: angle to the true mechanism;
    `kagan_deviation_deg`: what is stated of it; `cpu_s`: CPU time. `network` and `both`: as of `compare_network`.
    """

    traces: int
    snr: float
    constrains: bool
    log_likelihood: float
    epicenter_error_km: float
    place_scale: float
    time_error_s: float
    time_deviation_s: float
    azimuth_error_deg: float
    azimuth_deviation_deg: float
    is_ambiguous: bool
    depth_km: float
    depth_deviation_km: float
    true_depth_km: float
    log_explosion: float
    kagan_deg: float
    kagan_deviation_deg: float
    cpu_s: float
    network: Statement | None = None
    both: Statement | None = None

    @property
    def inverted(self) -> Statement | None:
        """What the inversion alone states of the depth or the force azimuth; None where it states nothing."""
        if not self.constrains:
            return None
        if np.isnan(self.azimuth_error_deg):
            return Statement(abs(self.depth_km - self.true_depth_km), self.depth_deviation_km)
        return state_azimuth(ForceAzimuthEstimate(self.azimuth_error_deg, self.azimuth_deviation_deg, self.is_ambiguous), 0.0)

    @property
    def is_typical(self) -> bool:
        """Whether the event has 25 to 35 traces."""
        return 25 <= self.traces <= 35


Pair = tuple[SourceResult | None, SourceResult | None]
"""Results of an event by verticals alone, and with horizontals; None where there are none or traces are too few."""


def compare_source(event: MixedEvent, solution: SourceSolution, cpu_s: float) -> SourceResult:
    """Compare what an inversion states with the true source."""
    source, region, stated = event.source, solution.region, solution.force_azimuth_deg
    point = (source.latitude_deg, source.longitude_deg)
    log_explosion = None if stated is not None else limit_explosion(solution)
    is_force = stated is not None and event.azimuth_deg is not None
    return SourceResult(
        traces=len(event.gather.trace_ids),
        snr=event.snr,
        constrains=solution.constrains,
        log_likelihood=solution.log_likelihood,
        epicenter_error_km=KM_PER_DEGREE * float(distance_deg(region.latitude_deg, region.longitude_deg, *point)),
        place_scale=scale_to_contain(region, *point),
        time_error_s=solution.time_s - ORIGIN_S,
        time_deviation_s=solution.time_uncertainty_s,
        azimuth_error_deg=((stated or 0.0) - (event.azimuth_deg or 0.0) + 180.0) % 360.0 - 180.0 if is_force else NAN,
        azimuth_deviation_deg=solution.force_azimuth_uncertainty_deg or NAN,
        is_ambiguous=has_ambiguous_sign(solution),
        depth_km=solution.depth_km,
        depth_deviation_km=solution.depth_uncertainty_km,
        true_depth_km=source.depth_km,
        log_explosion=NAN if log_explosion is None else log_explosion,
        kagan_deg=NAN if solution.tensor is None else kagan_angle_deg(solution.tensor, np.asarray(source.rates.sum(axis=1))),
        kagan_deviation_deg=solution.mechanism_uncertainty_deg or NAN,
        cpu_s=cpu_s,
    )


def guess_epicenter(event: MixedEvent, random: np.random.Generator) -> EpicenterPrior:
    """Guess the epicenter and origin time of an event; the standard deviation of the former is that of each coordinate."""
    away_deg = GUESS_DEG * float(np.hypot(*random.normal(size=2)))
    place = destination(event.source.latitude_deg, event.source.longitude_deg, random.uniform(0.0, 360.0), away_deg)
    return EpicenterPrior(float(place[0]), float(place[1]), GUESS_DEG, ORIGIN_S + float(random.normal(0.0, GUESS_S)))


def invert_records(
    event: MixedEvent,
    earths: tuple[GreensTables, ...],
    prior: EpicenterPrior,
    kind: Kind,
    *,
    known_responses: bool,
    is_compared: bool = False,
) -> SourceFit | None:
    """Invert the records of an event for a source of one kind; None where traces are too few. `is_compared` as of `invert_source`."""
    traces = range(min(len(event.gather.trace_ids), MAX_TRACES))
    gains = choose_gain_deviations(traces, traces if known_responses else ()) if kind == "force" else {}
    motion: Motion = "displacement" if known_responses else ASSUMED_MOTION[kind]
    return invert_source(event.gather, traces, earths, prior, kind, motion, gains, event.horizontals, is_compared=is_compared)


def invert_likelihood(event: MixedEvent, earths: tuple[GreensTables, ...], prior: EpicenterPrior, kind: Kind) -> float | None:
    """Invert records of unknown response for the log likelihood of a source of one kind; None where traces are too few."""
    fit = invert_records(event, earths, prior, kind, known_responses=False, is_compared=True)
    return None if fit is None else fit.log_likelihood


def invert_event(
    event: MixedEvent,
    earths: tuple[GreensTables, ...],
    prior: EpicenterPrior,
    *,
    known_responses: bool = False,
    models: Models | None = None,
) -> SourceResult | None:
    """
    Invert an event for its kind of source from a guess of its epicenter and origin time; None where traces are too few.

    With models the networks read it too.
    """
    kind: Kind = "force" if event.kind == "glacial" else "tensor"
    began = time.thread_time()
    fit = invert_records(event, earths, prior, kind, known_responses=known_responses)
    if fit is None:
        return None
    solution, cpu_s = describe_fit(fit, response_known=known_responses), time.thread_time() - began
    network, both = (None, None) if models is None else compare_network(models, event, prior, solution)
    return replace(compare_source(event, solution, cpu_s), network=network, both=both)


def invert_kind(settings: TrainingSettings, seed: int, models: int, which: tuple[str, bool], events: int) -> list[Pair]:
    """
    Invert so many events of a kind, with known responses or without, with the first Earth models of those that ship.

    Results that an earlier run has kept in `build/evaluation` are read.
    """
    kind, known = which

    def invert(first: int) -> Iterator[Pair]:
        earths, random = tuple(load_earths(settings.artifacts_dir).values())[:models], make_generator(seed, Purpose.SOURCES, 0)
        drawn, sampler, love = open_kind(settings, seed, kind, known_responses=known)
        networks = open_models(settings) if kind in READ_KINDS else None
        for number, event in enumerate(tqdm(draw_mixed_events(sampler, drawn, events, seed, love), kind, events)):
            prior = guess_epicenter(event, random)
            if number < first:
                continue
            vertical = invert_event(replace(event, horizontals=None), earths, prior, known_responses=known, models=networks)
            both = None if event.horizontals is None else invert_event(event, earths, prior, known_responses=known, models=networks)
            yield vertical, both

    path = settings.build_dir / "evaluation" / f"source-{EDITION}-{models}-{seed}-{kind}-{'known' if known else 'unknown'}.jsonl"
    return list(continue_results(path, events, parse_pair, invert))


def open_kind(
    settings: TrainingSettings, seed: int, kind: str, *, known_responses: bool
) -> tuple[str, EventSampler, tuple[GreensStore, ...]]:
    """Open what events of a kind are drawn from: their source, the sampler, and the transverse series where they have horizontals."""
    if kind == SHORT_PERIODS:
        return "earthquake", open_section_sampler(settings, seed), ()
    sampler = open_mixed_sampler(settings, seed, known_responses=known_responses)
    return kind, sampler, () if kind == NOISE else open_love_stores(settings, sampler)


def parse_pair(row: Sequence[dict[str, Any] | None]) -> Pair:
    """Parse the results of one event from their JSON."""
    vertical, both = (parse_source_result(one) for one in row)
    return vertical, both


def parse_source_result(row: dict[str, Any] | None) -> SourceResult | None:
    """Parse one result; None where there is none."""
    if row is None:
        return None
    statements = {name: None if row[name] is None else Statement(**row[name]) for name in ("network", "both")}
    return SourceResult(**(row | statements))
