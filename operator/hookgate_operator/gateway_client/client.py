"""
Calls the control API for one owner.

Every call is idempotent, so that a connection which broke is no reason for doubt: whoever asks again
changes nothing. One deadline for each call, no redirects, no proxies of the environment, bounded answers.
"""

import asyncio
import io
import math
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar
from urllib.parse import quote

import aiohttp
import orjson
from yarl import URL

from hookgate_operator.gateway_client import documents
from hookgate_operator.gateway_client.errors import from_answer, from_failure
from hookgate_operator.gateway_client.trust import Trust
from hookgate_operator.ports import (
    Declaration,
    GatewayUnavailable,
    HealthChanges,
    Held,
    HeldKind,
    ReplayOrder,
    ReplayProgress,
    Standing,
)
from hookgate_process.connector import ClosingConnector
from hookgate_process.watched_files import SecretWords

__all__ = ["ClientObserver", "GatewayClient"]

_DEADLINE: Final = 15.0
_REACHABLE_WITHIN: Final = 5.0
_START: Final = 60.0
"""Seconds from the first request in which a gateway that has not answered may be starting. One starts in 2 to 3;
its image and its volume come before that."""
_WAIT: Final = 30
"""Seconds that the gateway may take to tell of changes when there are none."""
_PAGE: Final = 200
_CONNECTIONS: Final = 64
_MAX_ANSWER: Final = 64 * 1024 * 1024
_LARGE: Final = 256 * 1024
"""Bytes from which on a body is written piece by piece, so that the event loop gets its turn."""
_NO_ANSWER: Final = "none"

T = TypeVar("T")


class ClientObserver(Protocol):
    """Who is told of what the client does."""

    def request(self, code: str) -> None:
        """A request was answered with this HTTP status, or ``none``: there was no answer."""
        ...

    def file_changed(self, path: Path) -> None:
        """The token or the CA was replaced; the new one holds."""
        ...

    def file_unusable(self, why: str) -> None:
        """A file cannot be used any more; the last good one stays in force."""
        ...


class _NotThere(GatewayUnavailable):
    """The gateway's own 404; of a call that cannot miss it means a gateway of another version."""


