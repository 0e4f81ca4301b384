"""What a route is given: the service's living parts, and who asks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from app.auth.keyring import ANYONE, Caller, Keyring, check_local
from app.auth.keys import Scope
from app.auth.rate_limits import RateLimiter
from app.errors import TooManyRequests
from app.jobs.idempotency import Idempotency
from app.jobs.updates import JobUpdates
from app.middleware.request_log import add_headers
from models.registry.store import Store, open_store
from workers.contracts import JobRecord
from workers.queue.connection import connect, queue_url
from workers.queue.dispatch import Dispatcher
from workers.queue.records import Records, UnknownJob
from workers.settings import Settings
from workers.storage.blobs import BlobStore, open_blobs


@dataclass(frozen=True)
class Service:
    """Everything that lives as long as the application."""

    settings: Settings
    redis: Redis
    records: Records
    dispatcher: Dispatcher
    blobs: BlobStore
    store: Store
    watch: JobUpdates
    idempotency: Idempotency
    keyring: Keyring
    rates: RateLimiter

    async def job(self, job_id: str, owner: str) -> JobRecord:
        """The owner's job; another's is as unknown as none. Raises UnknownJob."""
        record = await run_in_threadpool(self.records.get, job_id)
        if record is None or record.owner != owner:
            raise UnknownJob("there is no such job, or it is not kept any more")
        return record


@asynccontextmanager
async def open_service(settings: Settings) -> AsyncIterator[Service]:
    """The living parts, and the subscription that wakes who waits; the queue server need not be there yet."""
    redis, listener = connect(settings), AsyncRedis.from_url(queue_url(settings))
    watch = JobUpdates(listener)
    listening = asyncio.create_task(watch.run())
    try:
        yield Service(
            settings=settings,
            redis=redis,
            records=Records(redis, settings),
            dispatcher=Dispatcher(redis, settings),
            blobs=open_blobs(settings),
            store=open_store(settings.artifacts_dir),
            watch=watch,
            idempotency=Idempotency(listener, settings),
            keyring=Keyring(settings),
            rates=RateLimiter(listener, settings),
        )
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening
        await listener.aclose()
        redis.close()


def service_of(request: Request) -> Service:
    """The living parts."""
    return cast(Service, request.app.state.service)


_KEY_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="Where keys are asked for.")
_BEARER = HTTPBearer(auto_error=False, description="The same key, for clients that know bearer tokens only.")

ServiceOf = Annotated[Service, Depends(service_of)]


async def caller_of(
    request: Request,
    service: ServiceOf,
    key: Annotated[str | None, Security(_KEY_HEADER)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
) -> AsyncIterator[Caller]:
    """Who asks, counted until they are answered; raises Unauthorized, Forbidden, TooManyRequests, KeysUnreadable."""
    if not service.keyring.required:
        check_local(request.headers)
        yield ANYONE
        return
    caller = service.keyring.identify(key or (bearer.credentials if bearer else None))
    with service.rates.one_more_at_once(caller.owner):
        await within_rate(request, service, caller, "requests")
        yield caller


async def within_rate(request: Request, service: Service, caller: Caller, policy: str) -> None:
    """Count the request against its owner's allowance, which the answer tells; raises TooManyRequests."""
    if not caller.owner:
        return
    standing = await service.rates.take(caller.owner, policy)
    add_headers(request.scope, standing.headers())
    if standing.refused:
        detail = f"more than {standing.quota} {policy} of this owner in a minute"
        raise TooManyRequests(detail, headers={"Retry-After": str(standing.reset_s)})


CallerOf = Annotated[Caller, Depends(caller_of)]


async def submitter_of(request: Request, service: ServiceOf, caller: CallerOf) -> str:
    """The owner of what is submitted; raises Forbidden, TooManyRequests."""
    caller.must(Scope.SUBMIT)
    await within_rate(request, service, caller, "submissions")
    return caller.owner


def reader_of(caller: CallerOf) -> str:
    """Whose jobs may be read; raises Forbidden."""
    caller.must(Scope.READ)
    return caller.owner


def canceler_of(caller: CallerOf) -> str:
    """Whose jobs may be canceled: who may start them may end them. Raises Forbidden."""
    caller.must(Scope.SUBMIT)
    return caller.owner


def admin_of(caller: CallerOf) -> None:
    """Raises Forbidden unless the caller may look at the service as a whole."""
    caller.must(Scope.ADMIN)


SubmitterOf = Annotated[str, Depends(submitter_of)]
ReaderOf = Annotated[str, Depends(reader_of)]
CancelerOf = Annotated[str, Depends(canceler_of)]
