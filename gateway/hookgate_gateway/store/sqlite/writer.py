"""
The writer process: everything that waits goes into one transaction, then everybody is answered.

Started as ``python -m hookgate_gateway.store.sqlite.writer FD PATH PATIENCE`` on one end of a socket
pair. It ignores the signals that stop a gateway, because the gateway's order of stopping decides, and
leaves at end of file with everything committed that reached it whole. Imports stay light: sqlite3 and
orjson.

The first frame out is ``[0, "ready"]`` or ``[0, "refused", why]``, before it ``[0, "waiting", holder]``.
A request is ``[number, kind, payload]``; its answer ``[number, "ok", payload]``, or ``full``,
``unavailable`` or ``error`` with a sentence.
"""

import contextlib
import gc
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hookgate_gateway.store.sqlite.checkpoint import Checkpointer
from hookgate_gateway.store.sqlite.frames import Decoder, encode
from hookgate_gateway.store.sqlite.lock import acquire
from hookgate_gateway.store.sqlite.schema import Refused, connect
from hookgate_gateway.store.sqlite.writing import (
    accept,
    asking,
    backlog,
    catalogue,
    health,
    once,
    replays,
    upkeep,
)
from hookgate_gateway.store.sqlite.writing.transaction import Handler, Transaction

__all__ = ["main"]

Frame = tuple[Any, memoryview]

HANDLERS: Mapping[str, Handler] = {
    "accept": accept.accept,
    "register": accept.register,
    "register_once": once.register_once,
    "ask_run": asking.ask,
    "withdraw_run": asking.withdraw,
    "adopt_run": asking.adopt,
    "adopt_reported_run": asking.adopt_reported,
    "record": backlog.record,
    "park": backlog.park,
    "take_due": backlog.take_due,
    "take_parked": backlog.take_parked,
    "parked_lanes": backlog.parked_lanes,
    "cancel": upkeep.cancel,
    "overdue": upkeep.overdue,
    "expire": upkeep.expire,
    "set_run_status": upkeep.set_run_status,
    "add_replay": upkeep.add_replay,
    "settle": replays.settle,
    "save_replay": replays.save,
    "change_replay": replays.change,
    "advance_replay": replays.advance,
    "cancel_replay_rest": replays.cancel_rest,
    "cancel_matching": replays.cancel_matching,
    "put": catalogue.put,
    "delete": catalogue.delete,
    "resume": catalogue.resume,
    "replace_secrets": catalogue.replace_secrets,
    "cancel_deleted": upkeep.cancel_deleted,
    "prune": upkeep.prune,
    "prove_writable": upkeep.prove_writable,
    "save_health": health.save_health,
}
_READS = frozenset({"take_due", "take_parked", "parked_lanes", "overdue"})
_PIECE = 1 << 20
_COMMIT_BYTES = 8 << 20
"""No more than this is gathered for one transaction, so that memory and commits stay bounded."""


class Writer:
    """Carries out frames in transactions, as many in one as are waiting."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def carry_out(self, frames: Sequence[Frame]) -> list[bytes]:
        """Answers in the order of the frames; whatever is answered ``ok`` is on disk."""
        try:
            return self._in_one_transaction(frames)
        except Exception as error:  # noqa: BLE001  # one bad frame must not stop the others
            self._roll_back()
            if _is_full(error):
                return [self._when_full(frame, error) for frame in frames]
            if len(frames) == 1:
                return [_failure(frames[0], error)]
        return [answer for frame in frames for answer in self.carry_out((frame,))]

    def _in_one_transaction(self, frames: Sequence[Frame]) -> list[bytes]:
        transaction = Transaction(self._connection)
        self._connection.execute("BEGIN IMMEDIATE")
        answers = []
        for (number, kind, payload), bodies in frames:
            answer, blobs = HANDLERS[kind](transaction, payload, bodies)
            answers.append(encode((number, "ok", answer), blobs))
        transaction.finish()
        self._connection.execute("COMMIT")
        return answers

    def _roll_back(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _when_full(self, frame: Frame, error: Exception) -> bytes:
        """Reading goes on while nothing can be written."""
        if frame[0][1] in _READS:
            with contextlib.suppress(sqlite3.Error):
                return self._in_one_transaction((frame,))[0]
            self._roll_back()
        return encode((frame[0][0], "full", str(error)))


def _is_full(error: Exception) -> bool:
    """No room, a size limit, a quota: SQLite reports a write that failed as one of these."""
    name = getattr(error, "sqlite_errorname", None) or ""
    return name in ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_SHMSIZE",
                    "SQLITE_IOERR_TRUNCATE")  # fmt: skip


def _failure(frame: Frame, error: Exception) -> bytes:
    verdict = "unavailable" if isinstance(error, sqlite3.OperationalError) else "error"
    return encode((frame[0][0], verdict, f"{type(error).__name__}: {error}"))


def _waiting_frames(peer: socket.socket, decoder: Decoder) -> list[Frame] | None:
    """What has come, and whatever more is there already. None at end of file."""
    frames: list[Frame] = []
    try:
        data = peer.recv(_PIECE)
    except ConnectionResetError:  # the gateway was killed with answers unread
        return None
    if not data:
        return None
    size = 0
    while data:
        size += len(data)
        frames += decoder.feed(data)
        if size >= _COMMIT_BYTES:
            break
        try:
            data = peer.recv(_PIECE, socket.MSG_DONTWAIT)
        except (BlockingIOError, ConnectionResetError):
            break
    return frames


def _has_gone(peer: socket.socket) -> bool:
    """Whether the gateway has closed its end without having sent anything, as it does when it dies."""
    try:
        return not peer.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True


def serve(peer: socket.socket, connection: sqlite3.Connection, checkpointer: Checkpointer) -> None:
    """Work until end of file. A peer that is gone gets no answers, its frames are stored all the same."""
    writer = Writer(connection)
    decoder = Decoder()
    while (frames := _waiting_frames(peer, decoder)) is not None:
        if frames:
            answers = writer.carry_out(frames)
            with contextlib.suppress(ConnectionError):
                peer.sendall(b"".join(answers))
            checkpointer.committed(sum(len(bodies) for _, bodies in frames))


def main(arguments: Sequence[str]) -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(
        signal.SIGXFSZ, signal.SIG_IGN
    )  # a file-size limit is an error of write(), no death
    os.umask(0o077)  # payloads and URLs are for this user alone
    descriptor, path, patience = int(arguments[0]), Path(arguments[1]), float(arguments[2])
    with socket.socket(fileno=descriptor) as peer:

        def tell(*what: str) -> None:
            with contextlib.suppress(ConnectionError):
                peer.sendall(encode((0, *what)))

        try:
            acquire(path, patience, lambda holder: tell("waiting", holder), lambda: _has_gone(peer))
            connection = connect(path)
        except Refused as refusal:
            tell("refused", str(refusal))
            return 1
        tell("ready")
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        with (
            contextlib.closing(connection),
            contextlib.closing(Checkpointer(path, connection)) as checkpointer,
        ):
            serve(peer, connection, checkpointer)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
