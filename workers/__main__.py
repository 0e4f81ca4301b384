"""`python -m workers [--workers N]`: workers alone, on the queue of REDIS_URL, until SIGTERM or Ctrl-C."""

import argparse
import signal
import sys
import threading

import structlog

from models.errors import AtlasError
from models.registry.store import open_store
from models.specs.index import MODELS
from workers.logs import configure_logs
from workers.queue.dispatch import FINE_TUNE_QUEUE, QUEUE
from workers.runtime.supervisor import Supervisor
from workers.settings import Settings


def main(arguments: list[str]) -> int:
    """Exit status: 0 after a signal, 1 where a worker cannot do its work."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("--workers", type=int, help="worker processes (ATLAS_WORKERS)")
    parser.add_argument("--one", metavar="NAME", help="be the one worker of that name, in this process")
    parser.add_argument("--queue", default=QUEUE, choices=(QUEUE, FINE_TUNE_QUEUE), help="with --one: the queue to work on")
    options = parser.parse_args(arguments)
    configure_logs()
    settings = Settings()
    try:
        if options.one is not None:
            return _be_one(settings, options.one, options.queue)
        return _supervise(settings if options.workers is None else settings.model_copy(update={"workers": options.workers}))
    except (AtlasError, RuntimeError, ValueError) as error:
        structlog.get_logger("atlas").error("cannot work", error=type(error).__name__, detail=str(error))
        return 1


def _be_one(settings: Settings, name: str, queue: str) -> int:
    store = open_store(settings.artifacts_dir)
    for spec in MODELS:  # said before seconds of imports
        store.card(spec.name)
    from workers.runtime.worker import work  # noqa: PLC0415 -- a supervisor has no need of ONNX Runtime

    work(settings, name, queue)
    return 0


def _supervise(settings: Settings) -> int:
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    with Supervisor(settings, embedded=False):
        told.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
