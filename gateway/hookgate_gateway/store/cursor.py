"""
Where a page ended, as an opaque string. Whatever a client sends back is read with suspicion.
"""

import base64
import binascii
from collections.abc import Sequence

import orjson

from hookgate_gateway.ports import InvalidCursor

__all__ = ["read_cursor", "write_cursor"]

_LONGEST = 4096


def write_cursor(position: Sequence[str | float]) -> str:
    """The position of a page's last item, in URL-safe base64."""
    return base64.urlsafe_b64encode(orjson.dumps(position)).rstrip(b"=").decode("ascii")


def read_cursor(cursor: str, *shape: type) -> list[str | float]:
    """The position again. Raises InvalidCursor unless it has exactly these types."""
    if len(cursor) > _LONGEST or not cursor.isascii():
        raise InvalidCursor("this cursor was not made here")
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        position = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error) as error:
        raise InvalidCursor("this cursor was not made here") from error
    if not isinstance(position, list) or [type(part) for part in position] != list(shape):
        raise InvalidCursor("this cursor was not made here")
    return position
