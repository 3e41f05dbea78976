"""
Time-ordered identifiers: a prefix and 26 characters that sort as they were made.

48 bits of milliseconds and 80 bits of chance in Crockford's base 32 (the layout of a ULID), made
strictly increasing within a process, so that a unique index grows at its right edge.
"""

import random
import secrets
from collections.abc import Callable
from typing import cast

from hookgate_gateway.rules.delivery import AskingId, DeliveryId, EventId, RunId
from hookgate_gateway.rules.replay import ReplayId

__all__ = ["Ids"]

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(a + b for a in _ALPHABET for b in _ALPHABET)


class Ids:
    """Makes identifiers. ``now`` gives unix seconds; ``chance`` gives that many random bits.

    An identifier opens nothing (every query has its namespace), so by default a generator that the
    system seeded once draws the chance: a system call for each would cost 25 times as much.
    """

    def __init__(
        self, now: Callable[[], float], chance: Callable[[int], int] | None = None
    ) -> None:
        self._now = now
        self._chance = chance or random.Random(secrets.randbits(256)).getrandbits  # noqa: S311
        self._last = 0
        self._head = -1
        self._head_text = ""

    def event(self) -> EventId:
        return cast("EventId", self._make("evt_"))

    def delivery(self) -> DeliveryId:
        return cast("DeliveryId", self._make("dlv_"))

    def run_delivery(self, event: EventId) -> DeliveryId:
        """The id for an event's delivery to its run's own target: the event's characters once more.

        No other delivery has them, as each identifier is made once; and most events need none.
        """
        return cast("DeliveryId", "dlv_" + event[4:])

    def replay(self) -> ReplayId:
        return cast("ReplayId", self._make("rpl_"))

    def asking(self) -> AskingId:
        return cast("AskingId", self._make("ask_"))

    def task(self) -> RunId:
        return cast("RunId", self._make("tsk_"))

    def workflow_run(self) -> RunId:
        return cast("RunId", self._make("wr_"))

    def _make(self, prefix: str) -> str:
        first = int(self._now() * 1000) << 80
        if first > self._last:
            value = first | self._chance(80)
        else:  # the same millisecond, or a clock that stepped back
            value = self._last + 1 + self._chance(32)
        self._last = value
        pairs = _PAIRS
        if value >> 40 != self._head:  # the first 18 characters, which a burst shares
            self._head = value >> 40
            self._head_text = "".join(
                [pairs[value >> shift & 1023] for shift in range(120, 39, -10)]
            )
        return (
            f"{prefix}{self._head_text}{pairs[value >> 30 & 1023]}{pairs[value >> 20 & 1023]}"
            f"{pairs[value >> 10 & 1023]}{pairs[value & 1023]}"
        )
