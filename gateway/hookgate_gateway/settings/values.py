"""
How addresses and stores are written in a setting.

Each parser raises ValueError with a sentence that says what was expected; the loader puts the
variable and the value in front of it.
"""

from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from hookgate_gateway.rules.destination import read_url
from hookgate_process.addresses import ListenAddress, parse_listen

__all__ = ["parse_base_url", "parse_dns_servers", "parse_store"]

_SQLITE = "sqlite:///"


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
