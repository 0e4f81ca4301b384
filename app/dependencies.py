"""What a route is given: the service's living parts, and who asks."""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import APIKeyHeader
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from app.errors import Unauthorized
from app.idempotency import Idempotency
from app.watch import Watch
from models.registry.store import Store, open_store
from workers.blobs import BlobStore, open_blobs
from workers.contracts import JobRecord
from workers.dispatch import Dispatcher, connect, queue_url
from workers.records import Records, UnknownJob
from workers.settings import Settings


@dataclass(frozen=True)
class Service:
    """Everything that lives as long as the application."""

    settings: Settings
    redis: Redis
    records: Records
    dispatcher: Dispatcher
    blobs: BlobStore
    store: Store
    watch: Watch
    idempotency: Idempotency

    async def job(self, job_id: str, owner: str) -> JobRecord:
        """The owner's job; another's is as unknown as none. Raises UnknownJob."""
        record = await run_in_threadpool(self.records.get, job_id)
        if record is None or record.owner != owner:
            raise UnknownJob("there is no such job, or it is not kept any more")
        return record


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Service]:
    """The living parts, and the subscription that wakes who waits; the queue server need not be there yet."""
    redis, listener = connect(settings), AsyncRedis.from_url(queue_url(settings))
    watch = Watch(listener)
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


_KEY_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="Where keys are configured.")


def owner_of(request: Request, key: Annotated[str | None, Security(_KEY_HEADER)]) -> str:
    """The id of the key that was sent, the empty string where no keys are configured; raises Unauthorized."""
    keys = service_of(request).settings.api_keys
    if not keys:
        return ""
    digest = hashlib.sha256((key or "").encode()).hexdigest()
    # Every key is compared, in constant time: how long it takes tells nothing.
    fitting = [name for name, kept in keys.items() if hmac.compare_digest(digest, kept.get_secret_value().lower())]
    if not key or not fitting:
        raise Unauthorized("send a valid key in X-API-Key", headers={"WWW-Authenticate": "ApiKey"})
    return fitting[0]


ServiceOf = Annotated[Service, Depends(service_of)]
OwnerOf = Annotated[str, Depends(owner_of)]
