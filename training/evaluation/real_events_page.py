"""Pages on real events, which no model has seen: `real_events.md` event by event, and `summary.md`, the five numbers of the README."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.registry.card import Metric
from models.registry.store import open_store
from models.specs.index import MODELS
from training.config import TrainingSettings
from training.evaluation.card_metrics import GOAL_DEG, GOAL_MAGNITUDE, MIN_STATIONS
from training.evaluation.card_writer import REAL_SET
from training.evaluation.evaluate import evaluate
from training.evaluation.event_result import EventResult, select_kind, select_located, stack_traces
from training.evaluation.event_sources import FolderSource, list_real_events
from training.evaluation.location_page import HEADS, summarize_errors
from training.evaluation.metrics import NEAR_FRACTION, format_fraction, format_median
from training.evaluation.pages import RESULTS, TEMPLATES, format_records, format_table, write_page

SUMMARY_HEADS = ("measure", "value (95 % interval)", "n")


def write_real_events_page(settings: TrainingSettings, command: str, folder: Path) -> Path:
    """Classify and locate the real events of a folder, with all components and with verticals alone; write `real_events.md`."""
    results = list(evaluate(FolderSource(folder), settings))
    vertical = {result.truth.name: result for result in evaluate(FolderSource(folder, "Z"), settings)}
    store, names = open_store(settings.artifacts_dir), {result.truth.name for result in select_located(results)}
    return write_page(
        RESULTS / "real_events.md",
        TEMPLATES / "real_events.md",
        command,
        models=", ".join(f"{spec.name} {store.card(spec.name).version}" for spec in MODELS),
        summary=describe_distances(results),
        groups=format_table(HEADS, format_groups(results, list(vertical.values()))),
        unlocated=", ".join(path.name for path in list_real_events(folder) if path.name not in names) or "all are located",
        events=format_records([format_event(result) for result in results]),
        locations=format_records([format_location(result, vertical[result.truth.name]) for result in select_located(results)]),
    )


def format_groups(results: Sequence[EventResult], vertical: Sequence[EventResult]) -> list[tuple[str, ...]]:
    """Summarize the errors of the located events in groups, of the same events by verticals alone, and by distances alone."""
    located = select_located(results)
    many, surrounded = select_many_stations(located), select_surrounded(located)
    by_distances = [replace(result, epicenter=result.by_distances) for result in surrounded]
    groups = (
        (f"{MIN_STATIONS} stations or more", many),
        ("of these, gap below 180", surrounded),
        ("of these, gap of 180 and above", [result for result in many if result.epicenter.gap_deg >= 180.0]),
        ("all located", located),
        ("all, by verticals alone", select_located(vertical)),
        (f"by distances alone, {MIN_STATIONS} stations or more, gap below 180", by_distances),
    )
    return [summarize_errors(name, group) for name, group in groups]


def select_many_stations(results: Sequence[EventResult]) -> list[EventResult]:
    """Select located events with MIN_STATIONS stations or more."""
    return [result for result in select_located(results) if result.stations >= MIN_STATIONS]


def select_surrounded(results: Sequence[EventResult]) -> list[EventResult]:
    """Select located events with MIN_STATIONS stations or more and an azimuthal gap below 180 degrees."""
    return [result for result in select_many_stations(results) if result.epicenter.gap_deg < 180.0]


def format_event(result: EventResult) -> dict[str, str]:
    """Format class and distances of one event, by column."""
    true, error = result.traces.true_deg, result.traces.predicted_deg - result.traces.true_deg
    return {
        "event": result.truth.name,
        "type": result.truth.kind,
        "false-alarm probability": f"{result.false_alarm_probability:.0e}",
        "stations": str(len(true)),
        "distances, degrees": f"{np.nanmin(true):.1f} to {np.nanmax(true):.1f}",
        "class": result.event_type,
        "probability of earthquake, glacial, other": ", ".join(f"{value:.2f}" for value in result.probabilities),
        "median distance error, degrees": f"{np.nanmedian(np.abs(error)):.2f}",
        "median signed error": f"{np.nanmedian(error):+.2f}",
        "within one sigma": f"{np.nanmean(np.abs(error) <= result.traces.sigma_deg):.2f}",
    }


def format_location(result: EventResult, vertical: EventResult) -> dict[str, str]:
    """Format the location of one event, beside the one by its vertical records alone, by column."""
    epicenter, depth_error_km = result.epicenter, result.depth_km - result.truth.depth_km
    return {
        "event": result.truth.name,
        "stations with horizontals": str(result.horizontals),
        "gap, degrees": f"{epicenter.gap_deg:.0f}",
        "method": result.method,
        "error, km": f"{epicenter.error_km:.0f}",
        "by verticals alone, km": f"{vertical.epicenter.error_km:.0f}",
        "by distances alone, km": f"{result.by_distances.error_km:.0f}",
        "68 % radius, km": f"{epicenter.uncertainty_km:.0f}",
        "in 68 % region": "yes" if epicenter.in_68 else "no",
        "in 90 % region": "yes" if epicenter.in_90 else "no",
        "origin time error, s (stated)": f"{result.origin_error_s:+.0f} ({result.origin_sigma_s:.0f})",
        "depth error, km (stated)": f"{depth_error_km:+.0f} ({result.depth_sigma_km:.0f})" if np.isfinite(depth_error_km) else "",
    }


def describe_distances(results: Sequence[EventResult]) -> str:
    """Describe the class of the earthquakes and the distances of their traces, also of those that the goals are stated for."""
    quakes = select_kind(results, "earthquake")
    large = [result for result in quakes if result.truth.magnitude >= GOAL_MAGNITUDE]
    lines = [f"- Earthquakes classified as earthquakes: {sum(result.is_right for result in quakes)} of {len(quakes)}."]
    goal = f"traces at {GOAL_DEG[0]:g} to {GOAL_DEG[1]:g} degrees, magnitude {GOAL_MAGNITUDE:g} and above"
    for name, group, (near, far) in (("all traces of earthquakes", quakes, (0.0, 180.0)), (goal, large, GOAL_DEG)):
        if group:
            values, _ = stack_traces(group)
            values = values[(values[:, 0] >= near) & (values[:, 0] <= far)]
            error = np.abs(values[:, 1] - values[:, 0])
            lines.append(
                f"- Distances, {name} (n = {len(values)}): median absolute error {np.median(error):.2f} degrees, 90th percentile "
                f"{np.percentile(error, 90):.1f}, within 8 % {np.mean(error <= NEAR_FRACTION * values[:, 0]):.0%}, "
                f"within one sigma {np.mean(error <= values[:, 2]):.0%}."
            )
    return "\n".join(lines)


def write_summary(settings: TrainingSettings, command: str, folder: Path) -> Path:
    """Write `summary.md`: five numbers from the real events of a folder and from the card of the distance model."""
    results = list(evaluate(FolderSource(folder), settings))
    card = open_store(settings.artifacts_dir).card("offset")
    lines = format_summary(results, card.metrics)
    return write_page(RESULTS / "summary.md", TEMPLATES / "summary.md", command, table=format_table(SUMMARY_HEADS, lines))


def format_summary(results: Sequence[EventResult], distance_metrics: Sequence[Metric]) -> list[tuple[str, str, str]]:
    """Choose the five numbers that tell how good the service is, real events first."""
    located, surrounded = select_located(results), select_surrounded(results)
    quakes = select_kind(results, "earthquake")
    distance = next(one for one in distance_metrics if one.dataset == REAL_SET and one.name == "median absolute error of distance")
    lines = [
        (
            f"Median epicenter error, real events with {MIN_STATIONS} stations or more and an azimuthal gap below 180 degrees",
            format_median([result.epicenter.error_km for result in surrounded]).replace(" (", " km ("),
            f"{len(surrounded)} events",
        ),
        (
            "Median epicenter error, all real events",
            format_median([result.epicenter.error_km for result in located]).replace(" (", " km ("),
            f"{len(located)} events",
        ),
        ("Real earthquakes classified as earthquakes", format_fraction([one.is_right for one in quakes]), f"{len(quakes)} events"),
        (
            "Real epicenters inside the stated 68 % region; 90 % region",
            "; ".join(format_fraction([getattr(result.epicenter, name) for result in located]) for name in ("in_68", "in_90")),
            f"{len(located)} events",
        ),
        (
            "Median error of the distance predicted from one trace, real earthquakes",
            f"{distance.value:.1f} degrees ({distance.low:.1f} to {distance.high:.1f})",
            f"{distance.n} traces",
        ),
    ]
    return [(measure, value.replace("%", " %"), count) for measure, value, count in lines]
