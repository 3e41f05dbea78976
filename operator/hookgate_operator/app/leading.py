"""
What the leader does: watches wake keys, workers reconcile them, resync and health feed look after both.

Everything that is remembered begins with leading and ends with it: a ledger of another life would lie.
"""

import asyncio
from collections.abc import Mapping

from hookgate_operator.app.standing import OperatorStanding
from hookgate_operator.cluster.connection import Connection
from hookgate_operator.declarations import Fingerprints, Ledger
from hookgate_operator.keys.plan import declared
from hookgate_operator.keys.reconcile import KeyReconciler
from hookgate_operator.observe import OperatorObserver
from hookgate_operator.ports import Gateway, Kind, OutsideError
from hookgate_operator.replays.drift import ReplayDrift
from hookgate_operator.replays.ledger import ReplayLedger
from hookgate_operator.replays.reconcile import ReplayReconciler
from hookgate_operator.settings import Settings
from hookgate_operator.subscriptions.health import HealthFeed
from hookgate_operator.subscriptions.reconcile import SubscriptionReconciler
from hookgate_operator.work.drift import HeldDrift
from hookgate_operator.work.queue import WorkQueue
from hookgate_operator.work.resync import Resync
from hookgate_operator.work.wakeups import Wakeups
from hookgate_operator.work.workers import Reconciler, Workers
from hookgate_process.clock import Clock

__all__ = ["Leader"]


class Leader:
    """The work of one life as a leader; :meth:`work` never comes back by itself."""

    def __init__(
        self,
        settings: Settings,
        cluster: Connection,
        gateway: Gateway,
        *,
        fingerprints: Fingerprints,
        standing: OperatorStanding,
        observer: OperatorObserver,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._cluster = cluster
        self._gateway = gateway
        self._fingerprints = fingerprints
        self._standing = standing
        self._observer = observer
        self._clock = clock
        self._queue = WorkQueue(observer)
        self._wakeups = Wakeups(self._queue)
        self._ledger = Ledger()
        self._replays = ReplayLedger()

    async def work(self) -> None:
        """Work until cancelled. Whatever ends by itself ends all of it, and is raised."""
        workers = Workers(
            self._queue, self._reconcilers(), self._observer, count=self._settings.workers
        )
        wakeups = self._wakeups
        async with self._cluster.watching(
            wake=wakeups.wake, values_changed=wakeups.values_changed, needed=wakeups.needed
        ) as watches:
            self._standing.watching(watches)
            resync = Resync(
                self._cluster,
                watches,
                [self._held_drift(), self._replay_drift()],
                self._queue,
                self._observer,
                every=self._settings.resync_seconds,
            )
            feed = HealthFeed(
                self._gateway,
                self._ledger,
                wake=self._queue.add,
                resync=resync.ask,
                observer=_FeedObserver(self._observer, self._standing),
            )
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(workers.run(), name="workers")
                tasks.create_task(resync.run(), name="resync")
                tasks.create_task(feed.run(), name="health feed")

    def _reconcilers(self) -> Mapping[Kind, Reconciler]:
        """Who looks at what."""
        cluster, gateway = self._cluster, self._gateway
        subscriptions = SubscriptionReconciler(
            cluster,
            gateway,
            ledger=self._ledger,
            index=self._wakeups,
            fingerprints=self._fingerprints,
            observer=self._observer,
            clock=self._clock,
            gateway_class=self._settings.gateway_class,
        )
        keys = KeyReconciler(
            cluster,
            gateway,
            ledger=self._ledger,
            fingerprints=self._fingerprints,
            wake=self._queue.add,
            observer=self._observer,
        )
        replays = ReplayReconciler(
            cluster,
            gateway,
            ledger=self._replays,
            observer=self._observer,
            clock=self._clock,
            gateway_class=self._settings.gateway_class,
        )
        return {Kind.SUBSCRIPTION: subscriptions, Kind.KEY_SECRET: keys, Kind.REPLAY: replays}

    def _held_drift(self) -> HeldDrift:
        class_ = self._settings.gateway_class
        return HeldDrift(self._gateway, self._ledger, declared=declared, gateway_class=class_)

    def _replay_drift(self) -> ReplayDrift:
        class_ = self._settings.gateway_class
        return ReplayDrift(self._gateway, self._replays, gateway_class=class_)


class _FeedObserver:
    """The feed is the first to notice that the gateway is away, which readiness shows."""

    def __init__(self, observer: OperatorObserver, standing: OperatorStanding) -> None:
        self._observer = observer
        self._standing = standing

    def gateway_reachable(self, reachable: bool) -> None:
        self._standing.gateway_reachable(reachable)

    def event(self, name: str, /, **fields: object) -> None:
        self._observer.event(name, **fields)

    def trouble(self, name: str, /, *causes: OutsideError, **fields: object) -> None:
        self._observer.trouble(name, *causes, **fields)
