"""
Into lanes and back: what may wait in memory, and what is parked in the store instead.
"""

from collections.abc import Callable

from hookgate_gateway.dispatch.lanes import Lane
from hookgate_gateway.dispatch.plan import Catalogue, lane_terms
from hookgate_gateway.dispatch.returns import Returns
from hookgate_gateway.dispatch.windows import Windows
from hookgate_gateway.rules.delivery import Delivery, LaneKey
from hookgate_process.clock import Clock


class Admission:
    """Decides for each delivery between its lane's window and the store."""

    def __init__(
        self, catalogue: Catalogue, clock: Clock, windows: Windows, returns: Returns
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._windows = windows
        self._returns = returns
        self.settle: Callable[[Lane], None] = lambda _: None
        """Called with a lane that has got something to do."""
        self.want: Callable[[Lane], None] = lambda _: None
        """Called with a lane for which the store may hold something."""

    def parks(self, key: LaneKey) -> bool:
        """Whether what is new for this lane is to be stored parked; after a yes it is expected there."""
        lane = self._windows.find(key)
        if lane is None:
            return self.is_held(key)
        if self._takes(lane):
            return False
        lane.parked = True
        lane.told_at = self._clock.monotonic()
        self.want(lane)
        return True

    def admit(self, delivery: Delivery) -> None:
        """Something that is due: into its lane, or parked."""
        lane = self._windows.obtain(delivery.lane)
        if lane.held or lane.is_shut(self._clock.monotonic()):
            self.park(delivery)
        else:
            self.receive(lane, delivery)

    def receive(self, lane: Lane, delivery: Delivery) -> bool:
        """Something that was meant for the lane's window; False when it had to be parked."""
        if lane.held or not self._windows.push(lane, delivery):
            self.park(delivery)
            return False
        if lane.waiting == 1 or lane.subscription is None:
            self.settle(lane)  # behind others, and for the same URL, it changes nothing
        return True

    def park(self, delivery: Delivery) -> None:
        self._returns.park(delivery)

    def release(self, delivery: Delivery) -> None:
        self._returns.release(delivery.id)

    def parked(self, keys: set[LaneKey]) -> None:
        """These lanes have parked deliveries in the store now."""
        for key in keys:
            lane = self._windows.obtain(key)
            lane.told_at = (
                self._clock.monotonic()
            )  # who asked the store just before has not seen it
            # Behind a run's URL with an open breaker nobody else of its origin has to queue.
            lane.backlogged = lane.subscription is not None
            self.expect_parked(lane)

    def expect_parked(self, lane: Lane) -> None:
        """The store may hold parked deliveries for this lane."""
        lane.parked = True
        self.want(lane)

    def give_window_back(self, lane: Lane) -> None:
        for delivery in self._windows.clear(lane):
            self.park(delivery)

    def shed(self, lane: Lane, delivery: Delivery) -> None:
        """Give back what waits behind a breaker that has just opened, ``delivery`` having failed."""
        for surplus in self._windows.shed(lane, delivery):
            self.park(surplus)
        if lane.is_shut(self._clock.monotonic()):
            self.give_window_back(lane)

    def is_held(self, lane: LaneKey) -> bool:
        return lane_terms(lane, self._catalogue.snapshot).held

    def _takes(self, lane: Lane) -> bool:
        """Whether a delivery that is new to it may wait in the lane's window."""
        return not (
            lane.held
            or lane.backlogged
            or lane.waiting >= lane.window
            or lane.is_shut(self._clock.monotonic())
            or not self._windows.has_room(lane)
        )
