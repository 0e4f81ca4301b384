"""Many events' bundles: which belong together."""

from fastapi import APIRouter, Request, Response

from app.dependencies import ServiceOf, SubmitterOf
from app.openapi import describe_submission, responses
from app.submit import submit
from workers.contracts import JobKind

router = APIRouter(tags=["Anomalies"])


@router.post(
    "/anomalies/cluster",
    status_code=202,
    responses=responses(),
    openapi_extra=describe_submission(JobKind.CLUSTER),
    summary="Find families",
)
async def cluster_anomalies(request: Request, service: ServiceOf, owner: SubmitterOf) -> Response:
    """
    Families of similar events, and how many there are.

    Every waveform part, and in an archive every waveform file at the top or every folder, is one event, named after its
    file or folder.
    """
    return await submit(request, service, owner, JobKind.CLUSTER)
