"""The writer as a process with a stream to it: started, written to, waited for."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, cast

from hookgate_gateway.store.sqlite.frames import Decoder

__all__ = ["LEAVE", "Connection", "reap", "spawn"]

LEAVE = 30.0
"""Seconds for the writer to commit what it has and leave, before it is killed."""


class Connection(asyncio.Protocol):
    """Frames to one writer and back. ``gone`` is set once it has closed its end."""

    def __init__(self, answered: Callable[[Iterable[tuple[Any, memoryview]]], None]) -> None:
        self.gone = asyncio.Event()
        self._answered = answered
        self._decoder = Decoder()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has another base

    def data_received(self, data: bytes) -> None:
        self._answered(self._decoder.feed(data))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's name
        self.gone.set()

    def send(self, frame: bytes) -> None:
        """Nothing is sent to a writer that has just died; the next one is sent everything again.

        uvloop raises on a transport that it closed before ``connection_lost`` was called.
        """
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame)

    def finish(self) -> None:
        """End of file for the writer, after everything that was sent; its answers still come."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write_eof()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def spawn(theirs: socket.socket, path: Path, patience: float) -> subprocess.Popen[bytes]:
    """Start a writer on its end of a socket pair. Raises OSError."""
    command = [sys.executable, "-P", "-m", "hookgate_gateway.store.sqlite.writer",
               str(theirs.fileno()), str(path), str(patience)]  # fmt: skip
    # Sorted is beside the store, where there is room, and a container may write.
    environment = {"SQLITE_TMPDIR": str(path.absolute().parent), **os.environ}
    # A session of its own: Ctrl-C in a terminal is for the gateway alone.
    return subprocess.Popen(  # noqa: S603  # our own interpreter and module
        command,
        env=environment,
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


async def reap(process: subprocess.Popen[bytes]) -> None:
    """Wait for a writer that has closed its end; one that does not leave is killed."""

    def wait() -> None:
        try:
            process.wait(LEAVE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    await asyncio.shield(asyncio.to_thread(wait))
