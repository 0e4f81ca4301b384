"""The model cards as a page, `docs/reference/model_cards.md`: every number is read from the cards of the artifacts."""

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from models.registry.card import Card, Metric
from models.registry.store import open_store
from models.specs.index import MODELS
from training.evaluation.card_metrics import REPLICA_SET
from training.evaluation.card_writer import REAL_EVENT
from training.evaluation.pages import FIGURES, TEMPLATES, format_table, write_page

PAGE = Path("docs/reference/model_cards.md")
CARD_FIGURES = FIGURES / "models"
FIGURES_LINK = "../results/figures/models"


def write_model_cards_page(artifacts: Path, command: str, page: Path = PAGE, figures: Path = CARD_FIGURES) -> Path:
    """Write the page with a section for every model and the figures that are there."""
    store = open_store(artifacts)
    sections = "\n\n".join(format_card(store.card(spec.name), figures) for spec in MODELS)
    return write_page(page, TEMPLATES / "model_cards.md", command, models=sections)


def format_card(card: Card, figures: Path) -> str:
    """Format one card in Markdown, with the figures of that folder and their captions (`templates/captions.toml`)."""
    captions = tomllib.loads((TEMPLATES / "captions.toml").read_text(encoding="utf-8"))
    style = card.style
    picture = f"{style['kind']} picture, {style['rows']} by {style['columns']} pixels, window of {style['window_s']:.0f} s"
    calibration = ", ".join(f"{name} {value:.3g}" for name, value in card.calibration.items() if isinstance(value, float))
    storage = card.data.get("quantization", {}).get("storage", "float16")
    facts = (
        f"- Input: {picture}.\n"
        f"- Network: {card.architecture}, {card.size_bytes / 2**20:.1f} MiB, ONNX opset {card.opset}, weights stored as {storage}.\n"
        f"- Calibration: {calibration or 'none'}.\n"
        f"- Source: {card.citation}."
    )
    caption = captions["inputs"].get(card.name, "")
    parts = [
        f"## {card.name}, version {card.version}",
        card.task,
        facts,
        *(_format_figures(figures, [(f"reads_{card.name}", caption)]) or [caption] * bool(caption)),
        "Limits of use:",
        "\n".join(f"- {limit}" for limit in card.limits),
        *format_metrics(card.metrics),
        *_format_figures(figures, tuple(captions["plots"].get(card.name, {}).items())),
    ]
    return "\n\n".join(parts)


def format_metrics(metrics: Sequence[Metric]) -> Iterator[str]:
    """Format the metrics of a card: the replica by split, all others line by line, real events one by one."""
    replica = [metric for metric in metrics if metric.dataset.startswith(REPLICA_SET)]
    events = [metric for metric in metrics if metric.dataset.startswith(f"{REAL_EVENT} ")]
    rest = [metric for metric in metrics if metric not in replica and metric not in events]
    if replica:
        yield _format_by_split(replica)
    if rest:
        lines = [(metric.name, format_value(metric), metric.dataset, str(metric.n)) for metric in rest]
        yield format_table(("measure", "value", "data", "n"), lines)
    if events:
        yield _format_by_event(events)


def format_value(metric: Metric, *, unit: bool = True) -> str:
    """Format a value with its unit and interval."""
    plural = "" if metric.value == 1 or metric.unit in ("1", "") else "s"
    suffix = f" {metric.unit}{plural}" if unit and metric.unit != "1" else ""
    interval = "" if metric.low is None or metric.high is None else f" ({metric.low:.3g} to {metric.high:.3g})"
    return f"{metric.value:.3g}{suffix}{interval}"


def _index_metrics(metrics: Sequence[Metric]) -> tuple[dict[str, str], list[str], dict[tuple[str, str], Metric]]:
    """Units by name and data sets, both in order of appearance, and the metrics by name and data set."""
    units = {metric.name: "" if metric.unit == "1" else f", {metric.unit}s" for metric in metrics}
    return units, list(dict.fromkeys(metric.dataset for metric in metrics)), {(one.name, one.dataset): one for one in metrics}


def _format_by_split(metrics: Sequence[Metric]) -> str:
    """Tabulate a row for each measure and a column for each data set; n in the order of the columns."""
    units, datasets, found = _index_metrics(metrics)
    lines = []
    for name, unit in units.items():
        row = [found.get((name, dataset)) for dataset in datasets]
        counts = ", ".join("-" if metric is None else str(metric.n) for metric in row)
        lines.append((f"{name}{unit}", *("" if metric is None else format_value(metric, unit=False) for metric in row), counts))
    return format_table(("measured on the replica", *(name.removeprefix(f"{REPLICA_SET}, ") for name in datasets), "n"), lines)


def _format_by_event(metrics: Sequence[Metric]) -> str:
    """Tabulate a row for each real event and a column for each measure."""
    units, datasets, found = _index_metrics(metrics)
    lines = []
    for dataset in datasets:
        row = [found.get((name, dataset)) for name in units]
        count = str(next(metric.n for metric in row if metric is not None))
        lines.append((dataset.removeprefix(f"{REAL_EVENT} "), *("" if one is None else f"{one.value:.3g}" for one in row), count))
    return format_table(("real event", *(f"{name}{unit}" for name, unit in units.items()), "n"), lines)


def _format_figures(folder: Path, figures: Sequence[tuple[str, str]]) -> list[str]:
    """Link those figures that are in the folder, each with its caption."""
    present = [(name, caption) for name, caption in figures if (folder / f"{name}.png").is_file()]
    return [f"![{name.replace('_', ' ')}]({FIGURES_LINK}/{name}.png)\n\n{caption}" for name, caption in present]
