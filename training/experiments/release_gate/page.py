"""The page of the gate: biases of copies, changes of shifted and cut records, and errors of observed traces, a column a version."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from models.analysis.distances import predict_distances
from models.array_types import Floats
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.specs.offset import OFFSET
from training.config import TrainingSettings
from training.earth import greens
from training.evaluation.card_metrics import GOAL_DEG, GOAL_MAGNITUDE
from training.evaluation.metrics import NEAR_FRACTION
from training.evaluation.pages import RESULTS, format_table, write_page
from training.experiments.release_gate.measure import Measured, Reader, measure_copies, measure_events, measure_observed
from training.synthesis.noise import measure_noise_character
from training.synthesis.path_effects import PathScatter
from training.synthesis.records import Realism

TEMPLATE = Path(__file__).parents[1] / "templates" / "release_gate.md"
EARTH_RANGE_DEG = (15.0, 100.0)
MAX_BIAS_DEG = 1.0


def write_release_gate_page(
    settings: TrainingSettings, command: str, folder: Path, previous: Path | None, copies: int, max_traces: int
) -> Path:
    """Measure the served distance reader, and a previous one in the folder `previous` of artifacts; write `release_gate.md`."""
    readers = [Reader(OnnxModel.load(open_store(settings.artifacts_dir), OFFSET), predict_distances)]
    if previous is not None:
        readers.insert(0, Reader(OnnxModel.load(open_store(previous), OFFSET), predict_distances))
    copied, observed = zip(*(measure_version(reader, settings, folder, copies, max_traces) for reader in readers), strict=True)
    versions = [f"version {reader.model.version}" for reader in readers]
    return write_page(
        RESULTS / "release_gate.md",
        TEMPLATE,
        command,
        copies=str(copies),
        traces=str(max_traces),
        bias=f"{MAX_BIAS_DEG:g}",
        summary=format_table(("copies of all events", *versions), summarize_copies(copied)),
        earths=format_table(("copies through", *versions), format_earths(copied)),
        range=f"{EARTH_RANGE_DEG[0]:g} to {EARTH_RANGE_DEG[1]:g}",
        events=format_table(("event", "distances, degrees", *versions), format_copies(copied)),
        invariance=format_table(("record", *versions), format_invariance(observed)),
        observed=format_table(("observed traces", *versions), format_observed(observed)),
        biases=format_table(("event", "traces", *versions), format_biases(observed)),
    )


def measure_version(
    reader: Reader, settings: TrainingSettings, folder: Path, copies: int, max_traces: int
) -> tuple[dict[str, Measured], dict[str, Measured]]:
    """Measure copies and observed records of all events of a folder; results are kept in build/evaluation."""
    stores = greens.load_stores(settings.build_dir / "greens", greens.FULL_STORES)
    realism = Realism(PathScatter(), character=measure_noise_character(settings.data_dir))
    kept, mark = settings.build_dir / "evaluation", f"{reader.model.version}-{reader.model.card.digest[:8]}"
    read_copies = partial(measure_copies, reader, stores=stores, realism=realism, copies=copies, max_traces=max_traces)
    return (
        measure_events(kept / f"gate-copies-{len(stores)}-{mark}-{copies}-{max_traces}.json", folder, read_copies),
        measure_events(kept / f"gate-observed-{mark}.json", folder, partial(measure_observed, reader)),
    )


def _columns(measured: Measured) -> tuple[Floats, Floats, Floats]:
    """True distances, errors and standard deviations of the traces that were read."""
    true, predicted, sigma = (np.array(measured[name], np.float64) for name in ("true_deg", "predicted_deg", "sigma_deg"))
    read = np.isfinite(predicted)
    return true[read], (predicted - true)[read], sigma[read]


def weigh_error(errors: Floats, sigmas: Floats) -> float:
    """Mean of errors with weights 1/sigma^2: what an event's distances have in common where they decide its location."""
    return float(np.average(errors, weights=np.maximum(sigmas, 0.1) ** -2.0))


def measure_bias(measured: Measured) -> float:
    """Median over the copies of an event of their weighted mean error."""
    _, errors, sigmas = _columns(measured)
    copy = np.array(measured["copy"])
    return float(np.median([weigh_error(errors[copy == number], sigmas[copy == number]) for number in np.unique(copy)]))


def summarize_copies(versions: Sequence[Mapping[str, Measured]]) -> list[tuple[str, ...]]:
    """Summarize the traces of all copies, and the biases of the events."""
    rows: list[list[str]] = [[] for _ in range(6)]
    for events in versions:
        read = [measured for measured in events.values() if measured["true_deg"]]
        true, errors, sigmas = (np.concatenate(parts) for parts in zip(*map(_columns, read), strict=True))
        biases = np.array([abs(measure_bias(measured)) for measured in read])
        values = (
            f"{np.median(np.abs(errors)):.2f}",
            f"{np.percentile(np.abs(errors), 90):.1f}",
            f"{np.mean(np.abs(errors) <= NEAR_FRACTION * true):.0%}",
            f"{np.mean(np.abs(errors) <= sigmas):.0%}",
            f"{np.median(biases):.2f}, {biases.max():.1f}",
            f"{(biases > MAX_BIAS_DEG).sum()} of {len(biases)}",
        )
        for row, value in zip(rows, values, strict=True):
            row.append(value)
    heads = (
        "median error, degrees",
        "90th percentile",
        f"within {NEAR_FRACTION:.0%} of the distance",
        "inside one sigma",
        "bias of an event: median, largest",
        f"events with a bias above {MAX_BIAS_DEG:g} degree",
    )
    return [(head, *row) for head, row in zip(heads, rows, strict=True)]


