"""Exceptions of the client. Their text says what is wrong, which part is at fault, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAX_LISTED_PARTS = 10


class AtlasClientError(Exception):
    """Base class of everything that the client raises on purpose."""


class MissingExtra(AtlasClientError):
    """A function needs a package that is an extra of the client."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs packages that are not installed; install them with: pip install 'seismic-atlas-client[{extra}]'")


class InvalidAddress(AtlasClientError):
    """The address of the service is not an http or https URL."""


class NothingToSend(AtlasClientError):
    """The sources hold no file."""


class NoCatalog(AtlasClientError):
    """A result has no QuakeML document."""


class FetchFailed(AtlasClientError):
    """FDSN web services gave no bundle: no such event, no station, no waveform, or no answer."""


class ServiceUnreachable(AtlasClientError):
    """No answer arrived from the service, although the request was repeated."""


class UnexpectedAnswer(AtlasClientError):
    """The answer is not one of a Seismic Atlas service: often the address is wrong, or a proxy answered."""


class WaitTimedOut(AtlasClientError):
    """The job did not end within the time that the caller gave it; it goes on."""

    def __init__(self, job_id: str, timeout_s: float) -> None:
        self.job_id = job_id
        super().__init__(f"job {job_id} has not ended after {timeout_s:g} s; it goes on, and can be read later by its id")


class JobNotEnded(AtlasClientError):
    """The result of a job was asked for before its end; `wait` waits for it."""

    def __init__(self, job_id: str, status: str) -> None:
        self.job_id = job_id
        super().__init__(f"job {job_id} is {status} and has no result yet; wait for its end")


class JobCanceled(AtlasClientError):
    """The job was canceled and has no result."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(f"job {job_id} was canceled")


@dataclass(frozen=True)
class FaultyPart:
    """A file that a problem names: its name, a stable code, and what is wrong with it."""

    name: str
    code: str
    detail: str


class ProblemError(AtlasClientError):
    """
    A problem (RFC 9457) that the service states: it refused a request, or a job failed.

    A problem of a class of its own, such as `UnusableData`, is raised both where the request is refused and where the job that was
    accepted fails; `job_id` is None in the first case.
    """

    def __init__(self, description: ProblemDescription, job_id: str | None = None) -> None:
        self.status, self.type, self.title, self.detail = description.status, description.type, description.title, description.detail
        self.parts, self.retryable, self.retry_after_s = description.parts, description.retryable, description.retry_after_s
        self.job_id = job_id
        super().__init__(self._describe())

    @property
    def code(self) -> str:
        """Stable code of the problem, the last part of its `type`; `/problems/{code}` of the service explains it."""
        return self.type.rstrip("/").rpartition("/")[2]

    def _describe(self) -> str:
        named = [f"\n  {part.name}: {part.detail} ({part.code})" for part in self.parts[:MAX_LISTED_PARTS]]
        more = len(self.parts) - MAX_LISTED_PARTS
        job = f" [job {self.job_id}]" if self.job_id else ""
        named += [f"\n  and {more} more"] if more > 0 else []
        return f"{self.title} ({self.status} {self.code}){job}: {self.detail}" + "".join(named)


@dataclass(frozen=True)
class ProblemDescription:
    """What an answer says of a problem."""

    status: int
    type: str
    title: str
    detail: str
    parts: Sequence[FaultyPart] = ()
    retryable: bool = False
    retry_after_s: float | None = None


class BadRequest(ProblemError):
    """An option is unknown or out of range, or the request is malformed (400, 406, 408, 431)."""


class Unauthorized(ProblemError):
    """The service asks for an API key, or does not know this one (401): give `api_key`, or set ATLAS_API_KEY."""


class PermissionRefused(ProblemError):
    """The API key does not allow this call, or a service without keys was called from another machine (403)."""


class NotFound(ProblemError):
    """There is no such job, figure, format or model, or it is another owner's, or no longer kept (404)."""


class Conflict(ProblemError):
    """The job has not ended yet or has ended already, or the idempotency key is in use (409)."""


class LimitExceeded(ProblemError):
    """The upload exceeds a limit of the service (413): cut the window, or split the bundle."""


class UnsupportedFormat(ProblemError):
    """No part of the upload is of an accepted format (415); `parts` names the files."""


class UnusableData(ProblemError):
    """The data can be read and not used (422): damaged, too few stations or events, no usable trace."""


class TooManyRequests(ProblemError):
    """A limit of requests or of unfinished jobs of this owner is reached (429), although the request was repeated."""


class ServiceUnavailable(ProblemError):
    """The queue is full or a part of the service does not answer (502, 503, 504), although the request was repeated."""


class ServiceFailed(ProblemError):
    """The service failed (500)."""


_CLASSES: dict[int, type[ProblemError]] = {
    401: Unauthorized,
    403: PermissionRefused,
    404: NotFound,
    409: Conflict,
    413: LimitExceeded,
    415: UnsupportedFormat,
    422: UnusableData,
    429: TooManyRequests,
    502: ServiceUnavailable,
    503: ServiceUnavailable,
    504: ServiceUnavailable,
}


def make_problem_error(description: ProblemDescription, job_id: str | None = None) -> ProblemError:
    """Return the exception of the class that belongs to the problem's status."""
    default = ServiceFailed if description.status >= 500 else BadRequest
    return _CLASSES.get(description.status, default)(description, job_id)
