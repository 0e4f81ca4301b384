"""The client of the demonstration against a server with prepared answers."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.demo.client import Client, DemoFailed

LINKS = {"self": "/jobs/1", "events": "/jobs/1/events", "figures": ["/jobs/1/figures/section.png"]}


def job(**changes):
    return {"status": "succeeded", "stage": "finished", "progress": 1.0, "problem": None, "links": LINKS} | changes


@contextmanager
def serving(answers):
    """Serve a status and a body for each path on a free loopback port; `sent` records the posted bodies."""
    sent = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = answers[self.path.split("?")[0]]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            sent[self.path] = (self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"])))
            self.do_GET()

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Client("127.0.0.1", server.server_port), sent
        finally:
            server.shutdown()
            thread.join()


def ignore_progress(*state):
    pass


def events(*states):
    return b"".join(b"event: progress\r\ndata: " + json.dumps(state).encode() + b"\r\n\r\n" for state in states)


def test_a_bundle_is_sent_as_a_zip(tmp_path):
    (tmp_path / "event.zip").write_bytes(b"PK")
    with serving({"/events/classify": (202, json.dumps(job(status="queued")).encode())}) as (client, sent):
        assert client.submit("/events/classify", tmp_path / "event.zip")["status"] == "queued"
    assert sent == {"/events/classify": ("application/zip", b"PK")}


def test_a_refused_bundle_fails_with_the_problem_of_the_service(tmp_path):
    (tmp_path / "event.zip").write_bytes(b"no zip")
    with (
        serving({"/events/classify": (415, b'{"title": "Unsupported kind of file"}')}) as (client, _),
        pytest.raises(DemoFailed, match="Unsupported"),
    ):
        client.submit("/events/classify", tmp_path / "event.zip")


def test_a_job_is_followed_to_its_end():
    reported = []
    running = {"status": "running", "stage": "offsets", "progress": 0.4}
    answers = {"/jobs/1/events": (200, events(running, job())), "/jobs/1": (200, json.dumps(job(result={"k": 2})).encode())}
    with serving(answers) as (client, _):
        ended = client.follow(job(status="queued"), lambda stage, progress: reported.append((stage, progress)))
    assert ended["result"] == {"k": 2}
    assert reported == [("offsets", 0.4), ("finished", 1.0)]


def test_an_interrupted_event_stream_is_replaced_by_polling():
    answers = {"/jobs/1/events": (200, b": nothing yet\n"), "/jobs/1": (200, json.dumps(job()).encode())}
    with serving(answers) as (client, _):
        assert client.follow(job(status="queued"), ignore_progress)["status"] == "succeeded"


def test_a_failed_job_raises_its_problem():
    failed = job(status="failed", problem={"detail": "too few stations"})
    answers = {"/jobs/1/events": (200, events(failed)), "/jobs/1": (200, json.dumps(failed).encode())}
    with serving(answers) as (client, _), pytest.raises(DemoFailed, match="too few stations"):
        client.follow(job(status="queued"), ignore_progress)


def test_figures_are_saved_in_a_folder(tmp_path):
    with serving({"/jobs/1/figures/section.png": (200, b"a picture")}) as (client, _):
        paths = client.download_figures(job(), tmp_path / "figures")
    assert [(path.name, path.read_bytes()) for path in paths] == [("section.png", b"a picture")]


def test_a_service_that_does_not_listen_is_not_ready():
    with serving({}) as (client, _):
        pass
    assert not client.is_ready()


@pytest.mark.parametrize(("status", "ready"), [(200, True), (503, False)])
def test_readiness_is_the_status_of_the_service(status, ready):
    with serving({"/health/ready": (status, b"{}")}) as (client, _):
        assert client.is_ready() is ready
