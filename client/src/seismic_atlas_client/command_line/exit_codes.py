"""Exit codes of the command line, which scripts can rely on."""

from __future__ import annotations

from enum import IntEnum

from seismic_atlas_client import errors
from seismic_atlas_client.models import ClassifyResult, ClusterResult, LocateManyResult, LocateResult


class ExitCode(IntEnum):
    """Exit codes; 1 is an error of the program itself."""

    ANSWERED = 0
    """The event was classified or located, the events were clustered."""

    USAGE = 2
    """The command line is wrong, or a file does not exist."""

    NO_EVENT = 3
    """The job succeeded and shows no event, no class, or no families."""

    REFUSED = 4
    """The service refused the data, or the job failed."""

    UNREACHABLE = 5
    """The service does not answer, or is overloaded, or the address is wrong."""

    NOT_ALLOWED = 6
    """The API key is missing, unknown, or does not allow this."""

    NOT_ENDED = 7
    """The wait was too long or was interrupted, the job goes on; or the job was canceled."""

    NO_DATA = 8
    """FDSN web services have no such event, no station, or no waveform."""


_CODES: tuple[tuple[tuple[type[Exception], ...], ExitCode], ...] = (
    ((errors.Unauthorized, errors.PermissionRefused), ExitCode.NOT_ALLOWED),
    ((errors.ServiceUnreachable, errors.ServiceUnavailable, errors.TooManyRequests, errors.UnexpectedAnswer), ExitCode.UNREACHABLE),
    ((errors.InvalidAddress, errors.MissingExtra, errors.NothingToSend, errors.NoCatalog, FileNotFoundError), ExitCode.USAGE),
    ((errors.WaitTimedOut, errors.JobCanceled, errors.JobNotEnded), ExitCode.NOT_ENDED),
    ((errors.FetchFailed,), ExitCode.NO_DATA),
    ((errors.BadRequest, errors.NotFound), ExitCode.USAGE),
    ((errors.ProblemError,), ExitCode.REFUSED),
)


def code_of_error(error: Exception) -> ExitCode:
    """Return the exit code of an exception of the client; a job that failed is REFUSED, whatever its problem."""
    if isinstance(error, errors.ProblemError) and error.job_id is not None:
        return ExitCode.REFUSED
    return next((code for kinds, code in _CODES if isinstance(error, kinds)), ExitCode.REFUSED)


def code_of_result(result: object) -> ExitCode:
    """Return the exit code of a result: NO_EVENT where it answers nothing; REFUSED where the data of one of many events failed."""
    if isinstance(result, LocateManyResult):
        return ExitCode.ANSWERED if result.located == len(result.events) else ExitCode.REFUSED
    if isinstance(result, LocateResult):
        return ExitCode.NO_EVENT if result.epicenter is None else ExitCode.ANSWERED
    if isinstance(result, ClassifyResult):
        return ExitCode.NO_EVENT if result.event_type in ("none", "undetermined") else ExitCode.ANSWERED
    if isinstance(result, ClusterResult) and not result.structure_found:
        return ExitCode.NO_EVENT
    return ExitCode.ANSWERED
