"""A load balancer for the fault tests: it passes connections to servers that are ready, in turn, and bytes unchanged."""

import itertools
import socket
import threading
from contextlib import suppress
from typing import Self

import httpx

CHECK_S = 1.0


class Balancer:
    """Listens on a free port of loopback; asks each server for /health/ready every second."""

    def __init__(self, servers: list[tuple[str, int]]) -> None:
        self._servers, self._ready, self._turn = servers, set(servers), itertools.count()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        for work in (self._check, self._accept):
            threading.Thread(target=work, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._listener.close()

    def _check(self) -> None:
        while not self._stopped.wait(CHECK_S):
            for server in self._servers:
                try:
                    ready = httpx.get(f"http://{server[0]}:{server[1]}/health/ready", timeout=2.0).status_code == httpx.codes.OK
                except httpx.TransportError:
                    ready = False
                (self._ready.add if ready else self._ready.discard)(server)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(connection,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        """Connect to the next server that is ready, or that takes the connection; without one close it."""
        turn = next(self._turn)
        ordered = [self._servers[(turn + number) % len(self._servers)] for number in range(len(self._servers))]
        for address in sorted(ordered, key=lambda server: server not in self._ready):
            with suppress(OSError):
                server = socket.create_connection(address, timeout=2.0)
                server.settimeout(None)
                threading.Thread(target=_copy, args=(server, client), daemon=True).start()
                _copy(client, server)
                return
        client.close()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copy bytes until one side closes, then close both."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
