"""The plain part of a reverse proxy: requests and answers pass, an answer's body unbuffered."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from hookgate_process.connector import ClosingConnector

CONNECT_SECONDS = 5.0
HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "host"}
)


@asynccontextmanager
async def session_to(ca_file: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """For the server's side, on the proxy's loop, which may end at once afterwards."""
    tls = ssl.create_default_context(cafile=str(ca_file))
    async with aiohttp.ClientSession(
        connector=ClosingConnector(ssl=tls, limit=0),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        auto_decompress=False,
    ) as session:
        yield session


async def forward(
    request: web.Request,
    session: aiohttp.ClientSession,
    url: str,
    *,
    answered: Callable[[int], None],
    before_chunk: Callable[[], Awaitable[None]],
    cut_after: int | None = None,
) -> web.StreamResponse:
    """Pass a request on to the server at `url`, and its answer back.

    `answered` is told the status as soon as it is known, `before_chunk` is awaited before each
    piece of the body. Where the server has no answer, breaks it off or is to be cut off after so
    many bytes, the client's connection closes.
    """
    body = await request.read()
    try:
        async with session.request(
            request.method,
            URL(f"{url}{request.raw_path}", encoded=True),
            headers=_end_to_end(request.headers),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            data=body or None,
            allow_redirects=False,
        ) as theirs:
            answered(theirs.status)
            ours = web.StreamResponse(status=theirs.status, headers=_end_to_end(theirs.headers))
            await ours.prepare(request)
            left = cut_after
            async for chunk in theirs.content.iter_any():
                await before_chunk()
                await ours.write(chunk if left is None else chunk[:left])
                if left is not None and (left := left - len(chunk)) <= 0:
                    return broken_off(request, ours)
            return ours
    except aiohttp.ClientError:
        return broken_off(request)


def broken_off(
    request: web.Request, answer: web.StreamResponse | None = None
) -> web.StreamResponse:
    """Close the connection once what was written is sent; the answer goes nowhere any more."""
    if request.transport:
        request.transport.close()
    return answer or web.Response()


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict(
        (name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP
    )
