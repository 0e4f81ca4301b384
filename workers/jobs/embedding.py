"""Embedding of many events: read one after the other, embedded in batches by all workers, with thumbnails kept on disk."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import batched
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from models.analysis.pipeline import Models, embed_event
from models.errors import NoUsableTrace
from models.imaging.conditioning import condition
from models.seismic.waveforms import Gather
from models.specs.pictures import CONDITIONING
from workers.contracts import DataWarning
from workers.jobs.context import JobContext, WorkerContext
from workers.jobs.inputs import read_many_events, to_warnings
from workers.jobs.shared_tasks import Arrays, DistributedMap, pack_gathers, unpack_gathers

EVENTS_PER_BATCH: Final = 16
WAITING_BATCHES_PER_WORKER: Final = 3
WAVEFORM_TRACES: Final = 3
WAVEFORM_LEAD_S: Final = 200
WAVEFORM_S: Final = 600
"""Waveforms for people: traces of an event, lead before the largest amplitude, and length."""

_THUMBNAIL_STEP: Final = 2

EmbeddedBatch = dict[str, NDArray[Any]]
"""Arrays of one batch [events]: `names`, `errors` (empty for an embedded event), `embeddings`, `thumbnails`, `waveforms`."""


@dataclass
class EmbeddedEvents:
    """
    Names, embeddings, thumbnails and waveforms of events, in the order of the bundle.

    `embeddings` holds one array [dimensions] an event; the thumbnails, each of `shape`, and the waveforms are in a temporary file until
    `close`.
    """

    names: list[str] = field(default_factory=list)
    embeddings: list[NDArray[np.float32]] = field(default_factory=list)
    warnings: list[DataWarning] = field(default_factory=list)
    file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    shape: tuple[int, ...] = ()

    def add_batch(self, batch: EmbeddedBatch) -> None:
        """Add the events of a batch, and a data warning for each that could not be embedded."""
        if "waveforms" not in batch:  # embedded by a worker of release 0.1
            batch = batch | {"waveforms": np.zeros((len(batch["names"]), WAVEFORM_TRACES, WAVEFORM_S), np.int8)}
        columns = ("names", "embeddings", "thumbnails", "waveforms", "errors")
        for name, embedding, thumbnail, waveforms, error in zip(*(batch[key] for key in columns), strict=True):
            if error:
                self.add_failure(str(name), str(error))
                continue
            self.names.append(str(name))
            self.embeddings.append(embedding)
            self.shape = thumbnail.shape
            self.file.write(np.ascontiguousarray(thumbnail, np.uint8).tobytes())
            self.file.write(np.ascontiguousarray(waveforms, np.int8).tobytes())

    def add_failure(self, name: str, detail: str) -> None:
        """Add a data warning for an event that could not be embedded."""
        self.warnings.append(DataWarning(trace=None, part=name, code=NoUsableTrace.code, detail=f"event left out: {detail}"))

    def close(self) -> None:
        """Delete the thumbnails and waveforms."""
        self.file.close()

    def thumbnails(self, indices: Sequence[int]) -> NDArray[np.uint8]:
        """Read the thumbnails of some events, uint8 [len(indices), channels, rows, columns]."""
        return np.stack([np.frombuffer(self._read(index)[0], np.uint8).reshape(self.shape) for index in indices])

    def waveforms(self, index: int) -> NDArray[np.int8]:
        """Read the waveforms of an event, int8 [WAVEFORM_TRACES, WAVEFORM_S]."""
        return np.frombuffer(self._read(index)[1], np.int8).reshape(WAVEFORM_TRACES, WAVEFORM_S)

    def _read(self, index: int) -> tuple[bytes, bytes]:
        """Read the bytes of an event's thumbnail and of its waveforms."""
        sizes = int(np.prod(self.shape)), WAVEFORM_TRACES * WAVEFORM_S
        self.file.seek(index * sum(sizes))
        return self.file.read(sizes[0]), self.file.read(sizes[1])


