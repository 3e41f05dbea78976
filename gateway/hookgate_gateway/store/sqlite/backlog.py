"""The backlog, the gateway's side: claims in memory, rows from the writer, results to it."""

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from hookgate_gateway.ports import Ended, Ownership, Recorded, Recording, Taken
from hookgate_gateway.rules.delivery import (
    Attempt,
    Delivery,
    DeliveryId,
    EventId,
    KeyRef,
    Kind,
    LaneKey,
    Namespace,
    RunId,
    Target,
    Timestamp,
)
from hookgate_gateway.rules.retry import GiveUp, RetryAt, Succeed, Verdict
from hookgate_gateway.store.alarm import Alarm
from hookgate_gateway.store.claims import Claims, Expectation, Position, Walks
from hookgate_gateway.store.sqlite.link import Link
from hookgate_gateway.store.sqlite.reader import Reader

__all__ = ["SqliteBacklog", "deliveries_of"]

_ALL_SHARDS = Ownership(epoch=1, shards=frozenset(range(64)), until=math.inf)
_TIME_TO_CLAIM = 0.1
"""Seconds after its answer in which what was created may be claimed; then it is taken as all else."""
_NEWEST = 2**53
"""After every revision."""
_TAKE_BYTES = 8 << 20
"""Bodies of one take, in bytes."""
_WALK = 30.0
"""Seconds after which a lane's parked deliveries are read from their beginning again."""


