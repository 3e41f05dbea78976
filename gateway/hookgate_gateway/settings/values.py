"""
How addresses and stores are written in a setting.

Each parser raises ValueError with a sentence that says what was expected; the loader puts the
variable and the value in front of it.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from hookgate_gateway.rules.destination import read_url

__all__ = ["ListenAddress", "parse_base_url", "parse_dns_servers", "parse_listen", "parse_store"]

_SQLITE = "sqlite:///"


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


def parse_dns_servers(text: str) -> tuple[str, ...]:
    """``address`` or ``address:port``, comma separated, each as ``address:port``."""
    return tuple(_dns_server(word.strip()) for word in text.split(",") if word.strip())


def _dns_server(word: str) -> str:
    try:
        return str(ListenAddress(str(ip_address(word.strip("[]"))), 53))
    except ValueError:
        pass  # then with a port
    try:
        server = parse_listen(word)
        return str(ListenAddress(str(ip_address(server.host or "")), server.port))
    except ValueError:
        raise ValueError(
            f"{word!r} is no name server; expected an address or address:port"
        ) from None


def parse_base_url(text: str) -> str:
    """``http[s]://host[:port][/path]`` without a slash at its end."""
    url = text.strip().rstrip("/")
    read_url(url)
    if "?" in url or "#" in url:
        raise ValueError("expected a URL without a query and a fragment")
    return url


def parse_store(text: str) -> Path:
    """The path of a SQLite file: what follows ``sqlite:///`` as it stands (absolute: four slashes)."""
    if text.startswith(_SQLITE) and len(text) > len(_SQLITE):
        return Path(text.removeprefix(_SQLITE))
    scheme = urlsplit(text).scheme
    if scheme in ("postgres", "postgresql"):
        raise ValueError("this version stores in SQLite only; use sqlite:///path/hookgate.db")
    raise ValueError(
        "expected sqlite:///path/hookgate.db (an absolute path has four slashes: sqlite:////data/hookgate.db)"
    )
