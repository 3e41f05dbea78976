"""A watch on one collection, read event by event."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import aiohttp

from hookgate_process.connector import ClosingConnector
from tests.cluster.access import Access

EVENT_WITHIN = 15.0
TAKEN_WITHIN = 60.0
AGAIN_AFTER = 0.1


class Watch:
    """The events of an open watch, in order."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer
        self.status = answer.status

    async def next(self, within: float = EVENT_WITHIN) -> dict[str, Any] | None:
        """The next event; None when the watch has ended, however that came."""
        async with asyncio.timeout(within):
            try:
                line = await self._answer.content.readline()
            except aiohttp.ClientError:
                return None
        return dict(json.loads(line)) if line.endswith(b"\n") else None


@asynccontextmanager
async def watching(access: Access, path: str, resource_version: str) -> AsyncIterator[Watch]:
    """Watch a collection from a resourceVersion on.

    A server that has just started refuses watches (429) until it has read what is there.
    """
    tls = ssl.create_default_context(cafile=str(access.ca_file))
    async with (
        aiohttp.ClientSession(
            connector=ClosingConnector(ssl=tls),
            headers={"Authorization": f"Bearer {access.token}"},
            timeout=aiohttp.ClientTimeout(total=60),
        ) as session,
    ):
        deadline = time.monotonic() + TAKEN_WITHIN
        while True:
            async with session.get(
                f"{access.url}{path}", params={"watch": "true", "resourceVersion": resource_version}
            ) as answer:
                if answer.status != HTTPStatus.TOO_MANY_REQUESTS or time.monotonic() > deadline:
                    yield Watch(answer)
                    return
            await asyncio.sleep(AGAIN_AFTER)
