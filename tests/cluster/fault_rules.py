"""What a proxy does to which request, and the list of such rules."""

import asyncio
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

REACHED_WITHIN = 15.0


@dataclass(frozen=True, slots=True)
class Answered:
    """The proxy answers by itself; the server never sees the request."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Delayed:
    """The request goes on to the server after a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection closes once so many bytes of the answer's body went through.

    With `before_server` it closes at once, and the server never sees the request.
    """

    after_bytes: int
    before_server: bool = False


class Hold:
    """Something stands still until it is released. Methods may be called from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._released = asyncio.Event()
        self._reached = threading.Event()

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._released.set)

    def wait_reached(self, within: float = REACHED_WITHIN) -> None:
        """Block until a request came to stand here."""
        assert self._reached.wait(within), f"no request came to the hold within {within} s"

    async def reached(self, within: float = REACHED_WITHIN) -> None:
        await asyncio.to_thread(self.wait_reached, within)

    async def stand(self) -> None:
        """For the proxy: wait here."""
        self._reached.set()
        await self._released.wait()


Action = Answered | Delayed | Cut | Hold


@dataclass(slots=True)
class Rule:
    """An action for the next `left` requests that match; None: for all to come."""

    method: str
    path: re.Pattern[str]
    left: int | None
    action: Action

    def matches(self, method: str, target: str) -> bool:
        return self.method in ("*", method) and self.path.search(target) is not None


@dataclass(slots=True)
class Rules:
    """The rules in force, oldest first: the first that matches acts."""

    _rules: list[Rule] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, action: Action, *, method: str, path: str, times: int | None) -> Rule:
        rule = Rule(method, re.compile(path), times, action)
        with self._lock:
            self._rules.append(rule)
        return rule

    def take(self, method: str, target: str) -> Action | None:
        """The action for this request; uses up one of its rule's times."""
        with self._lock:
            for rule in self._rules:
                if rule.left != 0 and rule.matches(method, target):
                    if rule.left is not None:
                        rule.left -= 1
                    return rule.action
        return None

    def clear(self) -> None:
        """No rule any more; what was held goes on."""
        with self._lock:
            rules, self._rules = self._rules, []
        for rule in rules:
            if isinstance(rule.action, Hold):
                rule.action.release()


def status_object(status: int, message: str = "injected by the test") -> dict[str, Any]:
    """A Kubernetes `Status` as the API server would send it."""
    reasons = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict"}
    reasons |= {
        410: "Expired",
        429: "TooManyRequests",
        500: "InternalError",
        503: "ServiceUnavailable",
    }
    return {
        "apiVersion": "v1",
        "kind": "Status",
        "metadata": {},
        "status": "Failure",
        "reason": reasons.get(status, ""),
        "message": message,
        "code": status,
    }


def encoded(body: bytes | str | Mapping[str, Any] | None, status: int) -> bytes:
    """The bytes to answer; without a body a `Status` of that code."""
    match body:
        case bytes():
            return body
        case str():
            return body.encode()
        case None:
            return json.dumps(status_object(status)).encode()
        case _:
            return json.dumps(body).encode()
