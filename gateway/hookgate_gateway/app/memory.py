"""
One number for the bodies in memory, divided into the budgets of those that hold them.

What a body costs beside its bytes is not in it: the program itself, an HTTP connection, and the copies
that one commit and one parser make for a moment. The sizing in docs/install.md says how much that is.
"""

from dataclasses import dataclass
from typing import Final

from hookgate_gateway.settings import Settings
from hookgate_gateway.store.sqlite.writing.backlog import LARGE_BODY
from hookgate_process.failures import CannotStart

__all__ = ["BodyBudgets", "divide", "least", "read_budgets"]

_PARTS: Final = {"uploads": 2, "intake": 2, "outgoing": 4, "windows": 1, "direct": 1, "upstream": 1,
                 "answers": 1}  # fmt: skip
"""
Shares of what is left beside small bodies under way.

``outgoing`` has most: its bodies stay for as long as a receiver hangs. A namespace may have half of
``uploads`` and of ``intake``, so that two shares let each largest body through.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyBudgets:
    """Bytes of bodies that each part may hold at once."""

    uploads: int
    """Requests that have not arrived whole."""
    intake: int
    """Reports that wait for their commit or are in it."""
    windows: int
    """Small bodies that wait for their turn to be sent."""
    outgoing: int
    """Large bodies that are being sent."""
    direct: int
    """Large bodies of tests and synchronous replays that are being sent."""
    upstream: int
    """Answers of the upstream that are being read."""
    answers: int
    """Large payloads that clients are shown, while they are looked up and read."""


def divide(total: int, *, max_body: int, max_in_flight: int) -> BodyBudgets:
    """The budgets of ``total`` bytes. Raises ValueError for fewer than ``least``."""
    if total < least(max_body=max_body, max_in_flight=max_in_flight):
        raise ValueError(f"{total} bytes are too few")
    share = (total - max_in_flight * LARGE_BODY) // sum(_PARTS.values())
    return BodyBudgets(**{part: shares * share for part, shares in _PARTS.items()})


def least(*, max_body: int, max_in_flight: int) -> int:
    """The bytes with which each budget takes one body of ``max_body`` bytes.

    Beside the budgets each attempt under way may hold a small body.
    """
    share = max(max_body, 4 * LARGE_BODY)
    return max_in_flight * LARGE_BODY + sum(_PARTS.values()) * share


def read_budgets(settings: Settings) -> BodyBudgets:
    """The budgets that the settings ask for. Raises CannotStart with one line."""
    total, max_body, in_flight = (
        settings.body_memory_bytes,
        settings.max_body_bytes,
        settings.max_inflight,
    )
    try:
        return divide(total, max_body=max_body, max_in_flight=in_flight)
    except ValueError:
        needed = least(max_body=max_body, max_in_flight=in_flight)
        raise CannotStart(
            f"HOOKGATE_BODY_MEMORY_BYTES={total} is too little for HOOKGATE_MAX_BODY_BYTES={max_body}"
            f" and HOOKGATE_MAX_INFLIGHT={in_flight}: set it to at least {needed}, or lower one of"
            " the two"
        ) from None
