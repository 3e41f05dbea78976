"""
All lanes' windows together: who waits where, and how many bytes may wait in memory.

A namespace gets at most half of the memory, so that no tenant's backlog can take the others' windows
away. And a lane gets at most a part of what its namespace has left (a dynamic threshold, Choudhury and
Hahne 1998): one that is busy alone takes a burst without a detour through the store, and many full ones
leave room for the next. What does not fit is refused here and parked by the caller.
"""

from collections.abc import Iterator

from hookgate_gateway.dispatch.lanes import LANE_BYTES, Lane, weight
from hookgate_gateway.dispatch.plan import Catalogue, lane_terms
from hookgate_gateway.rules.delivery import Delivery, DeliveryId, LaneKey, Namespace
from hookgate_process.clock import Clock

WINDOW_BYTES = 64 * 1024 * 1024
_PARTS = 8
"""A lane may hold one part of so many of what is free and not kept for small windows."""
_SMALL = 1024
"""A part of so many of all memory is a small window (64 KiB): for these, half of each share is kept."""


class Windows:
    """The lanes in memory, and the deliveries that wait in them."""

    def __init__(self, catalogue: Catalogue, clock: Clock, limit: int = WINDOW_BYTES) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self.limit = limit
        self.bytes = 0
        """That wait in memory now."""
        self._bytes_of: dict[Namespace, int] = {}
        self._lanes: dict[LaneKey, Lane] = {}
        self._where: dict[DeliveryId, Lane] = {}

    # ------------------------------------------------------------------------------------- lanes

    def __len__(self) -> int:
        return len(self._lanes)

    def __iter__(self) -> Iterator[Lane]:
        return iter(list(self._lanes.values()))

    def find(self, key: LaneKey) -> Lane | None:
        return self._lanes.get(key)

    def obtain(self, key: LaneKey) -> Lane:
        """The lane, made now if there is none."""
        lane = self._lanes.get(key)
        if lane is None:
            terms = lane_terms(key, self._catalogue.snapshot)
            lane = self._lanes[key] = Lane(key, terms, self._clock.monotonic())
        return lane

    def forget(self, lane: Lane) -> None:
        """Drop an idle lane."""
        del self._lanes[lane.key]

    # ------------------------------------------------------------------------------- deliveries

    def room(self, lane: Lane) -> int:
        """How many bytes more may wait for this lane, as far as the others are concerned."""
        used = self._bytes_of.get(lane.namespace, 0)
        return min(self.limit - self.bytes, self.limit // 2 - used)

    def has_room(self, lane: Lane) -> bool:
        """Whether another delivery like its others may wait for this lane; a single one if there is room at all."""
        if not lane.waiting:
            return self.room(lane) >= lane.typical_weight
        return lane.waiting_bytes + lane.typical_weight <= self.capacity(lane)

    def capacity(self, lane: Lane) -> int:
        """How many bytes may wait for this lane now."""
        kept = self.limit // 4
        burst = (self.room(lane) - kept) // _PARTS
        return min(LANE_BYTES, max(burst, self.limit // _SMALL))

    def push(self, lane: Lane, delivery: Delivery) -> bool:
        """Let it wait in the lane's window; False when there is no room."""
        size = weight(delivery)
        if self.room(lane) < size or not lane.has_room_for(delivery, self.capacity(lane)):
            return False
        lane.push(delivery)
        self._where[delivery.id] = lane
        self.bytes += size
        self._bytes_of[lane.namespace] = self._bytes_of.get(lane.namespace, 0) + size
        return True

    def pop(self, lane: Lane, now: float) -> Delivery:
        """Start the lane's next attempt."""
        delivery = lane.pop(now)
        self._left(lane, delivery)
        return delivery

    def drop(self, id_: DeliveryId) -> Lane | None:
        """Take one that waits out of its window; the lane it waited for."""
        lane = self._where.get(id_)
        delivery = lane.drop(id_) if lane is not None else None
        if lane is not None and delivery is not None:
            self._left(lane, delivery)
        return lane

    def clear(self, lane: Lane) -> list[Delivery]:
        """Take all out of the lane's window."""
        deliveries = list(lane.clear())
        for delivery in deliveries:
            self._left(lane, delivery)
        return deliveries

    def shed(self, lane: Lane, delivery: Delivery) -> list[Delivery]:
        """Take out of the window what waits behind ``delivery``'s URL, whose breaker is open."""
        deliveries = lane.surplus(delivery)
        for surplus in deliveries:
            self._left(lane, surplus)
        return deliveries

    def _left(self, lane: Lane, delivery: Delivery) -> None:
        del self._where[delivery.id]
        size = weight(delivery)
        self.bytes -= size
        left = self._bytes_of[lane.namespace] - size
        if left:
            self._bytes_of[lane.namespace] = left
        else:
            del self._bytes_of[lane.namespace]
