"""Dependencies of the routes: the long-lived objects of the service, and the authenticated caller of a request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from redis import Redis

from app.auth.keyring import LOCAL_CALLER, Caller, Keyring, check_local
from app.auth.keys import Scope
from app.auth.rate_limits import RateLimiter
from app.errors import TooManyRequests
from app.jobs.idempotency import Idempotency
from app.jobs.updates import JobUpdates
from app.middleware.request_log import add_headers
from app.readiness import Readiness
from app.store_access import StoreAccess
from models.registry.store import Store, open_store
from workers.contracts import JobRecord
from workers.queue.breaker import CircuitBreaker, probe_while_open
from workers.queue.connection import connect_listener, connect_with_breaker
from workers.queue.dispatch import Dispatcher
from workers.queue.job_index import JobIndex
from workers.queue.records import Records, UnknownJob
from workers.settings import Settings
from workers.storage.blobs import BlobStore, open_blobs
from workers.telemetry import Tracing, open_tracing


@dataclass(frozen=True)
class Service:
    """The objects that live as long as the application."""

    settings: Settings
    redis: Redis
    records: Records
    dispatcher: Dispatcher
    blobs: BlobStore
    store: StoreAccess
    readiness: Readiness
    models: Store
    updates: JobUpdates
    idempotency: Idempotency
    job_index: JobIndex
    keyring: Keyring
    rate_limiter: RateLimiter
    tracing: Tracing

    async def get_job(self, job_id: str, owner: str) -> JobRecord:
        """Return a job of the owner; raises UnknownJob, also for the job of another owner."""
        record = await run_in_threadpool(self.records.get, job_id)
        if record is None or record.owner != owner:
            raise UnknownJob("there is no job with this id, or its retention time has passed")
        return record

    async def reread_job(self, job_id: str, caller: Caller) -> JobRecord:
        """Return a job for a caller who waits for it; raises UnknownJob, and Unauthorized once the caller's key is revoked."""
        self.keyring.check(caller)
        return await self.get_job(job_id, caller.owner)


@asynccontextmanager
async def open_service(settings: Settings) -> AsyncIterator[Service]:
    """Open the objects of the service and subscribe to job updates; the queue server need not be running yet."""
    redis, async_redis = connect_with_breaker(settings, breaker := CircuitBreaker())
    listener = connect_listener(settings)
    updates = JobUpdates(listener)
    records, blobs, keyring = Records(redis, settings), open_blobs(settings), Keyring(settings)
    store = StoreAccess(blobs)
    tracing = open_tracing(settings, "api")
    tasks = [asyncio.create_task(updates.run()), asyncio.create_task(probe_while_open(breaker, async_redis))]
    try:
        yield Service(
            settings=settings,
            redis=redis,
            records=records,
            dispatcher=Dispatcher(redis, settings),
            blobs=blobs,
            store=store,
            readiness=Readiness(records, store, keyring, settings.data_dir.resolve() / "queue" if settings.redis_url is None else None),
            models=open_store(settings.artifacts_dir),
            updates=updates,
            idempotency=Idempotency(async_redis, settings),
            job_index=JobIndex(redis, Records(redis, settings)),
            keyring=keyring,
            rate_limiter=RateLimiter(async_redis, settings),
            tracing=tracing,
        )
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await listener.aclose()
        await async_redis.aclose()
        redis.close()
        await run_in_threadpool(tracing.close)


# These dependencies are coroutines although they wait for nothing: others are run in threads, which calls to a stalled queue may all hold.
async def get_service(request: Request) -> Service:
    """Return the service of the application that answers the request."""
    return cast(Service, request.app.state.service)


_KEY_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="API key, where the service requires one.")
_BEARER = HTTPBearer(auto_error=False, description="The API key as a bearer token, for clients that cannot send X-API-Key.")

ServiceDep = Annotated[Service, Depends(get_service)]


async def authenticate(
    request: Request,
    service: ServiceDep,
    key: Annotated[str | None, Security(_KEY_HEADER)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
) -> AsyncIterator[Caller]:
    """
    Identify the caller and count the request against the rate limits of its owner, as in progress until it is answered.

    Raises Unauthorized, Forbidden, TooManyRequests, KeysUnreadable.
    """
    if not service.keyring.required:
        check_local(request.headers)
        yield LOCAL_CALLER
        return
    caller = service.keyring.identify(key or (bearer.credentials if bearer else None))
    with service.rate_limiter.limit_concurrency(caller.owner):
        await consume_quota(request, service, caller, "requests")
        yield caller


async def consume_quota(request: Request, service: Service, caller: Caller, policy: str) -> None:
    """Count the request against a quota of its owner and add the RateLimit headers to the answer; raises TooManyRequests."""
    if not caller.owner:
        return
    status = await service.rate_limiter.consume(caller.owner, policy)
    add_headers(request.scope, status.headers())
    if status.refused:
        detail = f"the limit of {status.quota} {policy} per minute of this owner is reached; retry after {status.reset_s} s"
        raise TooManyRequests(detail, headers={"Retry-After": str(status.reset_s)})


CallerDep = Annotated[Caller, Depends(authenticate)]


async def authorize_submission(request: Request, service: ServiceDep, caller: CallerDep) -> str:
    """Return the owner of a submission; raises Forbidden, TooManyRequests."""
    caller.require(Scope.SUBMIT)
    await consume_quota(request, service, caller, "submissions")
    return caller.owner


async def authorize_reading(caller: CallerDep) -> str:
    """Return the owner whose jobs the caller may read; raises Forbidden."""
    caller.require(Scope.READ)
    return caller.owner


async def authorize_cancellation(caller: CallerDep) -> str:
    """Return the owner whose jobs the caller may cancel, which needs the scope `submit`; raises Forbidden."""
    caller.require(Scope.SUBMIT)
    return caller.owner


async def authorize_admin(caller: CallerDep) -> None:
    """Raise Forbidden unless the caller may read the metrics of the service."""
    caller.require(Scope.ADMIN)


SubmitterDep = Annotated[str, Depends(authorize_submission)]
ReaderDep = Annotated[str, Depends(authorize_reading)]
CancelerDep = Annotated[str, Depends(authorize_cancellation)]
