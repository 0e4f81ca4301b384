"""The page `realism.md` and its figure: synthetic and observed records compared."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from models.array_types import Floats
from training.earth import structure
from training.evaluation.pages import FIGURES, RESULTS, format_records, format_table, write_page
from training.experiments.realism.compare import BANDS, STEP_S, Comparison, compare_trace, compute_strains, list_traces

TEMPLATE = Path(__file__).parents[1] / "templates" / "realism.md"
FIGURE_BAND = "50-100 s"


def write_realism_page(events: Path, cache: Path, command: str) -> Path:
    """Compare the records of a folder of real events with synthetics in every Earth model; write `realism.md` and its figure."""
    jobs = list_traces(events)
    points = [(job.solution.depth_km, job.distance_deg) for job in jobs]
    found = []
    for deck in structure.DECKS:
        for job, strain in zip(jobs, compute_strains(deck, points, cache), strict=True):
            found += [result for name in BANDS if (result := compare_trace(job, strain, deck, name)) is not None]
    rows = [row for row, _, _ in found]
    draw_examples(select_examples(found), FIGURES / "realism.png")
    decks = (*(f"{deck}, one lag" for deck in structure.DECKS), *(f"{deck}, two lags" for deck in structure.DECKS))
    return write_page(
        RESULTS / "realism.md",
        TEMPLATE,
        command,
        medians=format_table(("band", "records", "traces", *decks, "best Earth model, two lags"), format_medians(rows)),
        traces=format_records(format_traces(rows)),
    )


def format_medians(rows: Sequence[Comparison]) -> list[tuple[str, ...]]:
    """Format the median correlations in each band of clean records, of all, and of each event."""
    lines = []
    for band in BANDS:
        here = [row for row in rows if row.band == band]
        groups = [("clean", [row for row in here if row.clean]), ("all", here)]
        groups += [(event, [row for row in here if row.event == event]) for event in sorted({row.event for row in here})]
        lines += [(band, name, *_format_medians(group)) for name, group in groups if group]
    return lines


def _format_medians(rows: Sequence[Comparison]) -> list[str]:
    decks = [[row for row in rows if row.deck == deck] for deck in structure.DECKS]
    traces = sorted({(row.event, row.trace) for row in rows})
    best = [max((row for row in rows if (row.event, row.trace) == key), key=lambda row: row.aligned) for key in traces]
    one = [f"{np.median([row.correlation for row in group]):.2f}" for group in decks]
    two = [f"{np.median([row.aligned for row in group]):.2f}" for group in decks]
    return [str(len(traces)), *one, *two, f"{np.median([row.aligned for row in best]):.2f}"]


def format_traces(rows: Sequence[Comparison]) -> list[dict[str, str]]:
    """Format each trace in each band, in the Earth model that fits it best, by column."""
    lines = []
    for event, trace, band in sorted({(row.event, row.trace, row.band) for row in rows}):
        candidates = (row for row in rows if (row.event, row.trace, row.band) == (event, trace, band))
        best = max(candidates, key=lambda row: row.aligned)
        line = {"event": event, "trace": trace, "degrees": f"{best.distance_deg:.1f}", "band": band, "Earth model": best.deck}
        line |= {"one lag": f"{best.correlation:.2f}", "lag": f"{best.lag_s:+.0f} s", "two lags": f"{best.aligned:.2f}"}
        line |= {"amplitude ratio": f"{best.amplitude:.2g}" if best.known_response else "", "clean": "yes" if best.clean else "no"}
        lines.append(line | {"response": "known" if best.known_response else "assumed"})
    return lines


def select_examples(found: Sequence[tuple[Comparison, Floats, Floats]]) -> list[tuple[Comparison, Floats, Floats]]:
    """Select at most three traces of each event in FIGURE_BAND, each in the Earth model with the largest correlation."""
    chosen = []
    for event in sorted({row.event for row, _, _ in found}):
        here = [result for result in found if result[0].event == event and result[0].band == FIGURE_BAND]
        names = sorted({row.trace for row, _, _ in here})
        for name in names[:: max(len(names) // 3, 1)][:3]:
            chosen.append(max((result for result in here if result[0].trace == name), key=lambda result: result[0].correlation))
    return chosen


def draw_examples(examples: Sequence[tuple[Comparison, Floats, Floats]], path: Path) -> None:
    """Draw observed traces in black and synthetic ones, shifted by their lag, in red, each normalized to its maximum."""
    figure = Figure(figsize=(9, 1.1 * len(examples)))
    for number, (row, observed, synthetic) in enumerate(examples):
        axes = figure.add_subplot(len(examples), 1, number + 1)
        clock = np.arange(len(observed)) * STEP_S
        shifted = np.roll(synthetic, int(row.lag_s / STEP_S))
        axes.plot(clock, observed / np.abs(observed).max(), "k", lw=0.8)
        axes.plot(clock, shifted / np.abs(shifted).max(), "r", lw=0.8)
        label = f"{row.event} {row.trace} {row.distance_deg:.0f}°, {row.deck}, {row.band}: {row.correlation:.2f} at {row.lag_s:+.0f} s"
        axes.set_title(label, fontsize=7, loc="left", pad=2)
        axes.set(yticks=[], xlim=(0, clock[-1]))
        axes.tick_params(labelsize=6)
    figure.axes[-1].set_xlabel("seconds after the origin time; black observed, red synthetic, one lag", fontsize=7)
    figure.tight_layout(pad=0.4)
    FigureCanvasAgg(figure)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})
