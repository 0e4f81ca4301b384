"""What each model reads, drawn from the synthetic bundles of the demonstration by the serving path."""

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
from training.evaluation.location_scores import open_models
from training.evaluation.plots import name_axes, new_sheet, save
from training.evaluation.real_events import LIMITS

BUNDLES = Path("app/demo_bundles")


@dataclass(frozen=True)
class ShippedSection:
    """An event as the models see it."""

    gather: Gather
    readings: DistanceReadings
    reference: SectionReference | None


def read_demo_bundle(path: Path) -> tuple[Record, ...]:
    """The vertical records of a bundle with one event."""
    with zipfile.ZipFile(path) as bundle:
        content: Mapping[str, bytes] = {name: bundle.read(name) for name in bundle.namelist()}
    records, _ = read_records([scan_miniseed(name, data) for name, data in content.items() if name.endswith(".mseed")], LIMITS)
    books = [read_stations_csv(data, name) for name, data in content.items() if name.endswith(".csv")]
    chosen, _ = select_channels(attach_metadata(records, books)[0])
    return tuple(chosen)


def read_sections(models: Models, records: tuple[Record, ...]) -> ShippedSection:
    """Records conditioned, offsets read, and the epicenter that they point to."""
    gather = condition(records, CONDITIONING)
    readings = predict_distances(models["offset"], gather)
    return ShippedSection(gather, readings, find_reference(gather, readings))


def colorize(picture: Pictures) -> Pictures:
    """Three channels [3, rows, columns] as red, green and blue, dark on white as people read wiggles."""
    missing = 3 - len(picture)
    full = np.concatenate([picture, np.repeat(picture[-1:], missing, axis=0)]) if missing > 0 else picture[:3]
    return np.ascontiguousarray(np.moveaxis(full, 0, -1))


def draw_input_figures(settings: TrainingSettings, folder: Path, bundles: Path = BUNDLES) -> list[Path]:
    """`reads_NAME.png` for each kind of picture: a trace, the section, trial forces, and what families are told by."""
    models = open_models(settings)
    quake, ice = (read_sections(models, read_demo_bundle(bundles / f"{name}.zip")) for name in ("earthquake", "glacial"))
    paths = [folder / f"reads_{name}.png" for name in ("offset", "event_type", "force_azimuth", "families")]
    _trace(models, quake, paths[0])
    _sections(models, {"earthquake": quake, "glacial": ice}, paths[1])
    _azimuths(models, ice, paths[2])
    _sources(models, {"earthquake": quake, "glacial": ice}, paths[3])
    return paths


def _trace(models: Models, seen: ShippedSection, path: Path) -> None:
    """The trace that is read with the least uncertainty, one panel a channel."""
    style = models["offset"].spec.style
    if style.kind not in ("frequency", "amplitude"):
        raise ValueError("the offset model reads traces")
    surest = int(np.nanargmin(seen.readings.uncertainties_deg))
    picture = render_traces(style, seen.gather, seen.readings.window_start_s)[surest]
    zooms = style.zooms if style.kind == "frequency" else (1.0,) * len(picture)
    figure, panels = new_sheet(len(picture), 9.6, 2.2)
    for axes, channel, zoom in zip(panels, picture, zooms, strict=True):
        _image(axes, channel, (0, style.window_s / zoom / 60, 0, len(channel)))
        axes.set_yticks([])
        name_axes(axes, "minutes of the window", "period: long above" if axes is panels[0] else "")
    save(figure, path)


def _image(axes: Axes, picture: Pictures, extent: tuple[float, float, float, float]) -> None:
    axes.grid(visible=False)
    axes.imshow(picture, cmap="magma", aspect="auto", interpolation="nearest", extent=extent)


def section_panel(axes: Axes, style: SectionStyle, picture: Pictures, *, close: bool = False) -> None:
    """A section with its axes named: minutes to the right, degrees down."""
    near = style.close_up if close else None
    span = (0.0, style.window_s / 60) if near is None else (-near.lead_s / 60, (near.window_s - near.lead_s) / 60)
    _image(axes, colorize(picture), (*span, style.rows, 0))
    whole = 360 if style.vertical_axis == "azimuth" else 180
    ticks = np.arange(0, 361, 90) if whole == 360 else np.array([0, 5, 20, 50, 90, 180])
    axes.set_yticks((ticks / whole) ** style.axis_exponent * style.rows, [f"{tick}" for tick in ticks])
    name_axes(axes, "minutes" if near is None else "minutes after P", "")


def _section(models: Models, name: str, seen: ShippedSection) -> tuple[SectionStyle, Pictures]:
    style = section_style(models[name])
    return style, draw_section(style, seen.gather, seen.readings, seen.reference)


def _sections(models: Models, events: Mapping[str, ShippedSection], path: Path) -> None:
    figure, panels = new_sheet(4, 11.6, 3.1)
    for number, (kind, seen) in enumerate(events.items()):
        style, picture = _section(models, "event_type", seen)
        bands = len(style.bands)
        for axes, part, close in ((panels[2 * number], picture[:bands], False), (panels[2 * number + 1], picture[bands:], True)):
            if len(part):
                section_panel(axes, style, part, close=close)
                axes.set_title(kind if not close else "its first arrivals", fontsize=9, loc="left")
    panels[0].set_ylabel("distance, degrees", fontsize=8.5)
    save(figure, path)


def _azimuths(models: Models, seen: ShippedSection, path: Path) -> None:
    style = models["force_azimuth"].spec.style
    if style.kind != "beam" or seen.reference is None:
        return
    picture = draw_beam(style, seen.gather, seen.readings, seen.reference)
    figure, panels = new_sheet(len(picture), 3.0 * len(picture), 2.9)
    for axes, channel, band in zip(panels, picture, style.bands, strict=True):
        _image(axes, channel, (-style.lead_s, style.window_s - style.lead_s, 360, 0))
        axes.set_yticks(np.arange(0, 361, 90))
        axes.set_title(f"{band.shortest_period_s:g} to {band.longest_period_s:g} s", fontsize=9, loc="left")
        name_axes(axes, "seconds, freed of the way", "")
    panels[0].set_ylabel("trial azimuth, degrees", fontsize=8.5)
    save(figure, path)


def _sources(models: Models, events: Mapping[str, ShippedSection], path: Path) -> None:
    style = models["families"].spec.style
    if style.kind != "source":
        return
    figure, panels = new_sheet(4, 9.6, 2.3)
    for number, (kind, seen) in enumerate(events.items()):
        picture = draw_source(style, seen.gather, seen.readings, seen.reference)
        for axes, channel, words in zip(panels[2 * number :], picture, ("level", "over the noise"), strict=False):
            _image(axes, channel, (-style.lead_s / 60, (style.window_s - style.lead_s) / 60, 0, style.rows))
            axes.set_yticks([])
            axes.set_title(f"{kind}: {words}", fontsize=9, loc="left")
            name_axes(axes, "minutes", "period: long above" if axes is panels[0] else "")
    save(figure, path)
