"""Many events to one row each: read one after the other, embedded by all workers, pictures kept on disk and not in memory."""

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from models.analysis.pipeline import Models, embed_event
from models.errors import NoUsableTrace
from models.imaging.conditioning import condition
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from models.specs.pictures import CONDITIONING
from workers.contracts import DataWarning
from workers.jobs.context import JobContext, WorkerContext
from workers.jobs.inputs import data_warnings, read_many_events
from workers.jobs.shared_tasks import Arrays, DistributedMap

A_PIECE: Final = 16  # events
AHEAD_A_WORKER: Final = 3  # pieces that wait, for each worker there is
_THUMBNAIL_STEP: Final = 2

EmbeddedBatch = dict[str, NDArray[Any]]


@dataclass
class EmbeddedEvents:
    """
    What is kept of events once their records are gone.

    `names`, `embeddings` [n] rows; `thumbnails` lie in a temporary file, one after the other, each of `shape`, until `close()`.
    """

    names: list[str] = field(default_factory=list)
    embeddings: list[NDArray[np.float32]] = field(default_factory=list)
    warnings: list[DataWarning] = field(default_factory=list)
    file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    shape: tuple[int, ...] = ()

    def add(self, outcome: EmbeddedBatch) -> None:
        """The events of one piece."""
        for name, embedding, thumbnail, trouble in zip(
            *(outcome[key] for key in ("names", "embeddings", "thumbnails", "troubles")), strict=True
        ):
            if trouble:
                self.leave_out(str(name), str(trouble))
                continue
            self.names.append(str(name))
            self.embeddings.append(embedding)
            self.shape = thumbnail.shape
            self.file.write(np.ascontiguousarray(thumbnail, np.uint8).tobytes())

    def leave_out(self, name: str, detail: str) -> None:
        """An event that cannot be embedded is a warning."""
        self.warnings.append(DataWarning(trace=None, part=name, code=NoUsableTrace.code, detail=f"event left out: {detail}"))

    def close(self) -> None:
        """Let the thumbnails go."""
        self.file.close()

    def thumbnails(self, rows: Sequence[int]) -> NDArray[np.uint8]:
        """Those events' thumbnails uint8 [len(rows), channels, rows, columns]."""
        size = int(np.prod(self.shape))
        pictures = []
        for row in rows:
            self.file.seek(row * size)
            pictures.append(np.frombuffer(self.file.read(size), np.uint8).reshape(self.shape))
        return np.stack(pictures)


def embed_all(task: JobContext, embedded: EmbeddedEvents) -> None:
    """Add every event of the bundle that can be embedded, in its order; the others are told in the warnings."""
    progress = task.progress.part(0.05, 0.85)

    def tick() -> None:
        known = len(embedded.names)
        progress("embed", 1.0 - 1.0 / (1.0 + 0.02 * known))  # how many will come, only the end of the stream tells

    workers = len(task.desk.records.live_workers())
    shared = DistributedMap(
        task.desk.blobs,
        task.desk.records,
        task.desk.dispatcher,
        (task.record.id, task.record.attempt),
        lambda arrays: embed_packed(task.desk, arrays),
        AHEAD_A_WORKER * workers,
        tick,
    )
    for piece in _pieces(_gathers(task, embedded), A_PIECE):
        tick()
        done = [embed_packed(task.desk, _packed(piece))] if workers < 2 else shared.give(_packed(piece))
        for outcome in done:
            embedded.add(outcome)
    for outcome in shared.rest():
        embedded.add(outcome)


def embed_packed(desk: WorkerContext, arrays: Arrays) -> EmbeddedBatch:
    """What `embed_gathers` says of the gathers of one piece."""
    return embed_gathers(desk.models.models, _unpacked(arrays))


def embed_gathers(models: Models, events: Iterable[tuple[str, Gather]]) -> EmbeddedBatch:
    """Embeddings and thumbnails of events; `troubles` says of each why there is none, or nothing."""
    names, embeddings, thumbnails, troubles = [], [], [], []
    for name, gather in events:
        try:
            embedding, section = embed_event(models, gather)
            trouble = ""
        except NoUsableTrace as error:
            trouble = error.detail
        names.append(name)
        troubles.append(trouble)
        embeddings.append(None if trouble else embedding)
        thumbnails.append(None if trouble else thumbnail_of(section))
    return {
        "names": np.array(names),
        "troubles": np.array(troubles),
        "embeddings": _filled(embeddings),
        "thumbnails": _filled(thumbnails),
    }


def thumbnail_of(section: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The brightest of each square of pixels, so that thin lines stay."""
    step = _THUMBNAIL_STEP
    channels, rows, columns = section.shape[0], section.shape[1] // step, section.shape[2] // step
    squares = section[:, : rows * step, : columns * step].reshape(channels, rows, step, columns, step)
    return np.asarray(squares.max(axis=(2, 4)))


def _gathers(task: JobContext, embedded: EmbeddedEvents) -> Iterator[tuple[str, Gather]]:
    """Conditioned events, one in memory at a time."""
    for event in read_many_events(task):
        embedded.warnings += data_warnings(event.issues)
        try:
            gather = condition(event.records, CONDITIONING)
        except NoUsableTrace as error:
            embedded.leave_out(event.name, error.detail)
            continue
        yield event.name, gather


def _pieces[Kind](items: Iterable[Kind], size: int) -> Iterator[list[Kind]]:
    piece: list[Kind] = []
    for item in items:
        piece.append(item)
        if len(piece) == size:
            yield piece
            piece = []
    if piece:
        yield piece


def _packed(events: Sequence[tuple[str, Gather]]) -> EmbeddedBatch:
    """Gathers as arrays by name: what identifies them as JSON, samples and coordinates as they are."""
    known = [
        {
            "name": name,
            "start_time_s": gather.start_time_s,
            "sampling_rate_hz": gather.sampling_rate_hz,
            "traces": [str(trace) for trace in gather.trace_ids],
        }
        for name, gather in events
    ]
    arrays: EmbeddedBatch = {"known": np.array(json.dumps(known))}
    for number, (_, gather) in enumerate(events):
        arrays[f"samples_{number}"] = gather.samples
        arrays[f"places_{number}"] = np.stack([gather.latitudes_deg, gather.longitudes_deg])
    return arrays


def _unpacked(arrays: Arrays) -> Iterator[tuple[str, Gather]]:
    for number, known in enumerate(json.loads(str(arrays["known"]))):
        latitudes, longitudes = arrays[f"places_{number}"]
        ids = tuple(TraceId(*trace.split(".")) for trace in known["traces"])
        yield (
            known["name"],
            Gather(ids, known["start_time_s"], known["sampling_rate_hz"], arrays[f"samples_{number}"], latitudes, longitudes),
        )


def _filled(rows: Sequence[NDArray[Any] | None]) -> NDArray[Any]:
    """Rows of one shape, zeros where there is none."""
    like = next((row for row in rows if row is not None), np.zeros(1))
    return np.stack([np.zeros_like(like) if row is None else row for row in rows])
