"""Bulk replays, the gateway's side: counted beside the writer, carried on by it, handed over at once."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson

from hookgate.deliveries import DeliveryState, Outcome
from hookgate_gateway.ports import Advanced, Cancelled, MadeBefore, Once, Page
from hookgate_gateway.rules.delivery import (
    DeliveryId,
    Ending,
    KeyRef,
    LaneKey,
    Namespace,
    RunId,
    Timestamp,
)
from hookgate_gateway.rules.replay import (
    Counts,
    Replay,
    ReplayFilter,
    ReplayId,
    ReplayPlan,
    ReplayState,
    Step,
)
from hookgate_gateway.store.claims import Expectation
from hookgate_gateway.store.cursor import read_cursor, write_cursor
from hookgate_gateway.store.sqlite.backlog import SqliteBacklog, deliveries_of
from hookgate_gateway.store.sqlite.link import Link
from hookgate_gateway.store.sqlite.reader import Reader, Rests, Snapshot

__all__ = ["SqliteBulkReplays"]

_WINDOW = 5000
"""Rows that one read looks at when it counts."""
_BEHIND_ALL = "\U0010ffff"
_FAR = 1e300
_CANCELLED_AT_ONCE = 500


class SqliteBulkReplays:
    """Implements the port BulkReplays."""

    def __init__(self, link: Link, reader: Reader, backlog: SqliteBacklog) -> None:
        self._link = link
        self._reader = reader
        self._backlog = backlog

    # ---------------------------------------------------------------------------------- selecting

    async def count_matching(
        self,
        namespace: Namespace,
        wanted: ReplayFilter,
        *,
        replayable: bool,
        to_subscription: str | None,
        now: Timestamp,
    ) -> int:
        bound = await self._newest_number()
        values = {
            **_frozen(namespace, wanted, bound, now),
            "kind": "event" if replayable else None,
            "to_subscription": to_subscription,
        }
        return await self._count(values)

    async def save_replay(
        self, plan: ReplayPlan, once: Once | None = None, *, paused: bool = False
    ) -> Replay | MadeBefore:
        known = await self.replay(plan.namespace, plan.id)
        if known is not None:
            return known
        await self._link.request("settle", None)
        bound = await self._newest_number()
        values = {
            **_frozen(plan.namespace, plan.filter, bound, plan.created_at),
            "kind": "event",
            "to_subscription": plan.to_subscription,
        }
        matched = await self._count(values)
        key = plan.key
        row = (
            plan.namespace, plan.id, _json(_conditions(plan.filter)), plan.to_subscription,
            plan.rate, key and key.secret, key and key.fingerprint, plan.created_at, plan.owner, bound,
            matched, ReplayState.PAUSED if paused else ReplayState.RUNNING,
        )  # fmt: skip
        again = None if once is None else (once.key, plan.id, once.at, once.since)
        bodies = () if once is None else (once.request_sha256,)
        (now, made), sha256 = await self._link.request("save_replay", (row, again), bodies)
        return _replay(plan, now) if made is None else MadeBefore(bytes(sha256), made)

    async def _newest_number(self) -> int:
        row = await self._reader.read(lambda snapshot: snapshot.row("newest_number"))
        return int(row[0])

    async def _count(self, values: Mapping[str, Any]) -> int:
        """Window after window, each in a short transaction, with rests."""
        found, position = 0, ""

        def look(snapshot: Snapshot) -> tuple[int, str | None]:
            here = {**values, "position": position, "replay": None}
            edge = snapshot.pick("matching_window", {**here, "window": _WINDOW - 1})
            end = edge[0][0] if edge else None
            here["end_position"] = _BEHIND_ALL if end is None else end
            return snapshot.pick("matching_count", here)[0][0], end

        rests = Rests()
        while True:
            await rests.rest()
            count, end = await self._reader.read(look)
            found += count
            if end is None:
                return found
            position = end

    # ---------------------------------------------------------------------------------- going on

    async def advance_replay(
        self, namespace: Namespace, id_: ReplayId, step: Step, now: Timestamp
    ) -> Advanced:
        """What it makes counts as taken until the caller had its chance to claim it, as with an accept."""
        expectation = Expectation(step.ids, due=now)
        loop = asyncio.get_running_loop()
        request = (namespace, id_, step.ids, list(step.full), list(step.closed), now)
        answer = self._link.post(
            "advance_replay",
            request,
            settled=lambda: self._backlog.unclaimed_soon(loop, expectation),
        )
        self._backlog.expect(expectation)
        (rows, sizes, blocked, pass_over, done, again), bodies = await answer
        deliveries = deliveries_of(rows, sizes, bodies)
        if not again:
            expectation.created = frozenset(delivery.id for delivery in deliveries)
        lane = None if blocked is None else LaneKey(blocked)
        return Advanced(tuple(deliveries), lane, pass_over=pass_over, done=done)

    async def change_replay(
        self, namespace: Namespace, id_: ReplayId, state: ReplayState
    ) -> Replay | None:
        await self._link.request("change_replay", (namespace, id_, state))
        return await self.replay(namespace, id_)

    async def cancel_replay_rest(
        self, namespace: Namespace, id_: ReplayId, limit: int, now: Timestamp
    ) -> Sequence[Cancelled]:
        found, _ = await self._link.request("cancel_replay_rest", (namespace, id_, limit, now))
        return [Cancelled(DeliveryId(id_), name) for id_, name in found]

    async def cancel_matching(
        self, namespace: Namespace, wanted: ReplayFilter, now: Timestamp
    ) -> AsyncIterator[Sequence[Cancelled]]:
        values = {
            **_frozen(namespace, wanted, await self._newest_number(), now),
            "kind": None,
            "to_subscription": None,
            "replay": None,
            "limit": _CANCELLED_AT_ONCE,
        }
        position: str | None = ""
        while position is not None:
            request = ({**values, "position": position}, Ending.REQUESTED, now)
            (found, position), _ = await self._link.request("cancel_matching", request)
            if found:
                yield [Cancelled(DeliveryId(id_), name) for id_, name in found]

    # ------------------------------------------------------------------------------------ looking

    async def replay(self, namespace: Namespace, id_: ReplayId) -> Replay | None:
        values = {"namespace": namespace, "id": id_}
        rows = await self._reader.read(lambda snapshot: snapshot.pick("replay", values))
        return _record(rows[0]) if rows else None

    async def replays(
        self, namespace: Namespace, *, limit: int, cursor: str | None = None
    ) -> Page[Replay]:
        created_at, position = read_cursor(cursor, float, str) if cursor else (_FAR, "")
        values = {"namespace": namespace, "created_at": created_at, "position": position,
                  "limit": limit + 1}  # fmt: skip
        rows = await self._reader.read(lambda snapshot: snapshot.pick("replays_page", values))
        items = tuple(_record(row) for row in rows[:limit])
        more = len(rows) > limit
        last = items[-1].plan if more else None
        return Page(items, write_cursor((last.created_at, last.id)) if last else None)

    async def declared_replays(
        self, owner: str | None, *, unfinished: bool, limit: int, cursor: str | None = None
    ) -> Page[Replay]:
        namespace, position = read_cursor(cursor, str, str) if cursor else ("", "")
        values = {"owner": owner, "namespace": namespace, "position": position, "limit": limit + 1}
        name = "declared_unfinished_page" if unfinished else "declared_replays_page"
        rows = await self._reader.read(lambda snapshot: snapshot.pick(name, values))
        items = tuple(_record(row) for row in rows[:limit])
        last = items[-1].plan if len(rows) > limit else None
        return Page(items, write_cursor((last.namespace, last.id)) if last else None)

    async def unfinished_replays(self) -> Sequence[Replay]:
        rows = await self._reader.read(lambda snapshot: snapshot.rows("unfinished_replays"))
        return [_record(row) for row in rows]


def _frozen(
    namespace: Namespace, wanted: ReplayFilter, bound: int, at: Timestamp
) -> dict[str, Any]:
    return {**_conditions(wanted), "namespace": namespace, "bound": bound, "created_at": at}


def _conditions(wanted: ReplayFilter) -> dict[str, Any]:
    """A filter by the names of the statement's parameters; kept so with a replay."""
    return {
        "subscription": wanted.subscription,
        "state": wanted.state,
        "outcome": wanted.outcome,
        "run_type": wanted.run_type,
        "status": wanted.status,
        "run_ids": _json(sorted(wanted.run_ids)) if wanted.run_ids else None,
        "since": wanted.since,
        "until": wanted.until,
        "not_replayed": int(wanted.not_replayed),
    }


