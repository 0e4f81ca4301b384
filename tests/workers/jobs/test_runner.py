"""One attempt at a job, whatever happens in it."""

from collections.abc import Callable, Iterator
from contextlib import nullcontext

import pytest
from pydantic import BaseModel
from redis.exceptions import ConnectionError as RedisConnectionError
from rq.timeouts import JobTimeoutException

from models.errors import TooFewStations
from workers.contracts import DataWarning, JobKind, JobRecord, Status, Submission
from workers.jobs import runner
from workers.jobs.context import JobContext, JobOutput, WorkerContext
from workers.queue.dispatch import Dispatcher
from workers.queue.lifecycle import Interrupted
from workers.queue.records import Records
from workers.settings import Settings
from workers.storage.blobs import BlobMissing, BlobStore, StoreFull, StoreUnreachable
from workers.storage.result_keys import attempt_prefix, figure_key, result_key

Work = Callable[[JobContext], JobOutput]


class Answer(BaseModel):
    """A result."""

    said: str = "yes"


@pytest.fixture
def desk(settings: Settings, blobs: BlobStore, records: Records, dispatcher: Dispatcher) -> Iterator[WorkerContext]:
    yield WorkerContext(settings, blobs, records, dispatcher, None, "w")
    blobs.delete("results/one")


@pytest.fixture
def attempt(desk: WorkerContext, submission: Submission, monkeypatch: pytest.MonkeyPatch) -> Callable[[Work], JobRecord]:
    """Submit a job, run it once with this work, and return its record."""

    def run_once(work: Work) -> JobRecord:
        monkeypatch.setattr(runner, "JOBS", {JobKind.CLASSIFY: work})
        desk.dispatcher.submit(submission, "", "one")
        runner.run_job(desk, "one", nullcontext)
        record = desk.records.get("one")
        assert record is not None
        return record

    return run_once


def answering(**left: object) -> Work:
    return lambda _: JobOutput(Answer(), **left)


def failing(error: BaseException) -> Work:
    def work(_: JobContext) -> JobOutput:
        raise error

    return work


def test_what_a_job_leaves_is_published(attempt: Callable[[Work], JobRecord], blobs: BlobStore):
    warning = DataWarning(trace=None, part="a.mseed", code="gaps", detail="two gaps")
    record = attempt(answering(warnings=[warning], figures={"section": b"png"}, products={"csv": b"a,b"}))
    assert (record.status, record.figures, record.formats, record.warnings) == (Status.SUCCEEDED, ["section"], ["csv"], [warning])
    assert blobs.get(result_key(record)) == b'{"said":"yes"}'
    assert blobs.get(result_key(record, "csv")) == b"a,b"
    assert blobs.get(figure_key(record, "section")) == b"png"


def test_an_error_of_the_field_becomes_the_problem(attempt: Callable[[Work], JobRecord]):
    record = attempt(failing(TooFewStations("2 stations; 3 are needed")))
    assert record.status is Status.FAILED
    assert record.problem is not None
    assert (record.problem.type, record.problem.status) == ("/problems/too-few-stations", 422)


def test_an_error_of_ours_is_an_internal_one(attempt: Callable[[Work], JobRecord]):
    record = attempt(failing(ZeroDivisionError("in /srv/secret.py")))
    assert record.status is Status.FAILED
    assert record.problem is not None
    assert (record.problem.type, record.problem.status) == ("/problems/internal-error", 500)
    assert "secret" not in record.model_dump_json()


def test_a_job_that_takes_too_long_fails_and_may_be_tried_again(attempt: Callable[[Work], JobRecord]):
    record = attempt(failing(JobTimeoutException("900 s")))
    assert record.problem is not None
    assert (record.status, record.problem.type, record.problem.retryable) == (Status.FAILED, "/problems/job-timeout", True)


def test_cancellation_takes_effect_at_the_next_stage_and_leaves_nothing(attempt: Callable[[Work], JobRecord], blobs: BlobStore):
    reached = []

    def work(task: JobContext) -> JobOutput:
        blobs.put(result_key(task.record), b"half")
        task.progress("read", 0.1)
        task.desk.records.request_cancel("one")
        task.progress("condition", 0.2)
        reached.append("too far")
        return JobOutput(Answer())

    record = attempt(work)
    assert (record.status, record.stage, reached) == (Status.CANCELED, "read", [])
    with pytest.raises(BlobMissing):
        blobs.get(result_key(record))


def test_a_superseded_attempt_cannot_overwrite_its_successor(attempt: Callable[[Work], JobRecord], blobs: BlobStore):
    """It was taken for dead, another worker finished the job, and then it comes back."""

    def work(task: JobContext) -> JobOutput:
        records = task.desk.records
        records.release("one", task.record.attempt)
        second = records.begin("one", "other")
        assert second is not None
        blobs.put(result_key(second), b"second")
        records.finish("one", second.attempt, Status.SUCCEEDED)
        blobs.put(result_key(task.record), b"first")
        task.progress("draw", 0.9)
        return JobOutput(Answer())

    record = attempt(work)
    assert (record.status, record.attempt, record.worker) == (Status.SUCCEEDED, 2, "other")
    assert blobs.get(result_key(record)) == b"second"
    assert not blobs.exists(f"{attempt_prefix('one', 1)}/result.json")


