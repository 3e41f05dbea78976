"""
What an ``Idempotency-Key`` stands for where an upstream makes the runs.

First for the question, while nobody knows what became of it; then for the run and what was answered of
it. A run that was known from its report first has no answer yet: what its key stands for is the beginning
of what it stands for with one.
"""

from typing import Final

from hookgate_gateway.rules.delivery import AskingId, RunId

__all__ = ["is_reserved", "made", "read_made", "reservation"]

_RESERVED: Final = "asked "
_LONGEST_KEPT: Final = 256 * 1024
"""Bytes of an answer that is kept to be given again."""


def reservation(asking: AskingId) -> str:
    """For a question without an answer."""
    return f"{_RESERVED}{asking}"


def is_reserved(stands_for: str) -> bool:
    return stands_for.startswith(_RESERVED)


def made(run_id: RunId, answer: bytes = b"") -> str:
    """For a run, and the answer to be given again."""
    return f"{run_id}\n{answer.decode() if len(answer) <= _LONGEST_KEPT else ''}"


def read_made(stands_for: str) -> tuple[RunId, bytes]:
    """The run, and the answer if it was kept."""
    run_id, _, answer = stands_for.partition("\n")
    return RunId(run_id), answer.encode()
