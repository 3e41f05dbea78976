"""
Which lanes have room for what is not urgent.

A bulk replay brings work that can wait. It asks here first, so that it never makes a lane park what
is fresh, and never queues behind a receiver that is down.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.dispatch.lanes import Lane
from hookgate_gateway.dispatch.plan import lane_terms
from hookgate_gateway.dispatch.windows import Windows
from hookgate_gateway.rules.delivery import LaneKey, Namespace
from hookgate_gateway.rules.lane import subscription_lane

__all__ = ["BusyLanes", "Room"]

_BYTES = 1024 * 1024
"""What may wait in a lane that takes more, and what must be free for it: twice what one step brings."""


@dataclass(frozen=True, slots=True)
class BusyLanes:
    """A namespace's lanes that take nothing more now; all others do."""

    full: frozenset[LaneKey]
    """For a moment: enough waits in memory."""
    closed: frozenset[LaneKey]
    """For longer: held, behind an open breaker or a long pause, or with parked work of its own."""


class Room:
    """Looks at the lanes in memory, and at the holds of those that are not."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._snapshot: Snapshot | None = None
        self._held: dict[Namespace, frozenset[LaneKey]] = {}

    def busy(self, namespace: Namespace, most: int, snapshot: Snapshot, now: float) -> BusyLanes:
        """``most`` may wait in a lane that takes more; ``now`` in monotonic seconds."""
        full, closed = set(), set(self._held_lanes(namespace, snapshot))
        for lane in self._windows:
            if lane.namespace != namespace:
                continue
            if lane.held or lane.parked or lane.backlogged or lane.is_shut(now):
                closed.add(lane.key)
            elif self._is_full(lane, most):
                full.add(lane.key)
        return BusyLanes(frozenset(full), frozenset(closed))

    def _is_full(self, lane: Lane, most: int) -> bool:
        return (
            lane.waiting > most or lane.waiting_bytes > _BYTES or self._windows.room(lane) < _BYTES
        )

    def _held_lanes(self, namespace: Namespace, snapshot: Snapshot) -> frozenset[LaneKey]:
        if snapshot is not self._snapshot:
            self._snapshot, self._held = snapshot, {}
        held = self._held.get(namespace)
        if held is None:
            held = self._held[namespace] = _held_of(namespace, snapshot)
        return held


def _held_of(namespace: Namespace, snapshot: Snapshot) -> frozenset[LaneKey]:
    names: Mapping[tuple[Namespace, str], object] = snapshot.subscriptions
    lanes = (subscription_lane(*name) for name in names if name[0] == namespace)
    return frozenset(lane for lane in lanes if lane_terms(lane, snapshot).held)
