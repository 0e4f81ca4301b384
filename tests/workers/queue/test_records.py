"""Job records in Redis: states, attempts, expiry and heartbeats."""

import json
import threading
from datetime import UTC, datetime

import pytest
from redis import Redis

from workers.contracts import SCHEMA_VERSION, DataWarning, JobRecord, Problem, Status, Submission, WorkerState
from workers.queue.records import AlreadyEnded, Canceled, Records, Superseded, UnknownJob, UnreadableRecord, job_key
from workers.settings import Settings


def begin_job(records: Records, submission: Submission, job_id: str = "one", worker: str = "w") -> JobRecord:
    records.create(job_id, submission, "")
    record = records.begin(job_id, worker)
    assert record is not None
    return record


def test_a_created_job_is_queued(records: Records, submission: Submission):
    record = records.create("one", submission, "me")
    assert records.get("one") == record
    assert (record.status, record.owner, record.attempt) == (Status.QUEUED, "me", 0)
    assert set(records.list_queued()) == {"one"}


def test_creating_twice_keeps_the_first(records: Records, submission: Submission):
    first = records.create("one", submission, "me")
    assert records.create("one", submission, "you") == first


def test_begin_increments_the_attempt_and_names_the_worker(records: Records, submission: Submission):
    record = begin_job(records, submission)
    assert (record.status, record.attempt, record.worker) == (Status.RUNNING, 1, "w")
    assert record.started_at is not None
    assert records.list_running() == {"one": "w"}
    assert records.list_queued() == {}


def test_a_running_job_is_not_begun_by_another(records: Records, submission: Submission):
    begin_job(records, submission)
    assert records.begin("one", "other") is None


def test_begin_repeated_by_the_same_worker_returns_the_same_attempt(records: Records, submission: Submission):
    """The reply to the first call may have been lost."""
    record = begin_job(records, submission)
    assert records.begin("one", "w") == record


def test_a_record_of_a_newer_release_is_read_and_left_to_its_workers(records: Records, redis: Redis, submission: Submission):
    record = records.create("one", submission, "")
    newer = record.model_dump(mode="json") | {"schema_version": SCHEMA_VERSION + 1, "new_field": [1]}
    redis.set(job_key("one"), json.dumps(newer))
    read = records.get("one")
    assert read is not None
    assert read.status is Status.QUEUED
    assert records.begin("one", "w") is None
    assert set(records.list_queued()) == {"one"}


def test_a_damaged_record_is_an_error_of_its_own(records: Records, redis: Redis, submission: Submission):
    records.create("one", submission, "")
    redis.set(job_key("one"), '{"id": "one"')
    with pytest.raises(UnreadableRecord):
        records.get("one")


def test_begin_of_an_unknown_job_is_none(records: Records):
    assert records.begin("nobody", "w") is None


