"""Put and delete resources; each change makes the catalogue's next revision."""

from collections.abc import Sequence
from typing import Any

from hookgate_gateway.store.sqlite.writing.transaction import Answer, Transaction

__all__ = ["delete", "put", "replace_secrets", "resume"]


def put(tx: Transaction, request: Sequence[Any], bodies: memoryview) -> Answer:
    """``[revision]``, or ``[null, owner]`` when it is another's. A deleted one is anybody's."""
    kind, namespace, name, owner, fingerprint, suspended, clears_gone, fills_gap, now, size = (
        request
    )
    known = tx.row("resource", kind, namespace, name)
    created_at, gone_at, resumed_at, suspended_at = now, None, 0.0, None
    if known is not None:
        its_owner, created_at, gone_at, resumed_at, deleted_at, suspended_at = known
        if its_owner != owner and deleted_at is None:
            return (None, its_owner), ()
        if clears_gone and gone_at is not None:
            gone_at, resumed_at = None, now
        unsuspended = suspended_at is not None and not suspended
        if deleted_at is not None or unsuspended or fills_gap:
            resumed_at = now
    if not suspended:
        suspended_at = None
    elif suspended_at is None:
        suspended_at = now
    revision = tx.bump_revision()
    tx.execute("put_resource", kind, namespace, name, owner, fingerprint, bodies[:size],
               bodies[size:], revision, created_at, gone_at, resumed_at, suspended_at)  # fmt: skip
    tx.execute("forget_removed", kind, namespace, name)
    return (revision, None), ()


def delete(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    """As ``put``. A subscription keeps its row for the grace; everything else is gone at once.

    A frame that comes once more may find a resource that another owner has put since.
    """
    kind, namespace, name, owner, now = request
    known = tx.row("resource", kind, namespace, name)
    if known is None or known[4] is not None:
        return (tx.revision(), None), ()
    its_owner, created_at, _, resumed_at, *_ = known
    if its_owner != owner:
        put_since = max(created_at, resumed_at) > now
        return ((tx.revision(), None) if put_since else (None, its_owner)), ()
    if kind != "subscription":
        return (remove(tx, kind, namespace, name), None), ()
    revision = tx.bump_revision()
    tx.execute("mark_deleted", kind, namespace, name, now, revision)
    return (revision, None), ()


def resume(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    kind, namespace, name, now = request
    revision = tx.revision()
    tx.execute("resume_resource", kind, namespace, name, now, revision + 1)
    return (tx.bump_revision() if tx.cursor.rowcount == 1 else revision, None), ()


def replace_secrets(tx: Transaction, request: Sequence[Any], bodies: memoryview) -> Answer:
    """How many of these were replaced. The catalogue's revision stays: nothing was declared anew."""
    replaced, start = 0, 0
    for kind, namespace, name, size, former_size in request:
        middle, end = start + size, start + size + former_size
        tx.execute(
            "replace_secrets", kind, namespace, name, bodies[start:middle], bodies[middle:end]
        )
        replaced += tx.cursor.rowcount
        start = end
    return replaced, ()


def remove(tx: Transaction, kind: str, namespace: str, name: str) -> int:
    """Remove the last trace of a resource; returns the revision that says so."""
    revision = tx.bump_revision()
    tx.execute("remove_resource", kind, namespace, name)
    tx.execute("note_removed", kind, namespace, name, revision)
    return revision
