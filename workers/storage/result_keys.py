"""Where the answer of a job lies in the blob store."""

from workers.contracts import JobRecord

# What GET /jobs/{id}/result offers besides JSON, with its media type.
MEDIA_TYPES = (("json", "application/json"), ("quakeml", "application/xml"), ("geojson", "application/geo+json"), ("csv", "text/csv"))


def job_prefix(job_id: str) -> str:
    """All that a job has left."""
    return f"results/{job_id}"


def attempt_prefix(job_id: str, attempt: int) -> str:
    """
    What one attempt has left.

    The record of a finished job names the attempt that finished it, so a superseded one can write and never be read.
    """
    return f"{job_prefix(job_id)}/{attempt}"


def result_key(record: JobRecord, file_format: str = "json") -> str:
    """The result of a finished job in one of its formats."""
    return f"{attempt_prefix(record.id, record.attempt)}/result.{file_format}"


def figure_key(record: JobRecord, name: str) -> str:
    """A figure of a finished job, by its name without `.png`."""
    return f"{attempt_prefix(record.id, record.attempt)}/figures/{name}.png"


def media_type(file_format: str) -> str:
    """The media type of a format; raises KeyError."""
    return dict(MEDIA_TYPES)[file_format]
