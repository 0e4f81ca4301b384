"""Check whether the service can process jobs: queue, workers, models."""

from app.schemas import Check, Ready
from models.specs.index import MODELS
from workers.contracts import WorkerState
from workers.queue.connection import QueueFull, QueueUnreachable, queue_errors
from workers.queue.records import Records


def check_readiness(records: Records) -> Ready:
    """Run every check; without the queue, workers and models are reported as unknown."""
    try:
        with queue_errors():
            workers = records.list_workers()
    except (QueueUnreachable, QueueFull) as error:
        unknown = [
            Check(name=name, ok=False, detail=f"{name}: unknown, because the queue is not available") for name in ("worker", "models")
        ]
        return _summarize([], [Check(name="queue", ok=False, detail=error.detail), *unknown])
    queue = Check(name="queue", ok=True, detail="the queue server answers")
    return _summarize(workers, [queue, _check_workers(workers), _check_models(workers)])


def _summarize(workers: list[WorkerState], checks: list[Check]) -> Ready:
    providers = sorted({worker.execution_provider for worker in workers})
    return Ready(checks=checks, workers=len(workers), execution_provider=", ".join(providers), models=_common_models(workers))


def _check_workers(workers: list[WorkerState]) -> Check:
    return Check(name="worker", ok=bool(workers), detail=f"live workers: {len(workers)}" if workers else "no worker is running")


def _check_models(workers: list[WorkerState]) -> Check:
    """Compare the declared models with those that all workers have verified (digest and declaration) at their start."""
    missing = sorted({spec.name for spec in MODELS} - set(_common_models(workers)))
    detail = f"not verified by every worker: {', '.join(missing)}" if missing else "every worker has verified all models"
    return Check(name="models", ok=not missing, detail=detail)


def _common_models(workers: list[WorkerState]) -> dict[str, str]:
    """Return name and version of the models that every live worker has verified, since any of them may get a job."""
    common = set.intersection(*(set(worker.models) for worker in workers)) if workers else set()
    return {name: workers[0].models[name] for name in sorted(common)}
