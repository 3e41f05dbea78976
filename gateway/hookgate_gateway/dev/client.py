"""
The gateway's API as an application developer calls it: the guide's routes and a few to look with.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from hookgate_process.connector import ClosingConnector

__all__ = ["Client", "Refused", "connect"]


class Refused(Exception):
    """The gateway answered a call with something else than was asked for."""


class Client:
    """Calls with one API key."""

    def __init__(self, session: aiohttp.ClientSession, base: str, key: str) -> None:
        self._session = session
        self._base = base
        self._headers = {"x-api-key": key}

    async def run_task(self, request: dict[str, Any]) -> dict[str, Any]:
        """The guide's call to run a task."""
        return await self._post("/api/v1/tasks", request)

    async def run_workflow(self, workflow_id: str, request: dict[str, Any]) -> dict[str, Any]:
        """The guide's call to run a workflow."""
        return await self._post(f"/api/v1/workflows/{workflow_id}/run", request)

    async def replay(self, run_id: str) -> dict[str, Any]:
        """The guide's call to send a run's webhook again."""
        return await self._post(f"/api/v1/runs/{run_id}/webhook/replay", {})

    async def report(self, payload: dict[str, Any]) -> dict[str, Any]:
        """What an engine says about a run."""
        return await self._post("/v1/events", payload)

    async def get_run(self, run_id: str) -> dict[str, Any]:
        return dict(await self._get(f"/v1/runs/{run_id}"))

    async def runs(self, status: str) -> list[dict[str, Any]]:
        return list(await self._get("/v1/runs", status=status, page_size="100"))

    async def events(self) -> list[dict[str, Any]]:
        """The newest first."""
        return list((await self._get("/v1/events", limit="200"))["items"])

    async def deliveries(self, **query: str) -> list[dict[str, Any]]:
        """The newest first."""
        return list((await self._get("/v1/deliveries", limit="200", **query))["items"])

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._session.post(self._base + path, json=body, headers=self._headers)
        return dict(await _content(f"POST {path}", answer))

    async def _get(self, path: str, **query: str) -> Any:
        answer = self._session.get(self._base + path, params=query, headers=self._headers)
        return await _content(f"GET {path}", answer)


async def _content(call: str, request: Any) -> Any:
    async with request as answer:
        content = await answer.json(content_type=None)
        if answer.status >= 300:
            raise Refused(f"{call} was answered {answer.status}: {content}")
        return content


@asynccontextmanager
async def connect(base: str, key: str) -> AsyncIterator[Client]:
    """A client for the gateway at ``base``."""
    timeout = aiohttp.ClientTimeout(total=15)
    async with aiohttp.ClientSession(
        connector=ClosingConnector(), timeout=timeout, trust_env=False
    ) as session:
        yield Client(session, base, key)
