"""
Client of Seismic Atlas, a service that classifies, locates and clusters seismic events.

`Client` has blocking calls, `AsyncClient` awaited ones; both take paths, folders, bytes, open files, and a Stream with an Inventory of
ObsPy.
"""

from seismic_atlas_client.async_client import AsyncClient, AsyncJobHandle
from seismic_atlas_client.client import Client, JobHandle
from seismic_atlas_client.errors import (
    AtlasClientError,
    BadRequest,
    Conflict,
    FetchFailed,
    InvalidAddress,
    JobCanceled,
    JobNotEnded,
    LimitExceeded,
    MissingExtra,
    NoCatalog,
    NotFound,
    NothingToSend,
    PermissionRefused,
    ProblemError,
    ServiceFailed,
    ServiceUnavailable,
    ServiceUnreachable,
    TooManyRequests,
    Unauthorized,
    UnexpectedAnswer,
    UnsupportedFormat,
    UnusableData,
    WaitTimedOut,
)
from seismic_atlas_client.models import (
    ClassifyResult,
    ClusterResult,
    DataWarning,
    Epicenter,
    Job,
    JobSummary,
    LocateManyResult,
    LocateResult,
)
from seismic_atlas_client.options import ClassifyOptions, ClusterOptions, LocateOptions
from seismic_atlas_client.progress import Progress
from seismic_atlas_client.retries import RetryPolicy
from seismic_atlas_client.version import VERSION

__version__ = VERSION

__all__ = [
    "AsyncClient",
    "AsyncJobHandle",
    "AtlasClientError",
    "BadRequest",
    "ClassifyOptions",
    "ClassifyResult",
    "Client",
    "ClusterOptions",
    "ClusterResult",
    "Conflict",
    "DataWarning",
    "Epicenter",
    "FetchFailed",
    "InvalidAddress",
    "Job",
    "JobCanceled",
    "JobHandle",
    "JobNotEnded",
    "JobSummary",
    "LimitExceeded",
    "LocateManyResult",
    "LocateOptions",
    "LocateResult",
    "MissingExtra",
    "NoCatalog",
    "NotFound",
    "NothingToSend",
    "PermissionRefused",
    "ProblemError",
    "Progress",
    "RetryPolicy",
    "ServiceFailed",
    "ServiceUnavailable",
    "ServiceUnreachable",
    "TooManyRequests",
    "Unauthorized",
    "UnexpectedAnswer",
    "UnsupportedFormat",
    "UnusableData",
    "WaitTimedOut",
    "__version__",
]
