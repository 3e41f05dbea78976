"""
Bulk replays: saved once, carried on step by step, each step in one transaction.

A step looks at one window of deliveries, stores new ones for those that are selected, and moves the
replay's position past them, so that whatever dies in between, each is made once. A step that comes
once more, because the writer before this one died without answering, is known by its first id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from hookgate_gateway.store.sqlite.writing.backlog import LARGE_BODY, with_bodies
from hookgate_gateway.store.sqlite.writing.once import remember
from hookgate_gateway.store.sqlite.writing.transaction import SQL, Answer, Transaction
from hookgate_gateway.store.sqlite.writing.upkeep import cancel_one

__all__ = ["advance", "cancel_matching", "cancel_rest", "change", "save", "settle"]

_WINDOW = 2000
"""Deliveries that one step looks at: a few milliseconds."""
_BEHIND_ALL = "\U0010ffff"
_BODIES = 512 << 10
"""Bytes of bodies in one step: a part of what waits in memory for one lane."""


class _Match(NamedTuple):
    """A row of ``matching``."""

    id: str
    event_id: str
    run_id: str
    subscription: str | None
    url: str | None
    key_secret: str | None
    key_fingerprint: str | None
    lane: str
    body_size: int
    sent_since: int
    """Another replay has sent it meanwhile, and only what was not replayed is wanted."""


class _Job(NamedTuple):
    """A row of ``replay_job``."""

    filter: str
    to_subscription: str | None
    key_secret: str | None
    key_fingerprint: str | None
    created_at: float
    state: str
    selecting: int
    bound: int
    position: str
    deferred: int


@dataclass(slots=True)
class _Made:
    """What a step has done so far. Rows are those of ``take_due``."""

    position: str
    deferred: int
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    passed: int = 0
    blocked: str | None = None
    bytes: int = 0


def settle(_tx: Transaction, _request: None, _bodies: memoryview) -> Answer:
    """Null, once everything that was asked before is on disk."""
    return None, ()


def save(tx: Transaction, request: Sequence[Any], sha256: memoryview) -> Answer:
    """``[now, null]``: where the replay of this id stands, a new one or the one that was there.

    ``[null, made]`` and the first request's hash when the request's key stands for another one.
    """
    row, once = request
    before = remember(tx, row[0], once, sha256) if once is not None else None
    if before is not None:
        return (None, before[1]), (before[0],)
    tx.execute("insert_replay", *row)
    return (tx.row("replay_now", row[0], row[1]), None), ()


def change(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    """``[namespace, id, state]``: where the replay stands then; null when there is none."""
    namespace, id_, state = request
    if state == "cancelled":
        tx.execute("cancel_replay", namespace, id_)
        tx.replays[namespace, id_].update()
    else:
        tx.execute("change_replay", namespace, id_, state)
    return tx.row("replay_now", namespace, id_), ()


def cancel_rest(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    """``[id, subscription]`` of at most so many pending deliveries of a replay, cancelled now."""
    namespace, id_, limit, now = request
    found = tx.execute("pending_of_replay", namespace, id_, limit).fetchall()
    return [row for row in found if cancel_one(tx, namespace, row[0], "requested", now)], ()


def cancel_matching(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    """``[[id, subscription], position]``: a window's pending deliveries, cancelled; null at the end."""
    values, ending, now = request
    matches, end = _look(tx, values)
    if len(matches) == values["limit"]:
        end = matches[-1].id
    namespace = values["namespace"]
    cancelled = [
        (match.id, match.subscription)
        for match in matches
        if cancel_one(tx, namespace, match.id, ending, now)
    ]
    return (cancelled, end), ()


def advance(tx: Transaction, request: Sequence[Any], _: memoryview) -> Answer:
    """``[rows, sizes, blocked, pass over, done, again]`` and bodies, as ``take_due`` answers them."""
    namespace, id_, ids, full, closed, now = request
    row = tx.row("replay_job", namespace, id_)
    job = None if row is None else _Job(*row)
    if job is None or job.state != "running" or not job.selecting:
        return ((), (), None, False, True, False), ()
    if tx.row("delivery_exists", namespace, ids[0]):
        return ((), (), None, False, False, True), ()
    step = _Step(tx, namespace, id_, job, now)
    at_end = step.carry_out(ids, frozenset(full), frozenset(closed))
    tx.pending.update(step.created)
    pass_over = at_end and step.made.deferred > 0
    done = at_end and not pass_over
    _move(tx, namespace, id_, step.made, pass_over=pass_over, done=done)
    rows, sizes, bodies = with_bodies(tx, step.made.rows, len(ids) * LARGE_BODY)
    return (rows, sizes, step.made.blocked, pass_over, done, False), bodies


