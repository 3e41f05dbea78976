"""
The lanes in memory: one target's queue each, with what it may do now.

A lane is a window onto what is owed to its target: a bounded number of deliveries wait here, the rest
is parked in the store. No I/O and no tasks; the times are monotonic seconds that the caller brings in.
"""

from collections.abc import Iterator
from math import inf

from hookgate_gateway.dispatch.circuits import Circuits
from hookgate_gateway.dispatch.plan import LaneTerms
from hookgate_gateway.rules.delivery import Attempt, Delivery, DeliveryId, LaneKey, Timestamp
from hookgate_gateway.rules.lane import (
    CLOSED,
    Breaker,
    BreakerState,
    TokenBucket,
    is_due,
    lane_subscription,
)
from hookgate_gateway.rules.retry import asked_pause

WINDOW = 1024
"""Deliveries that wait in memory for one lane (or twice what it may have in flight)."""
LANE_BYTES = 4 * 1024 * 1024
"""Bytes that wait in memory for one lane at most. How many may, depends on what all lanes together leave."""
_OVERHEAD = 1024
"""Bytes that a waiting delivery takes beside its body."""
_TYPICAL_WEIGHT = 4096
LONG_PAUSE = 5.0
"""Seconds: a lane that is paused for longer gives its window back."""


def weight(delivery: Delivery) -> int:
    """The bytes that a delivery takes while it waits in memory."""
    return _OVERHEAD + (len(delivery.body) if delivery.body is not None else 0)


