"""
Store events with everything they bring, and runs that were asked for.

The order of an item's fields is the one of ``intake.item`` on the gateway's side. Answers are as short
as they can be: the gateway knows what it sent. A frame that comes once more, because the writer before
this one died without answering, is known by its own ids and answered as it was the first time, also when
the catalogue has changed since: matched again, its deliveries would come beside those that are stored.
"""

from collections.abc import Sequence
from typing import Any

from hookgate_gateway.store.sqlite.writing.transaction import SQL, Answer, Transaction

__all__ = ["accept", "register"]

_Row = tuple[Any, ...]


def accept(tx: Transaction, items: Sequence[Any], bodies: memoryview) -> Answer:
    """``[0]`` stored, ``[0, run target, superseded]``, ``[1]`` late, ``[2, id, n]`` duplicate, ``[3, revision]`` stale."""
    revision = tx.revision()
    rows: list[_Row] = []
    answers: list[Any] = []
    start = 0
    for item in items:
        body = start + 32
        end = body + item[13]
        if item[11] < revision and tx.row("event_stored", item[1], item[0]) is None:
            answers.append((3, revision))
        elif item[15] and (ended := _ended_by_another(tx, item)):
            answers.append((2, ended, 0))
        else:
            answers.append(_store(tx, item, bodies[start:body], bodies[body:end], rows))
        start = end
    _insert(tx, rows)
    return answers, ()


def _ended_by_another(tx: Transaction, item: Sequence[Any]) -> str | None:
    """The final event of the item's run, unless this is the item itself, come once more."""
    row = tx.row("final_event_of_run", item[1], item[2])
    if row is None or tx.row("event_stored", item[1], item[0]) is not None:
        return None
    return str(row[0])


def _store(
    tx: Transaction, item: Sequence[Any], sha256: memoryview, body: memoryview, rows: list[_Row]
) -> _Row:
    (event_id, namespace, run_id, run_type, status, attempt, retry_pending, final, workflow_id,
     received_at, origin, _, run_delivery, size, deliveries, _) = item  # fmt: skip
    tx.cursor.execute(
        SQL["insert_event"],
        (namespace, event_id, run_id, run_type, status, attempt, retry_pending, final,
         received_at, origin, size, sha256, body),
    )  # fmt: skip
    if tx.cursor.rowcount != 1:
        _insert(tx, rows)
        return _seen_before(tx, item, sha256)
    interim = 0 if final or not deliveries else 1
    run = tx.row("report_run", namespace, run_id, run_type, status, received_at, workflow_id,
                 event_id, final, interim)  # fmt: skip
    if run is None:
        return (1,)
    had_interim, url, lane, secret, fingerprint = run
    for id_, subscription, its_lane, parked in deliveries:
        rows.append((namespace, id_, event_id, run_id, subscription, its_lane, received_at,
                     int(parked), size))  # fmt: skip
        tx.pending[namespace, subscription] += 1
    target = None
    if final and url is not None:
        target = (url, lane, secret, fingerprint)
        tx.execute("insert_run_delivery", namespace, run_delivery, event_id, run_id, url, secret,
                   fingerprint, lane, received_at, size)  # fmt: skip
        tx.pending[namespace, ""] += 1
    superseded: list[str] = []
    if final and had_interim:
        _insert(tx, rows)
        superseded = _supersede(tx, item)
    return (0, target, superseded) if target or superseded else (0,)


def _insert(tx: Transaction, rows: list[_Row]) -> None:
    if rows:
        tx.cursor.executemany(SQL["insert_delivery"], rows)
        rows.clear()


def _supersede(tx: Transaction, item: Sequence[Any]) -> list[str]:
    namespace, run_id, received_at = item[1], item[2], item[9]
    ids: list[str] = []
    for _, subscription, _, _ in item[14]:
        found = tx.execute("supersede", namespace, run_id, received_at, subscription).fetchall()
        tx.pending[namespace, subscription] -= len(found)
        ids += [row[0] for row in found]
    return ids


def _seen_before(tx: Transaction, item: Sequence[Any], sha256: memoryview) -> _Row:
    event_id, namespace, run_id, _, _, attempt, retry_pending = item[:7]
    original = tx.row("original_event", namespace, run_id, attempt, retry_pending, sha256)[0]
    stored = tx.execute("deliveries_of_event", namespace, original).fetchall()
    if original != event_id:
        return (2, original, len(stored))
    if not stored:
        return (1,) if item[14] else (0,)
    target = next((row[1:] for row in stored if row[0] == item[12]), None)
    superseded = tx.execute("superseded", namespace, run_id).fetchall() if item[7] else []
    return (0, target, [row[0] for row in superseded])


def register(tx: Transaction, run: Sequence[Any], body: memoryview) -> Answer:
    """Whether the run is registered by this. A frame that comes once more finds its own row."""
    namespace, run_id, run_type, status, created_at, workflow_id, *target = run
    tx.execute("register_run", namespace, run_id, run_type, status, created_at, workflow_id, body,
               *target)  # fmt: skip
    if tx.cursor.rowcount == 1:
        return True, ()
    known = tx.row("registered_run", namespace, run_id)
    return known == (created_at, bytes(body)), ()
