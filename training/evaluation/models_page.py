"""docs/models.md and the table in README.md, written from the model cards so that no figure is typed by hand."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from models.registry.card import Card, Metric
from models.registry.store import open_store
from models.specs.index import MODELS
from training.evaluation.card_metrics import HIGH_SNR, HIGH_SNR_SET, REAL_EVENT, TWIN_SET
from training.evaluation.markdown import markdown_table

FIGURES = "figures/models"
HEAD = """# The models

Written by `python -m training report` from the cards in `models/artifacts`; do not edit.
Every number was measured by the serving path on the exported file. Intervals are 95 %: after Wilson for shares of events, else by
bootstrap over events. `python -m training score --real FOLDER` measures and draws what is told of the catalog twin and of real events.

The catalog twin pairs each cataloged glacial earthquake with an earthquake ([training](../explanation/training.md)). Its test parts are
a fifth of the events at random, whole regions (glaciers, cells of the globe), and the last years. The networks learned from other
draws of the same catalogs, and no region or year was held back from them: the columns tell how they do in those regions and years,
not how they would do without having seen their like. Signal to noise is the largest amplitude from the first arrival on over the root
mean square before it, at 8 to 200 s, of an event the median over its traces; the last column tells of the test events of any split
where it is 5 and above. In figures a line is the median of events or traces alike in number, the band holds the middle
68 %, red diamonds are real events (for offsets the median of each), bars are 95 % intervals.
"""

READS = {
    "offset": "One trace: a row a period, time to the right, bright where the envelope is high; right, the window's beginning enlarged.",
    "event_type": "All traces of an event, each at its distance; red, green and blue are the bands from short to long periods; beside each "
    "section its first arrivals, enlarged. The glacial earthquake, as most cataloged ones, barely rises above the noise.",
    "depth": "The picture that event_type reads, at the located epicenter.",
    "force_azimuth": "Trial azimuths of a horizontal force as rows: long-period surface waves of all traces, freed of their paths, added "
    "as a force in that direction would have sent them, over the noise; the opposite direction is the negative.",
    "families": "What the clearer half of an event's records have in common: level against period and time.",
}
SHOWN = {
    "offset": (
        ("offset", "Said against true distance, and how often the truth lies within so many stated sigmas."),
        ("offset_errors", "Error of distance against distance, signal to noise, magnitude and depth."),
    ),
    "event_type": (
        ("event_type", "Reliability and confusion on the twin's test events."),
        ("event_type_shares", "Share recognized against signal to noise, magnitude and number of stations."),
    ),
    "depth": (("depth", "Said against true depth, and its error against signal to noise, magnitude and distance; dashed, 10 km."),),
    "force_azimuth": (
        ("force_azimuth", "Said against true azimuth, and its error against signal to noise, magnitude and stations; dashed, 10 degrees."),
    ),
}


def number(metric: Metric, *, unit: bool = True) -> str:
    """A value with unit and interval."""
    plural = "" if metric.value == 1 or metric.unit in ("1", "") else "s"
    said = f" {metric.unit}{plural}" if unit and metric.unit != "1" else ""
    span = "" if metric.low is None or metric.high is None else f" ({metric.low:.3g} to {metric.high:.3g})"
    return f"{metric.value:.3g}{said}{span}"


def _figure(metric: Metric) -> str:
    return f"| {metric.name} | {number(metric)} | {metric.dataset} | {metric.n} |"


def _across(metrics: Sequence[Metric], heads: tuple[str, ...], datasets: Sequence[str]) -> str:
    """A row a measure and a column a set of data; n in the same order."""
    found = {(metric.name, metric.dataset): metric for metric in metrics}
    lines = []
    for name in dict.fromkeys(metric.name for metric in metrics):
        row = [found.get((name, dataset)) for dataset in datasets]
        unit = next(metric.unit for metric in row if metric is not None)
        counts = ", ".join("-" if metric is None else str(metric.n) for metric in row)
        cells = tuple("" if metric is None else number(metric, unit=False) for metric in row)
        lines.append((f"{name}{'' if unit == '1' else f', {unit}s'}", *cells, counts))
    return markdown_table((*heads, "n"), lines)


def _events(metrics: Sequence[Metric]) -> str:
    """A row a real event and a column a measure."""
    names = list(dict.fromkeys(metric.name for metric in metrics))
    units = {metric.name: metric.unit for metric in metrics}
    found = {(metric.dataset, metric.name): metric for metric in metrics}
    lines = []
    for dataset in dict.fromkeys(metric.dataset for metric in metrics):
        row = [found.get((dataset, name)) for name in names]
        count = str(next(metric.n for metric in row if metric is not None))
        lines.append((dataset.removeprefix(f"{REAL_EVENT} "), *("" if metric is None else f"{metric.value:.3g}" for metric in row), count))
    return markdown_table(("real event", *(name if units[name] == "1" else f"{name}, {units[name]}s" for name in names), "n"), lines)


def card_measures(metrics: Sequence[Metric]) -> Iterator[str]:
    """The twin by split, everything else line by line, real events one by one."""
    twin = [metric for metric in metrics if metric.dataset.startswith(TWIN_SET)]
    events = [metric for metric in metrics if metric.dataset.startswith(f"{REAL_EVENT} ")]
    rest = [metric for metric in metrics if metric not in twin and metric not in events]
    if twin:
        datasets = list(dict.fromkeys(metric.dataset for metric in twin))
        names = (name.removeprefix(f"{TWIN_SET}, ") for name in datasets)
        yield _across(twin, ("measured on the catalog twin", *names), datasets)
    if rest:
        yield "\n".join(["| measured | value | on | n |", "|---|---|---|---|", *map(_figure, rest)])
    if events:
        yield _events(events)


def _pictures(folder: Path | None, names: Sequence[tuple[str, str]]) -> list[str]:
    """Those figures that are there, each with its words."""
    there = [(name, words) for name, words in names if folder is not None and (folder / f"{name}.png").is_file()]
    return [f"![{name.replace('_', ' ')}]({FIGURES}/{name}.png)\n\n{words}" for name, words in there]


def model_section(card: Card, figures: Path | None = None) -> str:
    """One model in Markdown, with the figures of that folder."""
    style = card.style
    picture = f"{style['kind']} picture, {style['rows']} by {style['columns']} pixels, window of {style['window_s']:.0f} s"
    calibration = ", ".join(f"{name} {value:.3g}" for name, value in card.calibration.items() if isinstance(value, float))
    storage = card.data.get("shipping", {}).get("storage", "float16")
    facts = (
        f"- Reads: {picture}.\n"
        f"- Network: {card.architecture}, {card.size_bytes / 2**20:.1f} MiB, ONNX opset {card.opset}, weights stored as {storage}.\n"
        f"- Calibration: {calibration or 'none'}.\n"
        f"- Source: {card.citation}."
    )
    words = READS.get(card.name, "")
    seen = _pictures(figures, [(f"reads_{card.name}", words)]) or [words]
    parts = [
        f"## {card.name}, version {card.version}",
        card.task,
        facts,
        *(part for part in seen if part),
        "Limits of use:",
        "\n".join(f"- {limit}" for limit in card.limits),
        *card_measures(card.metrics),
        *_pictures(figures, SHOWN.get(card.name, ())),
    ]
    return "\n\n".join(parts)


def models_page(artifacts: Path, figures: Path | None = None) -> str:
    """The whole page, models in the order of the catalog."""
    store = open_store(artifacts)
    return "\n\n".join([HEAD.rstrip(), *[model_section(store.card(spec.name), figures) for spec in MODELS]]) + "\n"


BEGIN, END = "<!-- scores:begin -->", "<!-- scores:end -->"
FIRST = 3


def readme_scores(artifacts: Path) -> str:
    """A short table: the first figures of each card, and the same ones where the twin's events stand over their noise."""
    store, lines = open_store(artifacts), []
    for card in (store.card(spec.name) for spec in MODELS):
        clear = {metric.name: metric for metric in card.metrics if metric.dataset == HIGH_SNR_SET}
        for metric in card.metrics[:FIRST]:
            best = clear.get(metric.name)
            cells = number(metric), metric.dataset, str(metric.n), *(("", "") if best is None else (number(best), str(best.n)))
            lines.append((card.name, metric.name, *cells))
    return markdown_table(("model", "measured", "value", "on", "n", f"where signal to noise is {HIGH_SNR:g} and above", "n"), lines)


def replace_scores(readme: str, table: str) -> str:
    """README with the table between its two marks; raises ValueError where a mark is missing."""
    if BEGIN not in readme or END not in readme:
        raise ValueError(f"README.md has no place for the scores between {BEGIN} and {END}")
    before, rest = readme.split(BEGIN, 1)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.split(END, 1)[1]}"
