"""
Reads and writes objects of the cluster: the adapter of ``ports.Cluster``.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from kubernetes.aio.client import ApiClient

from hookgate.resources.references import CONFIG_MAP
from hookgate_operator.cluster.decoding import values_of
from hookgate_operator.cluster.documents import event, preconditions, status_patch
from hookgate_operator.cluster.errors import Call, Conflict, Missing
from hookgate_operator.cluster.observing import ClusterObserver
from hookgate_operator.cluster.requests import MERGE_PATCH, PAGE, Requests
from hookgate_operator.cluster.resources import (
    CONFIG_MAPS,
    EVENTS,
    KEY_SELECTORS,
    OF_KIND,
    SECRETS,
    observed,
)
from hookgate_operator.cluster.settings import ClusterSettings
from hookgate_operator.cluster.values import Ref, ValueCache
from hookgate_operator.ports import (
    Announcement,
    ClusterError,
    Forbidden,
    Key,
    Kind,
    NotFound,
    NotReadable,
    Observed,
    Values,
)
from hookgate_process.clock import Clock

__all__ = ["ClusterClient"]

_SECRETS_PAGE: Final = 100
"""A Secret may have a megabyte."""


class ClusterClient:
    """Every method may raise ClusterError."""

    def __init__(
        self,
        api_client: ApiClient,
        requests: Requests,
        settings: ClusterSettings,
        *,
        clock: Clock,
        observer: ClusterObserver,
    ) -> None:
        self.api_client = api_client
        """For leader election: the same server, in the same name."""
        self._requests = requests
        self._settings = settings
        self._clock = clock
        self._observer = observer
        self._cache = ValueCache(
            _Reader(requests), clock=clock, observer=observer, max_age=settings.max_age_seconds
        )
        self._listed_at: dict[Kind, float] = {}

    async def find(self, key: Key) -> Observed | None:
        call = Call("get", OF_KIND[key.kind], key.namespace, key.name)
        try:
            return observed(key.kind, await self._requests.ask(call))
        except Missing:
            return None

    async def every(self, kind: Kind) -> Sequence[Observed]:
        self._listed_at[kind] = self._clock.monotonic()
        found: dict[Key, Observed] = {}
        selectors = KEY_SELECTORS.values() if kind is Kind.KEY_SECRET else ("",)
        for namespace in self._settings.namespaces or (None,):
            for selector in selectors:
                for each in await self._listed(kind, namespace, selector):
                    found[each.key] = each
        return list(found.values())

    def listed_at(self, kind: Kind) -> float:
        """When the last list of a kind was begun, on the monotonic clock."""
        return self._listed_at.get(kind, float("-inf"))

    @property
    def cache(self) -> ValueCache:
        """The values, for the watches to keep current."""
        return self._cache

    async def values(self, namespace: str, names: Collection[str]) -> Mapping[str, Values]:
        return await self._cache.get(namespace, names)

    async def write_status(self, observed: Observed, status: Mapping[str, Any]) -> bool:
        patch = status_patch(observed, status)
        if patch is None:
            return True
        key = observed.key
        call = Call("patch", OF_KIND[key.kind], key.namespace, key.name, "status")
        query = {"fieldManager": self._settings.manager}
        try:
            await self._requests.ask(call, query=query, body=patch, content_type=MERGE_PATCH)
        except (Missing, Conflict):
            return False
        return True

    async def delete(self, observed: Observed) -> None:
        key = observed.key
        call = Call("delete", OF_KIND[key.kind], key.namespace, key.name)
        try:
            await self._requests.ask(call, body=preconditions(observed))
        except (Missing, Conflict):
            return

    async def announce(self, observed: Observed, announcement: Announcement) -> None:
        key = observed.key
        body = event(
            observed,
            announcement,
            now=self._clock.now(),
            instance=self._settings.instance,
            unique=secrets.token_hex(8),
        )
        try:
            await self._requests.ask(Call("create", EVENTS, key.namespace), body=body)
        except Missing:
            pass  # the namespace went with the object: nobody can read it any more
        except ClusterError as error:
            self._observer.announcement_lost(key, announcement.reason, str(error))

    async def _listed(self, kind: Kind, namespace: str | None, selector: str) -> list[Observed]:
        call = Call("list", OF_KIND[kind], namespace)
        size = _SECRETS_PAGE if kind is Kind.KEY_SECRET else PAGE
        items = await self._requests.pages(call, selector=selector, page=size)
        return [observed(kind, item) for item in items]


class _Reader:
    """Reads Secrets and ConfigMaps."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def read(self, ref: Ref) -> Values:
        resource, name = SECRETS, ref.name
        if name.startswith(CONFIG_MAP):
            resource, name = CONFIG_MAPS, name.removeprefix(CONFIG_MAP)
        try:
            return values_of(await self._requests.ask(Call("get", resource, ref.namespace, name)))
        except Missing:
            return NotFound()
        except Forbidden:
            return NotReadable()
