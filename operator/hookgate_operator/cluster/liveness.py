"""
When each watch was last known to be alive, and which have been silent for too long.

A watch that has nothing to tell is not dead: it is alive when an event came, or when a list had nothing
that it had not told. While there is a known reason for its silence (the API server is away, the CRD is not
there, a rule is missing) it is excused: ending the process would not help.
"""

from collections.abc import Mapping

from hookgate_process.clock import Clock

__all__ = ["Liveness"]


class Liveness:
    """Keeps the times. ``stale_after`` in seconds."""

    def __init__(self, watches: tuple[str, ...], *, clock: Clock, stale_after: float) -> None:
        self._clock = clock
        self._stale_after = stale_after
        self._signs = dict.fromkeys(watches, clock.monotonic())
        """When each was alive or excused, on the monotonic clock; at first a grace."""
        self._alive: dict[str, tuple[float, float]] = {}
        """On the monotonic and on the wall clock."""

    def alive(self, watch: str) -> float:
        """It is. The time, unix seconds."""
        monotonic, now = self._clock.monotonic(), self._clock.now()
        self._signs[watch] = monotonic
        self._alive[watch] = (monotonic, now)
        return now

    def excused(self, watch: str) -> None:
        """It cannot be, for a reason that is known and told."""
        self._signs[watch] = self._clock.monotonic()

    def since_alive(self, watch: str) -> float:
        """Seconds; infinite when it never was."""
        if watch not in self._alive:
            return float("inf")
        return self._clock.monotonic() - self._alive[watch][0]

    def last_alive(self) -> Mapping[str, float]:
        """Unix seconds, of the watches that ever were."""
        return {watch: now for watch, (_, now) in self._alive.items()}

    def stale(self) -> tuple[str, ...]:
        """The watches without a sign of life for too long."""
        monotonic = self._clock.monotonic()
        return tuple(w for w, at in self._signs.items() if monotonic - at > self._stale_after)
