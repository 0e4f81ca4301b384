"""`python -m app`: the whole service in one command; `python -m app openapi` prints its OpenAPI document."""

import argparse
import asyncio
import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any, Final

import structlog
import uvicorn

from app.main import create_app
from app.readiness import look
from models.errors import AtlasError
from workers.dispatch import connect
from workers.logs import configure_logs
from workers.records import Records
from workers.settings import Settings
from workers.supervisor import Supervisor

GRACE_S: Final = 2
"""What requests in progress are given at the end; waits and event streams are cut off then."""

LOOK_EVERY_S: Final = 0.1


def main(arguments: list[str]) -> int:
    """Exit status: 0 after a signal, 1 where the service cannot start."""
    given = _parser().parse_args(arguments)
    if given.command == "openapi":
        print(json.dumps(create_app(_settings(given)).openapi(), indent=2, ensure_ascii=False))
        return 0
    configure_logs()
    settings = _settings(given)
    # uvicorn raises the signal once more when it has ended: that must not end us before the workers have.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        with Supervisor(settings):
            _serve(settings)
    except (AtlasError, OSError) as error:
        structlog.get_logger("atlas").error("cannot start", detail=str(error))
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__, epilog="Every setting: docs/configuration.md")
    parser.add_argument("command", nargs="?", choices=["serve", "openapi"], default="serve")
    parser.add_argument("--host", help="address to listen on (ATLAS_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for a free one (ATLAS_PORT)")
    parser.add_argument("--data", type=Path, dest="data_dir", help="data folder (ATLAS_DATA_DIR)")
    parser.add_argument("--workers", type=int, help="worker processes (ATLAS_WORKERS)")
    return parser


def _settings(given: argparse.Namespace) -> Settings:
    """From the environment, with the flags over it."""
    settings = Settings()
    flags: dict[str, Any] = {name: value for name, value in vars(given).items() if name != "command" and value is not None}
    return settings.model_copy(update=flags)


def _serve(settings: Settings) -> None:
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
        while self._settings.workers and not all(check.ok for check in (await asyncio.to_thread(look, records)).checks):
            await asyncio.sleep(LOOK_EVERY_S)
        redis.close()
        host, port = self.servers[0].sockets[0].getsockname()[:2]
        address = f"[{host}]" if ":" in host else host
        print(f"Seismic Atlas is ready at http://{address}:{port}/ (reference: /docs; Ctrl-C ends it)", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
