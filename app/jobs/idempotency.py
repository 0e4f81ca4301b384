"""Idempotency-Key: a retry of the same submission gets the same job (after draft-ietf-httpapi-idempotency-key-header-07)."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError, WatchError

from app.errors import KeyInFlight, KeyReused, MalformedRequest
from workers.contracts import Submission
from workers.settings import Settings

HEADER: Final = "Idempotency-Key"
MAX_KEY: Final = 255
IN_FLIGHT_S: Final = 15
"""A claim outlives the process that made it by this at most; it is renewed while the request is read."""


@dataclass
class Claim:
    """A key held by one request: what it stood for already, and what it stands for from now on."""

    redis: Redis
    name: str
    token: str
    ttl_s: int
    known: dict[str, str] | None
    settled: bool = False

    async def job_id(self, submission: Submission) -> str:
        """
        The job that this submission is to have, new or as before; raises KeyReused for another submission.

        Stated before the job is created: a crash in between leaves a key whose job the retry creates. Raises KeyInFlight where
        the claim has run out meanwhile, for another request may have it.
        """
        print_now = request_fingerprint(submission)
        if self.known is not None:
            if self.known["fingerprint"] != print_now:
                raise KeyReused("the idempotency key stands for another submission")
            return self.known["job"]
        job_id = uuid4().hex
        stands_for = json.dumps({"fingerprint": print_now, "job": job_id})
        self.settled = await self.while_held(lambda pipe: pipe.set(self.name, stands_for, ex=self.ttl_s))
        if not self.settled:
            raise KeyInFlight("the claim on the idempotency key has run out; try again")
        return job_id

    async def while_held(self, step: Callable[[Pipeline], object]) -> bool:
        """Whether the step was done: in a transaction, and only while the key is still this claim's."""
        async with self.redis.pipeline(transaction=True) as pipe:
            await pipe.watch(self.name)
            if await pipe.get(self.name) != self.token.encode():
                return False
            pipe.multi()  # type: ignore[no-untyped-call]
            step(pipe)
            with suppress(WatchError):
                await pipe.execute()
                return True
        return False


class Idempotency:
    """The keys of all clients, in Redis, scoped by owner and path."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis, self._ttl_s = redis, settings.idempotency_ttl_s

    @asynccontextmanager
    async def claim(self, key: str, owner: str, path: str) -> AsyncIterator[Claim]:
        """
        Hold the key while the request is taken in; a failure inside gives it back. Raises KeyInFlight, MalformedRequest.

        Once it stands for a job it is kept, for nobody knows whether the job was created before the failure: a retry gets that one.
        """
        name, token = _redis_key(key, owner, path), json.dumps({"in_flight": uuid4().hex})
        known = None
        if not await self._redis.set(name, token, nx=True, ex=IN_FLIGHT_S):
            known = await self._known(name)
        claim = Claim(self._redis, name, token, self._ttl_s, known)
        renewing = asyncio.create_task(self._renew(claim)) if known is None else None
        try:
            yield claim
        except BaseException:
            if known is None and not claim.settled:
                with suppress(RedisError):  # it runs out by itself
                    await claim.while_held(lambda pipe: pipe.delete(name))
            raise
        finally:
            if renewing is not None:
                renewing.cancel()

    async def _known(self, name: str) -> dict[str, str]:
        value = await self._redis.get(name)
        stands_for: dict[str, str] = json.loads(value) if value is not None else {}
        if "job" not in stands_for:
            raise KeyInFlight("a request with this idempotency key is being taken in; try again shortly")
        return stands_for

    async def _renew(self, claim: Claim) -> None:
        while not claim.settled:
            await asyncio.sleep(IN_FLIGHT_S / 3)
            if not claim.settled:
                with suppress(RedisError):  # the next time, perhaps
                    await claim.while_held(lambda pipe: pipe.expire(claim.name, IN_FLIGHT_S))


def request_fingerprint(submission: Submission) -> str:
    """SHA-256 of what is asked: kind, parts by name and digest, options. A multipart boundary differs between retries."""
    return hashlib.sha256(submission.model_dump_json().encode()).hexdigest()


def _redis_key(key: str, owner: str, path: str) -> str:
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise MalformedRequest(f"an {HEADER} has 1 to {MAX_KEY} printable characters")
    return "atlas:idempotency:" + hashlib.sha256("\n".join((owner, path, key)).encode()).hexdigest()
