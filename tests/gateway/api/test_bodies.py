"""Reading bodies that come slowly, in parts, or never."""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from hookgate_gateway.api import answers
from hookgate_gateway.api.bodies import BodyReader, object_of
from hookgate_gateway.api.routing import OpenRoute, add_routes
from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.observe import Observer
from tests.acceptance.harness import eventually
from tests.gateway.api.world import listening

JSON = "Content-Type: application/json\r\n"


class Nobody:
    snapshot = Snapshot()


@asynccontextmanager
async def echo(bodies: BodyReader) -> AsyncIterator[int]:
    """A server that answers how many bytes it read; its port."""

    async def read(request: web.Request) -> web.Response:
        return answers.answer({"size": len(await bodies.read(request))})

    async def optional(request: web.Request) -> web.Response:
        return answers.answer(object_of(await bodies.read_optional(request)))

    app = web.Application()
    routes = [OpenRoute("POST", "/read", read), OpenRoute("POST", "/optional", optional)]
    add_routes(app, routes, Nobody(), Observer(CollectorRegistry()))
    async with listening(app) as port:
        yield port


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        await writer.wait_closed()


def head(length: int | str) -> bytes:
    return f"POST /read HTTP/1.1\r\nHost: a\r\n{JSON}Content-Length: {length}\r\n\r\n".encode()


async def test_a_slow_body_is_given_up_at_the_deadline() -> None:
    async with echo(BodyReader(1000, deadline=0.05)) as port, connected(port) as (reader, writer):
        writer.write(head(100) + b'{"a":')
        answer = await asyncio.wait_for(reader.readuntil(b"}"), 5)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"request_timeout"' in answer


async def test_a_body_announced_too_large_is_refused_before_it_comes() -> None:
    async with echo(BodyReader(1000)) as port, connected(port) as (reader, writer):
        writer.write(head(1001))
        answer = await asyncio.wait_for(reader.readuntil(b"}"), 5)
        assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("size", [0, 1, 999, 1000])
async def test_a_body_within_the_limit_is_read_whole(size: int) -> None:
    async with echo(BodyReader(1000)) as port, connected(port) as (reader, writer):
        writer.write(head(size))
        for _ in range(size):
            writer.write(b"x")
            await writer.drain()
        answer = await asyncio.wait_for(reader.readuntil(b"}"), 5)
        assert answer.endswith(b'{"size":%d}' % size)


async def test_who_sends_much_and_never_finishes_makes_room_for_who_does() -> None:
    """One crowd after another fills the budget; a report that comes in pieces gets through all the same."""
    async with echo(BodyReader(1000, budget=6000)) as port, AsyncExitStack() as clients:
        for _ in range(3):
            crowd = [await clients.enter_async_context(connected(port)) for _ in range(5)]
            for _, writer in crowd:
                writer.write(head(1000) + b"x" * 900)
            answers = [asyncio.create_task(reader.readuntil(b"}")) for reader, _ in crowd]
            done, still = await asyncio.wait(answers, timeout=5, return_when="FIRST_COMPLETED")
            assert all(is_refused(each.result()) for each in done)
            reader, writer = await clients.enter_async_context(connected(port))
            writer.write(head(500) + b"y" * 300)
            await writer.drain()
            await asyncio.sleep(0)
            writer.write(b"y" * 200)
            answer = await asyncio.wait_for(reader.readuntil(b"}"), 5)
            assert answer.endswith(b'{"size":500}')
            for each in still:
                each.cancel()


def is_refused(answer: bytes) -> bool:
    return answer.startswith(b"HTTP/1.1 503 ") and b"Retry-After: 1" in answer


async def test_two_requests_in_one_write() -> None:
    async with echo(BodyReader(1000)) as port, connected(port) as (reader, writer):
        writer.write(head(2) + b"{}" + head(3) + b"{ }")
        answers_ = await asyncio.wait_for(reader.readuntil(b'{"size":3}'), 5)
        assert answers_.count(b"HTTP/1.1 200") == 2


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        (None, 200, {}),
        (b"", 200, {}),
        (b" \n", 200, {}),
        (b"null", 200, {}),
        (b"{}", 200, {}),
        (b'{"a":1}', 200, {"a": 1}),
        (b"[]", 422, None),
        (b"{", 400, None),
    ],
)
async def test_a_body_that_may_be_left_out(
    body: bytes | None, status: int, answer: dict[str, int] | None
) -> None:
    async with echo(BodyReader(1000)) as port, aiohttp.ClientSession() as session:
        headers = {"Content-Type": "application/json"} if body else {}
        url = f"http://127.0.0.1:{port}/optional"
        async with session.post(
            url, data=body, headers=headers, skip_auto_headers=["Content-Type"]
        ) as response:
            assert response.status == status
            assert answer is None or await response.json() == answer


async def test_what_came_of_a_body_goes_with_its_client() -> None:
    """At once, and not when cycles are looked for, which may be thousands of clients later."""
    async with echo(BodyReader(8 << 20)) as port:
        gc.collect()
        gc.disable()
        tracemalloc.start()
        try:
            async with connected(port) as (_, writer):
                writer.write(head(8 << 20) + b"x" * (4 << 20))
                await until_traced(lambda size: size > 4 << 20)
                await writer.drain()
                writer.transport.abort()
            await until_traced(lambda size: size < 1 << 20)
        finally:
            tracemalloc.stop()
            gc.enable()


async def until_traced(question: Callable[[int], bool]) -> None:
    """Until so many bytes are allocated."""

    async def holds() -> bool:
        return question(tracemalloc.get_traced_memory()[0])

    await eventually(holds, what="bytes came, or were let go")
