"""Shared tasks: run once by any worker, returned in order, and repeated if their worker is lost."""

import numpy as np
import pytest

from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from workers.contracts import Options
from workers.jobs.shared_tasks import (
    DistributedMap,
    is_task,
    pack_arrays,
    pack_gathers,
    run_task,
    task_name,
    unpack_arrays,
    unpack_gathers,
)
from workers.queue.dispatch import FINE_TUNE_QUEUE, QUEUE, choose_queue, time_limit_s
from workers.settings import Settings
from workers.storage.blobs import StoreUnreachable

JOB = ("5f0c", 1)


def double(arrays):
    return {"twice": 2 * arrays["numbers"]}


def shared(blobs, records, dispatcher, work=double, max_waiting=2, tick=lambda: None):
    return DistributedMap(blobs, records, dispatcher, JOB, work, max_waiting, tick)


def numbers(outputs):
    return [output["twice"].tolist() for output in outputs]


def test_arrays_are_unpacked_unchanged_and_other_bytes_are_refused():
    packed = {"numbers": np.arange(3), "names": np.array(["a", "å"])}
    back = unpack_arrays(pack_arrays(packed))
    assert {name: back[name].tolist() for name in back} == {"numbers": [0, 1, 2], "names": ["a", "å"]}
    with pytest.raises(ValueError, match="pickle"):
        unpack_arrays(b"no archive")


def test_without_other_workers_the_job_runs_all_tasks_in_order(blobs, records, dispatcher):
    job = shared(blobs, records, dispatcher)
    outputs = [output for k in range(6) for output in job.submit({"numbers": np.array([k])})]
    assert numbers([*outputs, *job.drain()]) == [[2 * k] for k in range(6)]


def test_no_more_tasks_wait_than_the_maximum(blobs, records, dispatcher):
    job, done = shared(blobs, records, dispatcher, max_waiting=2), 0
    for k in range(7):
        done += len(list(job.submit({"numbers": np.array([k])})))
        waiting = sum(blobs.exists(f"results/5f0c/1/tasks/{n}.in") for n in range(7))
        assert waiting <= 2
        assert done == max(0, k + 1 - 2)
    assert len(list(job.drain())) == 2
    assert not any(blobs.exists(f"results/5f0c/1/tasks/{n}.{what}") for n in range(7) for what in ("in", "out"))


def test_another_worker_runs_a_task_once_and_the_job_collects_its_output(blobs, records, dispatcher):
    job, runs = shared(blobs, records, dispatcher, work=lambda _: pytest.fail("the task has been run")), []
    assert list(job.submit({"numbers": np.array([5])})) == []
    name = task_name(*JOB, 0)
    assert dispatcher.list_enqueued() == {name}
    assert run_task(blobs, records, name, lambda arrays: runs.append(1) or double(arrays))
    assert not run_task(blobs, records, name, lambda arrays: runs.append(2) or double(arrays))
    assert numbers(job.drain()) == [[10]]
    assert runs == [1]


def test_the_claim_on_a_failed_task_is_released(blobs, records, dispatcher):
    job = shared(blobs, records, dispatcher)
    list(job.submit({"numbers": np.array([1])}))

    def broken(_):
        raise ArithmeticError("no")

    with pytest.raises(ArithmeticError):
        run_task(blobs, records, task_name(*JOB, 0), broken)
    assert numbers(job.drain()) == [[2]]


def test_the_claim_on_a_task_is_released_when_the_store_fails(blobs, records, dispatcher, monkeypatch):
    job = shared(blobs, records, dispatcher)
    list(job.submit({"numbers": np.array([1])}))
    with monkeypatch.context() as failing:
        failing.setattr(blobs, "put", failing_put)
        assert not run_task(blobs, records, task_name(*JOB, 0), double)
    assert numbers(job.drain()) == [[2]]


def failing_put(*_):
    raise StoreUnreachable("away")


def test_a_task_of_a_job_that_has_ended_is_skipped(blobs, records):
    assert not run_task(blobs, records, task_name("gone", 1, 0), double)


def test_waiting_for_a_task_ends_when_tick_raises(blobs, records, dispatcher):
    class Stop(Exception):
        pass

    def stop():
        raise Stop

    job = shared(blobs, records, dispatcher, tick=stop)
    list(job.submit({"numbers": np.array([1])}))
    assert records.claim(task_name(*JOB, 0), 60)  # by a worker that never finishes it
    with pytest.raises(Stop):
        list(job.drain())


def test_the_name_of_a_task_is_not_the_id_of_a_job():
    assert is_task(task_name("0b8e7d3c-1111-4222-8333-444455556666", 2, 17))
    assert not is_task("0b8e7d3c-1111-4222-8333-444455556666")


def test_jobs_that_fine_tune_have_their_own_queue_where_it_has_workers(submission):
    training = submission.model_copy(update={"options": Options(fine_tune=True)})
    offered, not_offered = Settings(fine_tune_workers=1), Settings(fine_tune_workers=0)
    assert choose_queue(training, offered) == FINE_TUNE_QUEUE
    assert choose_queue(training, not_offered) == choose_queue(submission, offered) == QUEUE
    assert time_limit_s(FINE_TUNE_QUEUE, offered) == offered.fine_tune_timeout_s
    assert time_limit_s(QUEUE, offered) == offered.job_timeout_s


def gather_of(traces, samples):
    ids = tuple(TraceId("XX", f"S{k}", "" if k % 2 else "00", "LHZ") for k in range(traces))
    random = np.random.default_rng(traces)
    values = random.normal(size=(traces, samples)).astype(np.float32)
    values[0, :5] = np.nan
    return Gather(ids, 1234.5, 1.0, values, random.uniform(-90, 90, traces), np.full(traces, np.nan))


def test_gathers_of_any_size_are_unpacked_unchanged():
    events = [("föhn", gather_of(3, 50)), ("b", gather_of(1, 20))]
    unpacked = list(unpack_gathers(unpack_arrays(pack_arrays(pack_gathers(events)))))
    assert [name for name, _ in unpacked] == ["föhn", "b"]
    for (_, one), (_, other) in zip(events, unpacked, strict=True):
        assert (one.trace_ids, one.start_time_s, one.sampling_rate_hz) == (other.trace_ids, other.start_time_s, other.sampling_rate_hz)
        for name in ("samples", "latitudes_deg", "longitudes_deg"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
