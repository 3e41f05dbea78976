"""Replays and what keeps a store small, the gateway's side."""

import os
from collections.abc import Mapping
from pathlib import Path

import orjson

from hookgate_gateway.ports import NewReplay, Statistics, StoreUnavailable
from hookgate_gateway.rules.delivery import Delivery, Namespace, RunId, Timestamp
from hookgate_gateway.store.sqlite.backlog import SqliteBacklog
from hookgate_gateway.store.sqlite.link import Link
from hookgate_gateway.store.sqlite.reader import Reader, Snapshot

__all__ = ["SqliteReplays", "SqliteUpkeep"]

_LOOK_AGAIN = 3600.0
"""Seconds that the cutoff moves on before pruning begins at the oldest event again."""


class SqliteReplays:
    """Implements the port Replays."""

    def __init__(self, link: Link, backlog: SqliteBacklog) -> None:
        self._link = link
        self._backlog = backlog

    async def add(self, replay: NewReplay) -> Delivery | None:
        target, key = replay.target, replay.target.key
        request = (
            replay.namespace, replay.id, replay.event_id, target.subscription, target.url,
            key and key.secret, key and key.fingerprint, replay.lane, replay.kind, replay.due,
            replay.parked, replay.created_at, replay.replay_of,
        )  # fmt: skip
        event, body = await self._link.request("add_replay", request)
        if event is None:
            return None
        if not replay.parked:
            self._backlog.arrived(replay.due)
        run_id, body_size = event
        return Delivery(
            id=replay.id,
            namespace=replay.namespace,
            event_id=replay.event_id,
            run_id=RunId(run_id),
            target=target,
            lane=replay.lane,
            kind=replay.kind,
            attempts=0,
            due=replay.due,
            accepted_at=replay.created_at,
            body=bytes(body) if len(body) == body_size else None,
            body_size=body_size,
        )


class SqliteUpkeep:
    """Implements the port Upkeep."""

    def __init__(self, link: Link, reader: Reader, path: Path) -> None:
        self._link = link
        self._reader = reader
        self._folder = path.parent
        self._files = tuple(path.with_name(path.name + end) for end in ("", "-wal", "-shm"))
        self._pruned_up_to = 0
        self._begin_again = float("-inf")

    async def prune(self, before: Timestamp, limit: int) -> int:
        """Goes on where it stopped; what had to stay is looked at again once an hour of cutoff later."""
        if before >= self._begin_again:
            self._pruned_up_to, self._begin_again = 0, before + _LOOK_AGAIN
        more = True
        while more:
            request = (before, limit, self._pruned_up_to)
            (removed, self._pruned_up_to, more), _ = await self._link.request("prune", request)
            if removed:
                return int(removed)
        return 0

    async def cancel_deleted(
        self, deleted_before: Timestamp, limit: int, now: Timestamp
    ) -> Mapping[tuple[Namespace, str], int]:
        cancelled, _ = await self._link.request("cancel_deleted", (deleted_before, limit, now))
        return {(Namespace(namespace), name): count for namespace, name, count in cancelled}

    async def statistics(self) -> Statistics:
        def look(snapshot: Snapshot) -> Statistics:
            oldest = snapshot.row("oldest_due")
            pending = orjson.loads(snapshot.row("pending")[0])
            return Statistics(
                pending={(Namespace(n), s): count for n, s, count in pending},
                oldest_due=oldest and oldest[0],
                size_bytes=sum(map(_size, self._files)),
                reusable_bytes=snapshot.row("reusable")[0],
                available_bytes=_available(self._folder),
            )

        return await self._reader.read(look)

    async def writable(self) -> bool:
        try:
            await self._link.request("prove_writable", None)
        except StoreUnavailable:
            return False
        return True


def _size(file: Path) -> int:
    """Bytes; 0 when it is not there."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _available(folder: Path) -> int | None:
    """Bytes that whoever is not root may still write; None when the file system does not say."""
    try:
        system = os.statvfs(folder)
    except OSError:
        return None
    return system.f_bavail * system.f_frsize
