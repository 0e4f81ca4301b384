"""
Record sections of synthetic and of real events, drawn by the serving path, as an HTML page and as one figure.

Traces are drawn at the distances that the shipped distance model predicts. The three bands of a section are red (12 to 25 s), green (25 to
50 s) and blue (50 to 120 s).
"""

import base64
import html
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import imsave
from numpy.typing import NDArray

from models.analysis.distances import predict_distances
from models.analysis.sections import draw_section, find_reference
from models.errors import UnusableData
from models.imaging.conditioning import condition
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.seismic.waveforms import Gather
from models.specs.offset import OFFSET
from models.specs.pictures import CONDITIONING, DISTANCE_SECTION
from training.config import TrainingSettings
from training.earth import greens
from training.evaluation.event_sources import list_real_events, read_real_records, read_real_truth
from training.synthesis.events import EventSampler, draw_event, open_sampler

EACH = 12
COLUMNS = 6
STYLE = (
    "body{font:14px sans-serif;background:#111;color:#ddd;margin:24px}section{display:flex;flex-wrap:wrap;gap:10px}"
    "figure{margin:0}figcaption{font-size:11px;width:240px}img{width:240px;image-rendering:pixelated;display:block}"
)


@dataclass(frozen=True)
class GallerySection:
    """One section [rows, columns, 3], its group and its caption."""

    group: str
    caption: str
    picture: NDArray[np.uint8]


def _draw_as_served(group: str, caption: str, gather: Gather, model: OnnxModel) -> GallerySection | None:
    """Draw the section as served, without its close-up; None where no trace can be read."""
    try:
        readings = predict_distances(model, gather)
        section = draw_section(DISTANCE_SECTION, gather, readings, find_reference(gather, readings))
    except UnusableData:
        return None
    return GallerySection(group, caption, np.ascontiguousarray(np.moveaxis(section[:3], 0, -1)))


def draw_synthetic_sections(
    sampler: EventSampler, model: OnnxModel, kind: str, count: int, random: np.random.Generator
) -> Iterator[GallerySection]:
    """Draw `count` sections of a kind of source, with 6 to 40 stations at 5 to 150 degrees."""
    drawn = 0
    while drawn < count:
        stations = int(np.exp(random.uniform(np.log(6), np.log(40))))
        event = draw_event(sampler, kind, stations, random, (5.0, 150.0))
        distances = event.stations.distances_deg
        caption = f"{len(distances)} stations, {distances.min():.0f} to {distances.max():.0f} degrees, {event.source.depth_km:.0f} km deep"
        found = _draw_as_served(f"synthetic, {kind}", caption, condition(event.records, CONDITIONING), model)
        if found is not None:
            drawn += 1
            yield found


def draw_real_sections(folder: Path, model: OnnxModel) -> Iterator[GallerySection]:
    """Draw the events of a folder of real events that have three stations or more."""
    for event in list_real_events(folder):
        truth, gather = read_real_truth(event), condition(read_real_records(event), CONDITIONING)
        found = _draw_as_served("real", f"{truth.name}: {truth.kind}, {len(gather.samples)} stations", gather, model)
        if found is not None and len(gather.samples) >= 3:
            yield found


def format_gallery(sections: Sequence[GallerySection]) -> str:
    """Format an HTML page with all pictures embedded, which loads nothing else."""
    parts = [f"<!doctype html><meta charset=utf-8><title>Sections</title><style>{STYLE}</style><h1>Sections, synthetic and real</h1>"]
    for group in dict.fromkeys(section.group for section in sections):
        parts.append(f"<h2>{html.escape(group)}</h2><section>")
        for section in (one for one in sections if one.group == group):
            buffer = io.BytesIO()
            imsave(buffer, section.picture, format="png")
            data = base64.b64encode(buffer.getvalue()).decode()
            parts.append(
                f'<figure><img src="data:image/png;base64,{data}"><figcaption>{html.escape(section.caption)}</figcaption></figure>'
            )
        parts.append("</section>")
    return "\n".join(parts)


def draw_gallery_figure(sections: Sequence[GallerySection], path: Path) -> None:
    """Draw all sections on one PNG, each group beginning a new row."""
    groups = [[one for one in sections if one.group == group] for group in dict.fromkeys(section.group for section in sections)]
    rows = [(group[k : k + COLUMNS]) for group in groups for k in range(0, len(group), COLUMNS)]
    figure = Figure(figsize=(COLUMNS * 1.5, len(rows) * 1.62), layout="constrained")
    grid = figure.subplots(len(rows), COLUMNS, squeeze=False)
    for axes, row in zip(grid, rows, strict=True):
        for k, one in enumerate(axes):
            one.axis("off")
            if k < len(row):
                one.imshow(row[k].picture, interpolation="nearest")
                one.set_title(row[k].caption.split(":")[0] if row[k].group == "real" else row[k].group.split(", ")[1], fontsize=6, pad=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=75, pil_kwargs={"optimize": True})


def write_gallery(
    settings: TrainingSettings, folder: Path, out: Path, figure: Path, *, stores: tuple[str, ...] = greens.FULL_STORES, each: int = EACH
) -> int:
    """Write the page to `out`/index.html and the figure to `figure`; return the number of sections."""
    model = OnnxModel.load(open_store(settings.artifacts_dir), OFFSET, threads=settings.processes)
    sampler = open_sampler(greens.load_stores(settings.build_dir / "greens", stores), settings, 3407)
    random = np.random.default_rng([3407, 24])
    sections = [section for kind in ("glacial", "earthquake") for section in draw_synthetic_sections(sampler, model, kind, each, random)]
    sections += draw_real_sections(folder, model)
    out.mkdir(parents=True, exist_ok=True)
    (out / "index.html").write_text(format_gallery(sections), encoding="utf-8")
    draw_gallery_figure(sections, figure)
    return len(sections)