def format_earths(versions: Sequence[Mapping[str, Measured]]) -> list[tuple[str, ...]]:
    """Format the median signed and the median absolute error of the copies through each Earth model, at EARTH_RANGE_DEG."""
    rows = []
    for earth, name in enumerate(greens.FULL_STORES):
        cells = []
        for events in versions:
            columns = ("true_deg", "predicted_deg", "earth")
            true, predicted, earths = np.concatenate([[measured[key] for key in columns] for measured in events.values()], axis=1)
            errors = (predicted - true)[(earths == earth) & (true >= EARTH_RANGE_DEG[0]) & (true <= EARTH_RANGE_DEG[1])]
            cells.append(f"{np.median(errors):+.2f} ({np.median(np.abs(errors)):.2f}, n = {len(errors)})" if len(errors) else "none")
        rows.append((name, *cells))
    return rows


def format_copies(versions: Sequence[Mapping[str, Measured]]) -> list[tuple[str, ...]]:
    """Format bias and median absolute error of the copies of each event."""
    rows = []
    for name in versions[0]:
        if not all(events[name]["true_deg"] for events in versions):
            continue
        true = np.array(versions[0][name]["true_deg"])
        cells = [f"{measure_bias(events[name]):+.2f} ({np.median(np.abs(_columns(events[name])[1])):.1f})" for events in versions]
        rows.append((name, f"{true.min():.0f} to {true.max():.0f}", *cells))
    return rows


def _select_goal(events: Mapping[str, Measured]) -> list[Measured]:
    """Select the traces that the goals are stated for: large earthquakes, teleseismic distances."""
    selected = []
    for measured in events.values():
        if measured["kind"] != "earthquake" or (measured["magnitude"] or 0.0) < GOAL_MAGNITUDE:
            continue
        true = np.array(measured["true_deg"])
        rows = np.flatnonzero((true >= GOAL_DEG[0]) & (true <= GOAL_DEG[1]))
        pick = {name: np.array(measured[name], np.float64)[rows] for name in ("true_deg", "predicted_deg", "sigma_deg")}
        variants = {name: np.array(values, np.float64)[rows] for name, values in measured["variants"].items()}
        if len(rows) and np.isfinite(pick["predicted_deg"]).any():
            selected.append({**measured, **pick, "variants": variants})
    return selected


def format_invariance(versions: Sequence[Mapping[str, Measured]]) -> list[tuple[str, ...]]:
    """Format how far the distances of large teleseismic earthquakes move in each variant: median and largest median of an event."""
    selected = [_select_goal(events) for events in versions]
    rows = []
    for name in selected[0][0]["variants"] if selected[0] else ():
        cells = []
        for events in selected:
            moved = [event["variants"][name] - event["predicted_deg"] for event in events]
            medians = [float(np.nanmedian(np.abs(one))) for one in moved if np.isfinite(one).any()]
            cells.append(f"{np.median(medians):.2f}, {max(medians):.1f} ({len(medians)} events)" if medians else "none")
        head = "cut from P - 300 to P + 600 s" if name == "cut" else f"begun {name} s of the origin time"
        rows.append((f"{head}: distance moves by", *cells))
    errors = []
    for events in selected:
        cut = np.concatenate([np.abs(event["variants"]["cut"] - event["true_deg"]) for event in events])
        errors.append(f"{np.nanmedian(cut):.2f} ({np.isfinite(cut).sum()} traces)")
    return [*rows, ("cut from P - 300 to P + 600 s: median error", *errors)]


def format_observed(versions: Sequence[Mapping[str, Measured]]) -> list[tuple[str, ...]]:
    """Format the errors of the observed traces that the goals are stated for."""
    cells = []
    for events in versions:
        selected = _select_goal(events)
        true, errors, sigmas = (np.concatenate(parts) for parts in zip(*map(_columns, selected), strict=True))
        biases = [abs(float(np.median(_columns(event)[1]))) for event in selected]
        cells.append(
            (
                f"{len(true)}, {len(biases)}",
                f"{np.median(np.abs(errors)):.2f}, {np.percentile(np.abs(errors), 90):.1f}",
                f"{np.mean(np.abs(errors) <= NEAR_FRACTION * true):.0%}",
                f"{np.mean(np.abs(errors) <= sigmas):.0%}",
                f"{np.median(biases):.2f}, {max(biases):.1f}",
            )
        )
    heads = (
        "traces, events",
        "median error, 90th percentile, degrees",
        "within 8 % of the distance",
        "inside one sigma",
        "median error of an event: median, largest",
    )
    return [(head, *row) for head, row in zip(heads, zip(*cells, strict=True), strict=True)]


def format_biases(versions: Sequence[Mapping[str, Measured]]) -> list[tuple[str, ...]]:
    """Format the median signed and the median absolute error of each observed event."""
    rows = []
    for name, first in versions[0].items():
        cells = []
        for events in versions:
            _, errors, _ = _columns(events[name])
            cells.append(f"{np.median(errors):+.2f} ({np.median(np.abs(errors)):.2f})" if len(errors) else "none")
        rows.append((name, str(len(first["true_deg"])), *cells))
    return rows
