"""
The connection to the cluster, from ``async with`` to its end, and the watches that begin and end within it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from kubernetes.aio.client import ApiClient

from hookgate_operator.cluster.access import Access, load_access
from hookgate_operator.cluster.client import ClusterClient
from hookgate_operator.cluster.errors import Call
from hookgate_operator.cluster.kopf_watch import quieten
from hookgate_operator.cluster.observing import ClusterObserver
from hookgate_operator.cluster.requests import METADATA_ONLY, Requests
from hookgate_operator.cluster.resources import SUBSCRIPTIONS
from hookgate_operator.cluster.settings import ClusterSettings
from hookgate_operator.cluster.values import Needed
from hookgate_operator.cluster.watches import Watches
from hookgate_operator.ports import Key
from hookgate_process.clock import Clock
from hookgate_process.connector import ClosingConnector

__all__ = ["Connection", "connect"]

_USER_AGENT: Final = "hookgate-operator"
_REACHABLE_WITHIN: Final = 5.0


class Connection(ClusterClient):
    """``ports.Cluster``, and the watches."""

    def __init__(
        self,
        api_client: ApiClient,
        access: Access,
        settings: ClusterSettings,
        *,
        clock: Clock,
        observer: ClusterObserver,
    ) -> None:
        requests = Requests(api_client, access, observer)
        super().__init__(api_client, requests, settings, clock=clock, observer=observer)
        self._access = access

    async def reachable(self) -> None:
        """Raises ClusterError with a sentence unless the API server answers us, serves the CRDs, and soon."""
        for namespace in self._settings.namespaces or (None,):
            await self._requests.ask(
                Call("list", SUBSCRIPTIONS, namespace),
                query={"limit": "1"},
                accept=METADATA_ONLY,
                deadline=_REACHABLE_WITHIN,
            )

    @asynccontextmanager
    async def watching(
        self,
        *,
        wake: Callable[[Key], None],
        values_changed: Callable[[str, str], None],
        needed: Needed,
    ) -> AsyncIterator[Watches]:
        """Watch for as long as the block lasts. An error of our own in a watch cancels the block and is raised."""
        quieten()
        watches = Watches(
            self,
            self._requests,
            self._access,
            self._settings,
            wake=wake,
            clock=self._clock,
            observer=self._observer,
        )
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(watches.run(values_changed=values_changed, needed=needed))
            try:
                yield watches
            finally:
                running.cancel()


@asynccontextmanager
async def connect(
    settings: ClusterSettings, *, clock: Clock, observer: ClusterObserver
) -> AsyncIterator[Connection]:
    """Connect. Nothing is asked before the first call. Raises CannotStart where there is no cluster named."""
    access = await load_access(settings.kubeconfig)
    async with ApiClient(access.configuration) as api_client, _closing(api_client):
        api_client.user_agent = _USER_AGENT
        connection = Connection(api_client, access, settings, clock=clock, observer=observer)
        try:
            yield connection
        finally:
            await connection.cache.close()


def _closing(api_client: ApiClient) -> ClosingConnector:
    """The client's connections from now on: closed when the block ends, which the library's own may outlast."""
    its = api_client.rest_client
    connector = ClosingConnector(limit=its.maxsize, ssl=its.ssl_context)
    api_client.configuration.client_session_kwargs["connector"] = connector
    return connector
