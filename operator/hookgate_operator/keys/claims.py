"""
Which Secret a source is made from, when several declare it: the oldest, whatever order they come in.
"""

from collections.abc import Collection

from hookgate_operator.declarations import Place
from hookgate_operator.ports import Key

__all__ = ["Claims", "Rank"]

Rank = tuple[str, Key]
"""When a Secret was made, and which it is."""


class Claims:
    """The Secrets that declare a source, as they were last seen."""

    def __init__(self) -> None:
        self._ranks: dict[Place, dict[Key, Rank]] = {}
        self._places: dict[Key, frozenset[Place]] = {}

    def winner(self, place: Place) -> Key | None:
        """The Secret that the source is made from."""
        ranks = self._ranks.get(place)
        return min(ranks, key=ranks.__getitem__) if ranks else None

    def declare(self, key: Key, rank: Rank, places: Collection[Place]) -> Collection[Key]:
        """A Secret declares these and no others. The other Secrets that this concerns: look at them."""
        concerned = {*places, *self._places.get(key, ())}
        before = {place: self.winner(place) for place in concerned}
        for place in concerned:
            ranks = self._ranks.setdefault(place, {})
            if place in places:
                ranks[key] = rank
            else:
                ranks.pop(key, None)
            if not ranks:
                del self._ranks[place]
        self._places[key] = frozenset(places)
        if not places:
            del self._places[key]
        return {
            other
            for place in concerned
            if self.winner(place) != before[place]
            for other in self._ranks.get(place, ())
            if other != key
        }
