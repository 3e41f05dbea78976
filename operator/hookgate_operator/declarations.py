"""
What is declared to the gateway, and the memory of what was.

A fingerprint says whether two declarations are the same one. It is an HMAC, so that nobody who reads it
can try values of Secrets against it. The :class:`Ledger` is only ever a reason to do less: what it does
not know is put once more, and what it has forgotten is looked at, never removed.
"""

import hashlib
import hmac
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from hookgate_operator.ports import (
    Declaration,
    HealthReading,
    HeldKind,
    Key,
    Kind,
    Observed,
    Standing,
)

__all__ = [
    "SOURCE_PREFIX",
    "Fingerprints",
    "Handed",
    "Ledger",
    "Place",
    "declaration",
    "key_of",
    "our_metadata",
    "version_of",
]

OURS = "hookgate.dev/"
"""What our labels and annotations start with."""
SOURCE_PREFIX = "source/"
"""What the name of a key starts with that stands for a source, whichever Secret declares it.

No Secret's name has a slash.
"""


class Place(NamedTuple):
    """Where the gateway holds a resource."""

    kind: HeldKind
    namespace: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What was put at a place, from which object, and how it stood then."""

    key: Key
    uid: str
    version: str
    """Of the object: its generation, or of a Secret its resourceVersion."""
    fingerprint: str
    standing: Standing
    is_current: bool = True
    """False when the gateway may judge it otherwise by now, so that it is put once more."""


class Fingerprints:
    """Makes fingerprints under one secret: 64 hex digits."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"hookgate operator fingerprint", "sha256")

    def of(self, resource: Mapping[str, Any], secrets: Mapping[str, Mapping[str, bytes]]) -> str:
        """The fingerprint of a resource with its values, whatever the order of their fields."""
        values = {name: {k: v.hex() for k, v in each.items()} for name, each in secrets.items()}
        text = json.dumps([resource, values], sort_keys=True, separators=(",", ":"))
        return hmac.new(
            self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256
        ).hexdigest()


def declaration(
    place: Place,
    resource: Mapping[str, Any],
    secrets: Mapping[str, Mapping[str, bytes]],
    fingerprints: Fingerprints,
) -> Declaration:
    """What is put at ``place``."""
    return Declaration(
        kind=place.kind,
        namespace=place.namespace,
        name=place.name,
        fingerprint=fingerprints.of(resource, secrets),
        resource=resource,
        secrets=secrets,
    )


def our_metadata(document: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an object's metadata that the gateway keeps.

    The rest never leaves the cluster: kubectl's last-applied annotation can repeat a Secret's values, and
    a fingerprint must not change with what does not matter.
    """
    metadata = document.get("metadata") or {}
    ours: dict[str, Any] = {"name": metadata["name"], "namespace": metadata["namespace"]}
    for name in ("labels", "annotations"):
        entries = metadata.get(name) or {}
        if kept := {key: value for key, value in entries.items() if key.startswith(OURS)}:
            ours[name] = kept
    return ours


def key_of(place: Place) -> Key:
    """The object to look at for what is held at a place."""
    if place.kind is HeldKind.SUBSCRIPTION:
        return Key(Kind.SUBSCRIPTION, place.namespace, place.name)
    if place.kind is HeldKind.API_KEY:
        return Key(Kind.KEY_SECRET, place.namespace, place.name)
    return Key(Kind.KEY_SECRET, place.namespace, SOURCE_PREFIX + place.name)


def version_of(observed: Observed) -> str:
    """What changes when an object says something else: its generation, or a Secret's resourceVersion."""
    if observed.key.kind is Kind.KEY_SECRET:
        return observed.resource_version
    return str(observed.generation)


class Ledger:
    """What the gateway was given in the life of this process, and what it is known to have beside."""

    def __init__(self) -> None:
        self._handed: dict[Place, Handed] = {}
        self._by_key: dict[Key, set[Place]] = {}
        self._strays: set[Place] = set()
        self._health: dict[tuple[str, str], HealthReading] = {}
        self.is_informed = False
        """Whether the gateway's own list was read since the start: before, anything may be held."""

    def get(self, place: Place) -> Handed | None:
        return self._handed.get(place)

    def everything(self) -> Mapping[Place, Handed]:
        """A copy: what was handed over, as it is now."""
        return dict(self._handed)

    def places(self, key: Key) -> Collection[Place]:
        """Where what was made from an object is."""
        return tuple(self._by_key.get(key, ()))

    def holds(self, place: Place) -> bool:
        """Whether the gateway is known to have something of ours there."""
        return place in self._handed or place in self._strays

    def may_hold(self, place: Place) -> bool:
        """Whether the gateway may have something of ours there."""
        return not self.is_informed or self.holds(place)

    def record(self, place: Place, handed: Handed) -> None:
        """It was put, and stood like that."""
        self._drop(place)
        self._handed[place] = handed
        self._by_key.setdefault(handed.key, set()).add(place)

    def forget(self, place: Place) -> None:
        """It is not there, or nobody knows what is."""
        self._drop(place)
        if place.kind is HeldKind.SUBSCRIPTION:
            self._health.pop((place.namespace, place.name), None)

    def doubt(self, place: Place) -> None:
        """It is there, but how it stands has to be asked again."""
        if handed := self._handed.get(place):
            self._handed[place] = replace(handed, is_current=False)

    def found(self, held: Collection[Place]) -> None:
        """The gateway's own list: what of it was not put by this process is a stray."""
        self._strays = set(held) - self._handed.keys()
        self.is_informed = True

    def strays(self) -> Collection[Place]:
        """What the gateway has of ours although this process did not put it."""
        return tuple(self._strays)

    def hear(self, name: tuple[str, str], reading: HealthReading) -> None:
        """How a subscription's deliveries fare."""
        self._health[name] = reading

    def health(self, name: tuple[str, str]) -> HealthReading:
        return self._health.get(name, HealthReading())

    def subscriptions(self) -> Iterator[tuple[Place, Handed]]:
        """Those that were handed over; a copy."""
        return ((p, h) for p, h in tuple(self._handed.items()) if p.kind is HeldKind.SUBSCRIPTION)

    def _drop(self, place: Place) -> None:
        self._strays.discard(place)
        if before := self._handed.pop(place, None):
            places = self._by_key[before.key]
            places.discard(place)
            if not places:
                del self._by_key[before.key]
