"""
Makes the gateway carry out what a WebhookReplay asks for, once, and its status say how far it has come.

Gathers, asks :mod:`hookgate_operator.replays.plan` what is to be done, and does it. Stopped at any point,
the next look at the object ends in the same state.
"""

from contextlib import suppress
from typing import Protocol

from hookgate.resources import ReplaySpec
from hookgate_operator.ports import (
    Cluster,
    Gateway,
    GatewayRefused,
    GatewayUnavailable,
    Key,
    Observed,
    OwnedByAnother,
    ReplayDiffers,
)
from hookgate_operator.replays.conditions import Reason
from hookgate_operator.replays.ledger import ReplayLedger
from hookgate_operator.replays.plan import (
    Begin,
    Count,
    Delete,
    Follow,
    Nothing,
    Over,
    Refuse,
    course,
    former_status,
    gateway_id,
    is_to_change,
    may_still_come,
    named_subscription,
    started_at,
)
from hookgate_operator.replays.status import Answer, Counted, Failure, Waiting, is_final, tell
from hookgate_process.clock import Clock

__all__ = ["ReplayObserver", "ReplayReconciler"]

_CHANGED_MEANWHILE = 1.0
"""Seconds until the next look at an object that went, or was made anew, before its status was written."""


class ReplayObserver(Protocol):
    """Who logs."""

    def event(self, name: str, /, **fields: object) -> None: ...


class ReplayReconciler:
    """Reconciles keys of kind REPLAY."""

    def __init__(
        self,
        cluster: Cluster,
        gateway: Gateway,
        *,
        ledger: ReplayLedger,
        observer: ReplayObserver,
        clock: Clock,
        gateway_class: str = "default",
    ) -> None:
        self._cluster = cluster
        self._gateway = gateway
        self._ledger = ledger
        self._observer = observer
        self._clock = clock
        self._gateway_class = gateway_class
        self._written_at: dict[Key, float] = {}
        """When this process last wrote an object's status, on the monotonic clock."""

    async def reconcile(self, key: Key) -> float | None:
        """May raise OutsideError."""
        observed = await self._cluster.find(key)
        what = course(observed, self._gateway_class, self._clock.now())
        if observed is None or isinstance(what, Nothing):
            await self._let_go(key)
            return None
        wanted = what.order.uid if isinstance(what, Begin | Follow) else None
        await self._cancel(key, but=wanted)
        match what:
            case Over(again=again, status=status):
                self._written_at.pop(key, None)
                if status is not None:
                    await self._cluster.write_status(observed, status)
                return again
            case Delete():
                await self._cluster.delete(observed)
                return None
            case Refuse(problems=problems):
                if started_at(former_status(observed)) is not None:
                    self._ledger.record(key, gateway_id(observed))
                failure = Failure(Reason.INVALID_SPEC, "; ".join(problems))
                return await self._tell(observed, None, failure)
            case _:
                answer = await self._answer(observed, what)
                return await self._tell(observed, what.spec, answer)

    # ---------------------------------------------------------------------------------- asking

    async def _answer(self, observed: Observed, what: Count | Begin | Follow) -> Answer:
        """What came of it. Raises GatewayError when what was begun cannot be followed now."""
        try:
            if isinstance(what, Count):
                return Counted(await self._gateway.estimate(what.order))
            self._ledger.record(observed.key, what.order.uid)
            if isinstance(what, Follow):
                return await self._follow(what)
            return await self._gateway.put_replay(what.order)
        except OwnedByAnother as error:
            self._ledger.forget(observed.key, what.order.uid)
            return Waiting(Reason.OWNED_BY_ANOTHER, str(error))
        except ReplayDiffers as error:
            return Failure(Reason.GATEWAY_REFUSED, str(error))
        except GatewayRefused as error:
            return await self._refused(observed, what.spec, error)
        except GatewayUnavailable:
            if not isinstance(what, Follow):
                waiting = Waiting(Reason.GATEWAY_UNREACHABLE, _AWAY)
                await self._tell(observed, what.spec, waiting)
            raise

    async def _follow(self, what: Follow) -> Answer:
        progress = await self._gateway.replay(what.order.namespace, what.order.uid)
        if progress is None:
            return Failure(Reason.LOST, _LOST)
        if is_to_change(what.spec, progress):
            return await self._gateway.put_replay(what.order)
        return progress

    async def _refused(self, observed: Observed, spec: ReplaySpec, error: GatewayRefused) -> Answer:
        """A subscription that was applied together with the replay may be on its way to the gateway."""
        named = named_subscription(observed.key.namespace, spec)
        is_new = may_still_come(observed, self._clock.now())
        if named is not None and is_new and await self._cluster.find(named) is not None:
            text = f"WebhookSubscription {named.name} is not with the gateway yet."
            return Waiting(Reason.SUBSCRIPTION_NOT_READY, text)
        return Failure(Reason.GATEWAY_REFUSED, str(error))

    # ------------------------------------------------------------------------------- cancelling

    async def _let_go(self, key: Key) -> None:
        """There is no such object for us: nothing of it goes on."""
        self._written_at.pop(key, None)
        await self._cancel(key)

    async def _cancel(self, key: Key, *, but: str | None = None) -> None:
        """Cancel what the gateway has of a key, except for the replay of the object that is there."""
        for id_ in self._ledger.ids(key):
            if id_ != but:
                with suppress(OwnedByAnother):
                    await self._gateway.cancel_replay(key.namespace, id_)
                self._ledger.forget(key, id_)
                self._observer.event("replay_cancelled", namespace=key.namespace, name=key.name)

    # ---------------------------------------------------------------------------------- telling

    async def _tell(
        self, observed: Observed, spec: ReplaySpec | None, answer: Answer
    ) -> float | None:
        key = observed.key
        if isinstance(answer, Failure):
            await self._cancel(key)  # what has failed does not go on
        elif is_final(answer):
            self._ledger.forget(key, gateway_id(observed))
        written_at, monotonic = self._written_at.get(key), self._clock.monotonic()
        plan = tell(
            observed,
            spec,
            answer,
            now=self._clock.now(),
            since_write=None if written_at is None else monotonic - written_at,
        )
        if plan.status is None:
            return plan.again
        if not await self._cluster.write_status(observed, plan.status):
            return _CHANGED_MEANWHILE
        self._written_at[key] = monotonic
        for announcement in plan.announcements:
            reason = announcement.reason
            self._observer.event(
                "replay_stands", namespace=key.namespace, name=key.name, reason=reason
            )
            await self._cluster.announce(observed, announcement)
        return plan.again


_AWAY = "The gateway does not answer; it will be handed over as soon as it does."
_LOST = (
    "The gateway does not know it any more, and what was begun is not begun again: its store was"
    " replaced, or the replay is older than what it keeps. Make a new replay if need be."
)