class SqliteBacklog:
    """Implements the port Backlog. Whoever holds the file's lock owns every lane."""

    def __init__(self, link: Link, reader: Reader, alarm: Alarm) -> None:
        self._link = link
        self._reader = reader
        self._alarm = alarm
        self._claims = Claims()
        self._position = Position()
        self._walks = Walks(_WALK)
        self._taking = asyncio.Lock()

    async def owned(self) -> Ownership:
        return _ALL_SHARDS

    def claim(self, deliveries: Sequence[Delivery]) -> None:
        self._claims.take(deliveries)

    def expect(self, accept: Expectation) -> None:
        """An accept that is under way may create these: no take may return them."""
        self._claims.expect(accept)

    def unclaimed(self, accept: Expectation) -> None:
        """What nobody claimed of an accept is to be taken like everything else."""
        if self._claims.unclaimed(accept):
            self.arrived(accept.due)

    def unclaimed_soon(self, loop: asyncio.AbstractEventLoop, accept: Expectation) -> None:
        """The answer is in: whoever asked gets a moment to claim what was created."""
        loop.call_later(_TIME_TO_CLAIM, self.unclaimed, accept)

    def arrived(self, due: Timestamp) -> None:
        """Something due then can be taken."""
        self._position.back(due)
        self._alarm.at(due)

    async def take_due(self, now: Timestamp, limit: int) -> Taken:
        taken: list[Delivery] = []
        async with self._taking:
            try:
                with self._claims.open_take():
                    upcoming = await self._take_pages(now, limit, taken)
            except BaseException:
                self._give_back([delivery.id for delivery in taken])
                raise
        return Taken(tuple(taken), upcoming)

    async def _take_pages(
        self, now: Timestamp, limit: int, taken: list[Delivery]
    ) -> Timestamp | None:
        """Page after page, because what is in hand already may fill one; returns what is due next."""
        budget = _TAKE_BYTES
        while True:
            start = self._position.begin()
            request = (*_finite(start), now, limit - len(taken), budget)
            (rows, sizes, more, upcoming), bodies = await self._link.request("take_due", request)
            fresh = [row for row in rows if row[1] not in self._claims]
            found = deliveries_of(fresh, sizes, bodies)
            self._claims.take(found)
            taken += found
            budget -= sum(sizes)
            if rows:
                self._position.reached(rows[-1][11], rows[-1][1])
            if not more:
                return None if upcoming is None else float(upcoming)
            if len(taken) >= limit or budget <= 0 or not rows:
                return now

    async def take_parked(
        self, lane: LaneKey, limit: int, after: tuple[Timestamp, DeliveryId] | None = None
    ) -> Sequence[Delivery]:
        async with self._taking:
            with self._claims.open_take():
                if after is not None:
                    return (await self._take_parked(lane, after, limit))[0]
                return await self._walk(lane, limit)

    async def _walk(self, lane: LaneKey, limit: int) -> list[Delivery]:
        """Go on behind what is in hand; at the end of the lane, look at all of it."""
        clock = asyncio.get_running_loop().time
        behind = self._walks.begin(lane, clock())
        found, more = await self._take_parked(lane, behind, limit)
        if behind is not None and not more and len(found) < limit:
            rest, more = await self._take_parked(lane, None, limit - len(found))
            found += rest
        self._walks.reached(lane, found[-1] if more and found else None, clock())
        return found

    async def _take_parked(
        self, lane: LaneKey, behind: tuple[Timestamp, DeliveryId] | None, limit: int
    ) -> tuple[list[Delivery], bool]:
        """What waits behind a position, and whether there may be more."""
        in_hand = self._claims.parked_in(lane) if behind is None else ()
        request = (lane, *_finite(behind or (-math.inf, "")), limit, in_hand, _TAKE_BYTES)
        (rows, sizes, more), bodies = await self._link.request("take_parked", request)
        found = deliveries_of([r for r in rows if r[1] not in self._claims], sizes, bodies)
        self._claims.take(found, parked=True)
        return found, more

    async def parked_lanes(self) -> Sequence[LaneKey]:
        lanes, _ = await self._link.request("parked_lanes", None)
        return [LaneKey(lane) for lane in lanes]

    async def park(self, ids: Sequence[DeliveryId]) -> None:
        claims = [(id_, self._claims.get(id_)) for id_ in ids]
        keys = [(claim.namespace, id_) for id_, claim in claims if claim is not None]
        if keys:
            await self._link.request("park", keys)
            self._claims.drop(ids)
            for lane in {claim.lane for _, claim in claims if claim is not None}:
                self._walks.back(lane)

    async def record(self, results: Sequence[Recording]) -> Sequence[Recorded]:
        if not results:
            return ()
        items: list[Any] = []
        bodies: list[bytes] = []
        for result in results:
            detail = _detail(result.attempt)
            items.append(_item(result, len(detail)))
            bodies += (detail, result.attempt.response_body)
        answers, _ = await self._link.request("record", items, bodies)
        self._claims.drop(result.delivery.id for result in results)
        for result in results:
            if isinstance(result.verdict, RetryAt):
                if result.parked:
                    self._walks.back(result.delivery.lane)
                else:
                    self.arrived(result.verdict.due)
        return [Recorded.CANCELLED if answer else Recorded.STORED for answer in answers]

    async def expire(self, ids: Sequence[DeliveryId], now: Timestamp) -> Sequence[Ended]:
        claims = [(id_, self._claims.get(id_)) for id_ in ids]
        keys = [(claim.namespace, id_) for id_, claim in claims if claim is not None]
        expired = await self._expire(keys, now)
        self._claims.drop(ids)
        return expired

    async def expire_parked(
        self, before: Mapping[LaneKey, Timestamp], limit: int, now: Timestamp
    ) -> Sequence[Ended]:
        if not before:
            return ()
        async with self._taking:  # what a take is about to bring is in nobody's hands yet
            lanes = [(lane, at, self._claims.parked_in(lane)) for lane, at in before.items()]
            keys, _ = await self._link.request("overdue", (lanes, limit))
            return await self._expire([key for key in keys if key[1] not in self._claims], now)

    async def _expire(self, keys: Sequence[tuple[str, str]], now: Timestamp) -> Sequence[Ended]:
        if not keys:
            return ()
        rows, _ = await self._link.request("expire", (keys, now))
        return [
            Ended(
                id=DeliveryId(id_),
                namespace=Namespace(namespace),
                event_id=EventId(event_id),
                subscription=subscription,
            )
            for namespace, id_, event_id, subscription in rows
        ]

    async def release(self, ids: Sequence[DeliveryId]) -> None:
        self._give_back(ids)

    def _give_back(self, ids: Sequence[DeliveryId]) -> None:
        for id_ in ids:
            claim = self._claims.get(id_)
            if claim is not None and claim.parked:
                self._walks.back(claim.lane)
            elif claim is not None:
                self._position.back(claim.due)
        self._claims.drop(ids)
        if ids:
            self._alarm.ring()

    async def wait(self, until: Timestamp) -> None:
        await self._alarm.wait(until)

    async def body(self, namespace: Namespace, event_id: EventId) -> bytes | None:
        row = await self._reader.read(lambda s: s.row("body", namespace=namespace, id=event_id))
        return None if row is None else bytes(row[0])


