"""
Answers: values as JSON bytes under prebuilt headers.

JSON out is strict (NaN and infinities become null). orjson writes nearly everything; what it refuses,
although a payload may hold it (integers over 64 bits, lone surrogates, more than 254 levels), is
written by the standard library.
"""

import json
import math
from typing import Any, Final

import orjson
from aiohttp import web
from multidict import CIMultiDict

from hookgate_gateway.intake.parse import parse_document

__all__ = ["JSON_HEADERS", "answer", "encode", "nothing", "parse_object", "raw"]

JSON_HEADERS: Final = CIMultiDict(
    {
        "Content-Type": "application/json",
        "Server": "hookgate",
        "X-Content-Type-Options": "nosniff",
    }
)
"""Copied by each response; never changed."""
SHOWN_LEVELS: Final = 200
"""Of an answer that nobody's recursion could follow."""


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer. What a payload nests too deeply to be shown is null: its bytes have it."""
    try:
        body = encode(value)
    except RecursionError:
        body = encode(_shallow(value, SHOWN_LEVELS))
    return raw(body, status, headers)


def nothing() -> web.Response:
    """204."""
    bare = {name: value for name, value in JSON_HEADERS.items() if name != "Content-Type"}
    return web.Response(status=204, headers=bare)


def raw(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """An answer of bytes that are JSON already."""
    response = web.Response(body=body, status=status, headers=JSON_HEADERS)
    if headers:
        response.headers.update(headers)
    return response


def encode(value: Any) -> bytes:
    """Strict JSON. Raises RecursionError for a value nested deeper than Python can follow."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(_finite(value), separators=(",", ":"), allow_nan=False).encode()


def parse_object(body: bytes | None) -> dict[str, Any] | None:
    """The object in stored bytes, or None when there is none to show."""
    value = parse_document(body) if body is not None else None
    return value if isinstance(value, dict) else None


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, orjson.Fragment):
        return _finite(json.loads(value.contents))
    return value


def _shallow(value: Any, levels: int) -> Any:
    """A value without what lies deeper than so many levels."""
    if isinstance(value, orjson.Fragment):
        value = orjson.loads(value.contents)
    if not isinstance(value, (dict, list, tuple)):
        return value
    if levels == 0:
        return None
    if isinstance(value, dict):
        return {key: _shallow(item, levels - 1) for key, item in value.items()}
    return [_shallow(item, levels - 1) for item in value]