def test_only_one_of_many_workers_begins_a_job(records: Records, redis: Redis, settings: Settings, submission: Submission):
    records.create("one", submission, "")
    start, got = threading.Barrier(8), []

    def race(name: str) -> None:
        start.wait()
        got.append(records.begin("one", name))

    threads = [threading.Thread(target=race, args=(f"w{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [record for record in got if record is not None]
    assert len(winners) == 1
    assert winners[0].attempt == 1


def test_progress_never_decreases(records: Records, submission: Submission):
    begin_job(records, submission)
    records.advance("one", 1, "read", 0.5)
    record = records.advance("one", 1, "condition", 0.2)
    assert (record.stage, record.progress) == ("condition", 0.5)


def test_a_superseded_attempt_can_neither_advance_nor_finish(records: Records, submission: Submission):
    begin_job(records, submission)
    records.release("one", 1)
    assert records.begin("one", "other") is not None
    with pytest.raises(Superseded):
        records.advance("one", 1, "read", 0.5)
    with pytest.raises(Superseded):
        records.finish("one", 1, Status.SUCCEEDED)
    record = records.get("one")
    assert record is not None
    assert (record.status, record.attempt, record.worker) == (Status.RUNNING, 2, "other")


def test_a_job_ends_once(records: Records, submission: Submission):
    begin_job(records, submission)
    warning = DataWarning(trace="IU.ANMO.00.LHZ", part=None, code="no-coordinates", detail="unknown station")
    record = records.finish("one", 1, Status.SUCCEEDED, warnings=[warning], figures=["section"], formats=["csv"])
    assert (record.status, record.progress, record.figures, record.formats) == (Status.SUCCEEDED, 1.0, ["section"], ["csv"])
    assert record.warnings == [warning]
    with pytest.raises(Superseded):
        records.finish("one", 1, Status.FAILED)
    assert records.get("one") == record
    assert records.list_running() == {}


def test_only_an_ended_record_expires(records: Records, redis: Redis, submission: Submission, settings: Settings):
    begin_job(records, submission)
    assert redis.ttl(job_key("one")) == -1
    records.finish("one", 1, Status.SUCCEEDED)
    assert 0 < redis.ttl(job_key("one")) <= settings.result_ttl_s


def test_canceling_a_queued_job_ends_it(records: Records, submission: Submission):
    records.create("one", submission, "")
    record = records.request_cancel("one")
    assert record.status is Status.CANCELED
    assert record.finished_at is not None
    assert records.list_queued() == {}
    assert records.begin("one", "w") is None


def test_canceling_a_running_job_stops_it_at_its_next_step(records: Records, submission: Submission):
    begin_job(records, submission)
    assert records.request_cancel("one").status is Status.RUNNING
    with pytest.raises(Canceled):
        records.advance("one", 1, "read", 0.5)
    assert records.finish("one", 1, Status.CANCELED).status is Status.CANCELED


def test_a_job_that_finishes_after_a_cancel_request_ends_as_canceled(records: Records, submission: Submission):
    begin_job(records, submission)
    records.request_cancel("one")
    record = records.finish("one", 1, Status.SUCCEEDED, figures=["section"])
    assert (record.status, record.figures) == (Status.CANCELED, [])


def test_a_job_that_has_ended_cannot_be_canceled(records: Records, submission: Submission):
    begin_job(records, submission)
    records.finish("one", 1, Status.SUCCEEDED)
    with pytest.raises(AlreadyEnded):
        records.request_cancel("one")
    with pytest.raises(UnknownJob):
        records.request_cancel("nobody")


def test_a_released_job_is_queued_again(records: Records, submission: Submission):
    begin_job(records, submission)
    record = records.release("one", 1)
    assert (record.status, record.attempt, record.worker) == (Status.QUEUED, 1, None)
    assert set(records.list_queued()) == {"one"}


def test_a_job_released_after_a_cancel_request_ends_as_canceled(records: Records, submission: Submission):
    begin_job(records, submission)
    records.request_cancel("one")
    assert records.release("one", 1).status is Status.CANCELED


def test_a_job_that_loses_its_worker_in_every_attempt_fails_and_names_its_parts(records: Records, submission: Submission):
    records.create("one", submission, "")
    for attempt in (1, 2, 3):
        assert records.begin("one", "w") is not None
        records.advance("one", attempt, "read", 0.1)
        record = records.release("one", attempt)
    assert record.status is Status.FAILED
    assert record.problem is not None
    assert record.problem.type == "/problems/worker-lost"
    assert "one" in record.problem.detail
    assert "read" in record.problem.detail
    assert [part.name for part in record.problem.parts] == ["event.mseed"]


def test_every_change_is_published(records: Records, redis: Redis, submission: Submission):
    with redis.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(job_key("one"))
        listener.get_message(timeout=1.0)
        begin_job(records, submission)
        records.advance("one", 1, "read", 0.5)
        problem = Problem(type="/problems/x", title="x", status=422, detail="x")
        records.finish("one", 1, Status.FAILED, problem=problem)
        published = [JobRecord.model_validate_json(message["data"]) for _ in range(4) if (message := listener.get_message(timeout=1.0))]
    assert [record.status.value for record in published] == ["queued", "running", "running", "failed"]
    assert published[-1].problem == problem
    assert published[-1] == records.get("one")


def test_a_worker_without_heartbeat_counts_as_dead(records: Records, redis: Redis, settings: Settings):
    state = WorkerState(id="w", pid=1, started_at=datetime.now(UTC), execution_provider="CPU", models={"offset": "1"}, job="one")
    records.record_heartbeat(state)
    assert records.list_workers() == [state]
    assert records.current_job("w") == "one"
    assert 0 < redis.pttl("atlas:worker:w") <= settings.heartbeat_ttl_s * 1000
    redis.delete("atlas:worker:w")
    assert records.list_workers() == []
    assert records.current_job("w") is None
