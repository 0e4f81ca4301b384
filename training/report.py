"""docs/models.md and the table in README.md, written from the model cards so that no figure is typed by hand."""

from pathlib import Path

from models.catalog.index import MODELS
from models.registry.card import Card, Metric
from models.registry.store import open_store

HEAD = """# The models

Written by `python -m training report` from the cards in `models/artifacts`; do not edit.
Intervals are 95 %, by bootstrap over events; every figure was measured by the serving path on the exported file.
"""


def _figure(metric: Metric) -> str:
    unit = "" if metric.unit == "1" else f" {metric.unit}{'s' if metric.value != 1 else ''}"
    span = "" if metric.low is None or metric.high is None else f" ({metric.low:.3g} to {metric.high:.3g})"
    return f"| {metric.name} | {metric.value:.3g}{unit}{span} | {metric.dataset} | {metric.n} |"


def section(card: Card) -> str:
    """One model in Markdown."""
    style = card.style
    picture = f"{style['kind']} picture, {style['rows']} by {style['columns']} pixels, window of {style['window_s']:.0f} s"
    calibration = ", ".join(f"{name} {value:.3g}" for name, value in card.calibration.items() if isinstance(value, float))
    lines = [
        f"## {card.name}, version {card.version}",
        "",
        card.task,
        "",
        f"- Reads: {picture}.",
        f"- Network: {card.architecture}, {card.size_bytes / 2**20:.1f} MiB, ONNX opset {card.opset}, weights stored as float16.",
        f"- Calibration: {calibration}." if calibration else "- Calibration: none.",
        f"- Source: {card.citation}.",
        "",
        "| measured | value | on | n |",
        "|---|---|---|---|",
        *[_figure(metric) for metric in card.metrics],
        "",
        *[f"- {limit}" for limit in card.limits],
        "",
    ]
    return "\n".join(lines)


def report(artifacts: Path) -> str:
    """The whole page, models in the order of the catalog."""
    store = open_store(artifacts)
    return "\n".join([HEAD, *[section(store.card(spec.name)) for spec in MODELS]]).rstrip() + "\n"


BEGIN, END = "<!-- scores:begin -->", "<!-- scores:end -->"
FIRST = 3


def scores(artifacts: Path) -> str:
    """A short table: the first figures of each card."""
    store = open_store(artifacts)
    rows = [f"| {card.name} {_figure(metric)}" for card in (store.card(spec.name) for spec in MODELS) for metric in card.metrics[:FIRST]]
    return "\n".join(["| model | measured | value | on | n |", "|---|---|---|---|---|", *rows])


def with_scores(readme: str, table: str) -> str:
    """README with the table between its two marks; raises ValueError where a mark is missing."""
    if BEGIN not in readme or END not in readme:
        raise ValueError(f"README.md has no place for the scores between {BEGIN} and {END}")
    before, rest = readme.split(BEGIN, 1)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.split(END, 1)[1]}"
