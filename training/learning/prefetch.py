"""Batches drawn by a thread ahead of the network, and how long the network had to wait for them."""

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

DEPTH = 4
Batch = tuple[NDArray[np.uint8], NDArray[np.float32]]


def prefetch(batches: Iterator[Batch], depth: int = DEPTH) -> Iterator[Batch]:
    """The same batches in the same order, up to `depth` of them drawn in advance; what drawing raises is raised here."""
    with ThreadPoolExecutor(1) as pool:
        pending = deque(pool.submit(next, batches, None) for _ in range(depth))
        while (batch := pending.popleft().result()) is not None:
            pending.append(pool.submit(next, batches, None))
            yield batch


class PrefetchStatistics:
    """
    An epoch's batches, timed.

    `waiting_share` is the share of the time in which the consumer stood still for want of pictures: near 0, generation
    outruns the network; near 1, it is the bottleneck.
    """

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = prefetch(batches)
        self.pictures, self.waited_s, self.seconds = 0, 0.0, 0.0

    def __iter__(self) -> Iterator[Batch]:
        """Batches; the clock runs from the first wait to the last."""
        started = time.monotonic()
        while True:
            asked = time.monotonic()
            batch = next(self._batches, None)
            now = time.monotonic()
            self.waited_s, self.seconds = self.waited_s + now - asked, now - started
            if batch is None:
                return
            self.pictures += len(batch[1])
            yield batch

    @property
    def pictures_per_second(self) -> float:
        """Pictures of all devices together, over the whole epoch."""
        return self.pictures / max(self.seconds, 1e-9)

    @property
    def waiting_share(self) -> float:
        """From 0 to 1."""
        return self.waited_s / max(self.seconds, 1e-9)
