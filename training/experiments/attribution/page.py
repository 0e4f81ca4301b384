"""docs/attribution.md and its figure: what event_type goes by, on events of the catalog twin and, in numbers alone, on real ones."""

import contextlib
import json
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
from models.seismic.geodesy import distance_deg
from models.specs.event_type import CLASSES
from models.specs.pictures import CONDITIONING
from training.config import TrainingSettings
from training.datasets.archive import ArchivedEvent, read_events
from training.evaluation.event_scores import TEST
from training.evaluation.input_figures import BUNDLES, read_demo_bundle, section_panel
from training.evaluation.location_scores import open_models, twin_truth
from training.evaluation.markdown import markdown_table
from training.evaluation.metrics import bootstrap
from training.evaluation.plots import new_sheet, save
from training.evaluation.real_events import read_chosen_events
from training.experiments.attribution.shapley import WINDOWS, Attributed, attribute, channel_names, evidence_map
from training.synthesis.signal_to_noise import signal_to_noise

SHOWN, EACH = 2, 30

PAGE = """# What event_type goes by

Written by `{command}`; do not edit. Weights: event_type {version}.

Parts of a section are blackened, as where there are no data, and the shipped model is asked again. The evidence of a part is its
Shapley value: what its presence adds to the log-odds of a tectonic against a glacial earthquake, averaged over all orders in which
the parts can be added. Positive speaks for tectonic, negative for glacial; the evidence of all windows (and of all channels) adds up
to the log-odds of the section less those of a black one ({blank:+.2f}). In nats: +1 makes a tectonic earthquake 2.7 times likelier.
Windows follow ak135 at the distance of each row, 25 s early: P, S, surface waves from 4.4 to 2.8 km/s. What arrivals at short periods
add in the service (docs/explanation/location.md) is not in it.

A force and a double couple of one size differ, as seen from far, in periods (a force of 30 to 120 s has next to nothing below 20 s),
in body waves (P and S of a glacial earthquake lie below the noise), and in what follows P (depth phases that a source at the surface
lacks). Whether the model goes by these is what the tables tell.

## The catalog twin

{events} events of the test part of the random split, of each class the {each} at most that stand highest over their noise (in a section
of noise there is nothing to be seen). Mean evidence with its 95 % interval by bootstrap over events.

{windows}

{channels}

![Sections and the evidence in them](figures/attribution.png)

Of each class the event of the demonstration and the loudest one of the twin. Left of each pair the section, right of it how far the
log-odds fall when a patch of 16 by 16 pixels is blackened: blue spoke for tectonic, red for glacial. Lines: P, S, and the slowest
surface waves of the windows above. Synthetic events alone are shown; of real ones the numbers follow.

## Real events

Log-odds of the section, the evidence of each window, and of each channel its share of all evidence, whatever its sign.

{real}
"""


def select_by_snr(archive: Path, each: int) -> list[ArchivedEvent]:
    """Of each class the events of the random split's test part whose median trace stands highest over its noise, loudest first."""
    known: dict[str, list[tuple[float, ArchivedEvent]]] = {kind: [] for kind in CLASSES}
    for event in read_events(archive):
        if (event.truth or {})["split_random"] == TEST:
            known[str((event.truth or {})["kind"])].append((event_snr(event), event))
    return [event for own in known.values() for _, event in sorted(own, key=lambda pair: -pair[0])[:each]]


def event_snr(event: ArchivedEvent) -> float:
    """Median over traces of peak over noise, 0 where none can be told."""
    said = event.truth or {}
    truth, gather = twin_truth(event.name, said), condition(event.records, CONDITIONING)
    away = distance_deg(truth.latitude_deg, truth.longitude_deg, gather.latitudes_deg, gather.longitudes_deg)
    values = signal_to_noise(gather, away, truth.depth_km, float(str(said["origin_time_s"])))
    return float(np.nanmedian(values)) if np.isfinite(values).any() else 0.0


def of_twin(models: Models, archive: Path, each: int) -> list[Attributed]:
    """The loudest events of the twin; those that cannot be read are left out."""
    return [
        attribute(models, event.records, event.name, str((event.truth or {})["kind"]))
        for event in tqdm(select_by_snr(archive, each), desc="attributed", unit="event", mininterval=5)
    ]


def of_bundles(models: Models) -> list[Attributed]:
    """The events of the demonstration, one of each class."""
    return [attribute(models, read_demo_bundle(BUNDLES / f"{kind}.zip"), "demonstration", kind) for kind in CLASSES]


def of_real(models: Models, folder: Path) -> list[Attributed]:
    """The events of a folder as training.real_events reads them; those that cannot be read are left out."""
    found = []
    for place in sorted(path.parent for path in folder.glob("*/event.json")):
        truth = json.loads((place / "event.json").read_text())
        with contextlib.suppress(UnusableData):
            found.append(attribute(models, read_chosen_events(place), str(truth["event_id"]), str(truth["type"])))
    return found


