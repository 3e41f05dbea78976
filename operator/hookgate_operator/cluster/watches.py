"""
All watches of the operator, for as long as it leads: what they tell, what they missed, whether they live.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from hookgate_operator.cluster.access import Access
from hookgate_operator.cluster.client import ClusterClient
from hookgate_operator.cluster.liveness import Liveness
from hookgate_operator.cluster.observing import ClusterObserver
from hookgate_operator.cluster.requests import Requests
from hookgate_operator.cluster.resources import (
    KEY_SELECTORS,
    REPLAYS,
    SECRETS,
    SUBSCRIPTIONS,
    WATCHED_VALUES,
)
from hookgate_operator.cluster.settings import ClusterSettings, SecretsMode
from hookgate_operator.cluster.told import Name
from hookgate_operator.cluster.values import Needed, Ref
from hookgate_operator.cluster.watched import GRACE, Polled, Surroundings, Watch, Watched
from hookgate_operator.ports import Key, Kind, Observed
from hookgate_process.clock import Clock

__all__ = ["Watches", "watch_names"]

_LOOKS: Final = 3
"""How often a watch is looked after before it would count as dead."""
_LONGEST: Final = 60.0
_REREAD: Final = 0.75
"""Of the age that was promised for what is not watched."""

_CUSTOM: Final = (
    Watch("webhooksubscriptions", SUBSCRIPTIONS, Kind.SUBSCRIPTION),
    Watch("webhookreplays", REPLAYS, Kind.REPLAY),
)
_KEYS: Final = tuple(
    Watch(f"secrets/{label}", SECRETS, Kind.KEY_SECRET, selector)
    for label, selector in KEY_SELECTORS.items()
)
_VALUES: Final = Watch("secrets/watch", SECRETS, None, WATCHED_VALUES)


def watch_names(mode: SecretsMode) -> tuple[str, ...]:
    """The values of the label ``resource`` of the metric of last signs of life."""
    watches = (*_CUSTOM, *_KEYS, _VALUES) if mode == "Watch" else (*_CUSTOM, *_KEYS)
    return tuple(watch.name for watch in watches)


class Watches:
    """What ``resync.Watches`` asks for, and what the probes and metrics show."""

    def __init__(
        self,
        client: ClusterClient,
        requests: Requests,
        access: Access,
        settings: ClusterSettings,
        *,
        wake: Callable[[Key], None],
        clock: Clock,
        observer: ClusterObserver,
    ) -> None:
        self._client = client
        self._wake = wake
        self._every = min(_LONGEST, settings.stale_seconds / _LOOKS)
        self._liveness = Liveness(
            watch_names(settings.secrets_mode), clock=clock, stale_after=settings.stale_seconds
        )
        around = Surroundings(
            requests=requests,
            access=access,
            namespaces=settings.namespaces,
            clock=clock,
            observer=observer,
            liveness=self._liveness,
            changed=self._told,
        )
        is_watched = settings.secrets_mode == "Watch"
        watched = (*_CUSTOM, *_KEYS, _VALUES) if is_watched else _CUSTOM
        self._watched = [Watched(watch, around, every=self._every) for watch in watched]
        pause = settings.max_age_seconds * _REREAD
        polled = () if is_watched else _KEYS
        self._all: list[Watched | Polled] = [
            *self._watched,
            *(Polled(watch, around, every=pause) for watch in polled),
        ]

    async def run(self, *, values_changed: Callable[[str, str], None], needed: Needed) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for each in self._all:
                tasks.create_task(each.run())
            tasks.create_task(
                self._client.cache.run(
                    needed=needed, is_told=self._tells_values, changed=values_changed
                )
            )

    # ------------------------------------------------------------------------------- resync

    async def missed(self, kind: Kind, listed: Sequence[Observed]) -> Collection[Key]:
        """Objects that the API server has in another version than the watches told, or not at all."""
        since = self._client.listed_at(kind)
        versions = {
            Name(each.key.namespace, each.key.name): each.resource_version for each in listed
        }
        if self._differing(kind, versions, since):
            await asyncio.sleep(GRACE)
        return [
            Key(kind, name.namespace, name.name) for name in self._differing(kind, versions, since)
        ]

    def _differing(
        self, kind: Kind, versions: Mapping[Name, str], since: float
    ) -> Collection[Name]:
        """Several watches can tell of one kind: one that told an object is enough."""
        each = [set(w.told.differing(versions, since)) for w in self._all if w.watch.kind is kind]
        return {
            name
            for name in set().union(*each)
            if name not in versions or all(name in names for names in each)
        }

    # ------------------------------------------------------------------------------- life

    def last_alive(self) -> Mapping[str, float]:
        """When each watch was last known to be alive, unix seconds."""
        return self._liveness.last_alive()

    def stale(self) -> tuple[str, ...]:
        """The watches that are silent for too long without a known reason: ``/healthz`` fails."""
        return self._liveness.stale()

    def unready(self) -> tuple[str, ...]:
        """Why the watches do not all work, a sentence for each reason: ``/readyz`` fails."""
        troubles = (each.trouble for each in self._all)
        return tuple(dict.fromkeys(trouble for trouble in troubles if trouble))

    # ------------------------------------------------------------------------------- telling

    def _told(self, watch: Watch, name: Name, document: Mapping[str, Any] | None) -> None:
        if watch.kind is not None:
            self._wake(Key(watch.kind, name.namespace, name.name))
        if watch.resource is SECRETS:
            if document is None:
                self._client.cache.doubt(Ref(*name))
            else:
                self._client.cache.told(Ref(*name), document)

    def _tells_values(self, ref: Ref) -> bool:
        """Whether a watch that is known to be alive tells of a Secret."""
        name = Name(*ref)
        return any(
            name in each.told and self._liveness.since_alive(each.watch.name) < 2 * self._every
            for each in self._watched
            if each.watch.resource is SECRETS
        )
