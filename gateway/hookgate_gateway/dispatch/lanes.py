"""
The lanes in memory: one target's queue each, with what it may do now.

A lane is a window onto what is owed to its target: a bounded number of deliveries wait here, the rest
is parked in the store. No I/O and no tasks; the times are monotonic seconds that the caller brings in.
"""

from collections import OrderedDict
from collections.abc import Iterator
from math import inf

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
_MOST_CIRCUITS = 1024
"""Remembered URLs of one lane; more are forgotten, healthy or not, the oldest first."""
LONG_PAUSE = 5.0
"""Seconds: a lane that is paused for longer gives its window back."""


def weight(delivery: Delivery) -> int:
    """The bytes that a delivery takes while it waits in memory."""
    return _OVERHEAD + (len(delivery.body) if delivery.body is not None else 0)


class Circuit:
    """The deliveries of a lane to one URL, and the breaker of that URL."""

    __slots__ = ("breaker", "url", "waiting")

    def __init__(self, url: str) -> None:
        self.url = url
        self.breaker = CLOSED
        self.waiting: OrderedDict[DeliveryId, Delivery] = OrderedDict()

    @property
    def takes_more(self) -> bool:
        """While its breaker is not closed only the one that will probe waits here."""
        return self.breaker.open_until is None or not (self.waiting or self.breaker.probing)


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
        self._circuits: OrderedDict[str, Circuit] = OrderedDict()
        self._ready: OrderedDict[str, Circuit] = OrderedDict()
        """The circuits in which something waits, the next one first."""

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
            for circuit in self._circuits.values():
                circuit.breaker = CLOSED
        return changed

    # ------------------------------------------------------------------------------- the window

    @property
    def window(self) -> int:
        return max(WINDOW, 2 * self.limits.max_in_flight)

    def has_room_for(self, delivery: Delivery, capacity: int) -> bool:
        """Whether the lane's own window, of ``capacity`` bytes now, takes this one; a single one always fits."""
        circuit = self._circuits.get(delivery.target.url or "")
        if circuit is not None and not circuit.takes_more:
            return False
        if not self.waiting:
            return True
        return self.waiting < self.window and self.waiting_bytes + weight(delivery) <= capacity

    def is_low(self, capacity: int) -> bool:
        """Whether it is time to fetch what is parked."""
        return self.waiting <= self.window // 4 and self.waiting_bytes <= capacity // 2

    def push(self, delivery: Delivery) -> None:
        """Let it wait here."""
        url = delivery.target.url or ""
        circuit = self._circuits.get(url)
        if circuit is None:
            circuit = self._new_circuit(url)
        circuit.waiting[delivery.id] = delivery
        self._ready[url] = circuit
        self.waiting += 1
        self.waiting_bytes += weight(delivery)

    def pop(self, now: float) -> Delivery:
        """Start the next attempt; ``opening`` said that this is allowed."""
        circuit = next(c for c in self._ready.values() if is_due(c.breaker.ready_at, now))
        _, delivery = circuit.waiting.popitem(last=False)
        if circuit.waiting:
            self._ready.move_to_end(circuit.url)
        else:
            del self._ready[circuit.url]
        circuit.breaker = circuit.breaker.started()
        if self._bucket is not None:
            self._bucket = self._bucket.spent(now)
        self.waiting -= 1
        self.waiting_bytes -= weight(delivery)
        self.in_flight += 1
        self.used_at = now
        self.connected = True
        return delivery

    def drop(self, id_: DeliveryId) -> Delivery | None:
        """Take one that waits out of the window."""
        for circuit in self._ready.values():
            delivery = circuit.waiting.pop(id_, None)
            if delivery is not None:
                if not circuit.waiting:
                    del self._ready[circuit.url]
                self.waiting -= 1
                self.waiting_bytes -= weight(delivery)
                return delivery
        return None

    def created_before(self, moment: Timestamp) -> list[DeliveryId]:
        """Those that wait here and are older."""
        return [
            id_
            for circuit in self._ready.values()
            for id_, delivery in circuit.waiting.items()
            if delivery.accepted_at < moment
        ]

    def clear(self) -> Iterator[Delivery]:
        """Take all that wait out of the window, the oldest first."""
        while self._ready:
            _, circuit = self._ready.popitem(last=False)
            while circuit.waiting:
                _, delivery = circuit.waiting.popitem(last=False)
                self.waiting -= 1
                self.waiting_bytes -= weight(delivery)
                yield delivery

    def surplus(self, delivery: Delivery) -> list[Delivery]:
        """Take out of the window what waits for the same URL and cannot go soon, its breaker being open."""
        circuit = self._circuits.get(delivery.target.url or "")
        if circuit is None or circuit.breaker.open_until is None:
            return []
        return [taken for id_ in list(circuit.waiting)[1:] if (taken := self.drop(id_)) is not None]

    # ----------------------------------------------------------------------- what it may do now

    def opening(self, now: float) -> float | None:
        """The moment from which it may start an attempt; None while something else must happen first."""
        if self.held or not self.waiting or self.in_flight >= self.limits.max_in_flight:
            return None
        at = self.paused_until
        if self._bucket is not None:
            at = max(at, self._bucket.ready_at)
        earliest = inf
        for circuit in self._ready.values():
            earliest = min(earliest, circuit.breaker.ready_at)
            if is_due(earliest, now):
                break
        return None if earliest == inf else max(at, earliest)

    def is_shut(self, now: float) -> bool:
        """Whether its breaker takes nothing now, or its receiver asked for a long pause."""
        if self.paused_until > now + LONG_PAUSE:
            return True
        breaker = self._single().breaker if self.subscription is not None else CLOSED
        if breaker.open_until is None:
            return False
        return breaker.probing or self.waiting > 0 or not is_due(breaker.open_until, now)

    @property
    def is_probing(self) -> bool:
        """Whether the one attempt of a half-open breaker is under way."""
        return self.subscription is not None and self._single().breaker.probing

    def refill_at(self, capacity: int) -> float | None:
        """From when on parked deliveries should be fetched; None while they are not wanted."""
        if not self.parked or self.held or not self.is_low(capacity):
            return None
        breaker = self._single().breaker if self.subscription is not None else CLOSED
        if breaker.open_until is not None and (breaker.probing or self.waiting):
            return None
        long_pause = self.paused_until if not self.waiting else -inf
        return max(self.refill_after, breaker.ready_at, long_pause)

    def refill_limit(self, capacity: int) -> int:
        """How many to fetch: while its breaker is half open, the one that probes."""
        if self.subscription is not None and self._single().breaker.open_until is not None:
            return 1
        fitting = (capacity - self.waiting_bytes) // self.typical_weight
        return max(1, min(self.window - self.waiting, fitting))

    def state(self, now: float) -> BreakerState:
        """The breaker's state; of several the worst."""
        states = {c.breaker.state(now) for c in self._circuits.values()}
        for state in (BreakerState.OPEN, BreakerState.HALF_OPEN):
            if state in states:
                return state
        return BreakerState.CLOSED

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
        circuit = self._circuits.get(delivery.target.url or "")
        if circuit is None:
            return CLOSED, CLOSED
        before = circuit.breaker
        if attempt is None:
            circuit.breaker = before.abandoned()
        else:
            circuit.breaker = before.after(attempt.outcome, self.limits, now)
        if circuit.breaker is CLOSED and before is not CLOSED:
            self.refill_after, self.refill_behind = -inf, None
        return before, circuit.breaker

    @property
    def has_open_circuit(self) -> bool:
        """Whether any of its breakers is not closed."""
        return any(c.breaker.open_until is not None for c in self._circuits.values())

    @property
    def is_idle(self) -> bool:
        return not (self.waiting or self.in_flight or (self.parked and not self.held))

    @property
    def is_healthy(self) -> bool:
        """Nothing about it is worth remembering."""
        return all(not c.breaker.failures for c in self._circuits.values())

    def _single(self) -> Circuit:
        return self._circuits.get("") or self._new_circuit("")

    def _new_circuit(self, url: str) -> Circuit:
        if len(self._circuits) >= _MOST_CIRCUITS:
            self._forget_circuits()
        circuit = self._circuits[url] = Circuit(url)
        return circuit

    def _forget_circuits(self) -> None:
        """Keep those in which something waits, and of the others the newer half."""
        quiet = [
            url for url, c in self._circuits.items() if not c.waiting and not c.breaker.probing
        ]
        for url in quiet[: max(1, len(quiet) // 2)]:
            del self._circuits[url]
