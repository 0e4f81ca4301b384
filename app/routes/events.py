"""One event's bundle: what it was, and where."""

from fastapi import APIRouter, Request, Response

from app.dependencies import ServiceOf, SubmitterOf
from app.openapi import describe, responses
from app.submit import submit
from workers.contracts import Kind

router = APIRouter(tags=["Events"])


@router.post("/events/classify", status_code=202, responses=responses(), openapi_extra=describe(Kind.CLASSIFY), summary="Classify an event")
async def classify_event(request: Request, service: ServiceOf, owner: SubmitterOf) -> Response:
    """Is it a tectonic or a glacial earthquake? All parts of the bundle together are one event."""
    return await submit(request, service, owner, Kind.CLASSIFY)


@router.post("/events/locate", status_code=202, responses=responses(), openapi_extra=describe(Kind.LOCATE), summary="Locate an event")
async def locate_event(request: Request, service: ServiceOf, owner: SubmitterOf) -> Response:
    """
    The epicenter from the distance read off each trace, with its uncertainty; depth or force azimuth.

    All parts of the bundle together are one event.
    """
    return await submit(request, service, owner, Kind.LOCATE)
