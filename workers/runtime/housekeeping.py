"""Deletion of expired blobs: results of expired jobs, uploads that no job needs, and incomplete uploads."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import batched

from workers.queue.records import Records
from workers.settings import Settings
from workers.storage.blobs import BlobStore
from workers.storage.result_keys import job_prefix

INCOMPLETE_UPLOAD_AGE = timedelta(days=1)
_BATCH = 500  # ids that the queue server is asked for at once


def clean_up(records: Records, blobs: BlobStore, settings: Settings) -> int:
    """
    Delete blobs older than `result_ttl_s` and return the number of jobs and blobs deleted; raises store and Redis errors.

    The age of an upload counts from its last submission. An upload that a queued or running job needs is never deleted. Results of jobs
    that the queue server has lost, as one started anew with an empty store, are deleted at that age; those of a job with a record never.
    """
    now = datetime.now(UTC)
    before = now - timedelta(seconds=settings.result_ttl_s)
    expired = records.find_expired(before.timestamp())
    for job_id in expired:
        blobs.delete(job_prefix(job_id))
    records.forget_jobs(expired)
    lost = _find_lost(records, blobs)
    unfinished = [*records.list_queued(), *records.list_running()]
    created = records.list_creation_times(unfinished)
    # A job's parts are stored before its record is created; one hour covers the slowest upload.
    limits = {"uploads": min([before, *created]) - timedelta(hours=1), "incoming": now - INCOMPLETE_UPLOAD_AGE}
    # The age is looked at again before each deletion: an upload may have been submitted again since the listing.
    stale = [(job_prefix(job_id), before) for job_id in lost]
    stale += [(key, limit) for folder, limit in limits.items() for key in blobs.list_older(folder, limit)]
    return len(expired) + sum(blobs.delete_older(key, limit) for key, limit in stale)


def _find_lost(records: Records, blobs: BlobStore) -> Iterator[str]:
    """Yield the ids of jobs that have results in the store and no record."""
    for batch in batched((key.rpartition("/")[2] for key in blobs.list_keys("results")), _BATCH):
        yield from records.find_unknown(batch)
