"""
New deliveries of stored events, one or by the million.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from hookgate_gateway.ports.history import Page
from hookgate_gateway.ports.intake import MadeBefore, Once
from hookgate_gateway.rules.delivery import (
    Delivery,
    DeliveryId,
    EventId,
    Kind,
    LaneKey,
    Namespace,
    Target,
    Timestamp,
)
from hookgate_gateway.rules.replay import (
    Replay,
    ReplayFilter,
    ReplayId,
    ReplayPlan,
    ReplayState,
    Step,
)

__all__ = ["Advanced", "BulkReplays", "Cancelled", "NewReplay", "Replays"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReplay:
    """A new delivery of a stored event."""

    id: DeliveryId
    namespace: Namespace
    event_id: EventId
    target: Target
    lane: LaneKey
    kind: Kind
    created_at: Timestamp
    due: Timestamp
    """For Kind.DIRECT the moment at which the dispatcher takes it up should its sender have died."""
    parked: bool = False
    replay_of: DeliveryId | None = None


class Replays(Protocol):
    """New deliveries of stored events."""

    async def add(self, replay: NewReplay) -> Delivery | None:
        """Store it; None when the namespace has no such event."""
        ...


@dataclass(frozen=True, slots=True)
class Advanced:
    """What a step of a replay has done."""

    deliveries: tuple[Delivery, ...]
    """Made now, to be handed to the dispatcher (bodies included)."""
    blocked: LaneKey | None = None
    """The full lane before whose next delivery the step ended."""
    pass_over: bool = False
    """The selection was walked through; what was for closed lanes comes in another pass."""
    done: bool = False
    """Nothing more is made: everything was, or it does not run."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A delivery that was pending and is cancelled now."""

    id: DeliveryId
    subscription: str | None


class BulkReplays(Protocol):
    """Replays of many deliveries, and cancelling many. Every step is short, whatever the store holds.

    A selection is frozen: only what had arrived when it was made, by the order of arrival and not by
    a clock, each delivery with the state and the outcome that it had then. Pruning removes nothing that an unfinished replay may still select.
    """

    async def save_replay(
        self, plan: ReplayPlan, once: Once | None = None, *, paused: bool = False
    ) -> Replay | MadeBefore:
        """Store it, with an exact count of what it selects; the one that has this id already, unchanged.

        With `paused` it never ran: nothing is made of it until it is resumed.

        What was written or asked to be written before is counted as it stands then.
        """
        ...

    async def count_matching(
        self,
        namespace: Namespace,
        wanted: ReplayFilter,
        *,
        replayable: bool,
        to_subscription: str | None,
        now: Timestamp,
    ) -> int:
        """How many deliveries a filter selects now; ``replayable``: without those that replays made."""
        ...

    async def advance_replay(
        self, namespace: Namespace, id_: ReplayId, step: Step, now: Timestamp
    ) -> Advanced:
        """Make the next deliveries and move on, in one transaction; at most one for each event and target.

        Nothing happens to a replay that is not running or has made everything.
        """
        ...

    async def change_replay(
        self, namespace: Namespace, id_: ReplayId, state: ReplayState
    ) -> Replay | None:
        """Run, pause or cancel it; one that is over stays as it is. None: there is none."""
        ...

    async def cancel_replay_rest(
        self, namespace: Namespace, id_: ReplayId, limit: int, now: Timestamp
    ) -> Sequence[Cancelled]:
        """Cancel at most ``limit`` of its pending deliveries."""
        ...

    def cancel_matching(
        self, namespace: Namespace, wanted: ReplayFilter, now: Timestamp
    ) -> AsyncIterator[Sequence[Cancelled]]:
        """Cancel, chunk by chunk, the pending deliveries that a filter selects, also those of replays."""
        ...

    async def replay(self, namespace: Namespace, id_: ReplayId) -> Replay | None: ...

    async def replays(
        self, namespace: Namespace, *, limit: int, cursor: str | None = None
    ) -> Page[Replay]: ...

    async def declared_replays(
        self, owner: str | None, *, unfinished: bool, limit: int, cursor: str | None = None
    ) -> Page[Replay]:
        """Of all namespaces, in their order: an owner's, or everybody's.

        ``unfinished``: only those that go on, and those of which something is pending.
        """
        ...

    async def unfinished_replays(self) -> Sequence[Replay]:
        """Of all namespaces: those that go on, and those of which something is pending."""
        ...
