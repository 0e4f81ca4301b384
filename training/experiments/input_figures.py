"""Figures of the pictures that each model reads, drawn by the serving path from the synthetic bundles of the demonstration."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from models.analysis.distances import DistanceReadings, predict_distances
from models.analysis.pipeline import Models, section_style
from models.analysis.sections import SectionReference, draw_beam, draw_section, draw_source, find_reference
from models.array_types import Pictures
from models.imaging.conditioning import condition
from models.imaging.render import render_traces
from models.imaging.style import SectionStyle
from models.seismic.io.channel_selection import select_channels
from models.seismic.io.inventory import attach_metadata, read_stations_csv
from models.seismic.io.miniseed import read_records, scan_miniseed
from models.seismic.waveforms import Gather, Record
from models.specs.pictures import CONDITIONING
from training.config import TrainingSettings
from training.evaluation.evaluate import open_models
from training.evaluation.event_sources import LIMITS
from training.evaluation.plots import name_axes, new_sheet, save

BUNDLES = Path("app/demo_bundles")


@dataclass(frozen=True)
class EventInputs:
    """What the pictures of one event are drawn from."""

    gather: Gather
    readings: DistanceReadings
    reference: SectionReference | None


def read_demo_bundle(path: Path) -> tuple[Record, ...]:
    """Read the records of a ZIP bundle with one event, one a station."""
    with zipfile.ZipFile(path) as bundle:
        content: Mapping[str, bytes] = {name: bundle.read(name) for name in bundle.namelist()}
    records, _ = read_records([scan_miniseed(name, data) for name, data in content.items() if name.endswith(".mseed")], LIMITS)
    inventories = [read_stations_csv(data, name) for name, data in content.items() if name.endswith(".csv")]
    chosen, _ = select_channels(attach_metadata(records, inventories)[0])
    return tuple(chosen)


def predict_inputs(models: Models, records: tuple[Record, ...]) -> EventInputs:
    """Condition records, predict their distances, and locate the epicenter by them."""
    gather = condition(records, CONDITIONING)
    readings = predict_distances(models["offset"], gather)
    return EventInputs(gather, readings, find_reference(gather, readings))


def colorize(picture: Pictures) -> Pictures:
    """Arrange up to three channels [channels, rows, columns] as red, green and blue [rows, columns, 3]; the last one fills missing ones."""
    missing = 3 - len(picture)
    full = np.concatenate([picture, np.repeat(picture[-1:], missing, axis=0)]) if missing > 0 else picture[:3]
    return np.ascontiguousarray(np.moveaxis(full, 0, -1))


def draw_input_figures(settings: TrainingSettings, folder: Path, bundles: Path = BUNDLES) -> list[Path]:
    """Draw `reads_NAME.png` for each kind of picture (trace, section, beams of trial forces, source picture) and return the paths."""
    models = open_models(settings)
    quake, ice = (predict_inputs(models, read_demo_bundle(bundles / f"{name}.zip")) for name in ("earthquake", "glacial"))
    paths = [folder / f"reads_{name}.png" for name in ("offset", "event_type", "force_azimuth", "families")]
    _draw_trace(models, quake, paths[0])
    _draw_sections(models, {"earthquake": quake, "glacial": ice}, paths[1])
    _draw_beams(models, ice, paths[2])
    _draw_sources(models, {"earthquake": quake, "glacial": ice}, paths[3])
    return paths


def _draw_trace(models: Models, inputs: EventInputs, path: Path) -> None:
    """Draw the trace with the smallest predicted uncertainty, one panel a channel."""
    style = models["offset"].spec.style
    if style.kind not in ("frequency", "amplitude"):
        raise ValueError("the distance model does not read pictures of traces")
    surest = int(np.nanargmin(inputs.readings.uncertainties_deg))
    picture = render_traces(style, inputs.gather, inputs.readings.window_start_s)[surest]
    zooms = style.zooms if style.kind == "frequency" else (1.0,) * len(picture)
    figure, panels = new_sheet(len(picture), 9.6, 2.2)
    for axes, channel, zoom in zip(panels, picture, zooms, strict=True):
        _draw_image(axes, channel, (0, style.window_s / zoom / 60, 0, len(channel)))
        axes.set_yticks([])
        name_axes(axes, "minutes of the window", "period, long at the top" if axes is panels[0] else "")
    save(figure, path)


def _draw_image(axes: Axes, picture: Pictures, extent: tuple[float, float, float, float]) -> None:
    axes.grid(visible=False)
    axes.imshow(picture, cmap="magma", aspect="auto", interpolation="nearest", extent=extent)


def draw_section_panel(axes: Axes, style: SectionStyle, picture: Pictures, *, close: bool = False) -> None:
    """Draw a section (or, with `close`, its close-up of first arrivals) with axes: minutes to the right, degrees down."""
    near = style.close_up if close else None
    span = (0.0, style.window_s / 60) if near is None else (-near.lead_s / 60, (near.window_s - near.lead_s) / 60)
    _draw_image(axes, colorize(picture), (*span, style.rows, 0))
    whole = 360 if style.vertical_axis == "azimuth" else 180
    ticks = np.arange(0, 361, 90) if whole == 360 else np.array([0, 5, 20, 50, 90, 180])
    axes.set_yticks((ticks / whole) ** style.axis_exponent * style.rows, [f"{tick}" for tick in ticks])
    name_axes(axes, "minutes" if near is None else "minutes after P", "")


def _draw_sections(models: Models, events: Mapping[str, EventInputs], path: Path) -> None:
    figure, panels = new_sheet(4, 11.6, 3.1)
    for number, (kind, inputs) in enumerate(events.items()):
        style = section_style(models["event_type"])
        picture = draw_section(style, inputs.gather, inputs.readings, inputs.reference)
        bands = len(style.bands)
        for axes, shown, close in ((panels[2 * number], picture[:bands], False), (panels[2 * number + 1], picture[bands:], True)):
            if len(shown):
                draw_section_panel(axes, style, shown, close=close)
                axes.set_title(kind if not close else "first arrivals, enlarged", fontsize=9, loc="left")
    panels[0].set_ylabel("distance, degrees", fontsize=8.5)
    save(figure, path)


def _draw_beams(models: Models, inputs: EventInputs, path: Path) -> None:
    style = models["force_azimuth"].spec.style
    if style.kind != "beam" or inputs.reference is None:
        return
    picture = draw_beam(style, inputs.gather, inputs.readings, inputs.reference)
    figure, panels = new_sheet(len(picture), 3.0 * len(picture), 2.9)
    for axes, channel, band in zip(panels, picture, style.bands, strict=True):
        _draw_image(axes, channel, (-style.lead_s, style.window_s - style.lead_s, 360, 0))
        axes.set_yticks(np.arange(0, 361, 90))
        axes.set_title(f"{band.shortest_period_s:g} to {band.longest_period_s:g} s", fontsize=9, loc="left")
        name_axes(axes, "seconds, path delay removed", "")
    panels[0].set_ylabel("trial azimuth, degrees", fontsize=8.5)
    save(figure, path)


def _draw_sources(models: Models, events: Mapping[str, EventInputs], path: Path) -> None:
    style = models["families"].spec.style
    if style.kind != "source":
        return
    figure, panels = new_sheet(4, 9.6, 2.3)
    for number, (kind, inputs) in enumerate(events.items()):
        picture = draw_source(style, inputs.gather, inputs.readings, inputs.reference)
        for axes, channel, words in zip(panels[2 * number :], picture, ("spectral level", "level above the noise"), strict=False):
            _draw_image(axes, channel, (-style.lead_s / 60, (style.window_s - style.lead_s) / 60, 0, style.rows))
            axes.set_yticks([])
            axes.set_title(f"{kind}: {words}", fontsize=9, loc="left")
            name_axes(axes, "minutes", "period, long at the top" if axes is panels[0] else "")
    save(figure, path)