def _move(
    tx: Transaction, namespace: str, id_: str, made: _Made, *, pass_over: bool, done: bool
) -> None:
    """Write how far it came."""
    tx.execute("move_replay", namespace, id_, made.position, len(made.rows), made.passed,
               made.deferred)  # fmt: skip
    if pass_over:
        tx.execute("begin_pass", namespace, id_)
    if done:
        tx.execute("end_selection", namespace, id_)
        tx.replays[namespace, id_].update()  # all that it made may have ended already


def _look(tx: Transaction, values: Mapping[str, Any]) -> tuple[list[_Match], str | None]:
    """The matches of a window, as many as asked for, and its end; None when nothing lies behind it."""
    window = tx.row("matching_window", values["namespace"], values["position"], _WINDOW - 1)
    end = None if window is None else str(window[0])
    bounds = {"end_position": _BEHIND_ALL if end is None else end}
    rows = tx.cursor.execute(SQL["matching"], {**values, **bounds}).fetchall()
    return [_Match(*row) for row in rows], end


class _Step:
    """One step of one replay."""

    def __init__(self, tx: Transaction, namespace: str, id_: str, job: _Job, now: float) -> None:
        self._tx = tx
        self._namespace = namespace
        self._id = id_
        self._job = job
        self._now = now
        self._alive: dict[str, bool] = {}
        self.made = _Made(job.position, job.deferred)
        self.created: dict[tuple[str, str], int] = {}
        """Pending ones, by (namespace, subscription)."""

    def carry_out(self, ids: Sequence[str], full: frozenset[str], closed: frozenset[str]) -> bool:
        """Make what can be made; whether the selection was walked through to its end."""
        job = self._job
        values = {
            **orjson.loads(job.filter),
            "namespace": self._namespace,
            "kind": "event",
            "position": job.position,
            "created_at": job.created_at,
            "bound": job.bound,
            "to_subscription": job.to_subscription,
            "replay": self._id,
            "limit": len(ids),
        }
        matches, end = _look(self._tx, values)
        for match in matches:
            if not self._pass(match, ids, full, closed):
                return False
            self.made.position = match.id
        if len(matches) == len(ids):
            return False
        if end is not None:
            self.made.position = end
        return end is None

    def _pass(
        self, match: _Match, ids: Sequence[str], full: frozenset[str], closed: frozenset[str]
    ) -> bool:
        """Deal with one match; False when the step ends before it."""
        job, made = self._job, self.made
        name = job.to_subscription or match.subscription
        lane = match.lane if name is None else f"s/{self._namespace}/{name}"
        size = match.body_size if match.body_size <= LARGE_BODY else 0
        if match.sent_since or (name is not None and not self._lives(name)):
            made.passed += 1
        elif lane in closed:
            made.deferred += 1
        elif lane in full:
            made.blocked = lane
            return False
        elif made.rows and made.bytes + size > _BODIES:
            return False
        elif self._make(match, ids[len(made.rows)], name, lane):
            made.bytes += size
        elif job.to_subscription is not None:
            made.passed += 1  # otherwise an earlier pass has made and counted it
        return True

    def _make(self, match: _Match, id_: str, name: str | None, lane: str) -> bool:
        key: tuple[str | None, str | None] = (None, None)
        url = None
        if name is None:
            url, key = match.url, (match.key_secret, match.key_fingerprint)
            if key[0] is None:
                key = (self._job.key_secret, self._job.key_fingerprint)
        target = (match.event_id, match.run_id, name, url, *key, lane)
        self._tx.execute("make_replay", self._namespace, id_, *target, self._now, match.body_size,
                         match.id, self._id)  # fmt: skip
        if self._tx.cursor.rowcount != 1:
            return False
        owed = (self._namespace, name or "")
        self.created[owed] = self.created.get(owed, 0) + 1
        self.made.rows.append((self._namespace, id_, *target, "replay", 0, self._now, self._now,
                               match.body_size))  # fmt: skip
        return True

    def _lives(self, name: str) -> bool:
        alive = self._alive.get(name)
        if alive is None:
            row = self._tx.row("subscription_lives", self._namespace, name)
            alive = self._alive[name] = row is not None
        return alive
