"""The page `attribution.md` and its figure: which parts of a section event_type uses, on replica and on real events."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from tqdm import tqdm

from models.analysis.pipeline import Models, section_style
from models.array_types import Floats
from models.errors import UnusableData
from models.imaging.conditioning import condition
from models.imaging.style import SectionStyle
from models.registry.inference import OnnxModel
from models.specs.event_type import CLASSES
from models.specs.pictures import CONDITIONING
from training.config import TrainingSettings
from training.evaluation.evaluate import open_models
from training.evaluation.event_sources import ArchiveSource, LabeledEvent, list_real_events, read_real_records, read_real_truth
from training.evaluation.metrics import bootstrap
from training.evaluation.pages import FIGURES, RESULTS, format_table, write_page
from training.evaluation.plots import new_sheet, save
from training.experiments.attribution.shapley import WINDOWS, Attribution, attribute_event, compute_occlusion_map, name_channels
from training.experiments.input_figures import BUNDLES, draw_section_panel, read_demo_bundle
from training.synthesis.signal_to_noise import median_signal_to_noise

TEMPLATE = Path(__file__).parents[1] / "templates" / "attribution.md"
EXAMPLES, MAX_EVENTS = 2, 30
"""Events of each class in the figure, and by default in the tables."""
NOT_MEASURED = "Not measured in this run: no folder of real events was given."


def write_attribution_page(settings: TrainingSettings, command: str, archive: Path, real: Path | None, most: int) -> Path:
    """Attribute events of the replica, of the demonstration and of a folder of real events; write page and figure."""
    models = open_models(settings)
    model = models["event_type"]
    events = attribute_replica(models, archive, settings, most)
    if not events:
        raise ValueError("no event of the random split's test part of the archive could be read: draw the archive again")
    names = name_channels(section_style(model))
    real_events = [] if real is None else attribute_real(models, real)
    heads = ("event", "type", "log-odds", *WINDOWS, *names)
    draw_attribution_figure(model, [*attribute_demonstration(models), *events], FIGURES / "attribution.png")
    return write_page(
        RESULTS / "attribution.md",
        TEMPLATE,
        command,
        version=model.version,
        blank=f"{events[0].blank:+.2f}",
        events=str(len(events)),
        most=str(most),
        windows=format_class_table(events, "window", WINDOWS, lambda event: event.by_window),
        channels=format_class_table(events, "channel", names, lambda event: event.by_channel),
        real=format_table(heads, format_real_events(real_events)) if real_events else NOT_MEASURED,
    )


def select_by_snr(archive: Path, settings: TrainingSettings, most: int) -> list[LabeledEvent]:
    """Select of each class the test events of the random split with the highest signal-to-noise ratios, highest first."""
    source = ArchiveSource(archive, "random")
    by_class: dict[str, list[tuple[float, LabeledEvent]]] = {kind: [] for kind in CLASSES}
    for batch in source.batches(settings):
        for _, event in source.load(batch, settings):
            by_class[event.truth.kind].append((measure_event_snr(event), event))
    return [event for own in by_class.values() for _, event in sorted(own, key=lambda pair: -pair[0])[:most]]


def measure_event_snr(event: LabeledEvent) -> float:
    """Median signal-to-noise ratio of the traces of an event; 0 where none is known."""
    truth, gather = event.truth, condition(event.records, CONDITIONING)
    epicenter = (truth.latitude_deg, truth.longitude_deg)
    return float(np.nan_to_num(median_signal_to_noise(gather, epicenter, truth.depth_km, truth.origin_time_s)))


def attribute_replica(models: Models, archive: Path, settings: TrainingSettings, most: int) -> list[Attribution]:
    """Attribute the replica events with the highest signal-to-noise ratios."""
    chosen = tqdm(select_by_snr(archive, settings, most), desc="attributed", unit="event", mininterval=5)
    return [attribute_event(models, event.records, event.truth.name, event.truth.kind) for event in chosen]


def attribute_demonstration(models: Models) -> list[Attribution]:
    """Attribute the events of the demonstration bundles, one of each class."""
    return [attribute_event(models, read_demo_bundle(BUNDLES / f"{kind}.zip"), "demonstration", kind) for kind in CLASSES]


def attribute_real(models: Models, folder: Path) -> list[Attribution]:
    """Attribute the events of a folder of real events; those that cannot be read are left out."""
    found = []
    for event in list_real_events(folder):
        truth = read_real_truth(event)
        with contextlib.suppress(UnusableData):
            found.append(attribute_event(models, read_real_records(event), truth.name, truth.kind))
    return found


def _format_mean(values: Floats) -> str:
    """Format a mean over events with its bootstrap interval."""
    middle, low, high = bootstrap(lambda rows: float(values[rows].mean()), np.arange(len(values)))
    return f"{middle:+.2f} ({low:+.2f} to {high:+.2f})"


def format_class_table(events: Sequence[Attribution], head: str, names: Sequence[str], evidence: Callable[[Attribution], Floats]) -> str:
    """Tabulate the mean evidence of each part of the picture, a column for each class; the last row is the sum."""
    groups = {kind: np.array([evidence(event) for event in events if event.kind == kind]) for kind in CLASSES}
    present = {kind: values for kind, values in groups.items() if len(values)}
    rows = [(name, *(_format_mean(values[:, k]) for values in present.values())) for k, name in enumerate(names)]
    rows.append(("sum", *(_format_mean(values.sum(axis=1)) for values in present.values())))
    return format_table((head, *(f"{kind}, n = {len(values)}" for kind, values in present.items())), rows)


def format_real_events(events: Sequence[Attribution]) -> list[tuple[str, ...]]:
    """Format for each event the log-odds, the evidence of each window, and each channel's fraction of the absolute evidence."""
    rows = []
    for event in events:
        fractions = np.abs(event.by_channel) / max(float(np.abs(event.by_channel).sum()), 1e-12)
        windows = (f"{value:+.2f}" for value in event.by_window)
        rows.append((event.name, event.kind, f"{event.log_odds:+.2f}", *windows, *(f"{one:.0%}" for one in fractions)))
    return rows


