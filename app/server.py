"""Run the application with uvicorn and print its address once the service is ready."""

import asyncio
import socket
from functools import partial
from typing import Final, cast

import uvicorn
from fastapi import FastAPI

from app.connections import ConnectionGuard, GuardedProtocol, fit_connections
from app.dependencies import Service
from app.main import create_app
from workers.settings import Settings

READINESS_POLL_S: Final = 0.1

BACKLOG: Final = 128
"""Connections that the kernel holds before they are accepted; those accepted at once must fit into the reserve of open files."""

KEEP_ALIVE_S: Final = 75
"""
How long an idle connection stays open: longer than clients and reverse proxies keep theirs (httpx 5 s, nginx 60 s), so that it is they who
close it, and no request meets a connection that is being closed. Under a limit of connections, the longest idle ones are closed earlier.
"""


def serve(settings: Settings) -> None:
    """Serve HTTP until a signal ends the process."""
    create_server(settings).run()


def create_server(settings: Settings) -> "DrainingServer":
    """Create the application and its server."""
    app = create_app(settings)
    guard = ConnectionGuard(fit_connections(settings.max_connections), settings.max_connections_per_address, app.state.metrics)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        root_path=settings.root_path,
        http=cast(type[asyncio.Protocol], partial(GuardedProtocol, guard=guard, settings=settings)),
        h11_max_incomplete_event_size=settings.max_head_bytes,
        ws="none",
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_s)),
    )
    return DrainingServer(config, app)


class DrainingServer(uvicorn.Server):
    """
    Server that prints its address once the service is ready, and loses no request when it stops.

    At a signal `/health/ready` fails first. For `drain_s` requests are still accepted, each answer closing its connection, while load
    balancers send new ones elsewhere. Then waits and event streams end with the present state of their jobs, and requests in progress
    have `shutdown_s`. A second Ctrl-C ends the process at once.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app
        self._announcement: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, and wait for readiness in the background."""
        await super().startup(sockets)
        if self.started:
            self._announcement = asyncio.create_task(self._announce())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then stop as uvicorn does."""
        service: Service = self._app.state.service
        service.readiness.draining = True
        until = asyncio.get_running_loop().time() + service.settings.drain_s
        while asyncio.get_running_loop().time() < until and not self.force_exit:
            await asyncio.sleep(READINESS_POLL_S)
        service.updates.end_waits()
        await super().shutdown(sockets)

    async def _announce(self) -> None:
        service: Service = self._app.state.service
        while service.settings.workers and not all(check.ok for check in (await service.readiness.check()).checks):
            await asyncio.sleep(READINESS_POLL_S)
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        address = f"[{host}]" if ":" in host else host
        print(f"Seismic Atlas is ready at http://{address}:{port}/ (API reference: /docs; stop with Ctrl-C)", flush=True)  # noqa: T201 -- meant for a person
