"""
Which deliveries are in somebody's hands, and up to where everything due is.

A claim is never written: the owner of a lane is alone, so memory is exact, and after a crash nothing
has to be given back. What makes it more than a set are answers that cross each other: a take may have
read the backlog before an accept or a record that is answered first. So what an accept is about to
store counts as taken until its caller had its chance to claim it, and what is dropped while a take is
unanswered stays taken until that answer is in.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from hookgate_gateway.rules.delivery import Delivery, DeliveryId, LaneKey, Namespace, Timestamp
from hookgate_gateway.rules.values import busy_value

__all__ = ["Claim", "Claims", "Expectation", "Position", "Walks"]


@busy_value
class Claim:
    """Where a delivery that is in hand came from."""

    namespace: Namespace
    due: Timestamp
    lane: LaneKey
    parked: bool = False
    """In the store it waits for its lane."""


@dataclass(slots=True, eq=False)
class Expectation:
    """What an unanswered accept may create."""

    ids: Sequence[DeliveryId]
    due: Timestamp
    created: frozenset[DeliveryId] | None = None
    """What it did create, once that is known."""


class Claims:
    """Deliveries in hand. Nothing here waits or asks."""

    def __init__(self) -> None:
        self._taken: dict[DeliveryId, Claim] = {}
        self._expected: dict[DeliveryId, Expectation] = {}
        self._lingering: set[DeliveryId] = set()
        self._open_takes = 0
        self._parked: dict[LaneKey, set[DeliveryId]] = {}

    def __len__(self) -> int:
        return len(self._taken)

    def __contains__(self, id_: DeliveryId) -> bool:
        """Whether a take must leave this one out."""
        return id_ in self._taken or id_ in self._expected or id_ in self._lingering

    def get(self, id_: DeliveryId) -> Claim | None:
        """The claim, while the delivery is in hand."""
        return self._taken.get(id_)

    def take(self, deliveries: Iterable[Delivery], *, parked: bool = False) -> None:
        """They are in hand from now on."""
        for delivery in deliveries:
            self._taken[delivery.id] = Claim(
                namespace=delivery.namespace, due=delivery.due, lane=delivery.lane, parked=parked
            )
            self._expected.pop(delivery.id, None)
            if parked:
                self._parked.setdefault(delivery.lane, set()).add(delivery.id)

    def drop(self, ids: Iterable[DeliveryId]) -> None:
        """They are out of hand: recorded, parked or released."""
        for id_ in ids:
            claim = self._taken.pop(id_, None)
            if self._open_takes:
                self._lingering.add(id_)
            if claim is not None and claim.parked:
                lane = self._parked[claim.lane]
                lane.discard(id_)
                if not lane:
                    del self._parked[claim.lane]

    def parked_in(self, lane: LaneKey) -> Sequence[DeliveryId]:
        """What is in hand of a lane's parked deliveries."""
        return tuple(self._parked.get(lane, ()))

    def expect(self, accept: Expectation) -> None:
        """An accept is about to create these."""
        for id_ in accept.ids:
            self._expected[id_] = accept

    def unclaimed(self, accept: Expectation) -> bool:
        """The time to claim them is over; whether any was left to be taken like all others."""
        left = [id_ for id_ in accept.ids if self._expected.get(id_) is accept]
        for id_ in left:
            del self._expected[id_]
        return bool(left) if accept.created is None else not accept.created.isdisjoint(left)

    @contextmanager
    def open_take(self) -> Iterator[None]:
        """A take is unanswered."""
        self._open_takes += 1
        try:
            yield
        finally:
            self._open_takes -= 1
            if not self._open_takes:
                self._lingering.clear()


class Position:
    """Everything due up to here is in hand, so that a large backlog is not read again for each take.

    It moves forward with a take's answer and back with whatever becomes due before it; a move back
    during a take holds against that take's answer.
    """

    _START = (float("-inf"), "")

    def __init__(self) -> None:
        self.at: tuple[Timestamp, str] = self._START
        self._floor: tuple[Timestamp, str] | None = None

    def begin(self) -> tuple[Timestamp, str]:
        """Where a take starts to read."""
        self._floor = None
        return self.at

    def reached(self, due: Timestamp, id_: str) -> None:
        """A take has read up to and with this one."""
        here = (due, id_)
        self.at = here if self._floor is None else min(here, self._floor)

    def back(self, due: Timestamp) -> None:
        """Something due then can be taken."""
        here = (due, "")
        self.at = min(self.at, here)
        self._floor = here if self._floor is None else min(self._floor, here)


class Walks:
    """How far the parked deliveries of each lane are in hand, so that they are not read again and again.

    Knowing it saves reading, and nothing depends on it: who has come to the end of a lane begins anew,
    and so does whoever comes ``patience`` seconds after the beginning.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._at: dict[LaneKey, tuple[tuple[Timestamp, DeliveryId], float]] = {}
        self._taking: LaneKey | None = None

    def begin(self, lane: LaneKey, now: float) -> tuple[Timestamp, DeliveryId] | None:
        """Where a take of this lane starts to read; None: at the beginning. Monotonic seconds."""
        self._taking = lane
        at, since = self._at.get(lane, (None, now))
        if now - since >= self._patience:
            del self._at[lane]
            return None
        return at

    def reached(self, lane: LaneKey, last: Delivery | None, now: float) -> None:
        """The take has read up to and with this one; None: to the end."""
        if last is None or self._taking != lane:
            self._at.pop(lane, None)
        else:
            since = self._at[lane][1] if lane in self._at else now
            self._at[lane] = (last.due, last.id), since

    def back(self, lane: LaneKey) -> None:
        """Something that was read may be there again: begin anew, also after a take that is under way."""
        self._at.pop(lane, None)
        if self._taking == lane:
            self._taking = None
