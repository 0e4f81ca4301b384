"""The HTTP server: uvicorn with our application, saying once where it can be reached."""

import asyncio
import socket
from typing import Final

import uvicorn

from app.main import create_app
from app.readiness import check_readiness
from workers.queue.connection import connect
from workers.queue.records import Records
from workers.settings import Settings

GRACE_S: Final = 2
"""What requests in progress are given at the end; waits and event streams are cut off then."""

LOOK_EVERY_S: Final = 0.1


def serve(settings: Settings) -> None:
    """Listen until a signal."""
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    _Announced(config, settings).run()


class _Announced(uvicorn.Server):
    """Says where it listens, once the service can serve."""

    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self._settings = settings
        self._announcing: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then look until everything is there."""
        await super().startup(sockets)
        if self.started:
            self._announcing = asyncio.create_task(self._announce())

    async def _announce(self) -> None:
        redis = connect(self._settings)
        records = Records(redis, self._settings)
        while self._settings.workers and not all(check.ok for check in (await asyncio.to_thread(check_readiness, records)).checks):
            await asyncio.sleep(LOOK_EVERY_S)
        redis.close()
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        address = f"[{host}]" if ":" in host else host
        print(f"Seismic Atlas is ready at http://{address}:{port}/ (reference: /docs; Ctrl-C ends it)", flush=True)  # noqa: T201 -- meant for a person
