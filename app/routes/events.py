"""Endpoints that classify or locate one event."""

from fastapi import APIRouter, Request, Response

from app.dependencies import ServiceDep, SubmitterDep
from app.openapi import describe_submission, submission_responses
from app.submit import submit
from workers.contracts import JobKind

router = APIRouter(tags=["Events"])


@router.post(
    "/events/classify",
    name="classify_event",
    status_code=202,
    responses=submission_responses(),
    openapi_extra=describe_submission(JobKind.CLASSIFY),
    summary="Classify an event",
)
async def post_classify(request: Request, service: ServiceDep, owner: SubmitterDep) -> Response:
    """
    Classify an event as a tectonic earthquake, a glacial earthquake or another event, with probabilities, or as undetermined.

    All parts of the bundle together are one event.
    """
    return await submit(request, service, owner, JobKind.CLASSIFY)


@router.post(
    "/events/locate",
    name="locate_event",
    status_code=202,
    responses=submission_responses(),
    openapi_extra=describe_submission(JobKind.LOCATE),
    summary="Locate an event",
)
async def post_locate(request: Request, service: ServiceDep, owner: SubmitterDep) -> Response:
    """
    Determine the epicenter and the origin time of an event with uncertainties, and its depth or force azimuth.

    The epicenter is found from epicentral distances that a network predicts for each trace, and from arrival times, array slowness,
    polarization or stacked surface waves where the records allow. A tectonic earthquake gets a depth, a glacial one the azimuth of
    its force. All parts of the bundle together are one event.
    """
    return await submit(request, service, owner, JobKind.LOCATE)
