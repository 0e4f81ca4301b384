"""One attempt at a job: its output, its problem, and what happens when a server or the worker is lost."""

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest
import structlog
from pydantic import BaseModel
from redis.exceptions import ConnectionError as RedisConnectionError
from rq.timeouts import JobTimeoutException

from models.errors import TooFewStations
from workers.contracts import DataWarning, JobKind, JobRecord, Options, Status, Submission
from workers.jobs import runner
from workers.jobs.context import JobContext, JobOutput, WorkerContext
from workers.jobs.fine_tune import fine_tune_job
from workers.queue.dispatch import Dispatcher
from workers.queue.lifecycle import Interrupted
from workers.queue.records import Records
from workers.settings import Settings
from workers.storage.blobs import BlobMissing, BlobStore, StoreFull, StoreUnreachable
from workers.storage.result_keys import attempt_prefix, figure_data_key, figure_key, result_key

Work = Callable[[JobContext], JobOutput]


class Answer(BaseModel):
    """A result."""

    value: str = "yes"


@pytest.fixture
def worker(settings: Settings, blobs: BlobStore, records: Records, dispatcher: Dispatcher) -> Iterator[WorkerContext]:
    yield WorkerContext(settings, blobs, records, dispatcher, None, "w")
    blobs.delete("results/one")


@pytest.fixture
def attempt(worker: WorkerContext, submission: Submission, monkeypatch: pytest.MonkeyPatch) -> Callable[[Work], JobRecord]:
    """Submit a job, run it once with this work, and return its record."""

    def run_once(work: Work) -> JobRecord:
        monkeypatch.setattr(runner, "JOBS", {JobKind.CLASSIFY: work})
        worker.dispatcher.submit(submission, "", "one")
        runner.run_job(worker, "one", nullcontext)
        record = worker.records.get("one")
        assert record is not None
        return record

    return run_once


def answering(**output: object) -> Work:
    return lambda _: JobOutput(Answer(), **output)


def failing(error: BaseException) -> Work:
    def work(_: JobContext) -> JobOutput:
        raise error

    return work


def test_the_output_of_a_job_is_stored(attempt: Callable[[Work], JobRecord], blobs: BlobStore):
    warning = DataWarning(trace=None, part="a.mseed", code="gaps", detail="two gaps")
    record = attempt(answering(warnings=[warning], figures={"section": b"png"}, products={"csv": b"a,b"}, figure_data={"section": b"{}"}))
    assert (record.status, record.figures, record.formats, record.warnings) == (Status.SUCCEEDED, ["section"], ["csv"], [warning])
    assert blobs.get(result_key(record)) == b'{"value":"yes"}'
    assert blobs.get(result_key(record, "csv")) == b"a,b"
    assert blobs.get(figure_key(record, "section")) == b"png"
    assert blobs.get(figure_data_key(record, "section")) == b"{}"


def test_seconds_of_waiting_running_and_each_stage_are_counted(attempt: Callable[[Work], JobRecord], worker: WorkerContext):
    def work(job: JobContext) -> JobOutput:
        for stage, seconds in (("read", 0.0), ("draw", 0.04), ("read", 0.0)):
            job.progress(stage, 0.1)
            time.sleep(seconds)
        return JobOutput(Answer())

    attempt(work)
    counts = worker.records.statistics.read()
    assert counts.outcomes == {("classify", "succeeded", ""): 1}
    assert set(counts.durations) == {
        ("wait", "classify", ""),
        ("run", "classify", ""),
        *(("stage", "classify", stage) for stage in ("read", "draw", "store")),
    }
    assert {sum(durations.counts) for durations in counts.durations.values()} == {1}
    assert counts.durations["stage", "classify", "draw"].sum_s > 0.039
    assert counts.durations["stage", "classify", "draw"].counts[0] == 0, "0.04 s is above the first bound"
    assert counts.durations["run", "classify", ""].sum_s >= counts.durations["stage", "classify", "draw"].sum_s


def test_an_error_of_the_data_becomes_the_jobs_problem_and_is_named_in_the_log(attempt: Callable[[Work], JobRecord], worker: WorkerContext):
    with structlog.testing.capture_logs() as lines:
        record = attempt(failing(TooFewStations("2 stations; 3 are needed")))
    (ended,) = (line for line in lines if line["event"] == "job ended")
    assert (ended["status"], ended["problem"]) == ("failed", "/problems/too-few-stations")
    assert worker.records.statistics.read().outcomes == {("classify", "failed", "too-few-stations"): 1}
    assert record.status is Status.FAILED
    assert record.problem is not None
    assert (record.problem.type, record.problem.status) == ("/problems/too-few-stations", 422)


