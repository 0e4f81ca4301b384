"""`python -m workers [--workers N]`: run workers without the API, on the queue of REDIS_URL, until SIGTERM or Ctrl-C."""

import argparse
import os
import signal
import sys
import threading

import structlog

from models.environment import BadSettings
from models.errors import AtlasError
from models.registry.store import open_store
from models.specs.index import MODELS
from workers.logs import configure_logs
from workers.queue.dispatch import FINE_TUNE_QUEUE, QUEUE
from workers.runtime.supervisor import Supervisor
from workers.settings import Settings, read_settings, warn_of_unknown_variables
from workers.storage.blobs import open_blobs


def main(arguments: list[str]) -> int:
    """Run workers and return the exit status: 0 after a signal, 1 if the workers cannot start, 2 for settings that cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("--workers", type=int, help="worker processes (ATLAS_WORKERS)")
    parser.add_argument("--one", metavar="NAME", help="run one worker of that name in this process")
    parser.add_argument("--queue", default=QUEUE, choices=(QUEUE, FINE_TUNE_QUEUE), help="with --one: queue of that worker")
    options = parser.parse_args(arguments)
    configure_logs()
    try:
        settings = read_settings(**({} if options.workers is None else {"workers": options.workers}))
        if options.one is None:  # a supervisor says it for its workers
            warn_of_unknown_variables(os.environ)
        open_blobs(settings)  # raises BadSettings, which is not to be met by each process alone
    except BadSettings as error:
        print(error, file=sys.stderr)
        return 2
    try:
        if options.one is not None:
            return _run_worker(settings, options.one, options.queue)
        return _supervise(settings)
    except (AtlasError, RuntimeError, ValueError) as error:
        structlog.get_logger("atlas").error("workers cannot start", error=type(error).__name__, detail=str(error))
        return 1


def _run_worker(settings: Settings, name: str, queue: str) -> int:
    store = open_store(settings.artifacts_dir)
    for spec in MODELS:  # a missing artifact is reported at once, not after seconds of imports
        store.card(spec.name)
    from workers.runtime.worker import work  # noqa: PLC0415 -- a supervisor does not need ONNX Runtime

    work(settings, name, queue)
    return 0


def _supervise(settings: Settings) -> int:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with Supervisor(settings, embedded=False):
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
