"""
One kopf operator that watches one resource: the only module that knows kopf.

kopf takes an event loop for its own: when one of its operators ends, it cancels every task that was begun
after it, and it takes the process's signals in the main thread. So each operator gets a thread with a loop
of its own, and all that leaves it are calls into ours. Nothing of kopf is used but its watching: no
finalizers, no annotations, no Events, no scanning of namespaces or CRDs (which need cluster-wide rules).
"""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import aiohttp
import kopf

from hookgate_operator.cluster.access import Credentials
from hookgate_operator.cluster.resources import Resource
from hookgate_process.connector import ClosingConnector

__all__ = ["Event", "KopfWatch", "quieten"]

Event = Callable[[str | None, Mapping[str, Any]], None]
"""Called with ADDED, MODIFIED, DELETED, or None for what a list had, and the object."""

_CONNECT_SECONDS: Final = 5.0
_REQUEST_SECONDS: Final = 60.0
_SILENCE_SECONDS: Final = 70.0
"""A watch that told nothing for so long, no bookmark either, is connected anew."""
_PAGE: Final = 500
_SAME_TOKEN_SECONDS: Final = 10.0
"""Within which a token that was refused is not presented again."""
_WATCH_SECONDS: Final = 1.0
"""Between the beginnings of two watches."""
_PATIENCE_SECONDS: Final = 5.0
"""For a thread to end; a daemon's thread holds no process up."""
_USER_AGENT: Final = "hookgate-operator (kopf)"
_BACKOFFS: Final = (1.0, 1.0, 2.0, 4.0)
"""Seconds; then the operator ends, and whoever runs it looks what is the matter."""


def quieten() -> None:
    """Keep kopf from logging: it says each retry as an error, and at some levels whole objects."""
    logging.getLogger("kopf").setLevel(logging.CRITICAL + 1)


