"""
What was promised and what came: the books of a fault test, and how they are judged.

Promised: every report answered 2xx. Came: every request at the receiver, which answers all of them 200.

- **Lost**: promised, and never came although the gateway says it owes nothing any more. Always a failure.
- **Twice**: two requests of one event. Allowed only around a crash of the gateway: a kill lies between
  the two, the earlier one was in flight at that kill or answered so shortly before it (``COMMIT_WITHIN``,
  and as long as reports had to wait for the same disk) that its outcome may not have been on disk, and
  both carry the same attempt number, since the store knew nothing of the first. The kill of a writer process excuses nothing: the gateway still knows.
- **Made up**: an event that nobody was promised and nobody tried to report. Always a failure. A report
  whose answer was lost may come or not.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

from tests.receivers import Received

COMMIT_WITHIN = 1.0
"""Seconds within which an outcome is on disk, on a machine that does not stall."""

READ_LATE = 0.2
"""Seconds after the sender's death at which a receiver of which no more is known may still read what was sent."""


@dataclass
class Ledger:
    """All times are the wall clock's, in seconds."""

    tried: set[str] = field(default_factory=set)
    promised: set[str] = field(default_factory=set)
    refused: int = 0
    crashes: list[float] = field(default_factory=list)
    """Kills of the gateway itself."""
    longest: float = 0.0
    """Seconds for which a receiver may keep an attempt under way."""
    slowest: float = 0.0
    """Seconds that the slowest report waited for its answer: how long this machine has stalled, or its disk."""

    def lost(self, arrived: list[Received]) -> set[str]:
        return self.promised - {run_of(request) for request in arrived}

    def made_up(self, arrived: list[Received]) -> set[str]:
        return {run_of(request) for request in arrived} - self.tried

    def repeats(self, arrived: list[Received]) -> list[tuple[Received, Received]]:
        """Each request that repeats an earlier one of the same delivery, with that earlier one."""
        by_run: dict[str, list[Received]] = defaultdict(list)
        for request in sorted(arrived, key=lambda r: r.at):
            by_run[run_of(request)].append(request)
        return [pair for found in by_run.values() for pair in pairwise(found)]

    def inexcusable(self, arrived: list[Received]) -> list[str]:
        return [
            f"{run_of(first)}: {number(first)} at {first.at:.3f}, {number(second)} at {second.at:.3f}"
            for first, second in self.repeats(arrived)
            if not self._excused(first, second)
        ]

    def _excused(self, first: Received, second: Received) -> bool:
        """The earlier one was in flight or uncommitted at a crash, and the store knew nothing of it."""
        within = COMMIT_WITHIN + self.longest + self.slowest
        at_a_crash = any(
            -READ_LATE < crash - first.at < within and crash < second.at for crash in self.crashes
        )
        return at_a_crash and number(first) == number(second)


def run_of(request: Received) -> str:
    """The run id, cut out of the body without parsing thousands of them."""
    return request.body.partition(b'"run_id": "')[2].partition(b'"')[0].decode()


def number(request: Received) -> str | None:
    return request.header("x-hookgate-attempt")
