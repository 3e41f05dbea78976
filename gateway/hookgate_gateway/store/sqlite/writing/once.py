"""
Keys of requests that may come more than once: the first one makes something, the others are told what.

Part of the transaction that makes it, so that twins which arrive together cannot both do so, and a crash
leaves both the key and what it stands for, or neither.
"""

from collections.abc import Sequence
from typing import Any

from hookgate_gateway.store.sqlite.writing.accept import register
from hookgate_gateway.store.sqlite.writing.transaction import Answer, Transaction

__all__ = ["register_once", "remember"]

_FORGOTTEN_AT_ONCE = 4
"""Old keys that go with each new one: more than one, so that the table shrinks."""
_SHA256 = 32


def remember(
    tx: Transaction, namespace: str, once: Sequence[Any], sha256: memoryview
) -> tuple[bytes, str] | None:
    """None when the key stands for ``made`` now; else the request and what it stands for already.

    ``once`` is (key, made, at, since): a key of before ``since`` is free again. A frame that comes once
    more finds its own.
    """
    key, made, at, since = once
    known = tx.row("made_once", namespace, key, since)
    if known is None:
        tx.execute("forget_once", since, _FORGOTTEN_AT_ONCE)
        tx.execute("remember_once", namespace, key, sha256, made, at)
    elif known[1] != made:
        return bytes(known[0]), str(known[1])
    return None


def register_once(tx: Transaction, request: Sequence[Any], bodies: memoryview) -> Answer:
    """``[new, null]`` as ``register``; ``[false, made]`` and the first request's hash when it is not the first."""
    run, once = request
    before = remember(tx, run[0], once, bodies[:_SHA256])
    if before is not None:
        return (False, before[1]), (before[0],)
    new, _ = register(tx, run, bodies[_SHA256:])
    return (new, None), ()
