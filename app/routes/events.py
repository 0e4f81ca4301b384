"""One event's bundle: what it was, and where."""

from fastapi import APIRouter, Request, Response

from app.dependencies import ServiceOf, SubmitterOf
from app.openapi import describe_submission, responses
from app.submit import submit
from workers.contracts import JobKind

router = APIRouter(tags=["Events"])


@router.post(
    "/events/classify",
    status_code=202,
    responses=responses(),
    openapi_extra=describe_submission(JobKind.CLASSIFY),
    summary="Classify an event",
)
async def post_classify(request: Request, service: ServiceOf, owner: SubmitterOf) -> Response:
    """Is it a tectonic or a glacial earthquake? All parts of the bundle together are one event."""
    return await submit(request, service, owner, JobKind.CLASSIFY)


@router.post(
    "/events/locate", status_code=202, responses=responses(), openapi_extra=describe_submission(JobKind.LOCATE), summary="Locate an event"
)
async def post_locate(request: Request, service: ServiceOf, owner: SubmitterOf) -> Response:
    """
    The epicenter from the distance read off each trace, with its uncertainty; depth or force azimuth.

    All parts of the bundle together are one event.
    """
    return await submit(request, service, owner, JobKind.LOCATE)
