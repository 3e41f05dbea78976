"""
Where the gateway's replays and the cluster's objects differ.

After a time without an operator an object may be gone while its replay goes on, or the gateway may have
lost a replay whose object is still there. Both lists may be out of date by the time they are compared:
nothing is cancelled here, the objects' keys are woken and their reconciliation looks for itself.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from hookgate_operator.ports import Key, Kind, Observed
from hookgate_operator.replays.ledger import ReplayLedger
from hookgate_operator.replays.plan import Begin, Follow, course, gateway_id, place_of

__all__ = ["ReplayDrift"]


class Teller(Protocol):
    """The part of the gateway that lists replays."""

    async def replays(self) -> Sequence[tuple[str, str]]: ...


class ReplayDrift:
    """Compares replays; see :class:`hookgate_operator.work.resync.Comparison`."""

    def __init__(
        self, gateway: Teller, ledger: ReplayLedger, *, gateway_class: str = "default"
    ) -> None:
        self._gateway = gateway
        self._ledger = ledger
        self._gateway_class = gateway_class

    async def differing(self, listed: Mapping[Kind, Sequence[Observed]]) -> Collection[Key]:
        """Replays that no object wants, and objects whose replay is not there. May raise OutsideError."""
        if Kind.REPLAY not in listed:
            return ()
        found = set(await self._gateway.replays())
        wanted, lost = set(), set()
        for observed in listed[Kind.REPLAY]:
            place = observed.key.namespace, gateway_id(observed)
            what = course(observed, self._gateway_class, now=0.0)  # no matter what time it is
            if isinstance(what, Begin | Follow):
                wanted.add(place)
            if isinstance(what, Follow) and place not in found:
                lost.add(observed.key)
        return lost.union(self._orphans(found, wanted))

    def _orphans(
        self, found: Collection[tuple[str, str]], wanted: Collection[tuple[str, str]]
    ) -> list[Key]:
        orphans = []
        for namespace, id_ in found:
            key = place_of(namespace, id_)
            if key is not None:
                self._ledger.record(key, id_)
                if (namespace, id_) not in wanted:
                    orphans.append(key)
        return orphans
