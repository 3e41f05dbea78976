"""
The SQLite store: one object that implements every port, put together of parts that implement one each.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from hookgate_gateway.observe import Observer
from hookgate_gateway.rules.delivery import Timestamp
from hookgate_gateway.store.alarm import Alarm
from hookgate_gateway.store.cipher import Cipher, open_cipher, own_keys_file
from hookgate_gateway.store.keys_file import KeysFile
from hookgate_gateway.store.sqlite.askings import SqliteAskings
from hookgate_gateway.store.sqlite.backlog import SqliteBacklog
from hookgate_gateway.store.sqlite.catalogue import SqliteCatalogue
from hookgate_gateway.store.sqlite.health import SqliteHealth
from hookgate_gateway.store.sqlite.history import SqliteHistory
from hookgate_gateway.store.sqlite.intake import SqliteIntake
from hookgate_gateway.store.sqlite.link import Link
from hookgate_gateway.store.sqlite.reader import Reader
from hookgate_gateway.store.sqlite.replays import SqliteBulkReplays
from hookgate_gateway.store.sqlite.upkeep import SqliteReplays, SqliteUpkeep

__all__ = ["SqliteStore"]

_LOCK_PATIENCE = 15.0
"""Seconds to wait for the writer of a gateway that was killed to finish its commits."""


class SqliteStore:
    """Implements every port of a store on one file."""

    def __init__(  # noqa: PLR0915  # a line for each method
        self, link: Link, reader: Reader, cipher: Cipher, path: Path, alarm: Alarm
    ) -> None:
        self.link = link
        self.keys: KeysFile
        """Keeps what is encrypted under the first key of the file; to be watched while it is open."""
        backlog = SqliteBacklog(link, reader, alarm)
        intake = SqliteIntake(link, backlog)
        catalogue = SqliteCatalogue(link, reader, cipher, alarm)
        history = SqliteHistory(link, reader)
        upkeep = SqliteUpkeep(link, reader, path)
        health = SqliteHealth(link, reader)

        self.accept = intake.accept
        self.register = intake.register
        self.register_once = intake.register_once

        askings = SqliteAskings(link, backlog)
        self.ask = askings.ask
        self.withdraw = askings.withdraw
        self.adopt = askings.adopt
        self.adopt_reported = askings.adopt_reported

        self.owned = backlog.owned
        self.claim = backlog.claim
        self.take_due = backlog.take_due
        self.park = backlog.park
        self.take_parked = backlog.take_parked
        self.parked_lanes = backlog.parked_lanes
        self.record = backlog.record
        self.expire = backlog.expire
        self.expire_parked = backlog.expire_parked
        self.release = backlog.release
        self.wait = backlog.wait
        self.body = backlog.body

        self.put = catalogue.put
        self.delete = catalogue.delete
        self.resume = catalogue.resume
        self.changes = catalogue.changes
        self.check_key = catalogue.check_key
        self.encrypted = catalogue

        self.run = history.run
        self.registered_elsewhere = history.registered_elsewhere
        self.event = history.event
        self.final_event = history.final_event
        self.delivery = history.delivery
        self.attempts = history.attempts
        self.run_deliveries = history.run_deliveries
        self.runs = history.runs
        self.events = history.events
        self.deliveries = history.deliveries
        self.cancel = history.cancel
        self.set_run_status = history.set_run_status

        self.add = SqliteReplays(link, backlog).add

        bulk = SqliteBulkReplays(link, reader, backlog)
        self.count_matching = bulk.count_matching
        self.save_replay = bulk.save_replay
        self.advance_replay = bulk.advance_replay
        self.change_replay = bulk.change_replay
        self.cancel_replay_rest = bulk.cancel_replay_rest
        self.cancel_matching = bulk.cancel_matching
        self.replay = bulk.replay
        self.replays = bulk.replays
        self.declared_replays = bulk.declared_replays
        self.unfinished_replays = bulk.unfinished_replays

        self.prune = upkeep.prune
        self.cancel_deleted = upkeep.cancel_deleted
        self.statistics = upkeep.statistics
        self.writable = upkeep.writable

        self.load_health = health.load_health
        self.save_health = health.save_health

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: Path,
        *,
        now: Callable[[], Timestamp],
        observer: Observer,
        encryption_keys_file: Path | None = None,
        lock_patience: float = _LOCK_PATIENCE,
    ) -> AsyncIterator["SqliteStore"]:
        """The store, from a ready writer to one that has left with everything committed.

        ``now`` is the wall clock that ``wait`` reads. Raises StoreRefused.
        """
        link = Link(path, observer=observer, lock_patience=lock_patience)
        await link.start()
        reader = Reader(path)
        try:
            cipher = open_cipher(encryption_keys_file, path)
            store = cls(link, reader, cipher, path, Alarm(now))
            await store.check_key()
            keys_file = encryption_keys_file or own_keys_file(path)
            store.keys = KeysFile(keys_file, store.encrypted, observer)
            await store.keys.begin()
            yield store
        finally:
            await (
                reader.close()
            )  # before the writer, which folds the WAL away as the last one to leave
            await link.close()
