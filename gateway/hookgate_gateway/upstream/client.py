"""
The upstream's HTTP API, as far as it is forwarded to: create, look, cancel.

The address is the gateway's operator's, not a tenant's: no egress rules, but a deadline, a bounded answer
and no redirects. Nothing here logs what is sent or answered.
"""

import asyncio
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from hookgate_gateway.upstream.answers import Answer, Away, understood
from hookgate_process.connector import ClosingConnector
from hookgate_process.watched_files import SecretWords

__all__ = ["UpstreamClient"]

_DEADLINE: Final = 30.0
_LOOK_DEADLINE: Final = 10.0
"""Seconds for a look: there is a stored answer to give instead."""
_CONNECT: Final = 10.0
_CONNECTIONS: Final = 64
_MAX_ANSWER: Final = 16 * 1024 * 1024


class UpstreamClient:
    """Calls one upstream; ``url`` has no slash at its end. Lives from ``async with`` to its end."""

    def __init__(self, url: str, keys: SecretWords, *, deadline: float = _DEADLINE) -> None:
        self._url = url
        self._keys = keys
        self._deadline = deadline

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            # A server closes idle connections when it likes, and a POST that meets that is not sent
            # again: whether it was carried out is unknown. So each request has its own.
            connector=ClosingConnector(limit=_CONNECTIONS, force_close=True),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def create(
        self, kind: str, document: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Answer:
        """Run ``tasks`` or ``workflows``."""
        return await self._call("POST", f"/v1/run/{kind}", self._deadline, document, headers)

    async def look(self, run_id: str) -> Answer:
        deadline = min(self._deadline, _LOOK_DEADLINE)
        return await self._call("GET", f"/v1/runs/{quote(run_id, safe='')}", deadline)

    async def cancel(self, run_id: str) -> Answer:
        path = f"/v1/runs/{quote(run_id, safe='')}/cancel"
        return await self._call("POST", path, self._deadline, {})

    async def _call(
        self,
        method: str,
        path: str,
        deadline: float,
        document: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = {**(headers or {}), "x-api-key": self._keys.current()[0].decode()}
        sent |= {"Accept": "application/json", "Accept-Encoding": "identity"}
        data = None
        if document is not None:
            data, sent["Content-Type"] = _encoded(document), "application/json"
        url = URL(self._url + path, encoded=True)
        try:
            async with (
                asyncio.timeout(deadline),
                self._session.request(
                    method, url, data=data, headers=sent, allow_redirects=False
                ) as response,
            ):
                content = await _read(response.content)
                if content is None:
                    return Away("upstream_unreadable", "the upstream's answer is too large")
                return understood(response.status, response.headers, content)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return Away("upstream_unreachable", "the upstream cannot be reached", undone=True)
        except TimeoutError:
            detail = f"the upstream did not answer within {deadline:g} seconds"
            return Away("upstream_timeout", detail, status=504)
        except (aiohttp.ClientError, OSError):
            return Away("upstream_unreachable", "the connection to the upstream broke")


async def _read(content: aiohttp.StreamReader) -> bytes | None:
    """The whole body; None when it is too large."""
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > _MAX_ANSWER:
            return None
    return bytes(body)


def _encoded(document: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(document)
    except TypeError:  # integers over 64 bits, lone surrogates
        return json.dumps(document).encode()
