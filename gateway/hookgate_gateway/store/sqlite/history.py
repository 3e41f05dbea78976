"""What is known of the past: read beside the writer, page by page."""

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from hookgate_gateway.ports import (
    AttemptRecord,
    DeliveryQuery,
    DeliveryRecord,
    EventQuery,
    EventRecord,
    Page,
    RunQuery,
    RunRecord,
)
from hookgate_gateway.rules.delivery import DeliveryId, Ending, EventId, Namespace, RunId, Timestamp
from hookgate_gateway.store.cursor import read_cursor, write_cursor
from hookgate_gateway.store.sqlite.link import Link
from hookgate_gateway.store.sqlite.reader import Reader, Rests, Snapshot
from hookgate_gateway.store.sqlite.rows import (
    attempt_record,
    delivery_record,
    event_record,
    run_record,
)

__all__ = ["SqliteHistory"]

_WINDOW = 5000
"""Rows that one read looks at for a page."""
_NEWEST = "\U0010ffff"
"""After every id."""
_RUN_DELIVERIES = 1000
_PAGE_BYTES = 8 * 1024 * 1024
"""A page of runs ends with the one that makes what they hold more than this."""
_FAR = 1e300
"""A time after all others."""


@dataclass(frozen=True, slots=True)
class _Walk:
    """How a table is walked from the newest row to the oldest."""

    what: str
    """``WHAT_window`` and ``WHAT_page`` are its queries."""
    key: tuple[str, ...]
    """The position's parameters; the end of a window has the same with ``end_`` before them."""
    first: tuple[str | float, ...]
    last: tuple[str | float, ...]

    def window(
        self, values: Mapping[str, Any], position: Sequence[Any], limit: int
    ) -> Callable[[Snapshot], tuple[Sequence[Any] | None, list[Any]]]:
        """What to look at: one window's rows, and where it ended (None: at the oldest row)."""
        here = {**values, **dict(zip(self.key, position, strict=True))}

        def look(snapshot: Snapshot) -> tuple[Sequence[Any] | None, list[Any]]:
            edges = snapshot.pick(f"{self.what}_window", {**here, "window": _WINDOW - 1})
            edge = edges[0] if edges else None
            ends = zip([f"end_{name}" for name in self.key], edge or self.last, strict=True)
            rows = snapshot.pick(f"{self.what}_page", {**here, **dict(ends), "limit": limit})
            return edge, rows

        return look


_RUNS = _Walk("runs", ("created_at", "run_id"), (_FAR, ""), (-_FAR, ""))
_EVENTS = _Walk("events", ("position",), (_NEWEST,), ("",))
_DELIVERIES = _Walk("deliveries", ("position",), (_NEWEST,), ("",))


