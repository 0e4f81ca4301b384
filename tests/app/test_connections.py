"""Deadlines and limits of connections, on sockets of a server in this process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from app.connections import ConnectionGuard, GuardedProtocol, fit_connections, group_address
from app.middleware.metrics import Metrics
from workers.settings import Settings

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE = 64 * 2**20

pytestmark = pytest.mark.anyio

Connect = Callable[[], Any]
Serve = Callable[..., AbstractAsyncContextManager[Connect]]


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer `/` at once, `/large` with 64 MiB, `/wait` never."""
    path = scope["path"]
    if path == "/wait":
        await Request(scope, receive).body()
        await asyncio.sleep(60)
    response: Response = PlainTextResponse("x" * LARGE if path == "/large" else "ok")
    await response(scope, receive, send)


@asynccontextmanager
async def serve(metrics: Metrics | None = None, **settings: Any) -> AsyncIterator[Connect]:
    """Run a server with the settings; yield a function that opens a connection to it."""
    given = Settings(**{"max_head_s": 0.3, "max_pause_s": 0.2, **settings})
    guard = ConnectionGuard(given.max_connections, given.max_connections_per_address, metrics or Metrics())
    config = uvicorn.Config(answer, lifespan="off", h11_max_incomplete_event_size=given.max_head_bytes, ws="none", log_config=None)
    config.load()
    state, loop = ServerState(), asyncio.get_running_loop()

    def protocol() -> GuardedProtocol:
        return GuardedProtocol(guard=guard, settings=given, config=config, server_state=state, app_state={})

    server = await loop.create_server(protocol, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    writers: list[asyncio.StreamWriter] = []

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        return reader, writer

    try:
        yield connect
    finally:
        for writer in writers:
            writer.close()
        for task in state.tasks:
            task.cancel()
        server.close()
        await asyncio.sleep(0.01)


async def read_all(reader: asyncio.StreamReader) -> bytes:
    """Read until the server closes the connection; a reset, because of bytes sent meanwhile, loses nothing that came before it."""
    data = b""
    async with asyncio.timeout(5):
        try:
            while block := await reader.read(2**16):
                data += block
        except ConnectionResetError:
            data += bytes(reader._buffer)
    return data


async def test_a_request_is_answered_and_the_connection_kept():
    async with serve() as connect:
        reader, writer = await connect()
        for _ in range(2):
            writer.write(REQUEST)
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")


async def test_a_head_over_the_limit_of_bytes_is_refused_with_a_problem():
    async with serve(max_head_bytes=1024) as connect:
        reader, writer = await connect()
        writer.write(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 400)
        text = await read_all(reader)
        assert text.startswith(b"HTTP/1.1 431 ")
        assert b"/problems/head-too-large" in text


async def test_what_is_no_http_is_refused_with_a_problem():
    async with serve() as connect:
        reader, writer = await connect()
        writer.write(b"\x16\x03\x01 hello\r\n\r\n")
        text = await read_all(reader)
        assert text.startswith(b"HTTP/1.1 400 ")
        assert b"/problems/malformed-request" in text


@pytest.mark.parametrize("begin", [b"", b"GET / HTT"], ids=["silent", "begun"])
@pytest.mark.parametrize("requests", [0, 1], ids=["first", "second"])
async def test_a_head_that_does_not_arrive_in_time_closes_the_connection(begin, requests):
    async with serve() as connect:
        reader, writer = await connect()
        for _ in range(requests):
            writer.write(REQUEST)
            await reader.readuntil(b"ok")
            begin = begin or b"G"  # a silent connection that has had an answer is closed by uvicorn, after 5 s
        writer.write(begin)
        text = await read_all(reader)
        assert b"HTTP/1.1 408 " in text
        assert b"/problems/head-too-slow" in text


@pytest.mark.parametrize(
    "begin", [b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"], ids=["head", "body"]
)
async def test_dripping_bytes_do_not_extend_the_deadline(begin):
    """Neither those of a head, nor those of a body that no route reads any more."""
    async with serve() as connect:
        reader, writer = await connect()
        writer.write(begin)

        async def drip() -> None:
            while True:
                writer.write(b"a")
                await asyncio.sleep(0.02)

        task = asyncio.create_task(drip())
        assert b"HTTP/1.1 408 " in await read_all(reader)
        task.cancel()


async def test_a_new_connection_takes_the_place_of_the_one_that_waited_longest():
    metrics = Metrics()
    async with serve(metrics, max_head_s=60, max_connections_per_address=2) as connect:
        first, second, third = [await connect() for _ in range(3)]
        assert await read_all(first[0]) == b""
        for reader, writer in (second, third):
            writer.write(REQUEST)
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
    assert metrics.registry.get_sample_value("atlas_http_closed_connections_total", {"reason": "evicted"}) == 1


@pytest.mark.parametrize("limit", ["max_connections", "max_connections_per_address"])
async def test_a_connection_is_refused_while_all_others_have_requests_in_progress(limit):
    async with serve(max_head_s=60, **{limit: 2}) as connect:
        for _ in range(2):
            _, writer = await connect()
            writer.write(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.1)
        reader, _ = await connect()
        text = await read_all(reader)
        assert text.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: " in text


async def test_a_client_that_does_not_read_its_answer_is_cut_off():
    metrics = Metrics()
    async with serve(metrics) as connect:
        reader, writer = await connect()
        reader._transport.pause_reading()
        writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(1.0)
        reader._transport.resume_reading()
        assert len(await read_all(reader)) < LARGE
    assert metrics.registry.get_sample_value("atlas_http_closed_connections_total", {"reason": "unread_answer"}) == 1
    assert metrics.registry.get_sample_value("atlas_http_connections") == 0


def test_connections_are_counted_by_ipv4_address_and_by_ipv6_network():
    assert group_address("192.0.2.7") == "192.0.2.7"
    assert group_address("::ffff:192.0.2.7") == "192.0.2.7"
    assert group_address("2001:db8::1") == group_address("2001:db8::2:3") != group_address("2001:db8:0:1::1")


def test_connections_leave_open_files_for_everything_else(monkeypatch):
    limits = [(1024, 1024)]
    monkeypatch.setattr("resource.getrlimit", lambda _: limits[-1])
    monkeypatch.setattr("resource.setrlimit", lambda _, values: limits.append(values))
    assert fit_connections(500) == 500
    assert fit_connections(2000) == 824
    limits.append((256, 4096))
    assert fit_connections(2000) == 2000
    assert limits[-1] == (4096, 4096)