class Lane:
    """The queue of one target. A subscription's has one circuit; a run origin's one for each URL."""

    def __init__(self, key: LaneKey, terms: LaneTerms, now: float) -> None:
        self.key = key
        self.namespace, self.subscription = lane_subscription(key)
        self.limits = terms.limits
        self.endpoint = terms.endpoint
        self.held = terms.held
        self.paused_until = -inf
        self.in_flight = 0
        self.waiting = 0
        self.waiting_bytes = 0
        self.parked = False
        """The store may have parked deliveries for it."""
        self.backlogged = False
        """The store has so many that new ones are to be parked behind them."""
        self.typical_weight = _TYPICAL_WEIGHT
        """Bytes of a delivery that was fetched for it: how many to fetch next time follows from it."""
        self.refill_after = -inf
        """Not to be refilled before."""
        self.refill_behind: tuple[Timestamp, DeliveryId] | None = None
        """Up to and with this one its parked deliveries were looked at, and some had to go back."""
        self.told_at = -inf
        """When somebody was last told to park what he has for this lane, or something was parked."""
        self.used_at = now
        self.connected = False
        """The sender may hold connections for it."""
        self._bucket = TokenBucket.of(terms.limits)
        self._circuits = Circuits()

    def __repr__(self) -> str:
        return f"Lane({self.key!r}, waiting={self.waiting}, in_flight={self.in_flight})"

    # ------------------------------------------------------------------------------ the catalogue

    def adopt(self, terms: LaneTerms) -> bool:
        """Take what the catalogue says now; whether the endpoint is another one."""
        self.held = terms.held
        if terms.limits != self.limits:
            self.limits = terms.limits
            self._bucket = TokenBucket.of(terms.limits)
        changed, self.endpoint = terms.endpoint != self.endpoint, terms.endpoint
        if changed:
            self.paused_until = -inf
            self._circuits.close()
        return changed

    # ------------------------------------------------------------------------------- the window

    @property
    def window(self) -> int:
        return max(WINDOW, 2 * self.limits.max_in_flight)

    def has_room_for(self, delivery: Delivery, capacity: int) -> bool:
        """Whether the lane's own window, of ``capacity`` bytes now, takes this one; a single one always fits."""
        if not self._circuits.takes_more(delivery):
            return False
        if not self.waiting:
            return True
        return self.waiting < self.window and self.waiting_bytes + weight(delivery) <= capacity

    def is_low(self, capacity: int) -> bool:
        """Whether it is time to fetch what is parked."""
        return self.waiting <= self.window // 4 and self.waiting_bytes <= capacity // 2

    def push(self, delivery: Delivery) -> None:
        """Let it wait here."""
        self._circuits.push(delivery)
        self.waiting += 1
        self.waiting_bytes += weight(delivery)

    def pop(self, now: float) -> Delivery:
        """Start the next attempt; ``opening`` said that this is allowed."""
        delivery = self._circuits.pop(now)
        if self._bucket is not None:
            self._bucket = self._bucket.spent(now)
        self._left(delivery)
        self.in_flight += 1
        self.used_at = now
        self.connected = True
        return delivery

    def drop(self, id_: DeliveryId) -> Delivery | None:
        """Take one that waits out of the window."""
        delivery = self._circuits.drop(id_)
        if delivery is not None:
            self._left(delivery)
        return delivery

    def created_before(self, moment: Timestamp) -> list[DeliveryId]:
        """Those that wait here and are older."""
        return self._circuits.created_before(moment)

    def clear(self) -> Iterator[Delivery]:
        """Take all that wait out of the window, the oldest first."""
        for delivery in self._circuits.clear():
            self._left(delivery)
            yield delivery

    def surplus(self, delivery: Delivery) -> list[Delivery]:
        """Take out of the window what waits for the same URL and cannot go soon, its breaker being open."""
        stuck = self._circuits.stuck_behind(delivery)
        return [taken for id_ in stuck if (taken := self.drop(id_)) is not None]

    def _left(self, delivery: Delivery) -> None:
        self.waiting -= 1
        self.waiting_bytes -= weight(delivery)

    # ----------------------------------------------------------------------- what it may do now

    def opening(self, now: float) -> float | None:
        """The moment from which it may start an attempt; None while something else must happen first."""
        if self.held or not self.waiting or self.in_flight >= self.limits.max_in_flight:
            return None
        at = self.paused_until
        if self._bucket is not None:
            at = max(at, self._bucket.ready_at)
        earliest = self._circuits.ready_at(now)
        return None if earliest == inf else max(at, earliest)

    def is_shut(self, now: float) -> bool:
        """Whether its breaker takes nothing now, or its receiver asked for a long pause."""
        if self.paused_until > now + LONG_PAUSE:
            return True
        breaker = self._circuits.single().breaker if self.subscription is not None else CLOSED
        if breaker.open_until is None:
            return False
        return breaker.probing or self.waiting > 0 or not is_due(breaker.open_until, now)

    @property
    def is_probing(self) -> bool:
        """Whether the one attempt of a half-open breaker is under way."""
        return self.subscription is not None and self._circuits.single().breaker.probing

    def refill_at(self, capacity: int) -> float | None:
        """From when on parked deliveries should be fetched; None while they are not wanted."""
        if not self.parked or self.held or not self.is_low(capacity):
            return None
        breaker = self._circuits.single().breaker if self.subscription is not None else CLOSED
        if breaker.open_until is not None and (breaker.probing or self.waiting):
            return None
        long_pause = self.paused_until if not self.waiting else -inf
        return max(self.refill_after, breaker.ready_at, long_pause)

    def refill_limit(self, capacity: int) -> int:
        """How many to fetch: while its breaker is half open, the one that probes."""
        if self.subscription is not None and self._circuits.single().breaker.open_until is not None:
            return 1
        fitting = (capacity - self.waiting_bytes) // self.typical_weight
        return max(1, min(self.window - self.waiting, fitting))

    def state(self, now: float) -> BreakerState:
        """The breaker's state; of several the worst."""
        return self._circuits.state(now)

    # -------------------------------------------------------------------------- what came of it

    def left(self, now: float) -> None:
        """An attempt is not under way any more."""
        self.in_flight -= 1
        self.used_at = now

    def judge(
        self, delivery: Delivery, attempt: Attempt | None, now: float
    ) -> tuple[Breaker, Breaker]:
        """Let breaker and pause learn from an attempt; None when it ended without an outcome.

        Returns the breaker before and after: the same object when nothing is new.
        """
        if attempt is not None and (pause := asked_pause(attempt)):
            self.paused_until = max(self.paused_until, now + pause)
        before, after = self._circuits.judge(delivery, attempt, self.limits, now)
        if after is CLOSED and before is not CLOSED:
            self.refill_after, self.refill_behind = -inf, None
        return before, after

    @property
    def has_open_circuit(self) -> bool:
        """Whether any of its breakers is not closed."""
        return self._circuits.any_open

    @property
    def is_idle(self) -> bool:
        return not (self.waiting or self.in_flight or (self.parked and not self.held))

    @property
    def is_healthy(self) -> bool:
        """Nothing about it is worth remembering."""
        return self._circuits.are_healthy
