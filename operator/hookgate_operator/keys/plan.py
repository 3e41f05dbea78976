"""
What a Secret's labels declare, and what is told of it: pure.

``hookgate.dev/api-key: "true"`` makes it an API key, ``hookgate.dev/source: NAME`` the source of that
name; it may be both. Of its values only those that hookgate reads go to the gateway.
"""

import base64
import binascii
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from hookgate_operator.declarations import Place, our_metadata
from hookgate_operator.ports import Announcement, HeldKind, Key, Observed

__all__ = [
    "API_KEY_LABEL",
    "SOURCE_LABEL",
    "Draft",
    "KeyReason",
    "Problem",
    "announcements",
    "declared",
    "rank",
]

API_KEY_LABEL: Final = "hookgate.dev/api-key"
SOURCE_LABEL: Final = "hookgate.dev/source"

_ENTRIES: Final[Mapping[HeldKind, tuple[str, str]]] = {
    HeldKind.API_KEY: ("api-key", "api-key-previous"),
    HeldKind.SOURCE: ("key", "key-previous"),
}
_ANNOUNCED_LENGTH = 1024


class KeyReason(StrEnum):
    """What Events on Secrets say: the closed set."""

    ACCEPTED = "KeyAccepted"
    REFUSED = "KeyRefused"
    OWNED_BY_ANOTHER = "OwnedByAnother"
    SOURCE_TAKEN = "SourceTaken"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a Secret declares at one place."""

    resource: Mapping[str, Any] = field(repr=False)
    secrets: Mapping[str, Mapping[str, bytes]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something that a Secret declares cannot be used; never a value."""

    reason: KeyReason
    message: str


def declared(observed: Observed | None) -> Mapping[Place, Draft]:
    """What a Secret declares, by place; nothing when it is gone or on its way."""
    return {} if observed is None else dict(_drafts(observed))


def _drafts(observed: Observed) -> Iterator[tuple[Place, Draft]]:
    metadata = observed.document.get("metadata") or {}
    labels = metadata.get("labels") or {}
    if metadata.get("deletionTimestamp"):
        return
    key = observed.key
    if labels.get(API_KEY_LABEL) == "true":
        yield Place(HeldKind.API_KEY, key.namespace, key.name), _draft(observed, HeldKind.API_KEY)
    if source := labels.get(SOURCE_LABEL):
        yield Place(HeldKind.SOURCE, key.namespace, source), _draft(observed, HeldKind.SOURCE)


def _draft(observed: Observed, kind: HeldKind) -> Draft:
    data = observed.document.get("data") or {}
    values = {name: _decoded(data[name]) for name in _ENTRIES[kind] if name in data}
    metadata = our_metadata(observed.document)
    resource = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}
    return Draft(resource, {observed.key.name: values})


def _decoded(text: object) -> bytes:
    """A value of ``data``; what is no base64 counts as empty, which the gateway refuses by name."""
    try:
        return base64.b64decode(str(text or ""), validate=True)
    except (binascii.Error, ValueError):
        return b""


def rank(observed: Observed) -> tuple[str, Key]:
    """Which of several Secrets that declare one source is it: the oldest, then the first by name."""
    metadata = observed.document.get("metadata") or {}
    return str(metadata.get("creationTimestamp") or ""), observed.key


def announcements(
    problems: Sequence[Problem], before: Collection[Problem]
) -> tuple[Announcement, ...]:
    """What is new since ``before``; that nothing is wrong any more is worth a word, too."""
    if not problems and before:
        return (Announcement(type="Normal", reason=KeyReason.ACCEPTED, message=_ACCEPTED),)
    return tuple(
        Announcement(
            type="Warning", reason=problem.reason, message=problem.message[:_ANNOUNCED_LENGTH]
        )
        for problem in problems
        if problem not in before
    )


_ACCEPTED = "The gateway takes everything that this Secret declares."
