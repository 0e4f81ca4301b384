"""Whether the service can serve, check by check."""

from app.schemas import Check, Ready
from models.specs.index import MODELS
from workers.contracts import WorkerState
from workers.queue.connection import QueueFull, QueueUnreachable, queue_errors
from workers.queue.records import Records


def check_readiness(records: Records) -> Ready:
    """Every check with its outcome; those that a failed one makes pointless say so."""
    try:
        with queue_errors():
            workers = records.live_workers()
    except (QueueUnreachable, QueueFull) as error:
        unknown = [Check(name=name, ok=False, detail=f"{name}: unknown without the queue") for name in ("worker", "models")]
        return _state([], [Check(name="queue", ok=False, detail=error.detail), *unknown])
    return _state(workers, [Check(name="queue", ok=True, detail="the queue answers"), _worker(workers), _models(workers)])


def _state(workers: list[WorkerState], checks: list[Check]) -> Ready:
    providers = sorted({worker.execution_provider for worker in workers})
    return Ready(checks=checks, workers=len(workers), execution_provider=", ".join(providers), models=_verified(workers))


def _worker(workers: list[WorkerState]) -> Check:
    return Check(name="worker", ok=bool(workers), detail=f"{len(workers)} alive" if workers else "no worker is alive")


def _models(workers: list[WorkerState]) -> Check:
    """A worker verifies digest and declaration of each artifact when it starts, and says which."""
    missing = sorted({spec.name for spec in MODELS} - set(_verified(workers)))
    return Check(name="models", ok=not missing, detail=f"not verified: {', '.join(missing)}" if missing else "all are verified")


def _verified(workers: list[WorkerState]) -> dict[str, str]:
    """What every living worker has verified: a job may go to any of them."""
    common = set.intersection(*(set(worker.models) for worker in workers)) if workers else set()
    return {name: workers[0].models[name] for name in sorted(common)}