def mean_of(values: Floats) -> str:
    """A mean over events with its interval."""
    middle, low, high = bootstrap(lambda rows: float(values[rows].mean()), np.arange(len(values)))
    return f"{middle:+.2f} ({low:+.2f} to {high:+.2f})"


def class_table(events: Sequence[Attributed], head: str, names: Sequence[str], evidence: Callable[[Attributed], Floats]) -> str:
    """A row a part of the picture, a column a class; below them the sum."""
    groups = {kind: np.array([evidence(event) for event in events if event.kind == kind]) for kind in CLASSES}
    there = {kind: values for kind, values in groups.items() if len(values)}
    rows = [(name, *(mean_of(values[:, k]) for values in there.values())) for k, name in enumerate(names)]
    rows.append(("together", *(mean_of(values.sum(axis=1)) for values in there.values())))
    return markdown_table((head, *(f"{kind}, n = {len(values)}" for kind, values in there.items())), rows)


def real_table(events: Sequence[Attributed]) -> list[tuple[str, ...]]:
    """Lines, one an event: log-odds, evidence by window, and which share of all evidence each channel holds, whatever its sign."""
    rows = []
    for event in events:
        shares = np.abs(event.by_channel) / max(float(np.abs(event.by_channel).sum()), 1e-12)
        rows.append(
            (
                event.name,
                event.kind,
                f"{event.log_odds:+.2f}",
                *(f"{value:+.2f}" for value in event.by_window),
                *(f"{one:.0%}" for one in shares),
            )
        )
    return rows


def figure(model: OnnxModel, events: Sequence[Attributed], path: Path) -> None:
    """The first two of each class: section and evidence, then first arrivals and evidence."""
    shown = [event for kind in CLASSES for event in [one for one in events if one.kind == kind][:SHOWN]]
    style = section_style(model)
    bands = len(style.bands)
    parts = [(slice(0, bands), False), *([(slice(bands, None), True)] if style.close_up else [])]
    drawn, panels = new_sheet(2 * len(parts), 2.9 * 2 * len(parts), 2.5 * len(shown), rows=len(shown))
    for number, event in enumerate(shown):
        row = panels[2 * len(parts) * number :]
        for k, (channels, close) in enumerate(parts):
            left, right = row[2 * k], row[2 * k + 1]
            section_panel(left, style, event.picture[channels], close=close)
            _evidence(right, style, event, evidence_map(model, event.picture, channels), channels, close=close)
            left.set_title(f"{event.kind}, log-odds {event.log_odds:+.1f}" if k == 0 else "its first arrivals", fontsize=9, loc="left")
        row[0].set_ylabel("distance, degrees", fontsize=8.5)
    save(drawn, path, dpi=80)


def _evidence(axes: Axes, style: SectionStyle, event: Attributed, heat: Floats, channels: slice, *, close: bool) -> None:
    """The map in red and blue over a pale section, with the borders of the windows."""
    section_panel(axes, style, np.zeros_like(event.picture[channels]), close=close)
    left, right, bottom, top = axes.get_images()[0].get_extent()
    size = max(float(np.abs(heat).max()), 1e-6)
    extent = (left, right, bottom, top)
    ink = event.picture[channels].max(axis=0) / 255.0
    axes.imshow(heat, cmap="RdBu", vmin=-size, vmax=size, aspect="auto", extent=extent, interpolation="nearest")
    axes.imshow(np.zeros((*ink.shape, 4)) + ink[..., None] * [0, 0, 0, 0.35], aspect="auto", extent=extent, interpolation="nearest")
    inside = event.windows[channels][0]
    x, y = np.linspace(left, right, inside.shape[1]), np.linspace(top, bottom, inside.shape[0])
    axes.contour(x, y, inside, levels=[0.5, 1.5, 3.5], colors="#26323c", linewidths=0.7)
    axes.set_title(f"darkest: {size:.2f} nats", fontsize=8, loc="left")


def write_attribution_page(settings: TrainingSettings, archive: Path, real: Path | None, each: int, page: Path, picture: Path) -> None:
    """Page and figure."""
    models = open_models(settings)
    model = models["event_type"]
    events = of_twin(models, archive, each)
    if not events:
        raise ValueError("no event of the archive's test part could be read")
    names = channel_names(section_style(model))
    seen = [] if real is None else of_real(models, real)
    heads = ("event", "type", "log-odds", *WINDOWS, *names)
    figure(model, [*of_bundles(models), *events], picture)
    text = PAGE.format(
        command=f"python -m training attribution{'' if real is None else ' --real FOLDER'}{'' if each == EACH else f' --each {each}'}",
        version=model.version,
        blank=events[0].blank,
        events=len(events),
        each=each,
        windows=class_table(events, "window", WINDOWS, lambda event: event.by_window),
        channels=class_table(events, "channel", names, lambda event: event.by_channel),
        real=markdown_table(heads, real_table(seen)) if seen else "Not measured in this run: name a folder of real events.",
    )
    page.write_text(text, encoding="utf-8")
