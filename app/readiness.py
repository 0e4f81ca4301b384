"""Check whether the service can process jobs: queue, workers, models, store."""

import asyncio
from pathlib import Path
from typing import Final

import anyio.to_thread
from anyio import CapacityLimiter

from app.auth.keyring import Keyring
from app.errors import KeysUnreadable
from app.schemas import Check, Ready
from app.store_access import StoreAccess
from models.errors import AtlasError
from models.specs.index import MODELS
from workers.contracts import WorkerState
from workers.queue.connection import QueueFull, QueueUnreachable, queue_errors
from workers.queue.damage import read_damage
from workers.queue.records import Records

WITHIN_S: Final = 0.6
"""Time after which a check without an answer counts as failed."""


class Readiness:
    """The checks of readiness; each answers within `WITHIN_S`, in threads that nothing else uses."""

    def __init__(self, records: Records, store: StoreAccess, keyring: Keyring, queue_folder: Path | None = None) -> None:
        self._records, self._store, self._keyring, self._queue_folder = records, store, keyring, queue_folder
        self._limiter = CapacityLimiter(8)
        self.draining = False
        """True once the service has been asked to stop: new requests are to be sent elsewhere."""

    async def check(self) -> Ready:
        """Run every check; without the queue, workers and models are reported as unknown."""
        (queue, workers), store = await asyncio.gather(self._check_queue(), self._check_store())
        if queue.ok:
            checks = [queue, _check_workers(workers), _check_models(workers), store]
        else:
            detail = "unknown, because the queue is not available"
            checks = [queue, *(Check(name=name, ok=False, detail=f"{name}: {detail}") for name in ("worker", "models")), store]
        if self._queue_folder is not None:
            checks.append(_check_queue_file(self._queue_folder))
        if not _are_keys_readable(self._keyring):
            checks.append(Check(name="keys", ok=False, detail="the service cannot read its API keys, so nobody can call it; see its log"))
        if self.draining:
            checks.append(Check(name="shutdown", ok=False, detail="the service is shutting down"))
        return _summarize(workers, checks)

    async def _check_queue(self) -> tuple[Check, list[WorkerState]]:
        try:
            with anyio.fail_after(WITHIN_S):
                workers = await anyio.to_thread.run_sync(self._list_workers, abandon_on_cancel=True, limiter=self._limiter)
        except (QueueUnreachable, QueueFull) as error:
            return Check(name="queue", ok=False, detail=error.detail), []
        except TimeoutError:
            return Check(name="queue", ok=False, detail=f"the queue server does not answer within {WITHIN_S:g} s"), []
        return Check(name="queue", ok=True, detail="the queue server answers"), workers

    def _list_workers(self) -> list[WorkerState]:
        with queue_errors():
            return self._records.list_workers()

    async def _check_store(self) -> Check:
        try:
            await self._store.check()
        except AtlasError as error:
            return Check(name="store", ok=False, detail=error.detail)
        return Check(name="store", ok=True, detail="the blob store takes and returns a blob")


def _are_keys_readable(keyring: Keyring) -> bool:
    """Return whether callers can be identified, or need not be; while the key file cannot be read, all calls about jobs are refused."""
    try:
        _ = keyring.required
    except KeysUnreadable:
        return False
    return True


def _check_queue_file(folder: Path) -> Check:
    """Report damage of the embedded queue's append-only file until the operator has removed the record of it."""
    try:
        damage = read_damage(folder)
    except (OSError, ValueError):
        detail = (
            "queue/damage.json, which records damage of the append-only file of the queue, cannot be read; restore a backup, or remove it"
        )
        return Check(name="queue-file", ok=False, detail=detail)
    if damage is None:
        return Check(name="queue-file", ok=True, detail="no damage of the append-only file is recorded")
    detail = (
        f"the append-only file of the queue was damaged and {damage.lost_bytes} bytes after the damage were not loaded; "
        "restore a backup, or remove queue/damage.json to go on without them"
    )
    return Check(name="queue-file", ok=False, detail=detail)


def _summarize(workers: list[WorkerState], checks: list[Check]) -> Ready:
    providers = sorted({worker.execution_provider for worker in workers})
    return Ready(checks=checks, workers=len(workers), execution_provider=", ".join(providers), models=_common_models(workers))


def _check_workers(workers: list[WorkerState]) -> Check:
    """Check that a worker is alive and warm: the first job after the start must not wait for kernels to be compiled."""
    warm = sum(worker.warm for worker in workers)
    if workers and not warm:
        return Check(name="worker", ok=False, detail=f"live workers: {len(workers)}, all still loading or compiling their kernels")
    return Check(name="worker", ok=warm > 0, detail=f"live workers: {len(workers)}" if workers else "no worker is running")


def _check_models(workers: list[WorkerState]) -> Check:
    """Compare the declared models with those that all workers have verified (digest and declaration) at their start."""
    missing = sorted({spec.name for spec in MODELS} - set(_common_models(workers)))
    detail = f"not verified by every worker: {', '.join(missing)}" if missing else "every worker has verified all models"
    return Check(name="models", ok=not missing, detail=detail)


def _common_models(workers: list[WorkerState]) -> dict[str, str]:
    """Return name and version of the models that every live worker has verified, since any of them may get a job."""
    common = set.intersection(*(set(worker.models) for worker in workers)) if workers else set()
    return {name: workers[0].models[name] for name in sorted(common)}
