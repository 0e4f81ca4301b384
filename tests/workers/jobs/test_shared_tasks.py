"""Pieces of a job are done once by whoever comes first, in order, and never waited for in vain."""

import numpy as np
import pytest

from workers.contracts import Options
from workers.jobs.shared_tasks import DistributedMap, is_task, pack_arrays, run_task, task_name, unpack_arrays
from workers.queue.dispatch import FINE_TUNE_QUEUE, QUEUE, choose_queue, time_limit_s
from workers.settings import Settings
from workers.storage.blobs import StoreUnreachable

JOB = ("5f0c", 1)


def doubled(arrays):
    return {"twice": 2 * arrays["numbers"]}


def shared(blobs, records, dispatcher, work=doubled, ahead=2, tick=lambda: None):
    return DistributedMap(blobs, records, dispatcher, JOB, work, ahead, tick)


def numbers(outcomes):
    return [outcome["twice"].tolist() for outcome in outcomes]


def test_arrays_come_back_and_nothing_else_is_unpacked():
    given = {"numbers": np.arange(3), "names": np.array(["a", "å"])}
    back = unpack_arrays(pack_arrays(given))
    assert {name: back[name].tolist() for name in back} == {"numbers": [0, 1, 2], "names": ["a", "å"]}
    with pytest.raises(ValueError, match="pickle"):
        unpack_arrays(b"no archive")


def test_without_help_the_job_does_all_pieces_itself_in_order(blobs, records, dispatcher):
    job = shared(blobs, records, dispatcher)
    outcomes = [outcome for k in range(6) for outcome in job.give({"numbers": np.array([k])})]
    assert numbers([*outcomes, *job.rest()]) == [[2 * k] for k in range(6)]


def test_never_more_pieces_wait_than_allowed(blobs, records, dispatcher):
    job, done = shared(blobs, records, dispatcher, ahead=2), 0
    for k in range(7):
        done += len(list(job.give({"numbers": np.array([k])})))
        waiting = sum(blobs.exists(f"results/5f0c/1/tasks/{n}.in") for n in range(7))
        assert waiting <= 2
        assert done == max(0, k + 1 - 2)
    assert len(list(job.rest())) == 2
    assert not any(blobs.exists(f"results/5f0c/1/tasks/{n}.{what}") for n in range(7) for what in ("in", "out"))


def test_a_helper_does_a_piece_once_and_the_job_takes_its_outcome(blobs, records, dispatcher):
    job, done_here = shared(blobs, records, dispatcher, work=lambda _: pytest.fail("done already")), []
    assert list(job.give({"numbers": np.array([5])})) == []
    name = task_name(*JOB, 0)
    assert dispatcher.list_enqueued() == {name}
    assert run_task(blobs, records, name, lambda arrays: done_here.append(1) or doubled(arrays))
    assert not run_task(blobs, records, name, lambda arrays: done_here.append(2) or doubled(arrays))
    assert numbers(job.rest()) == [[10]]
    assert done_here == [1]


def test_a_piece_that_failed_may_be_claimed_again(blobs, records, dispatcher):
    job = shared(blobs, records, dispatcher)
    list(job.give({"numbers": np.array([1])}))

    def broken(_):
        raise ArithmeticError("no")

    with pytest.raises(ArithmeticError):
        run_task(blobs, records, task_name(*JOB, 0), broken)
    assert numbers(job.rest()) == [[2]]


def test_a_piece_that_the_store_did_not_take_may_be_claimed_again(blobs, records, dispatcher, monkeypatch):
    job = shared(blobs, records, dispatcher)
    list(job.give({"numbers": np.array([1])}))
    with monkeypatch.context() as away:
        away.setattr(blobs, "put", failing_put)
        assert not run_task(blobs, records, task_name(*JOB, 0), doubled)
    assert numbers(job.rest()) == [[2]]


def failing_put(*_):
    raise StoreUnreachable("away")


def test_a_piece_of_a_job_that_has_gone_is_passed_over(blobs, records):
    assert not run_task(blobs, records, task_name("gone", 1, 0), doubled)


def test_waiting_ends_where_the_job_is_canceled(blobs, records, dispatcher):
    class Gone(Exception):
        pass

    def stop():
        raise Gone

    job = shared(blobs, records, dispatcher, tick=stop)
    list(job.give({"numbers": np.array([1])}))
    assert records.claim(task_name(*JOB, 0), 60)  # somebody has it and does not come back
    with pytest.raises(Gone):
        list(job.rest())


def test_names_of_pieces_are_no_names_of_jobs():
    assert is_task(task_name("0b8e7d3c-1111-4222-8333-444455556666", 2, 17))
    assert not is_task("0b8e7d3c-1111-4222-8333-444455556666")


def test_jobs_that_train_wait_apart_where_there_are_workers_for_them(submission):
    training = submission.model_copy(update={"options": Options(fine_tune=True)})
    offered, not_offered = Settings(fine_tune_workers=1), Settings(fine_tune_workers=0)
    assert choose_queue(training, offered) == FINE_TUNE_QUEUE
    assert choose_queue(training, not_offered) == choose_queue(submission, offered) == QUEUE
    assert time_limit_s(FINE_TUNE_QUEUE, offered) == offered.fine_tune_timeout_s
    assert time_limit_s(QUEUE, offered) == offered.job_timeout_s
