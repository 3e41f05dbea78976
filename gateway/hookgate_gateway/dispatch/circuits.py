"""
The circuits of a lane: what waits for one URL each, and that URL's breaker.

A subscription's lane has one; the lane of a run origin has one for each URL, so that a broken URL does
not stand in the way of the others. Times are monotonic seconds that the caller brings in.
"""

from collections import OrderedDict
from collections.abc import Iterator
from math import inf

from hookgate_gateway.rules.delivery import Attempt, Delivery, DeliveryId, Timestamp
from hookgate_gateway.rules.lane import CLOSED, Breaker, BreakerState, LaneLimits, is_due

_MOST_CIRCUITS = 1024
"""Remembered URLs of one lane; more are forgotten, healthy or not, the oldest first."""


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


class Circuits:
    """A lane's circuits by URL, those in which something waits in turn."""

    __slots__ = ("_all", "_ready")

    def __init__(self) -> None:
        self._all: OrderedDict[str, Circuit] = OrderedDict()
        self._ready: OrderedDict[str, Circuit] = OrderedDict()
        """The circuits in which something waits, the next one first."""

    # ------------------------------------------------------------------------------- what waits

    def takes_more(self, delivery: Delivery) -> bool:
        circuit = self._all.get(delivery.target.url or "")
        return circuit is None or circuit.takes_more

    def push(self, delivery: Delivery) -> None:
        url = delivery.target.url or ""
        circuit = self._all.get(url) or self._new(url)
        if not circuit.waiting:
            self._ready[url] = circuit
        circuit.waiting[delivery.id] = delivery

    def pop(self, now: float) -> Delivery:
        """The next delivery whose breaker lets it start; ``ready_at`` said that there is one."""
        for circuit in self._ready.values():
            if is_due(circuit.breaker.ready_at, now):
                break
        _, delivery = circuit.waiting.popitem(last=False)
        if circuit.waiting:
            self._ready.move_to_end(circuit.url)
        else:
            del self._ready[circuit.url]
        circuit.breaker = circuit.breaker.started()
        return delivery

    def drop(self, id_: DeliveryId) -> Delivery | None:
        """Take one that waits out."""
        for circuit in self._ready.values():
            delivery = circuit.waiting.pop(id_, None)
            if delivery is not None:
                if not circuit.waiting:
                    del self._ready[circuit.url]
                return delivery
        return None

    def created_before(self, moment: Timestamp) -> list[DeliveryId]:
        """Those that wait and are older."""
        return [
            id_
            for circuit in self._ready.values()
            for id_, delivery in circuit.waiting.items()
            if delivery.accepted_at < moment
        ]

    def clear(self) -> Iterator[Delivery]:
        """Take all that wait out, the oldest first."""
        while self._ready:
            _, circuit = self._ready.popitem(last=False)
            while circuit.waiting:
                yield circuit.waiting.popitem(last=False)[1]

    def stuck_behind(self, delivery: Delivery) -> list[DeliveryId]:
        """What waits for the same URL and cannot go soon, its breaker being open: all but the first."""
        circuit = self._all.get(delivery.target.url or "")
        if circuit is None or circuit.breaker.open_until is None:
            return []
        return list(circuit.waiting)[1:]

    # ----------------------------------------------------------------------------- the breakers

    def single(self) -> Circuit:
        """A subscription's only circuit."""
        return self._all.get("") or self._new("")

    def ready_at(self, now: float) -> float:
        """When the first breaker lets something start that waits; ``inf`` while none will by itself."""
        earliest = inf
        for circuit in self._ready.values():
            earliest = min(earliest, circuit.breaker.ready_at)
            if is_due(earliest, now):
                break
        return earliest

    def judge(
        self, delivery: Delivery, attempt: Attempt | None, limits: LaneLimits, now: float
    ) -> tuple[Breaker, Breaker]:
        """Let the breaker learn from an attempt; None when it ended without an outcome.

        Returns the breaker before and after: the same object when nothing is new.
        """
        circuit = self._all.get(delivery.target.url or "")
        if circuit is None:
            return CLOSED, CLOSED
        before = circuit.breaker
        if attempt is None:
            circuit.breaker = before.abandoned()
        else:
            circuit.breaker = before.after(attempt.outcome, limits, now)
        return before, circuit.breaker

    def close(self) -> None:
        """Close every breaker: the endpoint is another one."""
        for circuit in self._all.values():
            circuit.breaker = CLOSED

    def state(self, now: float) -> BreakerState:
        """The breaker's state; of several the worst."""
        states = {c.breaker.state(now) for c in self._all.values()}
        for state in (BreakerState.OPEN, BreakerState.HALF_OPEN):
            if state in states:
                return state
        return BreakerState.CLOSED

    @property
    def any_open(self) -> bool:
        """Whether any breaker is not closed."""
        return any(c.breaker.open_until is not None for c in self._all.values())

    @property
    def are_healthy(self) -> bool:
        """Nothing about them is worth remembering."""
        return all(not c.breaker.failures for c in self._all.values())

    def _new(self, url: str) -> Circuit:
        if len(self._all) >= _MOST_CIRCUITS:
            self._forget_some()
        circuit = self._all[url] = Circuit(url)
        return circuit

    def _forget_some(self) -> None:
        """Keep those in which something waits, and of the others the newer half."""
        quiet = [url for url, c in self._all.items() if not c.waiting and not c.breaker.probing]
        for url in quiet[: max(1, len(quiet) // 2)]:
            del self._all[url]
