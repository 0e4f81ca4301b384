"""Sending of due callbacks: signed, to a resolved public address, without redirects, and again later where that fails."""

import json
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from typing import Final

import structlog
from redis import Redis
from redis.exceptions import RedisError

from models.errors import AtlasError
from workers.callbacks.addresses import IsAllowed, RefusedCallback, Target, is_public, parse_callback_url, resolve_target
from workers.callbacks.signing import derive_key, sign_callback
from workers.contracts import JobRecord
from workers.queue.callback_queue import CallbackQueue
from workers.queue.records import Records
from workers.settings import Settings

RETRY_AFTER_S: Final = (10, 60, 300, 1800, 7200)
"""Pauses after failed attempts; after the last one a callback is given up."""

TIMEOUT_S: Final = 10.0
POLL_S: Final = 1.0
PARALLEL: Final = 4
_GONE: Final = 410


class CallbackSender:
    """Sends due callbacks in threads of its own between `start` and `stop`, for a service with a `callback_secret`."""

    def __init__(self, settings: Settings, redis: Redis, is_allowed: IsAllowed = is_public) -> None:
        self._settings, self._is_allowed = settings, is_allowed
        self._records, self._queue = Records(redis, settings), CallbackQueue(redis)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="callbacks", daemon=True)
        self._log = structlog.get_logger("atlas")

    def start(self) -> None:
        """Start sending, unless the service has no secret to sign with."""
        if self._settings.callback_secret is not None:
            self._thread.start()

    def stop(self) -> None:
        """Stop after the attempts in progress."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(TIMEOUT_S)

    def _run(self) -> None:
        with ThreadPoolExecutor(PARALLEL, thread_name_prefix="callback") as pool:
            while not self._stopping.wait(POLL_S):
                try:
                    list(pool.map(self.send, self._queue.take_due()))
                except (RedisError, AtlasError) as error:
                    self._log.warning("callbacks cannot be read", error=type(error).__name__)

    def send(self, job_id: str) -> bool:
        """Send the callback of a job; on failure it is due again later, or given up. Returns whether it was received."""
        record = self._records.get(job_id)
        url = None if record is None else record.submission.options.callback_url
        if record is None or url is None:
            self._queue.remove(job_id)
            return False
        try:
            status = self._post(record, parse_callback_url(url))
        except (RefusedCallback, OSError, HTTPException) as error:
            status, reason = 0, error.detail if isinstance(error, RefusedCallback) else type(error).__name__
        else:
            reason = f"status {status}"
        received = 200 <= status < 300
        if received or status == _GONE:
            self._queue.remove(job_id)
        else:
            self._postpone(job_id, reason)
        return received

    def _post(self, record: JobRecord, target: Target) -> int:
        body, secret = describe_end(record), self._settings.callback_secret
        if secret is None:
            raise RefusedCallback("the service has no secret to sign callbacks with")
        headers = sign_callback(derive_key(secret, record.owner), record.id, int(time.time()), body)
        return post(target, resolve_target(target, self._is_allowed), body, headers)

    def _postpone(self, job_id: str, reason: str) -> None:
        attempt = self._queue.count_attempt(job_id)
        given_up = attempt > len(RETRY_AFTER_S)
        self._log.warning("callback failed", job=job_id, attempt=attempt, reason=reason, given_up=given_up)
        if given_up:
            self._queue.remove(job_id)
        else:
            self._queue.postpone(job_id, time.time() + RETRY_AFTER_S[attempt - 1])


def describe_end(record: JobRecord) -> bytes:
    """Return the body of a callback: which job has ended and how; the result is to be read with the API key."""
    data = {
        "id": record.id,
        "kind": record.submission.kind.value,
        "status": record.status.value,
        "created_at": record.created_at.isoformat(),
        "finished_at": None if record.finished_at is None else record.finished_at.isoformat(),
        "problem": None if record.problem is None else record.problem.model_dump(mode="json"),
        "links": {"self": f"/jobs/{record.id}"},
    }
    return json.dumps({"type": "job.ended", "timestamp": datetime.now(UTC).isoformat(), "data": data}).encode()


def post(target: Target, address: str, body: bytes, headers: dict[str, str]) -> int:
    """
    Post a body to an address and return the status of the answer; redirects are not followed, and the answer is not read.

    Parameters
    ----------
    target
        Host, port and path.
    address
        The address to connect to; the certificate must be that of the host.
    body, headers
        What is sent.

    Raises
    ------
    OSError, HTTPException
        If there is no answer within `TIMEOUT_S`, or none of HTTP.

    """
    connection = HTTPConnection(target.host, target.port, timeout=TIMEOUT_S)
    stream = socket.create_connection((address, target.port), timeout=TIMEOUT_S)
    deadline = threading.Timer(TIMEOUT_S, _shut, [stream])
    deadline.start()
    try:
        connection.sock = _encrypt(stream, target.host) if target.scheme == "https" else stream
        fixed = {"Host": target.authority, "Content-Type": "application/json", "User-Agent": "seismic-atlas", "Connection": "close"}
        connection.request("POST", target.path, body, {**fixed, **headers})
        return connection.getresponse().status
    finally:
        deadline.cancel()
        connection.close()
        stream.close()


def _encrypt(stream: socket.socket, host: str) -> socket.socket:
    return ssl.create_default_context().wrap_socket(stream, server_hostname=host)


def _shut(stream: socket.socket) -> None:
    """End a connection whose peer answers too slowly, byte by byte."""
    with suppress(OSError):
        stream.shutdown(socket.SHUT_RDWR)