def _json(value: Any) -> str:
    return orjson.dumps(value).decode("utf-8")


def _record(row: Sequence[Any]) -> Replay:
    (text, to_subscription, rate, secret, fingerprint, created_at, owner, namespace, id_,
     *now) = row  # fmt: skip
    plan = ReplayPlan(
        id=ReplayId(id_),
        namespace=Namespace(namespace),
        filter=_filter(orjson.loads(text)),
        created_at=created_at,
        to_subscription=to_subscription,
        rate=rate,
        key=None if secret is None else KeyRef(secret, fingerprint),
        owner=owner,
    )
    return _replay(plan, now)


def _replay(plan: ReplayPlan, now: Sequence[Any]) -> Replay:
    """A plan, and what ``replay_now`` says of it."""
    state, selecting, matched, made, delivered, exhausted, cancelled, passed = now
    return Replay(
        plan=plan,
        state=ReplayState(state),
        selecting=bool(selecting),
        counts=Counts(
            matched=matched,
            made=made,
            delivered=delivered,
            exhausted=exhausted,
            cancelled=cancelled,
            passed=passed,
        ),
    )


def _filter(conditions: Mapping[str, Any]) -> ReplayFilter:
    state, outcome, run_ids = (conditions[name] for name in ("state", "outcome", "run_ids"))
    return ReplayFilter(
        subscription=conditions["subscription"],
        state=None if state is None else DeliveryState(state),
        outcome=None if outcome is None else Outcome(outcome),
        run_type=conditions["run_type"],
        status=conditions["status"],
        run_ids=tuple(RunId(run_id) for run_id in orjson.loads(run_ids)) if run_ids else (),
        since=conditions["since"],
        until=conditions["until"],
        not_replayed=bool(conditions["not_replayed"]),
    )