class GatewayClient:
    """The adapter of :class:`hookgate_operator.ports.Gateway`. Lives from ``async with`` to its end.

    ``url`` comes from ``parse_gateway_url``; ``token_file`` has one token a line, the first is presented
    and the others when it is refused; ``ca_file`` replaces the system's roots; of other namespaces than
    ``namespaces`` (none: of all) nothing is told. Raises UnusableFile when made. Every method may raise
    GatewayError: GatewayAwaited as long as there was never an answer, for the first ``start`` seconds.
    """

    def __init__(
        self,
        url: URL,
        *,
        owner: str,
        token_file: Path,
        ca_file: Path | None = None,
        namespaces: Collection[str] = (),
        observer: ClientObserver,
        deadline: float = _DEADLINE,
        wait: int = _WAIT,
        start: float = _START,
    ) -> None:
        self._base = str(url).rstrip("/") + "/control/v1"
        self._owner = owner
        self._namespaces = frozenset(namespaces)
        self._observer = observer
        self._deadline = deadline
        self._wait = wait
        self._start = start
        self._awaited_until: float | None = None
        """Of the event loop's clock, from the first request on; nobody is awaited any more once there was an answer."""
        self._tokens = SecretWords(
            token_file,
            "token",
            changed=lambda _: observer.file_changed(token_file),
            refused=observer.file_unusable,
        )
        self._good: bytes | None = None
        """The token that was accepted last."""
        self._trust = Trust(
            ca_file,
            changed=lambda: observer.file_changed(ca_file) if ca_file else None,
            refused=observer.file_unusable,
        )

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=ClosingConnector(limit=_CONNECTIONS),
            timeout=aiohttp.ClientTimeout(total=None),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def reachable(self) -> None:
        """Raises GatewayError with a sentence unless the gateway answers us, and soon."""
        query = {"owner": self._owner, "limit": "1"}
        await self._call("GET", "/resources", query, deadline=_REACHABLE_WITHIN)

    # ------------------------------------------------------------------------------- resources

    async def put(self, declaration: Declaration) -> Standing:
        path = _path(declaration.namespace, declaration.kind, declaration.name)
        body = documents.put_body(declaration, self._owner)
        return _read(documents.read_standing, await self._call("PUT", path, body=body))

    async def remove(self, kind: HeldKind, namespace: str, name: str) -> None:
        await self._call("DELETE", _path(namespace, kind, name), {"owner": self._owner})

    async def held(self) -> Sequence[Held]:
        found = [
            _read(documents.read_held, item)
            async for item in self._items("/resources", {"owner": self._owner})
        ]
        return [held for held in found if held is not None and self._looks_after(held.namespace)]

    async def health(self, token: str | None) -> HealthChanges:
        query = {"owner": self._owner, "timeout": str(self._wait)}
        if token is not None:
            query["since"] = token
        deadline = self._deadline + self._wait
        answer = await self._call("GET", "/health", query, deadline=deadline)
        told = _read(documents.read_changes, answer)
        return replace(
            told,
            readings={n: r for n, r in told.readings.items() if self._looks_after(n[0])},
            removed=frozenset(name for name in told.removed if self._looks_after(name[0])),
        )

    # --------------------------------------------------------------------------------- replays

    async def put_replay(self, order: ReplayOrder) -> ReplayProgress:
        body = documents.replay_body(order, self._owner)
        answer = await self._call("PUT", _replay(order.namespace, order.uid), body=body)
        return _read(documents.read_progress, answer)

    async def estimate(self, order: ReplayOrder) -> int:
        body = documents.replay_body(order, self._owner, dry_run=True)
        answer = await self._call("PUT", _replay(order.namespace, order.uid), body=body)
        return _read(documents.read_matched, answer)

    async def replay(self, namespace: str, uid: str) -> ReplayProgress | None:
        try:
            answer = await self._call("GET", _replay(namespace, uid))
        except _NotThere:
            return None
        return _read(documents.read_progress, answer)

    async def cancel_replay(self, namespace: str, uid: str) -> None:
        await self._call("DELETE", _replay(namespace, uid), {"owner": self._owner})

    async def replays(self) -> Sequence[tuple[str, str]]:
        query = {"owner": self._owner, "unfinished": "true"}
        found = [
            _read(documents.replay_place, item) async for item in self._items("/replays", query)
        ]
        return [place for place in found if self._looks_after(place[0])]

    def _looks_after(self, namespace: str) -> bool:
        """What is elsewhere may not even be read in the cluster: others, or a former self, declared it."""
        return not self._namespaces or namespace in self._namespaces

    # ----------------------------------------------------------------------------------- calls

    async def _items(
        self, path: str, query: Mapping[str, str]
    ) -> AsyncIterator[documents.Document]:
        """The items of every page."""
        cursor: str | None = None
        while True:
            page = {**query, "limit": str(_PAGE), **({"cursor": cursor} if cursor else {})}
            items, cursor = _read(documents.read_page, await self._call("GET", path, page))
            for item in items:
                yield item
            if cursor is None:
                return

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        deadline: float | None = None,
    ) -> Any:
        """The document of a 2xx, None for one without. Raises _NotThere when the gateway has none."""
        url = URL(self._base + path, encoded=True).with_query(query)
        data = None if body is None else orjson.dumps(body)
        now = asyncio.get_running_loop().time
        if self._awaited_until is None:
            self._awaited_until = now() + self._start
        try:
            async with asyncio.timeout(deadline or self._deadline):
                status, headers, content = await self._answered(method, url, data)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._observer.request(_NO_ANSWER)
            is_awaited = now() < self._awaited_until
            raise from_failure(
                error, is_awaited=is_awaited
            ) from None  # its text may repeat what was sent
        self._awaited_until = -math.inf
        document = _parsed(content)
        if 200 <= status < 300:
            return document
        meaning = from_answer(status, headers, document)
        if status == 404 and isinstance(document, dict) and document.get("code") == "not_found":
            raise _NotThere(str(meaning))
        raise meaning

    async def _answered(
        self, method: str, url: URL, data: bytes | None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """The first answer other than 401, trying every token that the file has."""
        tried: list[bytes] = []
        while True:
            token = self._untried(tried)
            status, headers, content = await self._exchange(method, url, data, token)
            self._observer.request(str(status))
            if status != 401:
                self._good = token
                return status, headers, content
            tried.append(token)
            if all(word in tried for word in self._tokens.current()):
                return status, headers, content

    def _untried(self, tried: Sequence[bytes]) -> bytes:
        words = self._tokens.current()
        if self._good in words and self._good not in tried:
            return self._good
        return next((word for word in words if word not in tried), words[0])

    async def _exchange(
        self, method: str, url: URL, data: bytes | None, token: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        headers = {"Authorization": f"Bearer {token.decode()}", "Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = "application/json"
        async with self._session.request(
            method,
            url,
            data=io.BytesIO(data) if data and len(data) > _LARGE else data,
            headers=headers,
            allow_redirects=False,
            ssl=await self._trust.current(),
        ) as response:
            content = bytearray()
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > _MAX_ANSWER:
                    raise aiohttp.ClientPayloadError("the answer is too large")
            return response.status, response.headers, bytes(content)


def _read(reader: Callable[[documents.Document], T], document: Any) -> T:
    """What a document says. Raises GatewayUnavailable for one that nobody understands."""
    if isinstance(document, Mapping):
        try:
            return reader(document)
        except documents.Unreadable:
            pass
    raise GatewayUnavailable("the gateway's answer cannot be read; is it of another version?")


def _parsed(content: bytes) -> Any:
    try:
        return orjson.loads(content) if content else None
    except orjson.JSONDecodeError:
        return None


def _path(namespace: str, kind: str, name: str) -> str:
    return f"/namespaces/{_quoted(namespace)}/{kind}/{_quoted(name)}"


def _replay(namespace: str, uid: str) -> str:
    return _path(namespace, "replays", uid)


def _quoted(segment: str) -> str:
    return quote(segment, safe="")