def embed_all(job: JobContext, events: EmbeddedEvents) -> None:
    """
    Add every event of the job's bundle to `events`, or a data warning where it cannot be embedded.

    Raises what `parse_in_sandbox` raises, Canceled and Superseded.
    """
    progress = job.progress.section(0.05, 0.85)

    def tick() -> None:
        # The number of events is known only at the end of the bundle, so progress approaches 1 asymptotically.
        progress("embed", 1.0 - 1.0 / (1.0 + 0.02 * len(events.names)))

    worker, workers = job.worker, len(job.worker.records.list_workers())
    shared = DistributedMap(
        worker.blobs,
        worker.records,
        worker.dispatcher,
        (job.record.id, job.record.attempt),
        lambda arrays: embed_packed(worker, arrays),
        WAITING_BATCHES_PER_WORKER * workers,
        tick,
    )
    for batch in batched(_read_gathers(job, events), EVENTS_PER_BATCH):
        tick()
        done = [embed_packed(worker, pack_gathers(batch))] if workers < 2 else shared.submit(pack_gathers(batch))
        for output in done:
            events.add_batch(output)
    for output in shared.drain():
        events.add_batch(output)


def embed_packed(worker: WorkerContext, arrays: Arrays) -> EmbeddedBatch:
    """Embed the gathers in what `pack_gathers` returned."""
    return embed_gathers(worker.models.models, unpack_gathers(arrays))


def embed_gathers(models: Models, events: Iterable[tuple[str, Gather]]) -> EmbeddedBatch:
    """Embed named gathers, with thumbnails of their record sections, or the error of each that cannot be embedded."""
    names, embeddings, thumbnails, waveforms, errors = [], [], [], [], []
    for name, gather in events:
        try:
            embedding, section = embed_event(models, gather)
            failure = ""
        except NoUsableTrace as error:
            failure = error.detail
        names.append(name)
        errors.append(failure)
        embeddings.append(None if failure else embedding)
        thumbnails.append(None if failure else make_thumbnail(section))
        waveforms.append(cut_event_waveforms(gather))
    return {
        "names": np.array(names),
        "errors": np.array(errors),
        "embeddings": _stack_or_zeros(embeddings),
        "thumbnails": _stack_or_zeros(thumbnails),
        "waveforms": np.stack(waveforms),
    }


def cut_event_waveforms(gather: Gather) -> NDArray[np.int8]:
    """
    Cut the traces of the largest ratio of peak to median amplitude to the time about the peak, each to full scale.

    Returns int8 [WAVEFORM_TRACES, WAVEFORM_S], one sample a second; rows without a trace are zero.
    """
    amplitudes = np.abs(np.nan_to_num(gather.samples))
    peaks, levels = amplitudes.max(axis=1), np.median(amplitudes, axis=1)
    contrast = np.divide(peaks, levels, out=np.zeros_like(peaks), where=levels > 0.0)
    step, waveforms = max(1, round(gather.sampling_rate_hz)), np.zeros((WAVEFORM_TRACES, WAVEFORM_S), np.int8)
    for row, trace in enumerate(np.argsort(-contrast, kind="stable")[:WAVEFORM_TRACES]):
        if peaks[trace] > 0.0:
            begin = max(0, int(amplitudes[trace].argmax()) - WAVEFORM_LEAD_S * step)
            cut = np.nan_to_num(gather.samples[trace, begin : begin + WAVEFORM_S * step : step])
            waveforms[row, : len(cut)] = np.rint(cut * (127.0 / peaks[trace]))
    return waveforms


def make_thumbnail(section: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Halve a picture [channels, rows, columns] by the maximum of each 2 x 2 pixels, which keeps thin lines visible."""
    step = _THUMBNAIL_STEP
    channels, rows, columns = section.shape[0], section.shape[1] // step, section.shape[2] // step
    squares = section[:, : rows * step, : columns * step].reshape(channels, rows, step, columns, step)
    return np.asarray(squares.max(axis=(2, 4)))


def _read_gathers(job: JobContext, events: EmbeddedEvents) -> Iterator[tuple[str, Gather]]:
    """Read and condition the events of a bundle, one in memory at a time; issues and unusable events become data warnings."""
    for event in read_many_events(job):
        events.warnings += [warning.model_copy(update={"part": warning.part or event.name}) for warning in to_warnings(event.issues)]
        try:
            gather = condition(event.records, CONDITIONING)
        except NoUsableTrace as error:
            events.add_failure(event.name, error.detail)
            continue
        yield event.name, gather


def _stack_or_zeros(arrays: Sequence[NDArray[Any] | None]) -> NDArray[Any]:
    """Stack arrays of one shape, with zeros for None."""
    template = next((array for array in arrays if array is not None), np.zeros(1))
    return np.stack([np.zeros_like(template) if array is None else array for array in arrays])
