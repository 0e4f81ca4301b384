"""Callbacks: signed, repeated, given up, and never sent to an address that is not public."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis import Redis

from workers.callbacks import sender as module
from workers.callbacks.addresses import RefusedCallback, is_public, parse_callback_url, resolve_target
from workers.callbacks.sender import RETRY_AFTER_S, CallbackSender
from workers.callbacks.signing import derive_key, format_key
from workers.contracts import JobKind, Options, Status, Submission
from workers.queue.callback_queue import CALLBACKS, CallbackQueue
from workers.queue.connection import connect
from workers.queue.records import Records
from workers.runtime.embedded_queue import EmbeddedQueue
from workers.runtime.supervisor import worker_environment
from workers.settings import Settings

SECRET = SecretStr("a secret of the service")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    found = Settings(data_dir=tmp_path_factory.mktemp("queue"), callback_secret=SECRET)
    with EmbeddedQueue(found):
        yield found


@pytest.fixture
def redis(settings: Settings) -> Iterator[Redis]:
    with connect(settings) as opened:
        opened.flushall()
        yield opened


class Receiver(HTTPServer):
    """A receiver on loopback that answers with the statuses in `answers`, then with 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[int] = []


class Handler(BaseHTTPRequestHandler):
    """Handler of the receiver."""

    server: Receiver

    def do_POST(self) -> None:
        """Keep the request."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        status = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Do not print."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def end_job(settings: Settings, redis: Redis, url: str | None, owner: str = "ana") -> str:
    """A job of an owner that has ended; its callback is due."""
    records = Records(redis, settings)
    submission = Submission(kind=JobKind.LOCATE, parts=(), options=Options(callback_url=url))
    records.create("3f2c", submission, owner)
    assert redis.zcard(CALLBACKS) == 0
    attempt = records.begin("3f2c", "worker").attempt
    records.finish("3f2c", attempt, Status.SUCCEEDED)
    return "3f2c"


def make_sender(settings: Settings, redis: Redis) -> CallbackSender:
    return CallbackSender(settings, redis, is_allowed=lambda address: address == "127.0.0.1")


def test_the_end_of_a_job_is_sent_once_and_signed_with_the_key_of_its_owner(settings, redis, receiver):
    job = end_job(settings, redis, f"http://127.0.0.1:{receiver.server_port}/hook?a=b".replace("127.0.0.1", "localhost"))
    assert CallbackQueue(redis).take_due() == [job]
    assert make_sender(settings, redis).send(job)
    ((path, headers, body),) = receiver.received
    assert (path, headers["webhook-id"], headers["content-type"]) == ("/hook?a=b", job, "application/json")
    assert json.loads(body)["data"]["status"] == "succeeded"
    signed = f"{job}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(format_key(derive_key(SECRET, "ana")).removeprefix("whsec_"))
    assert headers["webhook-signature"] == "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert redis.zcard(CALLBACKS) == 0
    assert derive_key(SECRET, "ben") != key


def test_a_job_without_a_callback_schedules_none(settings, redis):
    end_job(settings, redis, None)
    assert CallbackQueue(redis).take_due() == []


def test_a_callback_is_taken_by_one_process_only(settings, redis):
    job = end_job(settings, redis, "http://receiver.example/")
    assert [CallbackQueue(redis).take_due() for _ in range(2)] == [[job], []]


@pytest.mark.parametrize("status", [500, 404, 302])
def test_a_callback_that_is_not_received_is_sent_again_later_and_redirects_are_not_followed(settings, redis, receiver, status):
    job = end_job(settings, redis, f"http://localhost:{receiver.server_port}/")
    receiver.answers = [status]
    sender = make_sender(settings, redis)
    assert not sender.send(job)
    assert redis.zscore(CALLBACKS, job) == pytest.approx(time.time() + RETRY_AFTER_S[0], abs=5)
    assert sender.send(job)
    assert len(receiver.received) == 2
    assert {headers["webhook-id"] for _, headers, _ in receiver.received} == {job}


def test_a_callback_is_given_up_after_the_last_pause_and_at_once_where_it_is_gone(settings, redis, receiver):
    job = end_job(settings, redis, f"http://localhost:{receiver.server_port}/")
    receiver.answers = [500] * 10
    sender = make_sender(settings, redis)
    for _ in RETRY_AFTER_S:
        sender.send(job)
        assert redis.zcard(CALLBACKS) == 1
    sender.send(job)
    assert (redis.zcard(CALLBACKS), redis.hlen("atlas:callback-attempts")) == (0, 0)
    redis.zadd(CALLBACKS, {job: 0})
    receiver.answers = [410]
    sender.send(job)
    assert redis.zcard(CALLBACKS) == 0


def test_a_host_that_resolves_to_this_machine_is_not_contacted(settings, redis, receiver):
    job = end_job(settings, redis, f"http://localhost:{receiver.server_port}/")
    assert not CallbackSender(settings, redis).send(job)
    assert receiver.received == []


def test_a_receiver_that_never_answers_is_left_after_the_timeout(settings, redis, receiver, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(Handler, "do_POST", lambda _: time.sleep(1.0))
    job = end_job(settings, redis, f"http://localhost:{receiver.server_port}/")
    start_s = time.monotonic()
    assert not make_sender(settings, redis).send(job)
    assert time.monotonic() - start_s < 0.9


PRIVATE = """127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 0.0.0.0 100.64.0.1 224.0.0.1 255.255.255.255
::1 fe80::1%eth0 fd00::1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 2002:7f00:1:: 64:ff9b::a00:1"""


@pytest.mark.parametrize("address", PRIVATE.split())
def test_addresses_that_are_not_public_are_refused(address):
    assert not is_public(address)
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(RefusedCallback):
        parse_callback_url(f"https://{host}/")


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111"])
def test_public_addresses_are_allowed(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "https:///path", "https://u:p@a.example/", "https://a.example:99999/", "nonsense", "https://a b/"]
)
def test_a_malformed_callback_address_is_refused(url):
    with pytest.raises(RefusedCallback):
        parse_callback_url(url)


def test_one_private_address_among_several_refuses_the_host(monkeypatch):
    entries = [(2, 1, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(module.socket, "getaddrinfo", lambda *_, **__: entries)
    with pytest.raises(RefusedCallback, match="not public"):
        resolve_target(parse_callback_url("https://receiver.example/"), is_public)


def test_workers_do_not_get_the_secret(tmp_path: Path):
    assert not any("SECRET" in name for name in worker_environment(Settings(callback_secret=SECRET, data_dir=tmp_path)))
