"""
Reading request bodies: the bytes as received, within limits of size and time.

Most bodies are complete before their handler runs, and are taken without a deadline and without a
wait. The others share a budget (``uploads``), so that slow ones cannot fill the memory.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import StreamReader, web

from hookgate_gateway.api.errors import Refusal, invalid, unreadable
from hookgate_gateway.api.uploads import Uploads, refused
from hookgate_gateway.contract import ApiKey
from hookgate_gateway.intake.parse import parse_document
from hookgate_gateway.rules.report import Unreadable

__all__ = ["BodyReader", "object_of"]

_JSON = "application/json"


class BodyReader:
    """Reads bodies of at most ``max_bytes`` within ``deadline`` seconds each.

    ``budget`` is the number of bytes that unfinished bodies may hold together; those of one namespace
    may hold half of it, and the one that held most for longest ends when there is no room. Reading for a
    ``key`` counts for its namespace and heeds its own limit; all without one count together.
    """

    def __init__(
        self, max_bytes: int, *, deadline: float = 30.0, budget: int = 128 * 1024 * 1024
    ) -> None:
        self._max = max_bytes
        self._deadline = deadline
        self._uploads = Uploads(budget)

    async def read(self, request: web.Request, key: ApiKey | None = None) -> bytes:
        """The bytes of a JSON body, not looked at.

        Raises Refusal: 408 too slow, 413 too large, 415 another media type or an encoding, 503 when it
        had to make room for others.
        """
        _require_json(request.headers)
        limit = self._limit(key)
        content = request.content
        if content.is_eof() and content.exception() is None:
            body = content.read_nowait()
            if len(body) > limit:
                raise _too_large(limit)
            return body
        return await self._gather(request, limit, key.namespace if key else "")

    async def read_object(
        self, request: web.Request, key: ApiKey | None = None
    ) -> dict[str, Any]:  # fmt: skip
        """A body that is a JSON object. Raises Refusal, also 422 for anything else."""
        return object_of(await self.read(request, key))

    async def read_optional(self, request: web.Request, key: ApiKey | None = None) -> bytes:
        """As ``read``; an empty object where a body is left out, or is ``null``."""
        body = await self.read(request, key) if request.can_read_body else b""
        return b"{}" if body.strip() in (b"", b"null") else body

    def _limit(self, key: ApiKey | None) -> int:
        own = key.limits.max_body_bytes if key is not None else None
        return self._max if own is None else min(own, self._max)

    async def _gather(self, request: web.Request, limit: int, holder: str) -> bytes:
        if (request.content_length or 0) > limit:
            raise _too_large(limit)
        body = bytearray()
        try:
            async with asyncio.timeout(self._deadline) as patience:
                with self._uploads.one(holder, lambda: _lose(patience)) as upload:
                    while size := await _more(request.content, body):
                        if len(body) > limit:
                            raise _too_large(limit)
                        self._uploads.add(upload, size)
            return bytes(body)
        except TimeoutError:
            if upload.cut:
                raise refused() from None
            raise Refusal(
                408, "request_timeout", f"the body did not arrive within {self._deadline:g} s"
            ) from None
        finally:
            # A connection's error is kept by the request's content, and keeps this frame, until cycles are
            # looked for: in a gateway that has little else to do this can be after thousands of bodies.
            body.clear()


async def _more(content: StreamReader, body: bytearray) -> int:
    """Add to ``body`` what has come or comes next; how many bytes, 0 at the end."""
    chunk = await content.readany()
    body += chunk
    return len(chunk)


def _lose(patience: asyncio.Timeout) -> None:
    """Let its time be over now, where it is not already."""
    if not patience.expired():
        patience.reschedule(0)


def _too_large(limit: int) -> Refusal:
    return Refusal(413, "body_too_large", f"the body is larger than {limit} bytes")


def _require_json(headers: Mapping[str, str]) -> None:
    media_type = headers.get("Content-Type", _JSON)
    if media_type != _JSON and not _is_json(media_type):
        raise Refusal(415, "unsupported_media_type", "Content-Type must be application/json")
    encoding = headers.get("Content-Encoding")
    if encoding is not None and encoding.strip().lower() not in ("", "identity"):
        raise Refusal(
            415, "unsupported_encoding", "send the body as it is, without a Content-Encoding"
        )


def _is_json(media_type: str) -> bool:
    kind = media_type.partition(";")[0].strip().lower()
    return kind == _JSON or (kind.startswith("application/") and kind.endswith("+json"))


def object_of(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises Refusal 422."""
    value = parse_document(body)
    if isinstance(value, Unreadable):
        raise unreadable(value)
    if not isinstance(value, dict):
        raise invalid(["body"], "Input should be an object", "dict_type")
    return value
