"""Cancel, replay, prune: changes of what is stored already, each in bounded chunks."""

from collections.abc import Sequence
from typing import Any

from hookgate_gateway.store.sqlite.writing.catalogue import remove
from hookgate_gateway.store.sqlite.writing.transaction import Answer, Transaction

__all__ = [
    "add_replay",
    "cancel",
    "cancel_deleted",
    "cancel_one",
    "expire",
    "overdue",
    "prove_writable",
    "prune",
    "set_run_status",
]

_LARGE_BODY = 65536
_OPEN_RUN = 366 * 86400.0
"""Seconds that a run with a webhook URL stays longer than events do, while nothing final came."""
_LOOK_AT = 4
"""Events looked at for each one that may be removed in a chunk, so that a chunk stays short."""


def cancel(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    """Which of these were pending."""
    namespace, ids, ending, now = request
    return [id_ for id_ in ids if cancel_one(tx, namespace, id_, ending, now)], ()


def cancel_one(tx: Transaction, namespace: str, id_: str, ending: str, now: float) -> bool:
    """Whether it was pending; counted wherever it was counted as owed."""
    return _end_pending(tx, (namespace, id_), "cancelled", ending, now) is not None


def _end_pending(
    tx: Transaction, key: tuple[str, str], state: str, ending: str, now: float
) -> tuple[str, str | None] | None:
    """End it without an attempt: its event and subscription; None when it was not pending."""
    found = tx.row("end_pending", *key, state, ending, now)
    if found is None:
        then: tuple[str, str | None] | None = tx.row("ended_then", *key, state, ending, now)
        return then
    event_id, subscription, replay = found
    namespace = key[0]
    tx.pending[namespace, subscription or ""] -= 1
    if replay is not None:
        tx.replays[namespace, replay][state] += 1
    return event_id, subscription


def overdue(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    """``[namespace, id]`` of what waits for these lanes, is too old and in nobody's hands."""
    lanes, limit = request
    found: list[Any] = []
    for lane, before, in_hand in lanes:
        if len(found) >= limit:
            break
        room = limit - len(found) + len(in_hand)
        rows = tx.execute("overdue", lane, before, room).fetchall()
        held = frozenset(in_hand)
        found += [row for row in rows if row[1] not in held][: limit - len(found)]
    return found, ()


def expire(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    """``[namespace, id, event, subscription]`` of those that were pending."""
    keys, now = request
    ended = [(key, _end_pending(tx, key, "exhausted", "expired", now)) for key in keys]
    return [(*key, *of) for key, of in ended if of is not None], ()


def set_run_status(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    return tx.execute("set_run_status", *request).rowcount == 1, ()


def add_replay(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    """``[run, size]`` and the body unless it is large; null when there is no such event."""
    namespace, _id, event_id, subscription = request[:4]
    event = tx.row("event_for_replay", namespace, event_id)
    if event is None:
        return None, ()
    if tx.execute("add_replay", *request).rowcount == 1:
        tx.pending[namespace, subscription or ""] += 1
    if event[1] > _LARGE_BODY:
        return event, ()
    return event, (tx.row("event_body", namespace, event_id)[0],)


def prove_writable(tx: Transaction, _: Any, __: memoryview) -> Answer:
    tx.execute("prove_writable")
    return None, ()


def cancel_deleted(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    """``[namespace, name, cancelled]`` each. One of which nothing is pending loses its trace."""
    deleted_before, room, now = request
    cancelled = []
    for namespace, name in tx.execute("deleted_subscriptions", deleted_before).fetchall():
        ids = _pending_of(tx, namespace, name, room) if room else []
        done = sum(cancel_one(tx, namespace, id_, "subscription_deleted", now) for id_ in ids)
        if room and len(ids) < room:
            remove(tx, "subscription", namespace, name)
        if done:
            cancelled.append((namespace, name, done))
            room -= done
    return cancelled, ()


def _pending_of(tx: Transaction, namespace: str, name: str, limit: int) -> list[str]:
    count = tx.row("pending_count", namespace, name)
    if count is None and not tx.pending[namespace, name]:
        return []
    parked = tx.execute("parked_of_lane", f"s/{namespace}/{name}", limit).fetchall()
    room = limit - len(parked)
    waiting = tx.execute("waiting_of_subscription", namespace, name, room).fetchall()
    return [row[0] for row in parked + waiting]


def prune(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    """``[removed, position, more]``: walks along the arrival from a position up to the cutoff."""
    before, limit, position = request
    tx.execute("prune_unreported_runs", 0, before, limit)
    tx.execute("prune_unreported_runs", 1, before - _OPEN_RUN, limit)
    tx.execute("prune_asked_runs", before, limit)
    tx.execute("prune_replays", before, limit)
    removed, chunk = 0, limit * _LOOK_AT
    rows = tx.execute("events_after", position, chunk).fetchall()
    for number, namespace, id_, run_id, received_at in rows:
        if received_at >= before:
            return (removed, position, False), ()
        if removed == limit:
            return (removed, position, True), ()
        position = number
        if not _is_wanted(tx, number, namespace, id_, before):
            tx.execute("prune_attempts", namespace, id_)
            tx.execute("prune_deliveries", namespace, id_)
            tx.execute("prune_event", number)
            tx.execute("prune_run", namespace, run_id)
            tx.execute("forget_report", namespace, run_id)
            removed += 1
    return (removed, position, len(rows) == chunk), ()


def _is_wanted(tx: Transaction, number: int, namespace: str, id_: str, before: float) -> bool:
    """Something is owed of it or ended of late, or a replay may still select it."""
    return (
        tx.row("unfinished_delivery", namespace, id_, before) is not None
        or tx.row("replay_may_select", namespace, number) is not None
    )
