"""Is it alive, can it serve, what does it do."""

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from app.dependencies import ServiceOf, admin_of
from app.errors import NotReady, respond
from app.readiness import check_readiness
from app.schemas import NOT_READY_RESPONSE, PROBLEM_RESPONSE, Live, Ready

router = APIRouter(tags=["Health"])


@router.get("/health/live", summary="The process runs")
async def live() -> Live:
    """Needs nothing: a process that answers lives."""
    return Live()


@router.get("/health/ready", response_model=Ready, responses={503: NOT_READY_RESPONSE}, summary="The service can serve")
async def ready(service: ServiceOf) -> Ready | JSONResponse:
    """The queue answers, a worker is alive, every declared model is verified; otherwise a problem with the `checks`."""
    state = await run_in_threadpool(check_readiness, service.records)
    failed = [check for check in state.checks if not check.ok]
    if failed:
        problem = NotReady("; ".join(check.detail for check in failed)).problem()
        return respond(problem, checks=[check.model_dump() for check in state.checks])
    return state


@router.get(
    "/metrics",
    response_class=Response,
    dependencies=[Depends(admin_of)],
    responses={200: {"content": {"text/plain": {}}}, **dict.fromkeys((401, 403, 429, 503), PROBLEM_RESPONSE)},
    summary="Prometheus metrics",
)
async def metrics(request: Request, service: ServiceOf) -> Response:
    """Requests by route and status, jobs queued and running, age of the oldest, workers alive."""
    text = await run_in_threadpool(request.app.state.metrics.scrape, service.records)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