class SqliteHistory:
    """Implements the port History."""

    def __init__(self, link: Link, reader: Reader) -> None:
        self._link = link
        self._reader = reader

    async def run(self, namespace: Namespace, run_id: RunId) -> RunRecord | None:
        row = await self._row("run", namespace=namespace, run_id=run_id)
        return None if row is None else run_record(row)

    async def registered_elsewhere(self, namespace: Namespace, run_id: RunId) -> bool:
        row = await self._row("registered_elsewhere", namespace=namespace, run_id=run_id)
        return row is not None

    async def event(
        self, namespace: Namespace, event_id: EventId, *, body: bool = False
    ) -> EventRecord | None:
        name = "event_with_body" if body else "event"
        row = await self._row(name, namespace=namespace, id=event_id)
        return None if row is None else event_record(row)

    async def final_event(self, namespace: Namespace, run_id: RunId) -> EventRecord | None:
        row = await self._row("final_event", namespace=namespace, run_id=run_id)
        return None if row is None else event_record(row)

    async def delivery(self, namespace: Namespace, id_: DeliveryId) -> DeliveryRecord | None:
        row = await self._row("delivery", namespace=namespace, id=id_)
        return None if row is None else delivery_record(row)

    async def attempts(self, namespace: Namespace, id_: DeliveryId) -> Sequence[AttemptRecord]:
        rows = await self._reader.read(lambda s: s.rows("attempts", namespace=namespace, id=id_))
        return [attempt_record(row) for row in rows]

    async def run_deliveries(self, namespace: Namespace, run_id: RunId) -> Sequence[DeliveryRecord]:
        values = {"namespace": namespace, "run_id": run_id, "limit": _RUN_DELIVERIES}
        rows = await self._reader.read(lambda s: s.pick("deliveries_of_run", values))
        return [delivery_record(row) for row in rows]

    async def runs(
        self, namespace: Namespace, query: RunQuery, *, limit: int, cursor: str | None = None
    ) -> Page[RunRecord]:
        position: Sequence[Any] = read_cursor(cursor, float, str) if cursor else _RUNS.first
        values = {
            "namespace": namespace,
            "statuses": _list(query.statuses),
            "run_types": _list(query.run_types),
            "search": query.search or None,
        }
        found = await self._windows(_RUNS, values, position, limit)
        fitting = functools.partial(_fitting_runs, namespace=namespace, found=found[:limit])
        rows, looked_at = await self._reader.read(fitting)
        more = 0 < looked_at < len(found)
        cursor = write_cursor(tuple(found[looked_at - 1])) if more else None
        return Page(tuple(run_record(row) for row in rows), cursor)

    async def events(
        self, namespace: Namespace, query: EventQuery, *, limit: int, cursor: str | None = None
    ) -> Page[EventRecord]:
        position: Sequence[Any] = read_cursor(cursor, str) if cursor else _EVENTS.first
        values = {
            "namespace": namespace,
            "run_type": query.run_type,
            "status": query.status,
            "since": query.since,
            "until": query.until,
        }
        if query.run_id is not None:
            values |= {"run_id": query.run_id, "position": position[0], "limit": limit + 1}
            rows = await self._reader.read(lambda s: s.pick("events_of_run_page", values))
        else:
            rows = await self._windows(_EVENTS, values, position, limit)
        return _page([event_record(row) for row in rows], limit, lambda event: (event.id,))

    async def deliveries(
        self, namespace: Namespace, query: DeliveryQuery, *, limit: int, cursor: str | None = None
    ) -> Page[DeliveryRecord]:
        position: Sequence[Any] = read_cursor(cursor, str) if cursor else _EVENTS.first
        values = {"namespace": namespace, **_filters(query)}
        if query.run_id is None and query.event_id is None:
            rows = await self._windows(_DELIVERIES, values, position, limit)
        else:
            name = "deliveries_of_event_page" if query.run_id is None else "deliveries_of_run_page"
            values |= {"run_id": query.run_id, "event_id": query.event_id}
            values |= {"position": position[0], "limit": limit + 1}
            rows = await self._reader.read(lambda s: s.pick(name, values))
        return _page([delivery_record(row) for row in rows], limit, lambda delivery: (delivery.id,))

    async def cancel(
        self, namespace: Namespace, ids: Sequence[DeliveryId], ending: Ending, now: Timestamp
    ) -> Sequence[DeliveryId]:
        cancelled, _ = await self._link.request("cancel", (namespace, list(ids), ending, now))
        return [DeliveryId(id_) for id_ in cancelled]

    async def set_run_status(
        self, namespace: Namespace, run_id: RunId, status: str, now: Timestamp
    ) -> bool:
        changed, _ = await self._link.request("set_run_status", (namespace, run_id, status, now))
        return bool(changed)

    async def _row(self, name: str, **values: Any) -> Any:
        return await self._reader.read(lambda snapshot: snapshot.row(name, **values))

    async def _windows(
        self, walk: _Walk, values: Mapping[str, Any], position: Sequence[Any], limit: int
    ) -> list[Any]:
        """One more row than the limit, if there are so many, from one window after another."""
        found: list[Any] = []
        edge: Sequence[Any] | None = position
        rests = Rests()
        while edge is not None and len(found) <= limit:
            await rests.rest()
            look = walk.window(values, edge, limit + 1 - len(found))
            edge, rows = await self._reader.read(look)
            found += rows
        return found


def _fitting_runs(
    snapshot: Snapshot, *, namespace: Namespace, found: Sequence[Any]
) -> tuple[list[Any], int]:
    """The runs at these positions until their payloads are too large together, and how many were looked at."""
    rows: list[Any] = []
    size = 0
    for number, (_, run_id) in enumerate(found, 1):
        row = snapshot.row("run", namespace=namespace, run_id=run_id)
        if row is None:  # pruned a moment ago
            continue
        rows.append(row)
        size += len(row[6] or b"") + len(row[13] or b"")
        if size > _PAGE_BYTES:
            return rows, number
    return rows, len(found)


def _filters(query: DeliveryQuery) -> dict[str, Any]:
    subscriptions = query.subscriptions
    if query.subscription is not None:
        one = frozenset({query.subscription})
        subscriptions = one if subscriptions is None else subscriptions & one
    return {
        "states": _list(query.states),
        "subscriptions": None if subscriptions is None else _json(subscriptions),
        "outcome": query.outcome,
        "since": query.since,
        "until": query.until,
    }


def _list(words: Iterable[str]) -> str | None:
    """A JSON list, or None for one that is empty: it asks for everything."""
    return _json(words) if words else None


def _json(words: Iterable[str]) -> str:
    return orjson.dumps(sorted(words)).decode("utf-8")


def _page(
    found: Sequence[Any], limit: int, position: Callable[[Any], tuple[str | float, ...]]
) -> Page[Any]:
    items = tuple(found[:limit])
    return Page(items, write_cursor(position(items[-1])) if len(found) > limit and items else None)