def test_a_worker_told_to_go_hands_its_job_back(attempt: Callable[[Work], JobRecord], desk: WorkerContext):
    with pytest.raises(SystemExit):
        attempt(failing(SystemExit()))
    record = desk.records.get("one")
    assert record is not None
    assert (record.status, record.attempt) == (Status.QUEUED, 1)
    assert "one-2" in desk.dispatcher.list_enqueued()


def test_a_queue_lost_in_the_middle_is_no_failure_of_the_job(attempt: Callable[[Work], JobRecord], desk: WorkerContext):
    record = attempt(failing(RedisConnectionError("gone")))
    assert (record.status, record.attempt) == (Status.QUEUED, 1)
    assert "one-2" in desk.dispatcher.list_enqueued()


def test_a_queue_lost_at_the_end_is_waited_for(attempt: Callable[[Work], JobRecord], desk: WorkerContext, monkeypatch: pytest.MonkeyPatch):
    real, failures = desk.records.finish, iter([RedisConnectionError("gone"), RedisConnectionError("gone")])

    def finish(*args: object, **left: object) -> JobRecord:
        for error in failures:
            raise error
        return real(*args, **left)

    monkeypatch.setattr(runner, "_MIN_WAIT_S", 0.0)
    monkeypatch.setattr(desk.records, "finish", finish)
    assert attempt(answering()).status is Status.SUCCEEDED


def test_an_end_whose_answer_was_lost_keeps_the_result(
    attempt: Callable[[Work], JobRecord], desk: WorkerContext, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
):
    """The second try finds that the attempt runs the job no more, and so it does not: it has ended it."""
    real, losses = desk.records.finish, iter([RedisConnectionError("gone")])

    def finish(*args: object, **left: object) -> JobRecord:
        record = real(*args, **left)
        for error in losses:
            raise error
        return record

    monkeypatch.setattr(runner, "_MIN_WAIT_S", 0.0)
    monkeypatch.setattr(desk.records, "finish", finish)
    record = attempt(answering())
    assert record.status is Status.SUCCEEDED
    assert blobs.get(result_key(record)) == b'{"said":"yes"}'


def test_a_worker_told_to_go_as_its_job_ends_keeps_the_result(
    attempt: Callable[[Work], JobRecord], desk: WorkerContext, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
):
    real = desk.records.finish

    def finish(*args: object, **left: object) -> JobRecord:
        real(*args, **left)
        raise SystemExit

    monkeypatch.setattr(desk.records, "finish", finish)
    with pytest.raises(SystemExit):
        attempt(answering())
    record = desk.records.get("one")
    assert record is not None
    assert record.status is Status.SUCCEEDED
    assert blobs.get(result_key(record)) == b'{"said":"yes"}'


def test_a_job_that_has_ended_is_not_run(attempt: Callable[[Work], JobRecord], desk: WorkerContext):
    first = attempt(answering())
    runner.run_job(desk, "one", nullcontext)
    assert desk.records.get("one") == first


def test_warnings_are_counted_where_there_are_too_many(attempt: Callable[[Work], JobRecord]):
    warnings = [DataWarning(trace=str(number), part=None, code="gaps", detail="a gap") for number in range(1234)]
    record = attempt(answering(warnings=warnings))
    assert len(record.warnings) == 501
    assert (record.warnings[-1].code, record.warnings[-1].detail) == ("more-warnings", "734 further warnings are left out")


def test_a_parser_killed_by_others_is_no_failure_of_the_job(attempt: Callable[[Work], JobRecord], desk: WorkerContext):
    record = attempt(failing(Interrupted("the parser was killed")))
    assert (record.status, record.attempt) == (Status.QUEUED, 1)
    assert "one-2" in desk.dispatcher.list_enqueued()


def test_a_store_that_comes_back_in_time_costs_the_job_nothing(attempt: Callable[[Work], JobRecord]):
    troubles: list[BaseException] = [StoreUnreachable("away"), StoreFull("full"), BlobMissing("gone")]

    def work(_: JobContext) -> JobOutput:
        if troubles:
            raise troubles.pop()
        return JobOutput(Answer())

    record = attempt(work)
    assert (record.status, record.attempt, troubles) == (Status.SUCCEEDED, 1, [])


def test_a_store_that_stays_away_fails_the_job_which_may_be_tried_again(
    attempt: Callable[[Work], JobRecord], desk: WorkerContext, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(desk.settings, "store_patience_s", 0.5)
    record = attempt(failing(StoreFull("full")))
    assert record.problem is not None
    assert (record.status, record.problem.type, record.problem.retryable) == (Status.FAILED, "/problems/store-full", True)


def test_a_job_that_waits_for_the_store_can_be_canceled(attempt: Callable[[Work], JobRecord]):
    def work(task: JobContext) -> JobOutput:
        task.desk.records.request_cancel("one")
        raise StoreUnreachable("away")

    assert attempt(work).status is Status.CANCELED
