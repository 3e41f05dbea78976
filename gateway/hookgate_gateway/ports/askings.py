"""
Runs that an upstream is asked for: kept from before it is asked until it is known what it made.
"""

from dataclasses import dataclass
from typing import Protocol

from hookgate_gateway.ports.intake import MadeBefore, NewRun, Once
from hookgate_gateway.rules.delivery import AskingId, Namespace, RunId

__all__ = ["Asking", "Askings", "NamedRun", "Settled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A run that an upstream is about to be asked for; nobody has named it yet."""

    id: AskingId
    run: NewRun
    """Its run id says nothing."""
    once: Once | None = None
    reservation: str = ""
    """What the key of ``once`` stands for until it is known what the upstream made."""


@dataclass(frozen=True, slots=True)
class NamedRun:
    """A run that an upstream made, as its report names it."""

    namespace: Namespace
    run_id: RunId
    run_type: str
    status: str


@dataclass(frozen=True, slots=True)
class Settled:
    """What a key that was reserved stands for from now on."""

    key: str
    reservation: str
    made: str


class Askings(Protocol):
    """What was asked of an upstream. All of it survives the end of this process."""

    async def ask(self, asking: Asking) -> MadeBefore | None:
        """Store it, before the upstream is asked.

        Nothing is stored when the namespace has used its key since: then what that stands for. Of
        twins exactly one is stored.
        """
        ...

    async def withdraw(self, asking: Asking) -> None:
        """Nothing was made: forget it, and its key is free again."""
        ...

    async def adopt(self, asking: Asking, run: NewRun, settled: Settled | None = None) -> bool:
        """The upstream has answered: register its run, in one transaction with all that follows.

        The run may have been reported before, and may have ended: its final event, should nothing of
        it be owed to the run's URL yet, is owed now, due at once. The key is ``settled``. False when
        another run of that id is registered.
        """
        ...

    async def adopt_reported(self, id_: AskingId, named: NamedRun, made: str) -> bool:
        """A report has come first, or no answer ever came: likewise, with what was stored.

        The key stands for ``made`` then, until an ``adopt`` settles it with more that begins with it.
        False when nothing waits under this id.
        """
        ...
