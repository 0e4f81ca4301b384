"""
Distribution of a job's work over all workers: tasks with arrays in the blob store, and only a task's name in the queue.

The worker that first claims a task in Redis runs it; a claim expires, so that a task of a dead worker can be claimed again.
The worker that runs the job also claims tasks, so it never depends on another worker. A task is a pure function of its arrays:
running it twice is harmless, and a task of a job that has ended finds no arrays and is skipped.
"""

import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import AtlasError
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from workers.queue.connection import QueueFull, QueueUnreachable
from workers.queue.dispatch import Dispatcher
from workers.queue.records import Records
from workers.storage.blobs import BlobStore
from workers.storage.result_keys import attempt_prefix

Arrays = Mapping[str, NDArray[Any]]
Work = Callable[[Arrays], Arrays]

SEPARATOR = "--"
CLAIM_S = 60
POLL_S = 0.05


def task_name(job_id: str, attempt: int, number: int) -> str:
    """Return the name of a task of one attempt at a job, as it stands in the queue."""
    return SEPARATOR.join((job_id, str(attempt), str(number)))


def is_task(name: str) -> bool:
    """Return whether a name in the queue is a task's and not a job's; ids of jobs hold no double dash."""
    return SEPARATOR in name


def _key(name: str, suffix: str) -> str:
    job_id, attempt, number = name.split(SEPARATOR)
    return f"{attempt_prefix(job_id, int(attempt))}/tasks/{number}.{suffix}"


def pack_arrays(arrays: Arrays) -> bytes:
    """Serialize arrays by name as an .npz file without pickle."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack_arrays(data: bytes) -> dict[str, NDArray[Any]]:
    """Deserialize what `pack_arrays` returned; raises ValueError for anything else."""
    with np.load(io.BytesIO(data), allow_pickle=False) as content:
        return {name: content[name] for name in content.files}


def pack_gathers(events: Sequence[tuple[str, Gather]]) -> dict[str, NDArray[Any]]:
    """Return named gathers as arrays: names, clocks and trace ids as JSON, samples and coordinates unchanged."""
    headers = [
        {
            "name": name,
            "start_time_s": gather.start_time_s,
            "sampling_rate_hz": gather.sampling_rate_hz,
            "traces": [str(trace) for trace in gather.trace_ids],
        }
        for name, gather in events
    ]
    arrays: dict[str, NDArray[Any]] = {"headers": np.array(json.dumps(headers))}
    for number, (_, gather) in enumerate(events):
        arrays[f"samples_{number}"] = gather.samples
        arrays[f"coordinates_{number}"] = np.stack([gather.latitudes_deg, gather.longitudes_deg])
    return arrays


def unpack_gathers(arrays: Arrays) -> Iterator[tuple[str, Gather]]:
    """Yield the named gathers in what `pack_gathers` returned."""
    for number, header in enumerate(json.loads(str(arrays["headers"]))):
        latitudes, longitudes = arrays[f"coordinates_{number}"]
        ids = tuple(TraceId(*trace.split(".")) for trace in header["traces"])
        samples = arrays[f"samples_{number}"]
        yield header["name"], Gather(ids, header["start_time_s"], header["sampling_rate_hz"], samples, latitudes, longitudes)


def run_task(blobs: BlobStore, records: Records, name: str, work: Work) -> bool:
    """
    Run a task unless another worker runs it or has run it.

    Parameters
    ----------
    blobs, records
        Where arrays and claims are.
    name
        Name of the task.
    work
        The function of the task. What it raises is raised after the claim is released, except an AtlasError: the job has
        ended, or the store fails.

    Returns
    -------
    bool
        Whether the task was run here.

    """
    if blobs.exists(_key(name, "out")) or not records.claim(name, CLAIM_S):
        return False
    try:
        blobs.put(_key(name, "out"), pack_arrays(work(unpack_arrays(blobs.get(_key(name, "in"))))))
    except AtlasError:
        records.release_claim(name)
        return False
    except BaseException:
        records.release_claim(name)
        raise
    return True


class DistributedMap:
    """
    Maps `work` over arrays by tasks that any worker can run, and returns the outputs in the order of submission.

    Parameters
    ----------
    blobs, records, dispatcher
        Where arrays, claims and offers of tasks go.
    job
        Id and attempt of the job.
    work
        The function of one task.
    max_waiting
        Maximum number of tasks whose outputs have not been returned; their arrays lie in the blob store, not in memory.
    tick
        Called while waiting; may raise to stop.

    """

    def __init__(
        self,
        blobs: BlobStore,
        records: Records,
        dispatcher: Dispatcher,
        job: tuple[str, int],
        work: Work,
        max_waiting: int,
        tick: Callable[[], None],
    ) -> None:
        self._blobs, self._records, self._dispatcher = blobs, records, dispatcher
        self._job, self._work, self._max_waiting, self._tick = job, work, max_waiting, tick
        self._names: list[str] = []
        self._next = 0

    def submit(self, arrays: Arrays) -> Iterator[dict[str, NDArray[Any]]]:
        """Submit one more task, and yield outputs until at most `max_waiting` tasks wait."""
        name = task_name(*self._job, len(self._names))
        self._blobs.put(_key(name, "in"), pack_arrays(arrays))
        self._names.append(name)
        with suppress(QueueUnreachable, QueueFull):  # the task is then run here
            self._dispatcher.enqueue_task(name)
        while len(self._names) - self._next > self._max_waiting:
            yield self._collect()

    def drain(self) -> Iterator[dict[str, NDArray[Any]]]:
        """Yield the outputs of all remaining tasks."""
        while self._next < len(self._names):
            yield self._collect()

    def _collect(self) -> dict[str, NDArray[Any]]:
        """Return the next task's output; while another worker runs that task, run the latest unclaimed tasks here."""
        name = self._names[self._next]
        while not self._blobs.exists(_key(name, "out")):
            self._tick()
            if not any(run_task(self._blobs, self._records, waiting, self._work) for waiting in reversed(self._names[self._next :])):
                time.sleep(POLL_S)
        output = unpack_arrays(self._blobs.get(_key(name, "out")))
        for suffix in ("in", "out"):
            self._blobs.delete(_key(name, suffix))
        self._next += 1
        return output
