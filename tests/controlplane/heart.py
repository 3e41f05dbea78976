"""The operator's heart between two worlds in memory: queue, workers, reconcilers, resync."""

import asyncio
from contextlib import asynccontextmanager

from hookgate_operator.declarations import Fingerprints, Ledger
from hookgate_operator.keys.plan import declared
from hookgate_operator.keys.reconcile import KeyReconciler
from hookgate_operator.ports import Kind
from hookgate_operator.subscriptions.reconcile import SubscriptionReconciler
from hookgate_operator.work.drift import HeldDrift
from hookgate_operator.work.queue import WorkQueue
from hookgate_operator.work.resync import Resync
from hookgate_operator.work.wakeups import Wakeups
from hookgate_operator.work.workers import Workers
from tests.controlplane.worlds import MemoryCluster, MemoryGateway, Recorder, StillClock

__all__ = ["Heart"]

FINGERPRINTS = Fingerprints(b"a control token")


class AllTold:
    """Watches that missed nothing."""

    async def missed(self, kind, listed):
        return ()


class Heart:
    """One life of an operator's process; another one between the same worlds is a restart."""

    def __init__(self, cluster=None, gateway=None, clock=None):
        self.cluster = cluster or MemoryCluster()
        self.gateway = gateway or MemoryGateway()
        self.clock = clock or StillClock()
        self.seen = Recorder()
        self.ledger = Ledger()
        self.queue = WorkQueue(self.seen, chance=lambda: 0.0)
        self.wakeups = Wakeups(self.queue)
        self.subscriptions = SubscriptionReconciler(
            self.cluster,
            self.gateway,
            ledger=self.ledger,
            index=self.wakeups,
            fingerprints=FINGERPRINTS,
            observer=self.seen,
            clock=self.clock,
        )
        self.keys = KeyReconciler(
            self.cluster,
            self.gateway,
            ledger=self.ledger,
            fingerprints=FINGERPRINTS,
            wake=self.queue.add,
            observer=self.seen,
        )
        self.resync = Resync(
            self.cluster,
            AllTold(),
            [HeldDrift(self.gateway, self.ledger, declared=declared)],
            self.queue,
            self.seen,
            kinds=(Kind.SUBSCRIPTION, Kind.KEY_SECRET),
        )

    async def reconcile(self, *which):
        """Look at each of these once; the answer is of the last one."""
        again = None
        for each in which:
            reconciler = self.keys if each.kind is Kind.KEY_SECRET else self.subscriptions
            again = await reconciler.reconcile(each)
        return again

    @asynccontextmanager
    async def beating(self):
        """Workers at work."""
        reconcilers = {Kind.SUBSCRIPTION: self.subscriptions, Kind.KEY_SECRET: self.keys}
        task = asyncio.create_task(Workers(self.queue, reconcilers, self.seen).run())
        yield
        task.cancel()
        await asyncio.wait([task])

    def change_secret(self, name, values, namespace="shop"):
        """A Secret has these values now; None: it is gone."""
        if values is None:
            del self.cluster.secrets[namespace, name]
        else:
            self.cluster.secrets[namespace, name] = values
        self.wakeups.values_changed(namespace, name)
