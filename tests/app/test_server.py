"""The server of `python -m app`, in threads of this process: how it stops while requests arrive."""

import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest

from app.server import DrainingServer, create_server
from tests.faults.service import free_port

START_S = 30.0


class Node:
    """One of several API processes behind a load balancer, here in a thread; it can be restarted on its port."""

    def __init__(self, settings) -> None:
        self.port = free_port()
        self._settings = settings.model_copy(update={"port": self.port, "workers": 0, "drain_s": 1.5, "shutdown_s": 5.0})
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: DrainingServer
        self._thread: threading.Thread

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        self._server = create_server(self._settings)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        deadline = time.monotonic() + START_S
        while not is_ready(self.url) and time.monotonic() < deadline:
            time.sleep(0.05)

    def begin_stop(self) -> None:
        """Ask the server to stop, as a signal does."""
        self._server.should_exit = True

    def stop(self) -> None:
        """Stop the server and wait for its end."""
        self.begin_stop()
        self._thread.join(START_S)
        assert not self._thread.is_alive()


def is_ready(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"{url}/health/ready", timeout=2) as answer:  # noqa: S310 -- our own
        return bool(answer.status == httpx.codes.OK)
    return False


@pytest.fixture
def nodes(settings, worker) -> Iterator[list[Node]]:
    made = [Node(settings.model_copy(update={"heartbeat_ttl_s": 60.0})) for _ in range(2)]
    worker.records._settings = made[0]._settings
    worker.beat()
    for node in made:
        node.start()
    yield made
    for node in made:
        node.stop()


class Client:
    """Sends requests one after the other to nodes that a load balancer finds ready, checked every 0.2 s, and counts failures."""

    def __init__(self, nodes: list[Node], files) -> None:
        self._nodes, self._files = nodes, files
        self._ready = [node.url for node in nodes]
        self.failures: list[str] = []
        self.answered = 0
        self._ended = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send requests while the block runs."""
        threads = [threading.Thread(target=target) for target in (self._check, self._send, self._send)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()

    def _check(self) -> None:
        while not self._ended.wait(0.2):
            self._ready = [node.url for node in self._nodes if is_ready(node.url)]

    def _send(self) -> None:
        with httpx.Client(timeout=10) as client:
            while not self._ended.wait(0.02):
                for url in self._ready[:1]:
                    self._exchange(client, url)

    def _exchange(self, client: httpx.Client, url: str) -> None:
        try:
            answer = client.post(f"{url}/events/classify", files=self._files)
        except httpx.TransportError as error:
            self.failures.append(repr(error))
            return
        self.answered += 1
        if not answer.is_success and not (answer.status_code == 503 and "Retry-After" in answer.headers):
            self.failures.append(f"{answer.status_code}")


@pytest.mark.slow
def test_a_rolling_restart_fails_no_request(nodes, files):
    """Readiness falls first, requests are accepted until the load balancer has noticed, and connections are closed by answers."""
    client = Client(nodes, files)
    with client.running():
        time.sleep(0.5)
        for node in nodes:
            node.stop()
            node.start()
            time.sleep(0.5)
    assert client.failures == []
    assert client.answered > 5


@pytest.mark.slow
def test_a_wait_ends_with_the_state_of_the_job_when_the_server_stops(nodes, files):
    url = nodes[0].url
    timer = threading.Timer(0.5, nodes[0].begin_stop)
    timer.start()
    start_s = time.monotonic()
    answer = httpx.post(f"{url}/events/classify", files=files, headers={"Prefer": "wait=60"}, timeout=70)
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert time.monotonic() - start_s < 8


def test_clients_close_idle_connections_before_the_server_does(nodes):
    """Else a request may meet a connection that is being closed: httpx keeps idle connections 5 s, nginx those to its servers 60 s."""
    idle_s = create_server(nodes[0]._settings).config.timeout_keep_alive
    assert idle_s > max(httpx.Limits().keepalive_expiry, 60)


@pytest.mark.slow
def test_links_have_the_path_prefix_that_a_proxy_removes(settings, files):
    """With ATLAS_ROOT_PATH=/atlas the service is asked for /jobs/..., and names /atlas/jobs/..., which clients of the proxy ask for."""
    node = Node(settings.model_copy(update={"root_path": "/atlas"}))
    node._server = create_server(node._settings)
    node._thread = threading.Thread(target=node._server.run)
    node._thread.start()
    try:
        while not node._server.started:
            time.sleep(0.05)
        answer = httpx.post(f"{node.url}/events/classify", files=files)
        job = answer.json()
        assert answer.headers["Location"] == job["links"]["self"] == f"/atlas/jobs/{job['id']}"
        assert httpx.get(f"{node.url}/jobs/{job['id']}").status_code == httpx.codes.OK
        assert httpx.get(f"{node.url}/static/page.js").status_code == httpx.codes.OK
        assert httpx.get(f"{node.url}/openapi.json").json()["servers"] == [{"url": "/atlas"}]
    finally:
        node.stop()
