"""
A receiver as a user would write one: it verifies with ``hookgate.signing`` and answers.

One path is flaky: it answers 503 to the first two tries of each event, so that retries can be seen.
Every request is kept as an :class:`Arrival` for whoever waits for it.
"""

import asyncio
import hashlib
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from hookgate.signing import SignatureError, verify

__all__ = ["Arrival", "Mailbox", "Receiver", "bind"]

FAILURES = 2
"""How often a flaky mailbox fails for each event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """One path of the receiver, and the keys that what comes there must be signed with."""

    path: str
    owner: str
    """Who posts here: a subscription's name, or the run itself."""
    keys: tuple[bytes, ...] = field(repr=False)
    flaky: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One request that came in, and what was answered."""

    mailbox: Mailbox
    event_id: str
    run_id: str
    attempt: int
    replay: bool
    sha256: str
    """Of the body: equal bytes, equal digest."""
    problem: str | None
    """Why the signature was not accepted; None when it was."""
    status: int

    @property
    def verified(self) -> bool:
        return self.problem is None

    @property
    def delivered(self) -> bool:
        """Verified and answered 2xx."""
        return self.verified and 200 <= self.status < 300


class Receiver:
    """The mailboxes, and what came into them."""

    def __init__(
        self, mailboxes: Mapping[str, Mailbox], tell: Callable[[Arrival], None] | None = None
    ) -> None:
        self._mailboxes = mailboxes
        self._tell = tell
        self._failed: Counter[tuple[str, str]] = Counter()
        self._news = asyncio.Condition()
        self.arrivals: list[Arrival] = []

    async def wait_for(self, seen: Callable[[Arrival], bool], seconds: float) -> Arrival | None:
        """The first arrival like this, past or future; None when none came in time."""
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: any(map(seen, self.arrivals)))
        except TimeoutError:
            return None
        return next(filter(seen, self.arrivals))

    @asynccontextmanager
    async def listening(self, listener: socket.socket) -> AsyncIterator[None]:
        """Serve on a bound socket."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/{path:.*}", self._receive)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.SockSite(runner, listener).start()
            yield
        finally:
            await runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        mailbox = self._mailboxes.get(request.path)
        if mailbox is None:
            raise web.HTTPNotFound(text=f"nobody reads {request.path}")
        body = await request.read()
        problem = _problem(body, request.headers, mailbox.keys)
        event_id = request.headers.get("X-Hookgate-Event-Id", "")
        arrival = Arrival(
            mailbox=mailbox,
            event_id=event_id,
            run_id=_run_id(body),
            attempt=int(request.headers.get("X-Hookgate-Attempt", "1")),
            replay="X-Hookgate-Replay" in request.headers,
            sha256=hashlib.sha256(body).hexdigest(),
            problem=problem,
            status=self._answer(mailbox, event_id, problem),
        )
        async with self._news:
            self.arrivals.append(arrival)
            self._news.notify_all()
        if self._tell:
            self._tell(arrival)
        return web.json_response({"status": "received"}, status=arrival.status)

    def _answer(self, mailbox: Mailbox, event_id: str, problem: str | None) -> int:
        if problem is not None:
            return 401
        if mailbox.flaky and self._failed[mailbox.path, event_id] < FAILURES:
            self._failed[mailbox.path, event_id] += 1
            return 503
        return 200


def _problem(body: bytes, headers: Mapping[str, str], keys: tuple[bytes, ...]) -> str | None:
    try:
        verify(body, headers, keys)
    except SignatureError as error:
        return str(error)
    return None


def _run_id(body: bytes) -> str:
    try:
        return str(json.loads(body)["run_id"])
    except (ValueError, TypeError, KeyError):
        return "?"


def bind(port: int, *, host: str = "127.0.0.1") -> socket.socket:
    """A listening socket on this port when it is free, else on any free one."""
    try:
        return socket.create_server((host, port))
    except OSError:
        return socket.create_server((host, 0))
