"""
What is asked about bulk replays, and about cancelling many deliveries: checked, stored, told to whom
it concerns. The same for the public and for the control API.
"""

from hookgate_gateway.ids import Ids
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import BulkReplays, MadeBefore, Once, Page
from hookgate_gateway.replay.jobs import Lanes, ReplayRunner
from hookgate_gateway.replay.once import CurrentCatalogue, UnknownSubscription, live_subscriptions
from hookgate_gateway.rules.delivery import KeyRef, Namespace
from hookgate_gateway.rules.replay import Replay, ReplayFilter, ReplayId, ReplayPlan, ReplayState
from hookgate_process.clock import Clock

__all__ = ["ReplayOrders"]


class ReplayOrders:
    """Takes orders; ``carry_out`` is run beside, for as long as the gateway runs."""

    def __init__(
        self,
        *,
        store: BulkReplays,
        catalogue: CurrentCatalogue,
        lanes: Lanes,
        ids: Ids,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._lanes = lanes
        self._ids = ids
        self._clock = clock
        self._observer = observer
        self._runner = ReplayRunner(
            store=store, lanes=lanes, catalogue=catalogue, ids=ids, clock=clock, observer=observer
        )
        self.carry_out = self._runner.run

    def plan(
        self,
        namespace: Namespace,
        wanted: ReplayFilter,
        *,
        id_: ReplayId | None = None,
        to_subscription: str | None = None,
        rate: float | None = None,
        key: KeyRef | None = None,
        owner: str | None = None,
    ) -> ReplayPlan | UnknownSubscription:
        """A replay that can be carried out: its only target, should it name one, exists."""
        name = to_subscription or wanted.subscription
        if name is not None and name not in live_subscriptions(self._catalogue.snapshot, namespace):
            return UnknownSubscription(name)
        return ReplayPlan(
            id=id_ or self._ids.replay(),
            namespace=namespace,
            filter=wanted,
            created_at=self._clock.now(),
            to_subscription=to_subscription,
            rate=rate,
            key=key,
            owner=owner,
        )

    async def estimate(self, plan: ReplayPlan) -> int:
        """How many deliveries it would select now."""
        await self._lanes.settled()
        return await self._store.count_matching(
            plan.namespace,
            plan.filter,
            replayable=True,
            to_subscription=plan.to_subscription,
            now=plan.created_at,
        )

    async def create(
        self, plan: ReplayPlan, once: Once | None = None, *, paused: bool = False
    ) -> Replay | MadeBefore:
        """Store it and, unless it is to be `paused`, begin; the one that has its id already, unchanged.

        An attempt that ended before the plan was made, and is still on its way to the store, would be
        missing in the count and not in the selection: it is waited for.
        """
        await self._lanes.settled()
        replay = await self._store.save_replay(plan, once, paused=paused)
        if isinstance(replay, Replay):
            self._told("replay_created", replay)
            self._runner.wake()
        return replay

    async def find(self, namespace: Namespace, id_: ReplayId) -> Replay | None:
        return await self._store.replay(namespace, id_)

    async def page(self, namespace: Namespace, *, limit: int, cursor: str | None) -> Page[Replay]:
        return await self._store.replays(namespace, limit=limit, cursor=cursor)

    async def declared(
        self, owner: str | None, *, unfinished: bool, limit: int, cursor: str | None
    ) -> Page[Replay]:
        """Of all namespaces; see :meth:`BulkReplays.declared_replays`."""
        return await self._store.declared_replays(
            owner, unfinished=unfinished, limit=limit, cursor=cursor
        )

    async def change(
        self, namespace: Namespace, id_: ReplayId, state: ReplayState
    ) -> Replay | None:
        """Pause, resume or cancel it; None when there is none. One that is over stays as it is."""
        replay = await self._store.change_replay(namespace, id_, state)
        if replay is not None and replay.state is state:
            self._told(f"replay_{_DONE[state]}", replay)
            self._runner.wake()
        return replay

    async def count_pending(self, namespace: Namespace, wanted: ReplayFilter) -> int:
        """How many deliveries ``cancel_pending`` would cancel now."""
        return await self._store.count_matching(
            namespace, wanted, replayable=False, to_subscription=None, now=self._clock.now()
        )

    async def cancel_pending(self, namespace: Namespace, wanted: ReplayFilter) -> int:
        """Cancel what a filter selects, chunk by chunk; how many were pending."""
        total = 0
        async for chunk in self._store.cancel_matching(namespace, wanted, self._clock.now()):
            self._lanes.cancelled([one.id for one in chunk])
            for one in chunk:
                self._observer.ended(namespace, one.subscription, "cancelled")
            total += len(chunk)
        self._observer.event("deliveries_cancelled", namespace=namespace, count=total)
        return total

    def _told(self, event: str, replay: Replay) -> None:
        plan = replay.plan
        self._observer.event(
            event,
            namespace=plan.namespace,
            replay=plan.id,
            matched=replay.counts.matched,
            to_subscription=plan.to_subscription,
            rate=plan.rate,
        )


_DONE = {
    ReplayState.RUNNING: "resumed",
    ReplayState.PAUSED: "paused",
    ReplayState.CANCELLED: "cancelled",
}
