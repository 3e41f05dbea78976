"""
Which replays of ours the gateway has, as far as this process knows.

Only ever a reason to look: what is known here and wanted by no object is cancelled by the object's key.
"""

from collections.abc import Collection

from hookgate_operator.ports import Key

__all__ = ["ReplayLedger"]


class ReplayLedger:
    """The gateway's ids by the keys of the objects that they were made from."""

    def __init__(self) -> None:
        self._ids: dict[Key, set[str]] = {}

    def record(self, key: Key, id_: str) -> None:
        """The gateway has it, or may have."""
        self._ids.setdefault(key, set()).add(id_)

    def forget(self, key: Key, id_: str) -> None:
        """It is over, cancelled, or was never taken."""
        ids = self._ids.get(key, set())
        ids.discard(id_)
        if not ids:
            self._ids.pop(key, None)

    def ids(self, key: Key) -> Collection[str]:
        """Those of an object's key; a copy."""
        return tuple(sorted(self._ids.get(key, ())))
