"""`python -m app`: run the whole service. `python -m app openapi` prints its OpenAPI document, `python -m app keys` manages API keys."""

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import structlog

from app.auth import command
from app.auth.exposure import check_exposure
from app.auth.running import announce_keys
from models.environment import BadSettings
from models.errors import AtlasError
from workers.logs import configure_logs
from workers.runtime.supervisor import Supervisor
from workers.settings import Settings, read_settings, warn_of_unknown_variables
from workers.storage.blobs import open_blobs


def main(arguments: list[str]) -> int:
    """Run the command; return its exit status: 0 after a signal, 1 if the service cannot start, 2 for settings that cannot be used."""
    try:
        return _run(arguments)
    except BadSettings as error:
        print(error, file=sys.stderr)
        return 2


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["keys"]:
        return command.main(arguments[1:])
    given = _parser().parse_args(arguments)
    if given.command == "openapi":
        from app.main import create_app  # noqa: PLC0415 -- see below

        print(json.dumps(create_app(_settings(given)).openapi(), indent=2, ensure_ascii=False))
        return 0
    configure_logs()
    settings = _settings(given)
    warn_of_unknown_variables(os.environ)
    open_blobs(settings)  # raises BadSettings, which is not to be met by each process alone
    # uvicorn raises the signal again after its shutdown; this process must still stop the workers then.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        check_exposure(settings)
        with announce_keys(settings), Supervisor(settings):
            # Workers take seconds to start; the web framework is imported meanwhile.
            from app.server import serve  # noqa: PLC0415

            serve(settings)
    except (AtlasError, OSError) as error:
        structlog.get_logger("atlas").error("the service cannot start", detail=str(error))
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m app",
        description=__doc__,
        epilog="API keys: python -m app keys --help. All settings: docs/reference/configuration.md",
    )
    parser.add_argument("command", nargs="?", choices=["serve", "openapi"], default="serve")
    parser.add_argument("--host", help="address to listen on (ATLAS_HOST)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for a free one (ATLAS_PORT)")
    parser.add_argument("--data", type=Path, dest="data_dir", help="data folder (ATLAS_DATA_DIR)")
    parser.add_argument("--workers", type=int, help="worker processes (ATLAS_WORKERS)")
    return parser


def _settings(given: argparse.Namespace) -> Settings:
    """Read the settings from the environment; command-line flags take precedence. Raises BadSettings."""
    flags: dict[str, Any] = {name: value for name, value in vars(given).items() if name != "command" and value is not None}
    return read_settings(**flags)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
