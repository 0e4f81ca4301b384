"""The page on the source inversion: errors and coverage on synthetic events of mixed paths, and what noise reaches."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from models.array_types import Floats
from models.seismic.source.solution import MAX_MECHANISM_DEG, MIN_LOG_LIKELIHOOD
from training.config import SPAWN, TrainingSettings
from training.evaluation.metrics import angle_difference_deg, format_fraction, format_median
from training.evaluation.pages import RESULTS, format_table, write_page
from training.experiments.source.mixed_paths import DECKS
from training.experiments.source.results import SHORT_PERIODS, SourceResult, invert_kind
from training.synthesis.sources import NOISE

DIPOLES = ("earthquake", "explosion", "collapse")
"""Kinds that a moment tensor is inverted for."""
METHODS: Final = {"network": "network", "inversion": "inverted", "both": "both"}
"""Fields of a result, by what the table calls them."""
TOLERANCE: Final = 10.0  # degrees of an azimuth, or kilometers of a depth
DOUBTED_FROM: Final = 1.6
"""Log likelihood ratio that makes a sure earthquake undetermined, with the prior odds of an explosion."""
CLEAR_SNR: Final = 5.0  # of a signal: the largest of many samples of noise is three to four times their root mean square
TEMPLATE = Path(__file__).parents[1] / "templates" / "source_inversion.md"


def measure_kinds(settings: TrainingSettings, events: int, seed: int, earths: int = len(DECKS)) -> dict[str, str]:
    """Invert synthetic events of each kind with the first Earth models of those that ship: the text of each section of the page."""
    kinds = (*((kind, known) for kind in ("glacial", *DIPOLES) for known in (True, False)), (SHORT_PERIODS, False), (NOISE, False))
    counts = [events // 2 if kind == NOISE else events for kind, _ in kinds]
    with ProcessPoolExecutor(settings.processes, SPAWN) as pool:
        pairs = pool.map(partial(invert_kind, settings, seed, earths), kinds, counts)
        results = {which: [drop_missing(rows) for rows in zip(*found, strict=True)] for which, found in zip(kinds, pairs, strict=True)}
    texts = {"noise": describe_noise(results[NOISE, False][0]), "times": describe_times(results), "symmetry": describe_symmetry(results)}
    texts["methods"], texts["short_periods"] = tabulate_methods(results), describe_tensors(results[SHORT_PERIODS, False][0])
    for kind, describe in (("glacial", describe_forces), ("earthquake", describe_tensors)):
        for known in (True, False):
            for horizontals in (0, 1):
                name = f"{kind}_{'known' if known else 'unknown'}_{'horizontals' if horizontals else 'verticals'}"
                texts[name] = describe(results[kind, known][horizontals])
    return texts


def drop_missing(results: Sequence[SourceResult | None]) -> list[SourceResult]:
    """Drop what could not be inverted."""
    return [result for result in results if result is not None]


def write_source_page(settings: TrainingSettings, command: str, events: int, seed: int) -> Path:
    """Invert synthetic events of each kind; write `source_inversion.md`."""
    sections = measure_kinds(settings, events, seed)
    limits = {"doubted": f"{DOUBTED_FROM:g}", "threshold": f"{MIN_LOG_LIKELIHOOD:.0f}", "clear": f"{CLEAR_SNR:.0f}"}
    return write_page(RESULTS / "source_inversion.md", TEMPLATE, command, events=str(events), **limits, **sections)


def describe_forces(results: Sequence[SourceResult]) -> str:
    """Describe azimuth, sign and epicenter of forces that the inversion constrains."""
    known = [result for result in results if result.constrains]
    errors = np.array([result.azimuth_error_deg for result in known])
    turned = angle_difference_deg(errors, 0.0, 180.0)
    sure = np.array([not result.is_ambiguous for result in known], bool)
    stated = np.array([result.azimuth_deviation_deg for result in known])
    return "\n".join((
        describe_constrained(results),
        f"- Azimuth modulo 180: median error {format_median(turned.tolist(), 1)} degrees; within 10 degrees "
        f"{format_fraction(list(turned <= 10.0))}, within 20 {format_fraction(list(turned <= 20.0))}; within the stated deviation "
        f"{format_fraction(list(turned <= stated))}; 68 % within {_quantile(turned / stated)} deviations.",
        f"- Sign right: {format_fraction(list(np.abs(errors) < 90.0))}; where it is not called ambiguous "
        f"{format_fraction(list(np.abs(errors[sure]) < 90.0))}.",
        describe_places(known),
        describe_origins(known),
    ))  # fmt: skip


def describe_tensors(results: Sequence[SourceResult]) -> str:
    """Describe depth, mechanism and epicenter of moment tensors that the inversion constrains."""
    known = [result for result in results if result.constrains]
    errors = np.array([abs(result.depth_km - result.true_depth_km) for result in known])
    stated = np.array([result.depth_deviation_km for result in known])
    return "\n".join((
        describe_constrained(results),
        f"- Depth: median error {format_median(errors.tolist(), 1)} km; within 10 km {format_fraction(list(errors <= 10.0))}, within 20 "
        f"{format_fraction(list(errors <= 20.0))}; within the stated deviation {format_fraction(list(errors <= stated))}; 68 % within "
        f"{_quantile(errors / stated)} deviations.",
        *describe_served(known),
        describe_mechanisms(known),
        describe_places(known),
        describe_origins(known),
    ))  # fmt: skip


def describe_mechanisms(results: Sequence[SourceResult]) -> str:
    """Describe Kagan angles to the true mechanisms: of all, and of those that are stated."""
    angles, stated = (np.array([getattr(one, name) for one in results]) for name in ("kagan_deg", "kagan_deviation_deg"))
    known = stated <= MAX_MECHANISM_DEG
    near = format_fraction(list(angles[known] <= 30.0))
    return (
        f"- Kagan angle to the true mechanism: median {format_median(angles.tolist(), 0)} degrees; of the {known.sum()} mechanisms "
        f"that are stated {format_median(angles[known].tolist(), 0)} degrees, within 30 degrees {near}; within the angle that is to hold "
        f"68 % {format_fraction(list(angles <= stated))} of all."
    )


def describe_served(constrained: Sequence[SourceResult]) -> list[str]:
    """Describe depths of networks and inversion together; nothing of sources that no network has read."""
    served = [result.both for result in constrained if result.both is not None]
    if not served:
        return []
    errors, stated = (np.array([getattr(one, name) for one in served]) for name in ("error", "deviation"))
    return [
        f"- The same with the network, as served: median error {format_median(errors.tolist(), 1)} km; within 10 km "
        f"{format_fraction(list(errors <= 10.0))}, within 20 {format_fraction(list(errors <= 20.0))}; within the stated deviation "
        f"{format_fraction(list(errors <= stated))}; 68 % within {_quantile(errors / stated)} deviations."
    ]


def describe_constrained(results: Sequence[SourceResult]) -> str:
    """Describe how many sources are constrained: of all, and of those of a clear signal."""
    clear = [result.constrains for result in results if result.snr >= CLEAR_SNR]
    return (
        f"- Constrained: {format_fraction([result.constrains for result in results])} of {len(results)}; of the {len(clear)} with a "
        f"signal-to-noise ratio of {CLEAR_SNR:.0f} and more {format_fraction(clear)}."
    )


def describe_origins(results: Sequence[SourceResult]) -> str:
    """Describe errors and coverage of origin times."""
    errors = np.array([result.time_error_s for result in results])
    scales = np.abs(errors) / np.array([result.time_deviation_s for result in results])
    medians = (format_median(one.tolist(), 1) for one in (errors, np.abs(errors)))
    return (
        f"- Origin time: median error {next(medians)} s, without its sign {next(medians)} s; "
        f"within the stated deviation {format_fraction(list(scales <= 1.0))}, 68 % within {_quantile(scales)} deviations."
    )


def describe_places(results: Sequence[SourceResult]) -> str:
    """Describe errors and coverage of epicenters."""
    errors, scales = [result.epicenter_error_km for result in results], np.array([result.place_scale for result in results])
    farthest = f"{np.percentile(errors, 90):.0f}" if errors else "none"
    percentiles = f"median error {format_median(errors)} km, 90th percentile {farthest} km"
    return (
        f"- Epicenter: {percentiles}; in the 68 % region {format_fraction(list(scales <= 1.0))}, 68 % within {_quantile(scales)} times it."
    )


def describe_symmetry(results: Mapping[tuple[str, bool], Sequence[Sequence[SourceResult]]]) -> str:
    """Tabulate the log likelihood ratio of an explosion or collapse to an earthquake, by kind and horizontals, responses known."""
    lines = []
    for kind in DIPOLES:
        for which, name in enumerate(("verticals", "with horizontals")):
            ratios = np.array([one.log_explosion for one in results[kind, True][which] if np.isfinite(one.log_explosion)])
            quartiles = ", ".join(f"{value:.1f}" for value in np.quantile(ratios, (0.25, 0.5, 0.75))) if len(ratios) else "none"
            lines.append((kind, name, str(len(ratios)), quartiles, format_fraction(list(ratios >= DOUBTED_FROM))))
    heads = ("kind", "records", "compared", "quartiles of the log ratio", f"{DOUBTED_FROM:g} and above")
    return format_table(heads, lines)


def tabulate_methods(results: Mapping[tuple[str, bool], Sequence[Sequence[SourceResult]]]) -> str:
    """Tabulate depths and force azimuths by the network alone, the inversion alone and both, by source, responses and horizontals."""
    groups = [("glacial", known, which) for known in (False, True) for which in (0, 1)] + [(SHORT_PERIODS, False, 0)]
    lines = []
    for kind, known, which in groups:
        names = (kind.split("-")[0], "known" if known else "unknown", ("verticals", "with horizontals")[which])
        lines += [(*names, method, *_describe_statements(results[kind, known][which], method)) for method in METHODS]
    heads = ("source", "responses", "records", "by", "stated for", "within 10 degrees or km", "median error", "within the stated deviation")
    return format_table(heads, lines)


def _describe_statements(results: Sequence[SourceResult], method: str) -> tuple[str, str, str, str]:
    """Describe what one method states: for how many events, how often right, the median error, and how often within its deviation."""
    stated = [one for result in results if (one := getattr(result, METHODS[method])) is not None]
    errors, deviations = (np.array([getattr(one, name) for one in stated]) for name in ("error", "deviation"))
    right, within = (format_fraction(list(errors <= limit)) for limit in (TOLERANCE, deviations))
    return f"{len(stated)} of {len(results)}", right, format_median(errors.tolist(), 1), within


def describe_noise(results: Sequence[SourceResult]) -> str:
    """Describe the log likelihoods that noise reaches."""
    reached = [result.log_likelihood for result in results]
    return f"Median {format_median(reached)}, largest {max(reached, default=0.0):.0f}, of {len(reached)} sets of records without an event."


def describe_times(results: Mapping[tuple[str, bool], Sequence[Sequence[SourceResult]]]) -> str:
    """Describe the CPU time of inversions of 25 to 35 traces: of tensors and of forces, without and with horizontals."""
    groups = [
        (f"{what}{' with horizontals' if which else ''}", kind, which)
        for what, kind in (("moment tensors", "earthquake"), ("forces", "glacial"))
        for which in (0, 1)
    ]
    lines = []
    for name, kind, which in groups:
        taken = [one.cpu_s for known in (True, False) for one in results[kind, known][which] if one.is_typical]
        lines.append(f"- {name[0].upper()}{name[1:]}: median {format_median(taken, 2)} s, n = {len(taken)}.")
    return "\n".join(lines)


def _quantile(scales: Floats) -> str:
    return f"{np.quantile(scales, 0.68):.2f}" if len(scales) else "none"
