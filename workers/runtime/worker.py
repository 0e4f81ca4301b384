"""A worker process: load the models once, then run jobs until SIGTERM."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial
from types import FrameType

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq.timeouts import UnixSignalDeathPenalty

from workers.bundles.sandbox import start_sandbox_server
from workers.contracts import WorkerState
from workers.jobs.context import WorkerContext
from workers.jobs.loaded_models import load_models
from workers.logs import OutageLog
from workers.queue.connection import connect
from workers.queue.dispatch import QUEUE, Dispatcher, time_limit_s
from workers.queue.records import Records
from workers.runtime.allowlist_worker import AllowlistWorker
from workers.runtime.heartbeat import Heartbeat
from workers.settings import Settings
from workers.storage.blobs import open_blobs
from workers.telemetry import open_tracing

_OVERDUE_S = 60.0


def work(settings: Settings, name: str, queue: str = QUEUE) -> None:
    """
    Load every model, then run the jobs of a queue until SIGTERM.

    The first SIGTERM lets the current job finish, the second returns it to the queue. A queue server that is away is waited for.
    """
    log = structlog.get_logger("atlas")
    start_s = time.monotonic()
    start_sandbox_server()
    models = load_models(settings)
    redis = connect(settings)
    records = Records(redis, settings)
    state = WorkerState(
        id=name, pid=os.getpid(), started_at=datetime.now(UTC), execution_provider=models.provider, models=models.versions(), warm=False
    )
    heartbeat = Heartbeat(records, state, settings.heartbeat_s, time_limit_s(queue, settings) + _OVERDUE_S)
    tracing = open_tracing(settings, "worker")
    worker = WorkerContext(settings, open_blobs(settings), records, Dispatcher(redis, settings), models, name, tracing)

    end_at_sigterm(heartbeat, name)  # until RQ sets its handler
    try:
        heartbeat.start()
        log.info("worker started", worker=name, models=state.models, provider=models.provider, took_s=round(time.monotonic() - start_s, 2))
        # Numba, compiled kernels and plotting take seconds to load, minutes where they are compiled first. The heartbeat says so meanwhile.
        from models.warm_up import warm_up  # noqa: PLC0415
        from workers.jobs.runner import run_job  # noqa: PLC0415

        warm_up()
        heartbeat.mark_warm()
        log.info("worker ready", worker=name, took_s=round(time.monotonic() - start_s, 2))
        # RQ changes the timeout of its connection, so it gets a connection of its own.
        perform = partial(_perform, partial(run_job, worker), time_limit_s(queue, settings))
        wait_for_queue(redis)
        AllowlistWorker(connect(settings), name, perform, heartbeat, queue).work(logging_level="WARNING")
    finally:
        heartbeat.stop()
        tracing.close()
        log.info("worker stopped", worker=name)


def end_at_sigterm(heartbeat: Heartbeat, name: str) -> None:
    """
    Let SIGTERM end the process while it has no job.

    `SystemExit` would not do: it is lost where the signal meets a callback of compiled code, as when kernels are loaded.
    """

    def end(_number: int, _frame: FrameType | None) -> None:
        heartbeat.stop()
        structlog.get_logger("atlas").info("worker stopped", worker=name)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)


def wait_for_queue(redis: Redis, pause_s: float = 1.0) -> None:
    """Return once the queue server answers; that it does not is logged once, and once that it does again."""
    outage = OutageLog("the queue server does not answer, waiting for it", "the queue server answers again")
    while True:
        try:
            redis.ping()
        except RedisError as error:
            outage.record_failure(error=type(error).__name__)
            time.sleep(pause_s)
        else:
            return outage.record_success()


def _perform(run: Callable[[str, Callable[[], AbstractContextManager[object]]], None], timeout_s: int, job_id: str) -> None:
    run(job_id, lambda: UnixSignalDeathPenalty(timeout_s))  # type: ignore[no-untyped-call]
