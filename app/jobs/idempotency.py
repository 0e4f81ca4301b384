"""Idempotency-Key: a repeated submission gets the job of the first one (after draft-ietf-httpapi-idempotency-key-header-07)."""

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

from app.errors import IdempotencyKeyInFlight, IdempotencyKeyReused, MalformedRequest
from workers.contracts import Submission
from workers.settings import Settings

HEADER: Final = "Idempotency-Key"
MAX_KEY: Final = 255
CLAIM_TTL_S: Final = 15
"""Lifetime of a claim, renewed while the request is received; bounds how long a crashed process blocks a key."""


@dataclass
class Claim:
    """
    A key held by one request.

    `stored` is the job that the key belongs to already, with the fingerprint of its submission; None for a new key. `assigned`
    is true once this request has assigned a job to the key.
    """

    redis: Redis
    name: str
    token: str
    ttl_s: int
    stored: dict[str, str] | None
    assigned: bool = False

    async def assign_job_id(self, submission: Submission) -> str:
        """
        Return the id of the job of this submission: the stored one, or a new one, which is stored first.

        It is stored before the job is created: after a crash in between, the retry creates the job. Raises IdempotencyKeyReused
        for a different submission, and IdempotencyKeyInFlight where the claim has expired, because another request may hold it.
        """
        fingerprint = request_fingerprint(submission)
        if self.stored is not None:
            if self.stored["fingerprint"] != fingerprint:
                raise IdempotencyKeyReused("the idempotency key was used for a different submission; use a new key")
            return self.stored["job"]
        job_id = uuid4().hex
        value = json.dumps({"fingerprint": fingerprint, "job": job_id})
        self.assigned = await self.run_if_held(lambda pipe: pipe.set(self.name, value, ex=self.ttl_s))
        if not self.assigned:
            raise IdempotencyKeyInFlight("the request took too long and lost its idempotency key; retry with the same key")
        return job_id

    async def run_if_held(self, command: Callable[[Pipeline], object]) -> bool:
        """Run a command in a transaction if the key still belongs to this claim; return whether it was run."""
        async with self.redis.pipeline(transaction=True) as pipe:
            await pipe.watch(self.name)
            if await pipe.get(self.name) != self.token.encode():
                return False
            pipe.multi()  # type: ignore[no-untyped-call]
            command(pipe)
            with suppress(WatchError):
                await pipe.execute()
                return True
        return False


class Idempotency:
    """The idempotency keys of all clients in Redis, apart for each owner and path."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis, self._ttl_s = redis, settings.idempotency_ttl_s

    @asynccontextmanager
    async def claim(self, key: str, owner: str, path: str) -> AsyncIterator[Claim]:
        """
        Hold a key while its request is received; raises IdempotencyKeyInFlight, MalformedRequest.

        An error inside the block releases the key, unless a job was assigned to it: whether that job was created before the
        error is unknown, so a retry must get the same one.
        """
        name, token = _redis_key(key, owner, path), json.dumps({"in_flight": uuid4().hex})
        stored = None
        if not await self._redis.set(name, token, nx=True, ex=CLAIM_TTL_S):
            stored = await self._read_stored(name)
        claim = Claim(self._redis, name, token, self._ttl_s, stored)
        renewal = asyncio.create_task(self._renew(claim)) if stored is None else None
        try:
            yield claim
        except BaseException:
            if stored is None and not claim.assigned:
                with suppress(RedisError):  # the claim then expires by itself
                    await claim.run_if_held(lambda pipe: pipe.delete(name))
            raise
        finally:
            if renewal is not None:
                renewal.cancel()

    async def _read_stored(self, name: str) -> dict[str, str]:
        value = await self._redis.get(name)
        stored: dict[str, str] = json.loads(value) if value is not None else {}
        if "job" not in stored:
            raise IdempotencyKeyInFlight("another request with this idempotency key is being received; retry when it has been answered")
        return stored

    async def _renew(self, claim: Claim) -> None:
        while not claim.assigned:
            await asyncio.sleep(CLAIM_TTL_S / 3)
            if not claim.assigned:
                with suppress(RedisError):  # tried again before the claim expires
                    await claim.run_if_held(lambda pipe: pipe.expire(claim.name, CLAIM_TTL_S))


def request_fingerprint(submission: Submission) -> str:
    """
    Compute the SHA-256 of kind, parts (name and digest) and options.

    It does not depend on the bytes of the request, since the boundary of a multipart form differs between retries.
    """
    return hashlib.sha256(submission.model_dump_json().encode()).hexdigest()


def _redis_key(key: str, owner: str, path: str) -> str:
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        raise MalformedRequest(f"the {HEADER} header must have 1 to {MAX_KEY} printable characters")
    return "atlas:idempotency:" + hashlib.sha256("\n".join((owner, path, key)).encode()).hexdigest()
