"""
Bulk replays: which stored deliveries are sent once more, and how far that has come.

Everything here is a value. The store carries a replay's selection and counts; the figures shown are
made of the counts by arithmetic alone, so that they always add up to what was matched.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from hookgate.deliveries import DeliveryState, Outcome
from hookgate_gateway.rules.delivery import DeliveryId, KeyRef, LaneKey, Namespace, RunId, Timestamp
from hookgate_gateway.rules.lane import subscription_lane

__all__ = ["Counts", "Replay", "ReplayFilter", "ReplayId", "ReplayPlan", "ReplayState", "Step"]

ReplayId = NewType("ReplayId", str)
"""Unique in its namespace: made here, or the uid of whoever declared the replay."""


class ReplayState(StrEnum):
    """Running and paused ones go on; the other two are over, though deliveries may be in flight."""

    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"  # everything was selected, and each of its deliveries ended
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayFilter:
    """Which deliveries; None asks for all. Those that a replay made are never among them.

    All of it is judged as of one moment, the creation of the replay: what happens later changes nothing.
    """

    subscription: str | None = None
    state: DeliveryState | None = None
    """None: all that had ended. What is still owed is selected by PENDING alone: it goes out anyway."""
    outcome: Outcome | None = None
    """Of the last attempt."""
    run_type: str | None = None
    status: str | None = None
    """Of the run, as the event says it."""
    run_ids: tuple[RunId, ...] = ()
    since: Timestamp | None = None
    """``since`` ≤ created < ``until``; a delivery is created with its event's acceptance."""
    until: Timestamp | None = None
    not_replayed: bool = False
    """Only those whose event no replay has sent to the same target before, in any way.

    What another one sends between the creation and its turn stays selected, and is passed over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPlan:
    """What somebody asked for."""

    id: ReplayId
    namespace: Namespace
    filter: ReplayFilter
    created_at: Timestamp
    to_subscription: str | None = None
    """All go there, instead of each to the target of its original."""
    rate: float | None = None
    """Deliveries made a second; None: as fast as the lanes take them."""
    key: KeyRef | None = None
    """The API key that asked: signs what goes to a URL that remembers no key."""
    owner: str | None = None
    """Who declared it; None where a client asked."""

    @property
    def lane(self) -> LaneKey | None:
        """The lane of its only target; None when it may have several."""
        name = self.to_subscription or self.filter.subscription
        return None if name is None else subscription_lane(self.namespace, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What the store counts of a replay, in deliveries."""

    matched: int
    """Selected: an exact count at the creation, and once the selection is made what it came to."""
    made: int = 0
    delivered: int = 0
    exhausted: int = 0
    cancelled: int = 0
    passed: int = 0
    """Selected and not made: the subscription is gone, or the event went to this target already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A replay and how far it has come."""

    plan: ReplayPlan
    state: ReplayState
    selecting: bool
    """More may be made."""
    counts: Counts

    @property
    def pending(self) -> int:
        """Made and not ended."""
        counts = self.counts
        return counts.made - counts.delivered - counts.exhausted - counts.cancelled

    @property
    def is_over(self) -> bool:
        """Nothing of it will change any more."""
        return not self.selecting and not self.pending

    @property
    def remaining(self) -> int:
        """Not ended, made or still to be made."""
        if not self.selecting:
            return self.pending
        counts = self.counts
        return max(self.pending, counts.matched - counts.made - counts.passed + self.pending)

    @property
    def skipped(self) -> int:
        """Matched, and nobody was or will be asked to send it."""
        counts = self.counts
        if self.selecting:
            return counts.passed + counts.cancelled
        return max(0, counts.matched - counts.delivered - counts.exhausted - self.pending)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """How a replay may go on now. The ids are for the deliveries that it makes: at most so many."""

    ids: tuple[DeliveryId, ...]
    full: frozenset[LaneKey] = frozenset()
    """Lanes that have enough to do: the step ends before the first delivery for one of them."""
    closed: frozenset[LaneKey] = frozenset()
    """Lanes that take nothing for a while: what is for them is left for another pass."""