def _finite(position: tuple[Timestamp, str]) -> tuple[Timestamp, str]:
    """JSON knows no infinity."""
    return (max(position[0], -1e300), position[1])


def deliveries_of(rows: Iterable[Any], sizes: Sequence[int], bodies: memoryview) -> list[Delivery]:
    """Deliveries of rows; those of one event share its body."""
    pieces: list[bytes] = []
    start = 0
    for size in sizes:
        pieces.append(bytes(bodies[start : start + size]))
        start += size
    return [_delivery(row, pieces) for row in rows]


def _delivery(row: Sequence[Any], pieces: Sequence[bytes]) -> Delivery:
    (namespace, id_, event_id, run_id, subscription, url, secret, fingerprint, lane, kind, attempts,
     due, created_at, body_size, place) = row  # fmt: skip
    key = None if secret is None else KeyRef(secret, fingerprint)
    return Delivery(
        id=DeliveryId(id_),
        namespace=Namespace(namespace),
        event_id=EventId(event_id),
        run_id=RunId(run_id),
        target=Target(subscription=subscription, url=url, key=key),
        lane=LaneKey(lane),
        kind=Kind(kind),
        attempts=attempts,
        due=due,
        accepted_at=created_at,
        body=None if place < 0 else pieces[place],
        body_size=body_size,
    )


def _item(result: Recording, detail_size: int) -> tuple[Any, ...]:
    """The fields in the order of ``writing.backlog``."""
    delivery, attempt = result.delivery, result.attempt
    state, ending, due = _next(result.verdict)
    return (
        delivery.namespace,
        delivery.id,
        result.number,
        state,
        ending,
        due,
        result.parked and state == "pending",
        attempt.outcome,
        attempt.status,
        attempt.retry_after,
        attempt.started_at,
        attempt.duration,
        attempt.error if attempt.error is None else _sayable(attempt.error),
        delivery.target.subscription or "",
        detail_size,
        len(attempt.response_body),
        _marks_gone(result),
        delivery.kind is Kind.REPLAY,
    )


def _marks_gone(result: Recording) -> int | None:
    """The last revision of the subscription that is to be marked; None when it is not."""
    if not result.marks_gone or result.delivery.target.subscription is None:
        return None
    return _NEWEST if result.revision is None else result.revision


def _next(verdict: Verdict) -> tuple[str, str | None, Timestamp | None]:
    match verdict:
        case Succeed():
            return ("delivered", None, None)
        case RetryAt(due=due):
            return ("pending", None, due)
        case GiveUp(ending=ending):
            return ("exhausted", ending, None)


def _detail(attempt: Attempt) -> bytes:
    fields = (attempt.url, attempt.request_headers, attempt.response_headers, attempt.error)
    try:
        return orjson.dumps(fields)
    except TypeError:  # bytes that are no UTF-8 in a receiver's headers arrive as lone surrogates
        headers = [(_sayable(k), _sayable(v)) for k, v in attempt.response_headers]
        return orjson.dumps(
            (attempt.url, attempt.request_headers, headers, _sayable(attempt.error or "") or None)
        )


def _sayable(text: str) -> str:
    """The text in what UTF-8 can say."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
