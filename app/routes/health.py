"""Endpoints for operators: liveness, readiness, metrics."""

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from app.dependencies import ServiceDep, authorize_admin
from app.errors import NotReady, respond
from app.schemas import NOT_READY_RESPONSE, PROBLEM_RESPONSE, Live, Ready

router = APIRouter(tags=["Health"])


@router.get("/health/live", summary="Check that the API process runs")
async def read_liveness() -> Live:
    """Answer without checking anything else: a process that answers is alive."""
    return Live()


@router.get("/health/ready", response_model=Ready, responses={503: NOT_READY_RESPONSE}, summary="Check that jobs can be processed")
async def read_readiness(service: ServiceDep) -> Ready | JSONResponse:
    """
    Check that queue server and store answer, a worker is alive, and every worker has verified all models; answers within a second.

    If a check fails, the answer is a problem with status 503 that lists all `checks`.
    """
    ready = await service.readiness.check()
    failed = [check for check in ready.checks if not check.ok]
    if failed:
        problem = NotReady("; ".join(check.detail for check in failed)).problem()
        return respond(problem, checks=[check.model_dump() for check in ready.checks])
    return ready


@router.get(
    "/metrics",
    response_class=Response,
    dependencies=[Depends(authorize_admin)],
    responses={200: {"content": {"text/plain": {}}}, **dict.fromkeys((401, 403, 429, 503), PROBLEM_RESPONSE)},
    summary="Read metrics for Prometheus",
)
async def read_metrics(request: Request, service: ServiceDep) -> Response:
    """Return requests by route and status, queued and running jobs, the waiting time of the oldest job, and live workers."""
    text = await run_in_threadpool(request.app.state.metrics.scrape, service.records)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
