"""Batches prefetched by a thread while the network computes, and how long the network waited for them."""

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from models.array_types import Floats32, Pictures

DEPTH = 4
Batch = tuple[Pictures, Floats32]


def prefetch(batches: Iterator[Batch], depth: int = DEPTH) -> Iterator[Batch]:
    """Yield the batches in order, up to `depth` of them drawn in advance; an exception in drawing is raised here."""
    with ThreadPoolExecutor(1) as pool:
        pending = deque(pool.submit(next, batches, None) for _ in range(depth))
        while (batch := pending.popleft().result()) is not None:
            pending.append(pool.submit(next, batches, None))
            yield batch


class PrefetchStatistics:
    """The batches of one epoch, prefetched and timed: `pictures` counted, `waited_s` of `seconds` spent waiting."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = prefetch(batches)
        self.pictures, self.waited_s, self.seconds = 0, 0.0, 0.0

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches; the clock runs from the first wait to the last."""
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
    def waiting_fraction(self) -> float:
        """Fraction of the time spent waiting: near 0 the network is the bottleneck, near 1 the drawing of pictures."""
        return self.waited_s / max(self.seconds, 1e-9)
