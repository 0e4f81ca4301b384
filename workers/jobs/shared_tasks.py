"""
A job's work in pieces, offered to every worker: arrays through the blob store, nothing but a name through the queue.

Whoever comes first does a piece: a claim in Redis says so, and runs out should its holder die. The worker that runs the job
claims pieces, too, so that it never waits for others to begin, and does again what a claim has run out on. A piece is a pure
function of its arrays, so doing it twice is harmless; one whose job has gone finds nothing to do.
"""

import io
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import AtlasError
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
    """What a piece is called in the queue."""
    return SEPARATOR.join((job_id, str(attempt), str(number)))


def is_task(name: str) -> bool:
    """Whether that names a piece rather than a job; ids of jobs hold no double dash."""
    return SEPARATOR in name


def _key(name: str, what: str) -> str:
    job_id, attempt, number = name.split(SEPARATOR)
    return f"{attempt_prefix(job_id, int(attempt))}/pieces/{number}.{what}"


def pack_arrays(arrays: Arrays) -> bytes:
    """Arrays by name as bytes, without pickle."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack_arrays(data: bytes) -> dict[str, NDArray[Any]]:
    """What was packed; raises ValueError for anything else."""
    with np.load(io.BytesIO(data), allow_pickle=False) as content:
        return {name: content[name] for name in content.files}


def run_task(blobs: BlobStore, records: Records, name: str, work: Work) -> bool:
    """Do a piece unless somebody else does, or has; whether it was done here. What `work` raises is raised, the claim let go."""
    if blobs.exists(_key(name, "out")) or not records.claim(name, CLAIM_S):
        return False
    try:
        blobs.put(_key(name, "out"), pack_arrays(work(unpack_arrays(blobs.get(_key(name, "in"))))))
    except AtlasError:  # the job has gone, and all that it left; or the store fails, and whoever comes next tries again
        records.release_claim(name)
        return False
    except BaseException:
        records.release_claim(name)
        raise
    return True


class DistributedMap:
    """
    The pieces of one attempt, at most `ahead` of them waiting at a time: what waits lies in the blob store, not in memory.

    `tick()` is called while waiting and may raise to stop.
    """

    def __init__(
        self,
        blobs: BlobStore,
        records: Records,
        dispatcher: Dispatcher,
        job: tuple[str, int],
        work: Work,
        ahead: int,
        tick: Callable[[], None],
    ) -> None:
        self._blobs, self._records, self._dispatcher = blobs, records, dispatcher
        self._job, self._work, self._ahead, self._tick = job, work, ahead, tick
        self._names: list[str] = []
        self._next = 0

    def give(self, arrays: Arrays) -> Iterator[dict[str, NDArray[Any]]]:
        """Offer one more piece; yields what is done meanwhile, in the order of the pieces."""
        name = task_name(*self._job, len(self._names))
        self._blobs.put(_key(name, "in"), pack_arrays(arrays))
        self._names.append(name)
        with suppress(QueueUnreachable, QueueFull):  # then it is done here
            self._dispatcher.enqueue_task(name)
        while len(self._names) - self._next > self._ahead:
            yield self._take()

    def rest(self) -> Iterator[dict[str, NDArray[Any]]]:
        """What is left, as it is done."""
        while self._next < len(self._names):
            yield self._take()

    def _take(self) -> dict[str, NDArray[Any]]:
        """The next piece's outcome; while others have it, the last piece offered that nobody has is done here."""
        name = self._names[self._next]
        while not self._blobs.exists(_key(name, "out")):
            self._tick()
            if not any(run_task(self._blobs, self._records, waiting, self._work) for waiting in reversed(self._names[self._next :])):
                time.sleep(POLL_S)
        outcome = unpack_arrays(self._blobs.get(_key(name, "out")))
        for what in ("in", "out"):
            self._blobs.delete(_key(name, what))
        self._next += 1
        return outcome
