"""RQ's worker with a closed list: it runs the one function that there is, and nothing else that Redis may hold."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import structlog
from redis import Redis
from rq import Queue
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker, WorkerStatus

from workers.queue.dispatch import JOB_FUNCTION, QUEUE
from workers.runtime.heartbeat import Heartbeat

# RQ's own signs of life mean nothing here; a short one keeps its blocking read short.
_RQ_TTL_S = 60


class AllowlistWorker(SimpleWorker):
    """
    RQ's loop without its way of running jobs.

    RQ would import whatever name a job states, call back, and post to webhooks; this one compares the name with the only one
    that there is. Status, result and retries are our records' business, so nothing but the queue is left of RQ.
    """

    max_connection_wait_time = 5.0

    def __init__(self, redis: Redis, name: str, perform: Callable[[str], None], heartbeat: Heartbeat, queue: str = QUEUE) -> None:
        super().__init__([queue], name=name, connection=redis, serializer=JSONSerializer, worker_ttl=_RQ_TTL_S)
        self._perform, self._beat = perform, heartbeat

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a listed job; drop any other with a line in the log."""
        self.set_state(WorkerStatus.BUSY)
        try:
            job_id = allowed_job_id(job)
            if job_id is None:
                structlog.get_logger("atlas").error("refused a job that is not on the list", rq=job.id)
                return
            self._beat.busy(job_id)
            # The job itself knows which request it came from; named here, it is forgotten with the job.
            with structlog.contextvars.bound_contextvars(job=job_id, request_id=""):
                self._perform(job_id)
        finally:
            self._beat.idle()
            queue.intermediate_queue.remove(job.id)
            job.delete(remove_from_queue=False)
            self.set_state(WorkerStatus.IDLE)

    def run_maintenance_tasks(self) -> None:
        """Nothing: abandoned jobs are found by `dispatch.Recovery`."""
        self.last_cleaned_at = datetime.now(UTC)  # type: ignore[assignment]  # RQ has it without a type


def allowed_job_id(job: Job) -> str | None:
    """The record's id, where the job is the listed function of one string; None for all else, readable or not."""
    with suppress(Exception):  # whatever JSON or no JSON a stranger has written, nothing of it is run
        if job.func_name == JOB_FUNCTION and len(job.args) == 1 and isinstance(job.args[0], str) and not job.kwargs:
            return str(job.args[0])
    return None
