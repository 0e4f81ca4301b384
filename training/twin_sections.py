"""Sections of the catalog twin, drawn as serving draws them: what event_type networks are compared on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from models.analysis.offsets import read_offsets
from models.analysis.sections import draw_section, find_reference
from models.catalog.event_type import CLASSES
from models.catalog.offset import OFFSET
from models.catalog.pictures import CONDITIONING, DISTANCE_SECTION
from models.errors import UnusableData
from models.imaging.conditioning import condition
from models.imaging.style import channels, fingerprint
from models.registry.inference import OnnxModel
from models.registry.store import open_store
from training.archive import ArchivedEvent, read_events, read_manifest
from training.config import TrainingSettings
from training.dataset import fingerprint_of


@dataclass(frozen=True)
class TwinSections:
    """Pictures uint8 [events, channels, rows, columns], class indices [events], and the mark of what they were drawn from."""

    pictures: NDArray[np.uint8]
    labels: NDArray[np.int64]
    mark: str


def _section(model: OnnxModel, event: ArchivedEvent) -> NDArray[np.uint8] | None:
    try:
        gather = condition(event.records, CONDITIONING)
        readings = read_offsets(model, gather)
        return draw_section(DISTANCE_SECTION, gather, readings, find_reference(gather, readings))
    except UnusableData:
        return None


def twin_sections(archive: Path, settings: TrainingSettings) -> TwinSections:
    """
    One section an event of the archive, placed by offsets that the exported model predicts, kept for the next call.

    An event that serving could not read has a black picture: it stays in the split, and a network has to guess it.
    """
    store = open_store(settings.artifacts_dir)
    manifest = fingerprint_of(str(read_manifest(archive)["shards"]))
    mark = fingerprint_of(manifest, fingerprint(DISTANCE_SECTION), store.card(OFFSET.name).digest)
    path = settings.build_dir / "data" / "twin_sections" / f"{mark[:12]}.npz"
    if not path.exists():
        model = OnnxModel.load(store, OFFSET, threads=settings.processes)
        events = list(read_events(archive))
        style = DISTANCE_SECTION
        blank = np.zeros((channels(style), style.rows, style.columns), np.uint8)
        drawn = [_section(model, event) for event in tqdm(events, desc="twin sections", unit="event", mininterval=5)]
        pictures = np.stack([blank if picture is None else picture for picture in drawn])
        labels = np.array([CLASSES.index(str((event.truth or {})["kind"])) for event in events])
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}")
        np.savez_compressed(temporary, pictures=pictures, labels=labels)
        temporary.rename(path)
    with np.load(path) as content:
        return TwinSections(content["pictures"], content["labels"], mark)
