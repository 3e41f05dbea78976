"""
Whose turn it is: namespaces in turn, and within a namespace its lanes in turn.

A structure without clock or I/O. It also keeps the two caps that are about everybody: how many
attempts may be under way in all, and that one namespace has at most half of them. Whether a lane may
start something now (its own cap, rate, breaker) is the caller's knowledge: the caller calls ``ready``
and ``withdraw``. Every operation takes constant time, however many lanes wait.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from hookgate_gateway.rules.delivery import Namespace

LaneT = TypeVar("LaneT", bound=Hashable)


@dataclass(slots=True)
class _Share(Generic[LaneT]):
    """One namespace: its lanes that could start something, and its attempts under way."""

    ready: "OrderedDict[LaneT, None]" = field(default_factory=OrderedDict)
    in_flight: int = 0


class Turns(Generic[LaneT]):
    """Fair order over namespaces and lanes, with ``slots`` attempts in all."""

    def __init__(self, slots: int) -> None:
        if slots < 1:
            raise ValueError("there must be at least one slot")
        self.slots = slots
        self.share = max(1, slots // 2)
        self.in_flight = 0
        self._shares: dict[Namespace, _Share[LaneT]] = {}
        self._rotation: OrderedDict[Namespace, _Share[LaneT]] = OrderedDict()
        """The namespaces that have ready lanes and are below their share, the next one first."""

    def ready(self, namespace: Namespace, lane: LaneT) -> None:
        """The lane could start an attempt now. Keeps its place when it was ready already."""
        share = self._shares.get(namespace)
        if share is None:
            share = self._shares[namespace] = _Share()
        share.ready[lane] = None
        if share.in_flight < self.share:
            self._rotation[namespace] = share

    def withdraw(self, namespace: Namespace, lane: LaneT) -> None:
        """The lane can start nothing now."""
        share = self._shares.get(namespace)
        if share is None:
            return
        share.ready.pop(lane, None)
        if not share.ready:
            self._rotation.pop(namespace, None)
            self._forget(namespace, share)

    def take(self) -> LaneT | None:
        """The lane whose turn it is, its slot taken; None when nobody can start anything.

        The lane is no longer ready afterwards; ``ended`` gives the slot back.
        """
        if not self._rotation or self.in_flight >= self.slots:
            return None
        namespace, share = self._rotation.popitem(last=False)
        lane, _ = share.ready.popitem(last=False)
        share.in_flight += 1
        self.in_flight += 1
        if share.ready and share.in_flight < self.share:
            self._rotation[namespace] = share
        return lane

    def ended(self, namespace: Namespace) -> None:
        """An attempt of this namespace is over."""
        share = self._shares[namespace]
        share.in_flight -= 1
        self.in_flight -= 1
        if share.ready:
            self._rotation[namespace] = share
        else:
            self._forget(namespace, share)

    def in_flight_of(self, namespace: Namespace) -> int:
        """How many attempts of this namespace are under way."""
        share = self._shares.get(namespace)
        return share.in_flight if share else 0

    def _forget(self, namespace: Namespace, share: _Share[LaneT]) -> None:
        if not share.in_flight:
            self._shares.pop(namespace, None)
