"""Keys of results and figures in the blob store."""

from workers.contracts import JobRecord

# Formats of GET /jobs/{id}/result and their media types.
MEDIA_TYPES = (("json", "application/json"), ("quakeml", "application/xml"), ("geojson", "application/geo+json"), ("csv", "text/csv"))


def job_prefix(job_id: str) -> str:
    """Return the prefix of all blobs of a job."""
    return f"results/{job_id}"


def attempt_prefix(job_id: str, attempt: int) -> str:
    """
    Return the prefix of the blobs of one attempt at a job.

    Results are read under the attempt that finished the job, so a superseded attempt may still write without effect.
    """
    return f"{job_prefix(job_id)}/{attempt}"


def result_key(record: JobRecord, file_format: str = "json") -> str:
    """Return the key of a finished job's result in one of its formats."""
    return f"{attempt_prefix(record.id, record.attempt)}/result.{file_format}"


def figure_key(record: JobRecord, name: str) -> str:
    """Return the key of a finished job's figure, by its name without `.png`."""
    return f"{attempt_prefix(record.id, record.attempt)}/figures/{name}.png"


def figure_data_key(record: JobRecord, name: str) -> str:
    """Return the key of the data that a finished job's figure shows, by its name without `.json`."""
    return f"{attempt_prefix(record.id, record.attempt)}/figures/{name}.json"


def media_type(file_format: str) -> str:
    """Return the media type of a result format; raises KeyError."""
    return dict(MEDIA_TYPES)[file_format]
