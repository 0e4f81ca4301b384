"""Counts of jobs in the queue server: each job once, and none lost by a process that ends."""

import pytest
from redis import Redis

from workers.contracts import Status, Submission
from workers.queue.records import Records, Superseded
from workers.queue.statistics import BOUNDS_S, LOST_PARSERS, SECONDS, StageClock, Statistics


def test_a_job_counts_once_however_often_its_end_is_repeated(records: Records, submission: Submission):
    for job_id in ("one", "two"):
        records.create(job_id, submission, "")
    assert records.begin("one", "w") is not None
    assert records.statistics.read().outcomes == {}
    records.finish("one", 1, Status.SUCCEEDED)
    with pytest.raises(Superseded):
        records.finish("one", 1, Status.SUCCEEDED)
    records.request_cancel("two")
    assert records.statistics.read().outcomes == {("classify", "succeeded", ""): 1, ("classify", "canceled", ""): 1}


def test_a_job_that_lost_all_its_workers_counts_by_its_problem(records: Records, submission: Submission):
    records.create("one", submission, "")
    for attempt in (1, 2, 3):
        records.begin("one", "w")
        records.release("one", attempt)
    assert records.statistics.read().outcomes == {("classify", "failed", "worker-lost"): 1}


def test_durations_are_counted_up_to_their_bound_and_above_the_last(redis: Redis):
    statistics = Statistics(redis)
    for seconds in (0.02, 0.03, 0.05, 5000.0):
        statistics.add_seconds("locate", {("stage", "read"): seconds})
    durations = statistics.read().durations["stage", "locate", "read"]
    assert durations.counts == [2, 1, *([0] * (len(BOUNDS_S) - 2)), 1]
    assert durations.sum_s == pytest.approx(5000.1)


def test_bounds_of_another_release_are_left_out(redis: Redis):
    statistics = Statistics(redis)
    statistics.add_seconds("locate", {("run", ""): 1.0})
    redis.hset(SECONDS, "run|locate||0.77", 5)
    assert sum(statistics.read().durations["run", "locate", ""].counts) == 1


def test_a_stage_entered_again_adds_to_its_time():
    clock = StageClock()
    for stage in ("read", "read", "draw", "read"):
        clock.enter(stage)
    seconds = clock.stop()
    assert list(seconds) == ["read", "draw"]
    assert clock.stop() == seconds


def test_lost_parsers_are_counted_by_reason(redis: Redis):
    for reason in ("cpu", "crash", "cpu"):
        Statistics(redis).count_lost_parser(reason)
    assert redis.hgetall(LOST_PARSERS) == {b"cpu": b"2", b"crash": b"1"}