def test_a_failed_job_keeps_the_warnings_of_reading(attempt: Callable[[Work], JobRecord]):
    warning = DataWarning(trace="XD.BASO..LHZ", part=None, code="no-coordinates", detail="no coordinates")

    def work(job: JobContext) -> JobOutput:
        job.read_warnings[:] = [warning]
        raise TooFewStations("1 station; 2 are needed")

    record = attempt(work)
    assert (record.status, record.warnings) == (Status.FAILED, [warning])


def test_an_unexpected_exception_becomes_an_internal_error(attempt: Callable[[Work], JobRecord]):
    record = attempt(failing(ZeroDivisionError("in /srv/secret.py")))
    assert record.status is Status.FAILED
    assert record.problem is not None
    assert (record.problem.type, record.problem.status) == ("/problems/internal-error", 500)
    assert "secret" not in record.model_dump_json()


def test_a_job_over_its_time_limit_fails_as_retryable(attempt: Callable[[Work], JobRecord]):
    record = attempt(failing(JobTimeoutException("900 s")))
    assert record.problem is not None
    assert (record.status, record.problem.type, record.problem.retryable) == (Status.FAILED, "/problems/job-timeout", True)


def test_a_canceled_job_stops_at_the_next_stage_and_its_output_is_deleted(attempt: Callable[[Work], JobRecord], blobs: BlobStore):
    reached = []

    def work(job: JobContext) -> JobOutput:
        blobs.put(result_key(job.record), b"half")
        job.progress("read", 0.1)
        job.worker.records.request_cancel("one")
        job.progress("condition", 0.2)
        reached.append("condition")
        return JobOutput(Answer())

    record = attempt(work)
    assert (record.status, record.stage, reached) == (Status.CANCELED, "read", [])
    with pytest.raises(BlobMissing):
        blobs.get(result_key(record))


def test_a_superseded_attempt_cannot_overwrite_the_result(attempt: Callable[[Work], JobRecord], blobs: BlobStore):
    """Its worker counted as dead, another worker finished the job, and then the first one continues."""

    def work(job: JobContext) -> JobOutput:
        records = job.worker.records
        records.release("one", job.record.attempt)
        second = records.begin("one", "other")
        assert second is not None
        blobs.put(result_key(second), b"second")
        records.finish("one", second.attempt, Status.SUCCEEDED)
        blobs.put(result_key(job.record), b"first")
        job.progress("draw", 0.9)
        return JobOutput(Answer())

    record = attempt(work)
    assert (record.status, record.attempt, record.worker) == (Status.SUCCEEDED, 2, "other")
    assert blobs.get(result_key(record)) == b"second"
    assert not blobs.exists(f"{attempt_prefix('one', 1)}/result.json")


def test_a_worker_that_must_end_returns_its_job_to_the_queue(attempt: Callable[[Work], JobRecord], worker: WorkerContext):
    with pytest.raises(SystemExit):
        attempt(failing(SystemExit()))
    record = worker.records.get("one")
    assert record is not None
    assert (record.status, record.attempt) == (Status.QUEUED, 1)
    assert "one-2" in worker.dispatcher.list_enqueued()


def raising_in_native_code(signal: BaseException) -> Work:
    """A job that a signal handler interrupts inside native code called by native code: the interpreter raises SystemErrors."""

    def work(_: JobContext) -> JobOutput:
        try:
            raise SystemError("inner") from signal
        except SystemError as inner:
            raise SystemError("outer") from inner

    return work


def test_a_worker_that_must_end_inside_native_code_returns_its_job_to_the_queue(
    attempt: Callable[[Work], JobRecord], worker: WorkerContext
):
    with pytest.raises(SystemExit):
        attempt(raising_in_native_code(SystemExit()))
    record = worker.records.get("one")
    assert record is not None
    assert (record.status, record.attempt) == (Status.QUEUED, 1)


def test_a_time_limit_reached_inside_native_code_is_no_internal_error(attempt: Callable[[Work], JobRecord]):
    record = attempt(raising_in_native_code(JobTimeoutException("900 s")))
    assert record.problem is not None
    assert record.problem.type == "/problems/job-timeout"


def test_a_queue_server_lost_during_the_job_returns_it_to_the_queue(attempt: Callable[[Work], JobRecord], worker: WorkerContext):
    record = attempt(failing(RedisConnectionError("gone")))
    assert (record.status, record.attempt) == (Status.QUEUED, 1)
    assert "one-2" in worker.dispatcher.list_enqueued()


@pytest.mark.parametrize("reports_after_it", [True, False])
def test_a_worker_outlives_a_queue_server_that_has_lost_its_data(
    worker: WorkerContext, submission: Submission, reports_after_it, monkeypatch
):
    """A server that was emptied knows no record any more, neither where the job reports progress nor at its end."""

    def work(job: JobContext) -> JobOutput:
        worker.records._redis.flushall()
        if reports_after_it:
            job.progress("draw", 0.5)
        return JobOutput(Answer())

    monkeypatch.setattr(runner, "JOBS", {JobKind.CLASSIFY: work})
    worker.dispatcher.submit(submission, "", "one")
    runner.run_job(worker, "one", nullcontext)
    assert worker.records.get("one") is None
    assert not worker.blobs.exists(f"{attempt_prefix('one', 1)}/result.json")


