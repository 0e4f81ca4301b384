"""Calls to the blob store on behalf of requests: in threads of their own, and given up once the store does not answer."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import anyio.to_thread
from anyio import CancelScope, CapacityLimiter

from workers.storage.blobs import BlobStore, StoreFull, StoreUnreachable

THREADS: Final = 16
PATIENCE_S: Final = 1.0
"""Time of a call until the store is probed; a call may take longer, as long as the probe succeeds."""

PROBE_S: Final = 0.8
"""Time of a probe; with PATIENCE_S, what a stalled store costs a caller."""

PROBE_VALID_S: Final = 2.0
"""Age up to which the outcome of a probe is used again."""


class StoreAccess:
    """
    Runs calls of a blob store in threads that nothing else uses, so that a stalled store does not hold up other requests.

    A thread that hangs in the store cannot be ended. It is left behind, and while the store is suspected to be stalled, no call is started
    before one probe (a single thread) has been answered.
    """

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._limiter, self._probe_limiter = CapacityLimiter(THREADS), CapacityLimiter(2)
        self._probing: asyncio.Task[None] | None = None
        self._probed_s = -PROBE_VALID_S
        self._suspected = False

    async def run[**P, T](self, call: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """Run a call and return its result; raises what it raises, and StoreUnreachable if the store stalls."""
        with suppress(StoreFull):  # which concerns writes alone
            if self._suspected:
                await self.check()
        task = asyncio.create_task(
            anyio.to_thread.run_sync(lambda: call(*arguments, **options), abandon_on_cancel=True, limiter=self._limiter)
        )
        try:
            while not (await asyncio.wait({task}, timeout=PATIENCE_S))[0]:
                with suppress(StoreFull):
                    await self.check(valid_s=0.0)
        except StoreUnreachable:
            task.add_done_callback(_ignore_outcome)
            raise
        finally:
            if not task.done():
                with CancelScope(shield=True):  # the call may still write: a caller that leaves must not overtake it
                    await asyncio.wait({task}, timeout=0.0 if self._suspected else PATIENCE_S)
                task.cancel()
        return task.result()

    async def check(self, valid_s: float = PROBE_VALID_S) -> None:
        """
        Probe the store, unless a probe was answered within `valid_s` seconds; raises StoreFull and StoreUnreachable within `PROBE_S`.

        Only one probe runs at a time, also after callers have given it up.
        """
        if not self._suspected and time.monotonic() - self._probed_s < valid_s:
            return
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(
                anyio.to_thread.run_sync(self._blobs.probe, abandon_on_cancel=True, limiter=self._probe_limiter)
            )
            self._probing.add_done_callback(_ignore_outcome)
        elif self._suspected:
            raise StoreUnreachable("the blob store does not answer")
        probing = self._probing  # another caller may start the next probe while this one waits
        done, _ = await asyncio.wait({probing}, timeout=PROBE_S)
        self._suspected = not done
        if not done:
            raise StoreUnreachable("the blob store does not answer")
        probing.result()
        self._probed_s = time.monotonic()


def _ignore_outcome(task: "asyncio.Task[object]") -> None:
    """Retrieve the exception of a task that nobody awaits any more, so that asyncio does not log it."""
    if not task.cancelled():
        task.exception()
