"""
Read what is owed, write what became of it.

Reads are here and not in the gateway: they see what was committed just before them in the same
queue, so that nothing recorded can look pending once more, and no thread competes for the GIL.
"""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from hookgate_gateway.store.sqlite.writing.transaction import SQL, Answer, Transaction

__all__ = ["LARGE_BODY", "park", "parked_lanes", "record", "take_due", "take_parked", "with_bodies"]

LARGE_BODY = 65536
"""Bytes; a larger body does not wait in memory and is read again when it is sent."""


def take_due(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    """Rows after a position, with bodies up to so many bytes; whether there are more; what comes next."""
    due, id_, now, limit, budget = request
    rows = tx.execute("take_due", due, id_, now, limit).fetchall()
    taken, sizes, bodies = with_bodies(tx, rows, budget)
    more = len(taken) < len(rows) or len(rows) == limit
    upcoming = None if more else tx.row("next_due", now)
    return (taken, sizes, more, upcoming and upcoming[0]), bodies


def take_parked(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    """The lane's first rows after a position, without those in hand; whether there may be more."""
    lane, due, id_, limit, in_hand, budget = request
    held = frozenset(in_hand)
    taken: list[tuple[Any, ...]] = []
    bodies: list[bytes] = []
    with closing(tx.cursor.connection.cursor()) as rows:
        rows.execute(SQL["take_parked"], (lane, due, id_, limit + len(held)))
        for *row, body in rows:
            if row[1] in held:
                continue
            budget -= len(body or b"")
            if len(taken) == limit or (taken and budget < 0):
                return (taken, [len(body) for body in bodies], True), bodies
            taken.append((*row, -1 if body is None else len(bodies)))
            if body is not None:
                bodies.append(body)
    return (taken, [len(body) for body in bodies], len(taken) == limit), bodies


def parked_lanes(tx: Transaction, _: Any, __: memoryview) -> Answer:
    return [row[0] for row in tx.execute("parked_lanes")], ()


def with_bodies(
    tx: Transaction, rows: Sequence[tuple[Any, ...]], budget: int
) -> tuple[list[tuple[Any, ...]], list[int], list[bytes]]:
    """The rows that fit, each with the place of its body among ``bodies`` (-1: too large to wait)."""
    places: dict[tuple[str, str], int] = {}
    bodies: list[bytes] = []
    taken: list[tuple[Any, ...]] = []
    for row in rows:
        size = row[13]
        key = (row[0], row[2])
        if size > LARGE_BODY:
            taken.append((*row, -1))
            continue
        if key not in places:
            if taken and size > budget:
                break
            budget -= size
            places[key] = len(bodies)
            bodies.append(tx.row("event_body", *key)[0])
        taken.append((*row, places[key]))
    return taken, [len(body) for body in bodies], bodies


def park(tx: Transaction, keys: Sequence[Any], _: memoryview) -> Answer:
    tx.cursor.executemany(SQL["park"], keys)
    return None, ()


def record(tx: Transaction, items: Sequence[Any], bodies: memoryview) -> Answer:
    """0 stored, 1 stored but cancelled before; a recording that came before is answered alike."""
    successes = [item for item in items if _is_plain_success(item)]
    plain = tx.all_or_nothing("record_success", [_success(item) for item in successes])
    attempts: list[tuple[Any, ...]] = []
    firsts: list[tuple[Any, ...]] = []
    answers: list[int] = []
    start = 0
    for item in items:
        detail = start + item[14]
        end = detail + item[15]
        if plain and _is_plain_success(item):
            tx.pending[item[0], item[13]] -= 1
            firsts.append((*item[:3], item[10], item[11], item[8],
                           bytearray(bodies[start:detail]), bytearray(bodies[detail:end])))  # fmt: skip
            answers.append(0)
        else:
            answers.append(_record(tx, item, bodies[start:detail], bodies[detail:end], attempts))
        start = end
    tx.cursor.executemany(SQL["insert_success"], firsts)
    _insert(tx, attempts)
    return answers, ()


def _is_plain_success(item: Sequence[Any]) -> bool:
    """Delivered, and nothing else has to be told of it: nearly all that ever comes."""
    return item[3] == "delivered" and not item[17]


def _success(item: Sequence[Any]) -> tuple[Any, ...]:
    """The values of ``record_success``."""
    return (item[2], item[10] + item[11], item[8], item[0], item[1])


def _record(
    tx: Transaction,
    item: Sequence[Any],
    detail: memoryview,
    answer: memoryview,
    attempts: list[tuple[Any, ...]],
) -> int:
    (namespace, id_, number, state, ending, due, parked, outcome, status, retry_after, started_at,
     duration, error, subscription, _, _, marks_gone, is_replay) = item  # fmt: skip
    ended_at = None if state == "pending" else started_at + duration
    tx.cursor.execute(
        SQL["record_pending"],
        (state, ending, number, due, parked, ended_at, outcome, status, error, namespace, id_),
    )
    verdict = 0
    if tx.cursor.rowcount != 1:
        _insert(tx, attempts)
        known = tx.row("delivery_state", namespace, id_)
        cancelled = known is not None and known[0] == "cancelled"
        if known is None or tx.row("attempt_exists", namespace, id_, number):
            return int(cancelled or known is None)
        if cancelled or known[1] == "expired":
            verdict = 0 if state == "delivered" else 1
            after = ("delivered", None) if state == "delivered" else known
            tx.execute("record_cancelled", *after, number, outcome, status, error, namespace, id_)
            if is_replay and state == "delivered":
                _count(tx, namespace, id_, **{"delivered": 1, known[0]: -1})
    elif state != "pending":
        tx.pending[namespace, subscription] -= 1
        if is_replay:
            _count(tx, namespace, id_, **{state: 1})
    attempts.append((namespace, id_, number, started_at, duration, outcome, status, retry_after,
                     detail, answer))  # fmt: skip
    if marks_gone is not None:
        _mark_gone(tx, namespace, subscription, started_at + duration, marks_gone)
    return verdict


def _count(tx: Transaction, namespace: str, id_: str, **states: int) -> None:
    """A replayed delivery ended; those of no bulk replay are counted nowhere."""
    row = tx.row("replay_of_delivery", namespace, id_)
    if row is not None and row[0] is not None:
        tx.replays[namespace, row[0]].update(states)


def _insert(tx: Transaction, attempts: list[tuple[Any, ...]]) -> None:
    if attempts:
        tx.cursor.executemany(SQL["insert_attempt"], attempts)
        attempts.clear()


def _mark_gone(
    tx: Transaction, namespace: str, subscription: str, at: float, judged_by: int
) -> None:
    tx.execute("mark_gone", namespace, subscription, at, tx.revision() + 1, judged_by)
    if tx.cursor.rowcount == 1:
        tx.bump_revision()
