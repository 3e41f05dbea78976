"""
Runs that an upstream is asked for: stored before, adopted as soon as anybody has named them.

Who names a run first, the upstream's answer or its report, makes it what was asked for; the other one
finds it so. Frames that come once more find their own rows.
"""

from collections.abc import Sequence
from typing import Any

from hookgate_gateway.store.sqlite.writing.once import remember
from hookgate_gateway.store.sqlite.writing.transaction import Answer, Transaction

__all__ = ["adopt", "adopt_reported", "ask", "withdraw"]

_SHA256 = 32


def ask(tx: Transaction, request: Sequence[Any], bodies: memoryview) -> Answer:
    """``[id, run, once]``: null; what its key stands for already, and the first request's hash."""
    id_, run, once = request
    if once is not None:
        before = remember(tx, run[0], once, bodies[:_SHA256])
        if before is not None:
            return before[1], (before[0],)
        bodies = bodies[_SHA256:]
    namespace, _, run_type, _, *rest = run
    key = (None, None) if once is None else once[:2]
    tx.execute("ask_run", namespace, id_, run_type, *rest, *key, bodies)
    return None, ()


def withdraw(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    """``[namespace, id, [key, reservation]]``: the key is free, should it still stand for that."""
    namespace, id_, key = request
    tx.execute("forget_asked_run", namespace, id_)
    if key is not None:
        tx.execute("release_once", namespace, *key)
    return None, ()


def adopt(tx: Transaction, request: Sequence[Any], body: memoryview) -> Answer:
    """``[id, run, delivery id, settled]``: whether the run is what was asked for now, and what is due."""
    id_, run, delivery, settled = request
    tx.execute("forget_asked_run", run[0], id_)
    if not _register(tx, run, body, delivery):
        return (False, None), ()
    if settled is not None:
        tx.execute("settle_once", run[0], *settled)
    return (True, _due(tx, run[0], delivery)), ()


def adopt_reported(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    """``[id, run, delivery id, made]``: whether anything waited under this id, and what is due."""
    id_, (namespace, run_id, run_type, status), delivery, made = request
    asked = tx.row("asked_run", namespace, id_)
    if asked is None:
        return (False, None), ()
    *rest, key, reservation, body = asked
    tx.execute("forget_asked_run", namespace, id_)
    if _register(tx, (namespace, run_id, run_type, status, *rest), body, delivery) and key:
        tx.execute("settle_once", namespace, key, reservation, made)
    return (True, _due(tx, namespace, delivery)), ()


def _due(tx: Transaction, namespace: str, delivery: str) -> float | None:
    """When what is owed by an adoption is due, if anything is."""
    row = tx.row("due_of", namespace, delivery)
    return None if row is None else row[0]


def _register(tx: Transaction, run: Sequence[Any], body: memoryview | bytes, delivery: str) -> bool:
    """False when another run of that id is registered; else what ended it is owed to its target."""
    namespace, run_id, run_type, status, created_at, workflow_id, *target = run
    tx.execute("adopt_run", namespace, run_id, run_type, status, created_at, workflow_id, body,
               *target)  # fmt: skip
    if tx.cursor.rowcount != 1:
        known = tx.row("registered_run", namespace, run_id)
        if known != (created_at, bytes(body)):
            return False
    if tx.execute("owe_run_target", namespace, run_id, delivery).rowcount == 1:
        tx.pending[namespace, ""] += 1
    return True
