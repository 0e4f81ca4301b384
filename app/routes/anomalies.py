"""Endpoint that clusters many events."""

from fastapi import APIRouter, Request, Response

from app.dependencies import ServiceDep, SubmitterDep
from app.openapi import describe_submission, submission_responses
from app.submit import submit
from workers.contracts import JobKind

router = APIRouter(tags=["Anomalies"])


@router.post(
    "/anomalies/cluster",
    status_code=202,
    responses=submission_responses(),
    openapi_extra=describe_submission(JobKind.CLUSTER),
    summary="Cluster events",
)
async def cluster_anomalies(request: Request, service: ServiceDep, owner: SubmitterDep) -> Response:
    """
    Group events by the similarity of their record sections into families (clusters), and determine how many there are.

    Every waveform part is one event, and so is, in an archive, every waveform file at the top level and every folder. An event is
    named after its file or folder.
    """
    return await submit(request, service, owner, JobKind.CLUSTER)
