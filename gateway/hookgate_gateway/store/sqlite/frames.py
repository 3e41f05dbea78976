"""
How gateway and writer talk: a JSON header and raw bytes behind it, over a stream.

A frame is two lengths (header, bodies; 32 bits each, big endian), the header and the bodies run
together; which body is which, the header says. JSON and bytes only: nothing in a frame can run.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

__all__ = ["Decoder", "encode"]

_LENGTHS = struct.Struct(">II")
_Body = bytes | memoryview


def encode(header: Sequence[Any], bodies: Iterable[_Body] = ()) -> bytes:
    """One frame. Raises TypeError for what JSON cannot say (integers over 64 bits, lone surrogates)."""
    head = orjson.dumps(header)
    tail = b"".join(bodies)
    return b"".join((_LENGTHS.pack(len(head), len(tail)), head, tail))


class Decoder:
    """Makes frames of a stream's pieces, whatever their sizes."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._missing = 0

    def feed(self, data: bytes) -> Sequence[tuple[Any, memoryview]]:
        """The frames that are complete now: (header, bodies)."""
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._missing:  # a large frame is not looked at piece by piece
                return ()
            data = bytes(self._buffer)
        view = memoryview(data)
        start, size = 0, len(data)
        frames = []
        self._missing = 0
        while size - start >= _LENGTHS.size:
            head, tail = _LENGTHS.unpack_from(data, start)
            middle = start + _LENGTHS.size + head
            if size < middle + tail:
                self._missing = middle + tail - start
                break
            header = orjson.loads(view[start + _LENGTHS.size : middle])
            frames.append((header, view[middle : middle + tail]))
            start = middle + tail
        self._buffer = bytearray(view[start:])
        return frames
