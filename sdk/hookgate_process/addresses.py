"""
Where to listen, as it is written in a setting.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

__all__ = ["Listen", "ListenAddress", "MaybeListen", "parse_listen"]


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where to listen: ``host:port``, ``[IPv6]:port``, or ``:port`` for every interface."""

    host: str | None
    """None listens on every interface, IPv4 and IPv6."""
    port: int
    """0 takes any free port; the log line ``listening`` says which."""

    def __str__(self) -> str:
        host = self.host or ""
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def parse_listen(text: str) -> ListenAddress:
    """``host:port`` as a value."""
    expected = "expected host:port, [IPv6]:port or :port with a port from 0 to 65535"
    host, colon, port = text.strip().rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(expected)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host or "/" in host:
        raise ValueError(expected)
    return ListenAddress(host or None, int(port))


def _listen(value: object) -> object:
    return parse_listen(value) if isinstance(value, str) else value


Listen = Annotated[ListenAddress, NoDecode, BeforeValidator(_listen)]
"""The type of a setting that says where to listen."""
MaybeListen = Annotated[ListenAddress | None, NoDecode, BeforeValidator(_listen)]
"""Likewise, of one that may be left out."""
