"""The page and the figure of training.realism."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from models.array_types import Floats
from training.earth import structure
from training.validation.realism import BANDS, STEP_S, Comparison, comparable_traces, compare_trace, strains

HEAD = """# Synthetic against observed

Written by `python -m training realism FOLDER`; do not edit. Vertical displacement of earthquakes at 15 to 100 degrees with a Global
CMT solution (catalog of the data folder, else `training/configs/mechanisms.toml`), at the true distance and depth, through three
spherical Earths, with nothing fitted but time: from a minute before P to the end of the first Rayleigh wave, lags of up to 40 s.
"One lag" moves the whole trace; "two lags" moves body and surface waves each by its own, as `training/synthesis/path_effects.py`
draws them. "Best Earth" is the one of the three that fits a trace best, which stands for the paths that several Earths give in training.
A trace is clean where it is not clipped, holds the whole first Rayleigh wave, and the source is shorter than the band (a point
source with a triangle of the centroid's half duration says nothing about a rupture of minutes).

"""
WHY = """
## Where and why they differ

- The great earthquakes of Sumatra 2004 and Tohoku 2011 last longer than the periods compared: no point source gives their phase,
  and the triangle's spectrum has zeros inside the band. They are listed and not counted as clean.
- The crust matters most: of Noto's two records the one across Asia is fitted by the continental Earth at no lag, the one across the
  Pacific by the oceanic Earth at 6 s, where PREM needs 18 s late and 32 s early. That is why training mixes Earths by path.
- Long body waves come 6 to 18 s late under Alaska and western North America, whose upper mantle is slow.
- Fifteen of the clean records are of one event at neighboring stations, and taking the best of three Earths and two lags raises the
  figure by construction: read the columns for one Earth and one lag beside it.
- Izu's records carry no response. A corner at 120 s is assumed; its phase turns most near 100 s, and body and surface waves of this
  deep event come with lags that differ, so that one lag fits badly.
- Not compared for want of a moment tensor: Iran and Myanmar 1994 and Halmahera 2003 lie in years that the catalog at hand leaves
  out (1982 to 2004), and no other copy of their Global CMT solutions was found. A wrong mechanism would turn the sign of whole
  phases, so none is guessed. Aleutians and Newcastle 1994 and Fiji 1993 were recorded beyond 100 degrees.
- Amplitudes of traces with a response and a short source come out within a factor of about 1.6, with no scale fitted.
"""


def _medians(rows: list[Comparison]) -> str:
    decks = [[row for row in rows if row.deck == deck] for deck in structure.DECKS]
    traces = sorted({(row.event, row.trace) for row in rows})
    best = [max((r for r in rows if (r.event, r.trace) == key), key=lambda row: row.aligned) for key in traces]
    one = [f"{np.median([row.correlation for row in group]):.2f}" for group in decks]
    two = [f"{np.median([row.aligned for row in group]):.2f}" for group in decks]
    return " | ".join([str(len(traces)), *one, *two, f"{np.median([row.aligned for row in best]):.2f}"])


def _page(rows: list[Comparison]) -> str:
    names = " | ".join(
        [*(f"{deck}, one lag" for deck in structure.DECKS), *(f"{deck}, two lags" for deck in structure.DECKS), "best Earth, two lags"]
    )
    lines = ["## Median correlation", "", f"| band | records | traces | {names} |", "|---" * 10 + "|"]
    for band in BANDS:
        here = [row for row in rows if row.band == band]
        for title, group in (("clean", [row for row in here if row.clean]), ("all", here)):
            if group:
                lines.append(f"| {band} | {title} | {_medians(group)} |")
        for event in sorted({row.event for row in here}):
            lines.append(f"| {band} | {event} | {_medians([row for row in here if row.event == event])} |")
    lines += [
        "",
        "## Traces, best Earth",
        "",
        "| event | trace | degrees | band | Earth | one lag | lag | two lags | amplitude | clean | response |",
    ]
    lines.append("|---" * 11 + "|")
    for event, trace, band in sorted({(row.event, row.trace, row.band) for row in rows}):
        row = max((r for r in rows if (r.event, r.trace, r.band) == (event, trace, band)), key=lambda r: r.aligned)
        marks = ("yes" if row.clean else "no", "known" if row.known_response else "assumed")
        size = f"{row.amplitude:.2g}" if row.known_response else ""
        numbers = f"{row.correlation:.2f} | {row.lag_s:+.0f} s | {row.aligned:.2f} | {size}"
        lines.append(f"| {event} | {trace} | {row.distance_deg:.1f} | {band} | {row.deck} | {numbers} | {' | '.join(marks)} |")
    return HEAD + "\n".join(lines) + "\n" + WHY


def _figure(drawn: list[tuple[Comparison, Floats, Floats]], path: Path) -> None:
    figure = Figure(figsize=(9, 1.1 * len(drawn)))
    for number, (row, real, made) in enumerate(drawn):
        axes = figure.add_subplot(len(drawn), 1, number + 1)
        clock = np.arange(len(real)) * STEP_S
        moved = np.roll(made, int(row.lag_s / STEP_S))
        axes.plot(clock, real / np.abs(real).max(), "k", lw=0.8)
        axes.plot(clock, moved / np.abs(moved).max(), "r", lw=0.8)
        label = f"{row.event} {row.trace} {row.distance_deg:.0f}°, {row.deck}, {row.band}: {row.correlation:.2f} at {row.lag_s:+.0f} s"
        axes.set_title(label, fontsize=7, loc="left", pad=2)
        axes.set(yticks=[], xlim=(0, clock[-1]))
        axes.tick_params(labelsize=6)
    figure.axes[-1].set_xlabel("seconds after the origin time; black observed, red synthetic, one lag", fontsize=7)
    figure.tight_layout(pad=0.4)
    FigureCanvasAgg(figure)
    figure.savefig(path, metadata={"Software": None})


def realism_page(events: Path, cache: Path, figure: Path) -> str:
    """The page for a folder of real events, and its figure: at most three traces an event, in 50-100 s."""
    jobs = comparable_traces(events)
    points = [(job.solution.depth_km, job.distance_deg) for job in jobs]
    found = []
    for deck in structure.DECKS:
        for job, strain in zip(jobs, strains(deck, points, cache), strict=True):
            found += [result for name in BANDS if (result := compare_trace(job, strain, deck, name)) is not None]
    rows = [row for row, _, _ in found]
    drawn = []
    for event in sorted({row.event for row in rows}):
        here = [result for result in found if result[0].event == event and result[0].band == "50-100 s"]
        names = sorted({row.trace for row, _, _ in here})
        for name in names[:: max(len(names) // 3, 1)][:3]:
            drawn.append(max((result for result in here if result[0].trace == name), key=lambda result: result[0].correlation))
    _figure(drawn, figure)
    return _page(rows)
