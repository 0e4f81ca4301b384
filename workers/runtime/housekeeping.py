"""What has outlived its time: results of expired jobs, uploads that no job needs, uploads broken off."""

from datetime import UTC, datetime, timedelta

from workers.queue.records import Records
from workers.settings import Settings
from workers.storage.blobs import BlobStore

BROKEN_OFF_AFTER = timedelta(days=1)


def clean_up(records: Records, blobs: BlobStore, settings: Settings) -> int:
    """
    Remove what is older than `result_ttl_s`; the number of blobs and jobs removed. Raises store and Redis errors.

    An upload's age counts from its last arrival, which every submission with the same bytes renews; one that a waiting or
    running job still needs is kept however old.
    """
    now = datetime.now(UTC)
    before = now - timedelta(seconds=settings.result_ttl_s)
    expired = records.expired(before.timestamp())
    for job_id in expired:
        blobs.delete(f"results/{job_id}")
    records.forget(expired)
    live = [record.created_at for job_id in [*records.queued(), *records.running()] if (record := records.get(job_id)) is not None]
    # A job's parts have arrived before the job was created: an hour covers the slowest submission.
    stale = blobs.older("uploads", min([before, *live]) - timedelta(hours=1)) + blobs.older("incoming", now - BROKEN_OFF_AFTER)
    for key in stale:
        blobs.delete(key)
    return len(expired) + len(stale)
