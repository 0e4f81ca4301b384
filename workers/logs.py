"""Logging as JSON lines on standard error, for this service (structlog) and for libraries (logging) alike."""

import logging
import sys
import time

import structlog


class OutageLog:
    """Logs once that something fails, and once that it works again: not each of the attempts between, of which there may be thousands."""

    def __init__(self, lost: str, back: str) -> None:
        self._lost, self._back = lost, back
        self._since_s: float | None = None

    def record_failure(self, **context: str) -> None:
        """Log a failure, unless the attempt before failed too."""
        if self._since_s is None:
            self._since_s = time.monotonic()
            structlog.get_logger("atlas").warning(self._lost, **context)

    def record_success(self, **context: str) -> None:
        """Log that an attempt succeeds again, and for how long none did."""
        if self._since_s is not None:
            away_s, self._since_s = time.monotonic() - self._since_s, None
            structlog.get_logger("atlas").info(self._back, away_s=round(away_s, 1), **context)


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
