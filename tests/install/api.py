"""The API server as the node's parts speak to it: requests, and mirrors of collections."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.cluster.access import MERGE_PATCH, Access
from tests.cluster.forwarding import session_to

_AGAIN_AFTER = 0.2
Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name."""


class Refused(Exception):
    """The API server answered something else than success."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status} {text[:500]}")
        self.status = status


class Api:
    """Requests in one identity's name."""

    def __init__(self, session: aiohttp.ClientSession, access: Access) -> None:
        self._session = session
        self._access = access

    async def find(self, path: str) -> Object | None:
        try:
            return await self.ask("GET", path)
        except Refused as answer:
            if answer.status == 404:
                return None
            raise

    async def ask(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> Object:
        """The object that is answered; Refused."""
        data = None if body is None else json.dumps(body).encode()
        headers = {**self._headers, **({"Content-Type": content_type} if data else {})}
        async with self._session.request(
            method, self._access.url + path, data=data, headers=headers
        ) as answer:
            if answer.status >= 300:
                raise Refused(answer.status, await answer.text())
            return dict(await answer.json())

    async def patch(self, path: str, patch: Object) -> Object:
        """A JSON merge patch; Refused."""
        return await self.ask("PATCH", path, patch, MERGE_PATCH)

    async def events(self, path: str, version: str) -> AsyncIterator[Object]:
        """The events of a watch until it ends."""
        query = {"watch": "true", "resourceVersion": version}
        async with self._session.get(
            self._access.url + path, params=query, headers=self._headers, read_bufsize=2**22
        ) as answer:
            if answer.status != 200:
                raise Refused(answer.status, await answer.text())
            while line := await answer.content.readline():
                yield json.loads(line)

    @property
    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._access.token}",
            "User-Agent": "hookgate-tests-node",
        }


@asynccontextmanager
async def connected(access: Access) -> AsyncIterator[Api]:
    async with session_to(access.ca_file) as session:
        yield Api(session, access)


class Mirror:
    """All objects of a collection, as they are now; `changed` is called after each change."""

    def __init__(self, api: Api, path: str, changed: Callable[[], None]) -> None:
        self.objects: dict[Key, Object] = {}
        self._api = api
        self._path = path
        self._changed = changed

    async def keep(self) -> None:
        """For ever; a server that is away is asked again."""
        while True:
            try:
                await self._follow()
            except (Refused, aiohttp.ClientError, TimeoutError, ValueError):
                await asyncio.sleep(_AGAIN_AFTER)

    async def _follow(self) -> None:
        found = await self._api.ask("GET", self._path)
        self.objects = {_key(each): each for each in found["items"]}
        self._changed()
        async for event in self._api.events(self._path, found["metadata"]["resourceVersion"]):
            about = event["object"]
            if event["type"] == "ERROR":
                return
            if event["type"] == "DELETED":
                self.objects.pop(_key(about), None)
            else:
                self.objects[_key(about)] = about
            self._changed()


def _key(found: Object) -> Key:
    return found["metadata"].get("namespace", ""), found["metadata"]["name"]
