"""Waiting for a job: event streams, broken and refused ones, polling, and time limits."""

import json
import time
from contextlib import suppress

import httpx
import pytest

from seismic_atlas_client import Client, JobCanceled, RetryPolicy, WaitTimedOut
from seismic_atlas_client.progress import MAX_BREAKS, EventDecoder, ServerEvent
from tests.support.job_answers import JOB

ENDED = {**JOB, "status": "canceled", "stage": "finished", "progress": 1.0}
RUNNING = {**JOB, "status": "running", "stage": "search", "progress": 0.5}


def event(name, data):
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def progress(stage, fraction):
    return event("progress", {"id": "j1", "status": "running", "stage": stage, "progress": fraction})


class Stream(httpx.SyncByteStream):
    """Blocks of an event stream; an exception among them is raised."""

    def __init__(self, blocks):
        self.blocks = blocks

    def __iter__(self):
        for block in self.blocks:
            if isinstance(block, Exception):
                raise block
            yield block


class Server:
    """A job whose event streams and readings follow a script; the last of each is repeated."""

    def __init__(self, streams, readings=(RUNNING,)):
        self.streams, self.readings, self.calls = list(streams), list(readings), []

    def answer(self, request):
        """Return the next event stream or reading."""
        path = request.url.path
        self.calls.append("stream" if path.endswith("/events") else "read")
        script = self.streams if path.endswith("/events") else self.readings
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, list):
            return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, stream=Stream(answer))
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def wait(self, **limits):
        """Wait for the job; return its status and the stages that were reported."""
        limits = {"timeout_s": 20.0, **limits}
        stages = []
        with Client("http://atlas", retries=RetryPolicy(first_pause_s=0.001), transport=httpx.MockTransport(self.answer)) as client:
            handle = client.job("j1")
            self.calls.clear()
            with suppress(JobCanceled):
                handle.wait(on_progress=lambda state: stages.append(state.stage), **limits)
            return handle.state.status, stages


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)


def test_progress_is_reported_from_the_stream_and_the_job_is_its_last_event():
    server = Server([[b": ping\n\n", progress("offsets", 0.2), progress("offsets", 0.2), progress("search", 0.5), event("job", ENDED)]])
    assert server.wait() == ("canceled", ["offsets", "search", "finished"])
    assert server.calls == ["stream"]


def test_events_may_come_in_any_pieces():
    data = progress("offsets", 0.2) + event("job", ENDED)
    assert Server([[data[i : i + 3] for i in range(0, len(data), 3)]]).wait() == ("canceled", ["offsets", "finished"])


@pytest.mark.parametrize(
    "broken",
    [
        [progress("offsets", 0.2), httpx.ReadError("reset")],
        [progress("offsets", 0.2), httpx.ReadTimeout("silence")],
        [progress("offsets", 0.2)],
        [b"event: job\ndata: {}\n\n"],
    ],
    ids=["reset", "silence", "early end", "another job"],
)
def test_a_broken_stream_is_followed_again(broken):
    server = Server([broken, [event("job", ENDED)]], [RUNNING])
    assert server.wait()[0] == "canceled"
    assert server.calls == ["stream", "read", "stream"]


@pytest.mark.parametrize("refused", [httpx.Response(404), httpx.Response(200, text="<html>"), [httpx.ReadError("reset")]])
def test_where_streams_never_work_the_job_is_polled(refused):
    server = Server([refused], [RUNNING] * 6 + [ENDED])
    assert server.wait() == ("canceled", ["search", "finished"])
    assert server.calls.count("stream") == MAX_BREAKS
    assert server.calls[-3:] == ["read"] * 3


def test_a_job_that_ended_while_the_stream_was_broken_is_found():
    server = Server([[httpx.ReadError("reset")]], [RUNNING, ENDED])
    assert server.wait()[0] == "canceled"
    assert server.calls == ["stream", "read"]


@pytest.mark.parametrize("streams", [[[progress("search", 0.5)]], [httpx.Response(404)]], ids=["stream", "polling"])
def test_a_wait_has_a_limit_and_the_error_names_the_job(streams):
    started = time.monotonic()
    with pytest.raises(WaitTimedOut, match=r"job j1 has not ended after 0\.2 s; it goes on"):
        Server(streams).wait(timeout_s=0.2)
    assert time.monotonic() - started < 2


def test_the_decoder_keeps_to_the_specification():
    decoder = EventDecoder()
    lines = [": comment", "event:a", "data: 1", "data:2", "id: 7", "", "data: 3", "", "", "event: empty", "", "data"]
    assert [event for line in lines if (event := decoder.decode_line(line))] == [ServerEvent("a", "1\n2"), ServerEvent("message", "3")]
