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

from hookgate_gateway.dispatch.bodies import LargeBodies
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.upstream.answers import Answer, Away, understood
from hookgate_process.connector import ClosingConnector
from hookgate_process.watched_files import SecretWords

__all__ = ["MAX_ANSWER", "UpstreamClient"]

_DEADLINE: Final = 30.0
_LOOK_DEADLINE: Final = 10.0
"""Seconds for a look: there is a stored answer to give instead."""
_CONNECT: Final = 10.0
_CONNECTIONS: Final = 64
MAX_ANSWER: Final = 16 * 1024 * 1024
"""Bytes of one answer."""
_ANSWERS: Final = 64 * 1024 * 1024
_SMALL: Final = 64 * 1024
"""Bytes of an answer that are read at once, as much as a connection buffers anyway."""
_TOO_LARGE: Final = Away("upstream_unreadable", "the upstream's answer is too large")


class UpstreamClient:
    """Calls one upstream; ``url`` has no slash at its end. Lives from ``async with`` to its end.

    ``answer_bytes`` is what its answers may hold together while they are read, half of it for one
    namespace; one answer always may.
    """

    def __init__(
        self,
        url: str,
        keys: SecretWords,
        *,
        deadline: float = _DEADLINE,
        answer_bytes: int = _ANSWERS,
    ) -> None:
        self._url = url
        self._keys = keys
        self._deadline = deadline
        self._answers = LargeBodies(answer_bytes)

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
        self,
        namespace: Namespace,
        kind: str,
        document: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> Answer:
        """Run ``tasks`` or ``workflows``."""
        path = f"/v1/run/{kind}"
        return await self._call(
            namespace, "POST", path, deadline=self._deadline, document=document, headers=headers
        )

    async def look(self, namespace: Namespace, run_id: str) -> Answer:
        deadline = min(self._deadline, _LOOK_DEADLINE)
        path = f"/v1/runs/{quote(run_id, safe='')}"
        return await self._call(namespace, "GET", path, deadline=deadline)

    async def cancel(self, namespace: Namespace, run_id: str) -> Answer:
        path = f"/v1/runs/{quote(run_id, safe='')}/cancel"
        return await self._call(namespace, "POST", path, deadline=self._deadline, document={})

    async def _call(
        self,
        namespace: Namespace,
        method: str,
        path: str,
        *,
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
                return await self._read(namespace, response)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return Away("upstream_unreachable", "the upstream cannot be reached", undone=True)
        except TimeoutError:
            detail = f"the upstream did not answer within {deadline:g} seconds"
            return Away("upstream_timeout", detail, status=504)
        except (aiohttp.ClientError, OSError):
            return Away("upstream_unreachable", "the connection to the upstream broke")

    async def _read(self, namespace: Namespace, response: aiohttp.ClientResponse) -> Answer:
        """What it says. A large answer is read once there is room, and one without a length may be of any."""
        size = MAX_ANSWER if response.content_length is None else response.content_length
        if size > MAX_ANSWER:
            return _TOO_LARGE
        body = bytearray()
        if await _gathered(response.content, body, _SMALL):
            return understood(response.status, response.headers, bytes(body))
        async with self._answers.room(namespace, size):
            if not await _gathered(response.content, body, MAX_ANSWER):
                return _TOO_LARGE
            return understood(response.status, response.headers, bytes(body))


async def _gathered(content: aiohttp.StreamReader, body: bytearray, most: int) -> bool:
    """Whether the whole body is in ``body`` now; it stops once that has more than ``most`` bytes."""
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > most:
            return False
    return True


def _encoded(document: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(document)
    except TypeError:  # integers over 64 bits, lone surrogates
        return json.dumps(document).encode()
