"""A small Skyvern server: the real one's routes and shapes, with real sockets, and its odd ways of reporting."""

import asyncio
import hashlib
import hmac
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer

KEY = "key-of-the-skyvern-server-012345"
TIME = "2026-03-01T10:00:00.123456"


@dataclass
class Skyvern:
    """Runs nothing; a test says when a run is reported. ``before`` is awaited inside each creation."""

    key: str = KEY
    url: str = ""
    requests: list[tuple[str, str, Any, dict[str, str]]] = field(default_factory=list)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    reports: list[tuple[int, Any]] = field(default_factory=list)
    before: Callable[[str], Awaitable[None]] | None = None
    answer: Callable[[], Awaitable[web.Response | None]] | None = None
    """Answers instead, to every request; for None it is answered as ever."""
    after: Callable[[web.Request], Awaitable[web.StreamResponse | None]] | None = None
    """Awaited once a run is made; answers instead."""
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    async def created(self, request: web.Request) -> web.StreamResponse:
        body = await self._taken(request)
        flow = request.path.endswith("workflows")
        run_id = f"{'wr' if flow else 'tsk'}_upstream_{next(self.numbers)}"
        self.runs[run_id] = {
            "run_id": run_id,
            "run_type": "workflow_run" if flow else "task_v1",
            "status": "queued",
            "output": None,
            "created_at": TIME,
            "modified_at": TIME,
            "app_url": f"https://app.example/{run_id}",
            "run_request": body,
            "of_the_future": {"callback": body["webhook_url"]},
        }
        if self.before is not None:
            await self.before(run_id)
        if self.after is not None and (instead := await self.after(request)):
            return instead
        return web.json_response({**self.runs[run_id], "status": "queued"})

    async def seen(self, request: web.Request) -> web.Response:
        await self._taken(request)
        run = self.runs.get(request.match_info["run_id"])
        if run is None:
            return web.json_response({"detail": "Run not found"}, status=404)
        return web.json_response(run)

    async def cancelled(self, request: web.Request) -> web.Response:
        await self._taken(request)
        if request.match_info["run_id"] not in self.runs:
            return web.json_response({"detail": "Run not found"}, status=404)
        self.runs[request.match_info["run_id"]]["status"] = "canceled"
        return web.json_response(None)

    async def report(self, run_id: str, status: str = "completed", *, to: str | None = None, key: str = "", times: int = 3) -> list[int]:  # fmt: skip
        """Post the webhook as the real server does: bare hex, repeated with identical headers.

        ``to`` is the gateway as a test reaches it, in place of what stands before the query.
        """
        run = self.runs[run_id] = {**self.runs[run_id], "status": status, "output": {"price": 9}}
        body = json.dumps({k: v for k, v in run.items() if k != "of_the_future"}).encode()
        digest = hmac.new((key or self.key).encode(), body, hashlib.sha256).hexdigest()
        headers = {"x-skyvern-signature": digest, "x-skyvern-timestamp": "1"}
        headers["Content-Type"] = "application/json"
        told = run["run_request"]["webhook_url"]
        url = f"{to}?{told.partition('?')[2]}" if to else told
        async with aiohttp.ClientSession() as session:
            statuses = []
            for _ in range(times):
                async with session.post(url, data=body, headers=headers) as response:
                    statuses.append(response.status)
        return statuses

    async def _taken(self, request: web.Request) -> Any:
        body = await request.json() if request.can_read_body else None
        self.requests.append((request.method, request.path, body, dict(request.headers)))
        if request.headers.get("x-api-key") != self.key:
            raise web.HTTPForbidden(text='{"detail": "Invalid credentials"}')
        if self.answer is not None and (response := await self.answer()):
            raise _Instead(response)
        return body

    def asked(self, method: str) -> list[tuple[str, Any]]:
        """(path, body) of the requests so far."""
        return [(path, body) for verb, path, body, _ in self.requests if verb == method]


class _Instead(Exception):
    def __init__(self, response: web.Response) -> None:
        self.response = response


@web.middleware
async def _instead(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        return await handler(request)
    except _Instead as instead:
        return instead.response


@asynccontextmanager
async def skyvern() -> AsyncIterator[Skyvern]:
    it = Skyvern()
    app = web.Application(middlewares=[_instead])
    app.router.add_post("/v1/run/tasks", it.created)
    app.router.add_post("/v1/run/workflows", it.created)
    app.router.add_get("/v1/runs/{run_id}", it.seen)
    app.router.add_post("/v1/runs/{run_id}/cancel", it.cancelled)
    async with TestServer(app) as server:
        it.url = str(server.make_url("")).rstrip("/")
        yield it


async def hang() -> None:
    """An answer that never comes."""
    await asyncio.Event().wait()
