"""Lists of an owner's jobs, newest first, in pages."""

import re
from dataclasses import dataclass
from typing import Final, cast

from redis import Redis

from models.errors import AtlasError
from workers.contracts import JobKind, JobRecord, Status
from workers.queue.connection import queue_errors
from workers.queue.records import Records, owner_index_key

MAX_PAGE: Final = 200
_BATCH: Final = 200
_MAX_SCANNED: Final = 2_000
"""Jobs looked at for one page; where a filter passes few of them, a page may be short, or empty, and not the last one."""

_CURSOR: Final = re.compile(r"(?P<score>\d{1,12}(?:\.\d{1,9})?)~(?P<id>[0-9A-Za-z-]{1,64})")


class BadCursor(AtlasError):
    """A cursor that no page ended with."""

    code = "bad-cursor"


@dataclass(frozen=True)
class Page:
    """Records of a page, and the cursor of the next one, None at the end."""

    records: list[JobRecord]
    next: str | None


class JobIndex:
    """Reads the index of jobs that `Records.create` writes."""

    def __init__(self, redis: Redis, records: Records) -> None:
        self._redis, self._records = redis, records

    def list_jobs(self, owner: str, kind: JobKind | None, status: Status | None, limit: int, cursor: str | None) -> Page:
        """
        List jobs of an owner, newest first.

        Parameters
        ----------
        owner
            Owner of the jobs; empty where no keys are required.
        kind, status
            Only jobs of this kind and status, where given.
        limit
            Jobs of a page, at most `MAX_PAGE`.
        cursor
            `next` of the page before; the first page without it. Raises BadCursor for any other text.

        Returns
        -------
        Page
            Raises QueueUnreachable.

        """
        found: list[JobRecord] = []
        after = None if cursor is None else _parse_cursor(cursor)
        scanned = 0
        while len(found) < min(limit, MAX_PAGE):
            with queue_errors():
                entries = self._read_entries(owner, after)
                records = self._records.get_many([job_id for job_id, _ in entries])
            if not entries:
                return Page(found, None)
            for (job_id, score), record in zip(entries, records, strict=True):
                after, scanned = (score, job_id), scanned + 1
                if record is not None and kind in (None, record.submission.kind) and status in (None, record.status):
                    found.append(record)
                if len(found) == min(limit, MAX_PAGE) or scanned >= _MAX_SCANNED:
                    return Page(found, _format_cursor(*after))
        return Page(found, None)

    def _read_entries(self, owner: str, after: tuple[float, str] | None) -> list[tuple[str, float]]:
        """Read the next ids with their scores. Jobs of the same instant are in the reverse order of their ids, as Redis has them."""
        top = "+inf" if after is None else repr(after[0])
        pairs = cast(
            list[tuple[bytes, float]],
            self._redis.zrevrangebyscore(owner_index_key(owner), top, "-inf", start=0, num=_BATCH, withscores=True),
        )
        entries = [(job_id.decode(), score) for job_id, score in pairs]
        return entries if after is None else [(job_id, score) for job_id, score in entries if (score, job_id) < after]


def _format_cursor(score: float, job_id: str) -> str:
    return f"{score!r}~{job_id}"


def _parse_cursor(text: str) -> tuple[float, str]:
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise BadCursor("the cursor is not the `next` of a list of jobs")
    return float(found["score"]), found["id"]
