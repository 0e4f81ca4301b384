"""What the surface-wave stack contributes: test events of the replica located with and without it (decision 0015)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.config import TrainingSettings
from training.evaluation.evaluate import AS_SERVED, Switches, evaluate
from training.evaluation.event_result import EventResult, select_located
from training.evaluation.event_sources import ArchiveSource
from training.evaluation.location_page import HEADS, Value, split_by_value, summarize_errors
from training.evaluation.metrics import format_fraction, format_median
from training.evaluation.pages import RESULTS, format_table, write_page

TEMPLATE = Path(__file__).parents[1] / "templates" / "surface_wave_stack.md"
SNR_BORDERS = (4, 6, 10)
Pair = tuple[EventResult, EventResult]
"""Results of one event without and with the stack."""


def write_surface_waves_page(settings: TrainingSettings, command: str, archive: Path, most: int | None) -> Path:
    """Locate the replica's archived test events with and without the surface-wave stack; write `surface_wave_stack.md`."""
    source = ArchiveSource(archive, "random", most)
    with_stack, without = (
        {result.truth.name: result for result in select_located(list(evaluate(source, settings, switches)))}
        for switches in (AS_SERVED, Switches(surface_waves=False))
    )
    pairs = [(without[name], result) for name, result in with_stack.items() if name in without]
    return write_page(
        RESULTS / "surface_wave_stack.md",
        TEMPLATE,
        command,
        events=str(len(pairs)),
        errors=format_stack_table(pairs),
        sources=describe_stack(pairs),
    )


def format_stack_table(pairs: Sequence[Pair]) -> str:
    """Tabulate the errors of events without and with the surface-wave stack."""
    groups = [("all", list(pairs)), ("10 stations or more", [pair for pair in pairs if pair[1].stations >= 10])]
    groups.append(("where the stack decides", select_stacked(pairs)))
    by_name = {with_stack.truth.name: (without, with_stack) for without, with_stack in pairs}
    for label, results in split_by_value([pair[1] for pair in pairs], lambda result: result.snr, SNR_BORDERS):
        groups.append((f"signal-to-noise ratio {label}", [by_name[result.truth.name] for result in results]))
    lines = []
    for name, group in groups:
        if group:
            used = str(len(select_stacked(group)))
            without, with_stack = (summarize_errors("", [pair[side] for pair in group]) for side in (0, 1))
            lines += [(name, without[1], used, "without", *without[2:]), ("", "", "", "with", *with_stack[2:])]
    return format_table(("events", "n", "stack decides", "", *HEADS[2:]), lines)


def select_stacked(pairs: Sequence[Pair]) -> list[Pair]:
    """Select the pairs without and with the stack whose epicenters rest on it."""
    return [pair for pair in pairs if pair[1].method != pair[0].method]


def describe_stack(pairs: Sequence[Pair]) -> str:
    """Describe class, origin time, depth and force azimuth without and with the stack, where it decides."""
    sides = [[pair[side] for pair in select_stacked(pairs)] for side in (0, 1)]

    def medians(value: Value, digits: int = 0) -> str:
        errors = [np.abs([value(result) for result in side]) for side in sides]
        return "; ".join(format_median(error[np.isfinite(error)].tolist(), digits) for error in errors)

    return "\n".join((
        "- Class right: " + "; ".join(format_fraction([result.is_right for result in side]) for side in sides) + ".",
        f"- Origin time, median error in seconds: {medians(lambda result: result.origin_error_s)}.",
        f"- Network's depth of earthquakes, median error in km: {medians(lambda result: result.depth_error_km, 1)}.",
        f"- Network's force azimuth modulo 180, median error in degrees: {medians(lambda result: result.azimuth_error_deg)}.",
    ))  # fmt: skip
