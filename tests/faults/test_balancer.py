"""The load balancer of the cluster trial: servers that are not ready, or gone, get no connection."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from tests.faults.balancer import Balancer


@contextmanager
def serve(name: str, state: dict[str, int]) -> Iterator[tuple[str, int]]:
    """Serve a name; /health/ready answers with the status in `state`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(state[name] if self.path == "/health/ready" else 200)
            self.end_headers()
            self.wfile.write(name.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield ("127.0.0.1", server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def wait_for_names(url: str, expected: set[str]) -> None:
    """Wait until four requests in a row are answered by exactly these servers."""
    deadline = time.monotonic() + 20.0
    while {httpx.get(url, timeout=5).text for _ in range(4)} != expected:
        assert time.monotonic() < deadline


def test_connections_go_in_turn_to_the_servers_that_are_ready(monkeypatch):
    monkeypatch.setattr("tests.faults.balancer.CHECK_S", 0.05)
    state = {"one": 200, "two": 200}
    with serve("one", state) as one, serve("two", state) as two, Balancer([one, two]) as balancer:
        wait_for_names(balancer.url, {"one", "two"})
        state["one"] = 503
        wait_for_names(balancer.url, {"two"})
        state["one"] = 200
        wait_for_names(balancer.url, {"one", "two"})


def test_a_server_that_is_gone_is_passed_over():
    state = {"one": 200, "two": 200}
    with serve("two", state) as two:
        with serve("one", state) as gone:
            pass
        with Balancer([gone, two]) as balancer:
            assert {httpx.get(balancer.url, timeout=5).text for _ in range(4)} == {"two"}