def draw_attribution_figure(model: OnnxModel, events: Sequence[Attribution], path: Path) -> None:
    """Draw section and occlusion map, then those of the first arrivals, of the first EXAMPLES events of each class."""
    chosen = [event for kind in CLASSES for event in [one for one in events if one.kind == kind][:EXAMPLES]]
    style = section_style(model)
    bands = len(style.bands)
    halves = [(slice(0, bands), False), *([(slice(bands, None), True)] if style.close_up else [])]
    drawn, panels = new_sheet(2 * len(halves), 2.9 * 2 * len(halves), 2.5 * len(chosen), rows=len(chosen))
    for number, event in enumerate(chosen):
        row = panels[2 * len(halves) * number :]
        for k, (channels, close) in enumerate(halves):
            left, right = row[2 * k], row[2 * k + 1]
            draw_section_panel(left, style, event.picture[channels], close=close)
            _draw_map(right, style, event, compute_occlusion_map(model, event.picture, channels), channels, close=close)
            title = f"{event.kind}, log-odds {event.log_odds:+.1f}" if k == 0 else "first arrivals, enlarged"
            left.set_title(title, fontsize=9, loc="left")
        row[0].set_ylabel("distance, degrees", fontsize=8.5)
    save(drawn, path, dpi=80)


def _draw_map(axes: Axes, style: SectionStyle, event: Attribution, heat: Floats, channels: slice, *, close: bool) -> None:
    """Draw the map in red and blue over a pale section, with the borders of the windows."""
    draw_section_panel(axes, style, np.zeros_like(event.picture[channels]), close=close)
    left, right, bottom, top = axes.get_images()[0].get_extent()
    size = max(float(np.abs(heat).max()), 1e-6)
    extent = (left, right, bottom, top)
    ink = event.picture[channels].max(axis=0) / 255.0
    axes.imshow(heat, cmap="RdBu", vmin=-size, vmax=size, aspect="auto", extent=extent, interpolation="nearest")
    axes.imshow(np.zeros((*ink.shape, 4)) + ink[..., None] * [0, 0, 0, 0.35], aspect="auto", extent=extent, interpolation="nearest")
    inside = event.windows[channels][0]
    x, y = np.linspace(left, right, inside.shape[1]), np.linspace(top, bottom, inside.shape[0])
    axes.contour(x, y, inside, levels=[0.5, 1.5, 3.5], colors="#26323c", linewidths=0.7)
    axes.set_title(f"darkest color: {size:.2f} nats", fontsize=8, loc="left")