class KopfWatch:
    """Watches a resource in some namespaces (None: in all) until it is stopped or fails."""

    def __init__(
        self,
        name: str,
        resource: Resource,
        *,
        selector: str,
        namespaces: Sequence[str],
        credentials: Callable[[], Awaitable[Credentials]],
        tell: Event,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        self._name = name
        self._resource = resource
        self._selector = selector
        self._namespaces = tuple(namespaces)
        self._credentials = credentials
        self._tell = tell
        self._failed = failed
        """Called whenever a request of kopf's is in vain: it asks again for ever and tells nobody."""
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[BaseException | None] = self._loop.create_future()
        self._theirs: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._is_over = False
        self._sessions: list[aiohttp.ClientSession] = []
        self._presented: Credentials | None = None
        self._presented_at = 0.0

    async def run(self) -> BaseException | None:
        """Watch until kopf ends by itself: with an error, or with None where it gives no reason.

        Cancelled, it comes back when the thread has ended.
        """
        thread = threading.Thread(target=self._thread, name=f"watch {self._name}", daemon=True)
        thread.start()
        try:
            return await asyncio.shield(self._ended)
        finally:
            self.stop()
            await asyncio.wait({self._ended}, timeout=_PATIENCE_SECONDS)
            if self._ended.done():
                thread.join()

    def stop(self) -> None:
        """Tell nothing more, and end soon."""
        self._is_over = True
        if self._theirs is not None and self._stop is not None:
            with suppress(RuntimeError):  # it has ended already
                self._theirs.call_soon_threadsafe(self._stop.set)

    def _hand_over(self, kind: str | None, document: Mapping[str, Any]) -> None:
        if not self._is_over:
            self._tell(kind, document)

    # ------------------------------------------------------------------------- in its own thread

    def _thread(self) -> None:
        error: BaseException | None = None
        try:
            asyncio.run(self._watch())
        except BaseException as failure:  # noqa: BLE001  # whatever it is, the other loop is told
            error = failure
        with suppress(RuntimeError):  # that loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._ended.set_result, error)

    async def _watch(self) -> None:
        self._stop = asyncio.Event()
        self._theirs = asyncio.get_running_loop()
        if self._is_over:
            return
        self._theirs.set_exception_handler(_drop)
        try:
            # Stopped by its flag, not cancelled: only so does it close its connections.
            await kopf.operator(
                registry=self._registry(),
                settings=_settings(self._resource, self._selector),
                standalone=True,
                # Else it asks for the user's name, and an image's user may have none.
                identity=self._name,  # type: ignore[arg-type]  # a str by a name that is not public
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
                stop_flag=self._stop,
            )
        finally:
            for session in self._sessions:
                await session.close()

    def _registry(self) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        resource = self._resource
        kopf.on.login(registry=registry, errors=kopf.ErrorsMode.PERMANENT)(self._login)
        kopf.on.event(
            group=resource.group,
            version=resource.version,
            plural=resource.plural,
            registry=registry,
        )(self._event)
        return registry

    async def _event(self, event: kopf.RawEvent, **_: object) -> None:
        with suppress(RuntimeError):  # that loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._hand_over, event["type"], event["object"])

    async def _login(self, **_: object) -> kopf.AiohttpSession | None:
        """At the start, and after each 401: by then there may be another token.

        Without one the operator ends by itself. It must not be told so by an error: that ends only the
        task which logs in, and the watch waits for ever.
        """
        try:
            asked = asyncio.run_coroutine_threadsafe(_awaited(self._credentials), self._loop)
            credentials = await asyncio.wrap_future(asked)
        except Exception:  # noqa: BLE001  # a plugin's, a file's; whoever runs us finds out by itself
            return None
        now = asyncio.get_running_loop().time()
        if credentials == self._presented and now - self._presented_at < _SAME_TOKEN_SECONDS:
            return None
        self._presented, self._presented_at = credentials, now
        session = _session(credentials, _Manners(self._in_vain))
        self._sessions.append(session)
        return kopf.AiohttpSession(server=credentials.server, aiohttp_session=session)

    def _in_vain(self) -> None:
        with suppress(RuntimeError):  # that loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._failed)


async def _awaited(ask: Callable[[], Awaitable[Credentials]]) -> Credentials:
    return await ask()


def _session(credentials: Credentials, manners: "_Manners") -> aiohttp.ClientSession:
    info = kopf.ConnectionInfo(
        server=credentials.server,
        scheme=credentials.scheme,
        token=credentials.token,
        ca_path=credentials.ca_file,
        certificate_path=credentials.certificate_file,
        private_key_path=credentials.key_file,
        insecure=credentials.insecure,
    )
    return aiohttp.ClientSession(
        connector=ClosingConnector(limit=0, ssl=info.as_ssl_context()),
        headers={**info.as_http_headers(), "User-Agent": _USER_AGENT},
        middlewares=(manners,),
        proxy=credentials.proxy,
        trust_env=False,
    )


class _Manners:
    """Lets a watch begin once a second at most: kopf asks again at once when an answer ends at once.

    And says of each request in vain that it was.
    """

    def __init__(self, in_vain: Callable[[], None]) -> None:
        self._in_vain = in_vain
        self._began: dict[str, float] = {}

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if "watch" in request.url.query:
            await self._pace(request.url.path)
        try:
            response = await handler(request)
        except (aiohttp.ClientError, TimeoutError, OSError):
            self._in_vain()
            raise
        if response.status >= 400:
            self._in_vain()
        return response

    async def _pace(self, path: str) -> None:
        loop = asyncio.get_running_loop()
        pause = self._began.get(path, 0.0) + _WATCH_SECONDS - loop.time()
        if pause > 0:
            await asyncio.sleep(pause)
        self._began[path] = loop.time()


def _drop(_: asyncio.AbstractEventLoop, __: dict[str, Any]) -> None:
    """Nothing to say about a loop that ends: kopf's generators complain when they are closed half-way.

    An error that matters ends the operator, and is told by that.
    """


def _settings(resource: Resource, selector: str) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.process.ultimate_exiting_timeout = None  # it would kill the process
    settings.watching.connect_timeout = _CONNECT_SECONDS
    settings.watching.inactivity_timeout = _SILENCE_SECONDS
    settings.watching.chunk_size = _PAGE
    settings.networking.connect_timeout = _CONNECT_SECONDS
    settings.networking.request_timeout = _REQUEST_SECONDS
    settings.networking.error_backoffs = _BACKOFFS
    settings.queueing.exit_timeout = 0.5
    if selector:
        where = (resource.group, resource.version, resource.plural)
        settings.watching.label_selectors[where] = selector
    return settings