def test_a_queue_server_lost_at_the_end_is_waited_for(
    attempt: Callable[[Work], JobRecord], worker: WorkerContext, monkeypatch: pytest.MonkeyPatch
):
    real, failures = worker.records.finish, iter([RedisConnectionError("gone"), RedisConnectionError("gone")])

    def finish(*args: object, **left: object) -> JobRecord:
        for error in failures:
            raise error
        return real(*args, **left)

    monkeypatch.setattr(runner, "_MIN_WAIT_S", 0.0)
    monkeypatch.setattr(worker.records, "finish", finish)
    assert attempt(answering()).status is Status.SUCCEEDED


def test_a_finish_whose_reply_was_lost_keeps_the_result(
    attempt: Callable[[Work], JobRecord], worker: WorkerContext, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
):
    """The repeated finish raises Superseded, because the first one has ended the job."""
    real, losses = worker.records.finish, iter([RedisConnectionError("gone")])

    def finish(*args: object, **left: object) -> JobRecord:
        record = real(*args, **left)
        for error in losses:
            raise error
        return record

    monkeypatch.setattr(runner, "_MIN_WAIT_S", 0.0)
    monkeypatch.setattr(worker.records, "finish", finish)
    record = attempt(answering())
    assert record.status is Status.SUCCEEDED
    assert blobs.get(result_key(record)) == b'{"value":"yes"}'


def test_a_worker_that_must_end_after_finishing_keeps_the_result(
    attempt: Callable[[Work], JobRecord], worker: WorkerContext, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
):
    real = worker.records.finish

    def finish(*args: object, **left: object) -> JobRecord:
        real(*args, **left)
        raise SystemExit

    monkeypatch.setattr(worker.records, "finish", finish)
    with pytest.raises(SystemExit):
        attempt(answering())
    record = worker.records.get("one")
    assert record is not None
    assert record.status is Status.SUCCEEDED
    assert blobs.get(result_key(record)) == b'{"value":"yes"}'


def test_a_job_that_has_ended_is_not_run(attempt: Callable[[Work], JobRecord], worker: WorkerContext):
    first = attempt(answering())
    runner.run_job(worker, "one", nullcontext)
    assert worker.records.get("one") == first


def test_warnings_over_the_maximum_are_counted_in_the_last(attempt: Callable[[Work], JobRecord]):
    warnings = [DataWarning(trace=str(number), part=None, code="gaps", detail="a gap") for number in range(1234)]
    record = attempt(answering(warnings=warnings))
    assert len(record.warnings) == 501
    assert (record.warnings[-1].code, record.warnings[-1].detail) == ("more-warnings", "734 further warnings are left out")


def test_an_interrupted_job_returns_to_the_queue(attempt: Callable[[Work], JobRecord], worker: WorkerContext):
    record = attempt(failing(Interrupted("the parser was killed")))
    assert (record.status, record.attempt) == (Status.QUEUED, 1)
    assert "one-2" in worker.dispatcher.list_enqueued()


def test_a_job_is_repeated_while_the_store_fails(attempt: Callable[[Work], JobRecord]):
    errors: list[BaseException] = [StoreUnreachable("away"), StoreFull("full"), BlobMissing("gone")]

    def work(_: JobContext) -> JobOutput:
        if errors:
            raise errors.pop()
        return JobOutput(Answer())

    record = attempt(work)
    assert (record.status, record.attempt, errors) == (Status.SUCCEEDED, 1, [])


def test_a_store_that_fails_too_long_fails_the_job_as_retryable(
    attempt: Callable[[Work], JobRecord], worker: WorkerContext, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(worker.settings, "store_patience_s", 0.5)
    record = attempt(failing(StoreFull("full")))
    assert record.problem is not None
    assert (record.status, record.problem.type, record.problem.retryable) == (Status.FAILED, "/problems/store-full", True)


def test_a_job_waiting_for_the_store_can_be_canceled(attempt: Callable[[Work], JobRecord]):
    def work(job: JobContext) -> JobOutput:
        job.worker.records.request_cancel("one")
        raise StoreUnreachable("away")

    assert attempt(work).status is Status.CANCELED


def test_the_options_choose_between_clustering_and_fine_tuning(submission: Submission):
    clustering = submission.model_copy(update={"kind": JobKind.CLUSTER})
    assert runner.choose_job(clustering) is runner.JOBS[JobKind.CLUSTER]
    assert runner.choose_job(clustering.model_copy(update={"options": Options(fine_tune=True)})) is fine_tune_job
