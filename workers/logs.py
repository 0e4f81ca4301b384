"""Logging as JSON lines on standard error, for this service (structlog) and for libraries (logging) alike."""

import logging
import math
import sys
import time
from collections.abc import Callable
from typing import Final

import structlog

QUIET_S: Final = 60.0


class OutageLog:
    """
    Logs once that something fails, and once that it works again: not each of the attempts between, of which there may be thousands.

    Of outages that follow each other, as of a server that ends whenever it is started, one is logged in `QUIET_S` seconds. `level` is that
    of the first line.
    """

    def __init__(self, lost: str, back: str, level: int = logging.WARNING, clock: Callable[[], float] = time.monotonic) -> None:
        self._lost, self._back, self._level, self._clock = lost, back, level, clock
        self._since_s: float | None = None
        self._logged, self._logged_s = False, -math.inf

    def record_failure(self, **context: str | int) -> None:
        """Log a failure, unless the outage is logged already or another one was a moment ago."""
        now_s = self._clock()
        self._since_s = now_s if self._since_s is None else self._since_s
        if not self._logged and now_s - self._logged_s >= QUIET_S:
            self._logged, self._logged_s = True, now_s
            structlog.get_logger("atlas").log(self._level, self._lost, **context)

    def record_success(self, **context: str) -> None:
        """Log that an attempt succeeds again, and for how many seconds none did, if the outage was logged."""
        if self._logged and self._since_s is not None:
            structlog.get_logger("atlas").info(self._back, away_s=round(self._clock() - self._since_s, 1), **context)
        self._logged, self._since_s = False, None


def configure_logs(level: int = logging.INFO) -> None:
    """Configure logging once a process, before its first log line; values are escaped, so that no input can forge a line."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("rq.worker", "rq.job", "matplotlib", "botocore", "s3fs", "fsspec"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
