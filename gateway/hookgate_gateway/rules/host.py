"""
Which host a URL really means.

:func:`read_host` takes every notation that some resolver or library would take for an address: decimal,
octal, hexadecimal, short forms, percent-encoding, Unicode digits and dots, zone ids. What looks like an
address and is none is refused rather than looked up. Sources: inet_aton(3), RFC 3986 §3.2.2, UTS 46,
the host parser of the WHATWG URL standard.
"""

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import unquote

from hookgate_gateway.rules.address import IpAddress


class MalformedHost(ValueError):
    """No host can be read here; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host as it was meant: its ASCII name, or the address that it is a spelling of."""

    name: str
    """Lower case, without a trailing dot; an address in its canonical spelling, without brackets."""
    address: IpAddress | None = None


_DOTS = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": "."})
_DEVIANT = re.compile("[\u00df\u1e9e\u03c2\u200c\u200d]")
"""Characters that the two generations of IDNA spell as different names."""
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_NUMBER = re.compile(r"0x(?P<hex>[0-9a-f]{1,32})|0(?P<oct>[0-7]{0,32})|(?P<dec>[1-9][0-9]{0,31})", re.ASCII)  # fmt: skip


def read_host(host: str) -> Host:
    """Read the host of a URL as the most lenient of resolvers would. Raises MalformedHost.

    ``host`` stands as in the URL: with brackets around IPv6, percent-encoded, in any script.
    """
    if host.startswith("["):
        if not host.endswith("]"):
            raise MalformedHost("the host has an opening bracket and no closing one")
        return _read_ipv6(host[1:-1])
    if ":" in host:
        raise MalformedHost("an IPv6 address needs brackets")
    name = _to_ascii(host)
    labels = name.split(".")
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        address = _read_ipv4(labels)
        return Host(str(address), address)
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise MalformedHost("the host is not a valid name")
    return Host(name)


def _read_ipv6(text: str) -> Host:
    bare, _, _zone = unicodedata.normalize("NFKC", text).partition("%")
    try:
        address = IPv6Address(bare)
    except ValueError:
        raise MalformedHost("the brackets hold no IPv6 address") from None
    return Host(str(address), address)


def _to_ascii(host: str) -> str:
    try:
        text = unquote(host, errors="strict")
    except UnicodeDecodeError:
        raise MalformedHost("the host's percent-encoding is not UTF-8") from None
    if _DEVIANT.search(text):
        raise MalformedHost("the host has letters of two meanings: write it in its xn-- form")
    text = unicodedata.normalize("NFKC", text).translate(_DOTS)
    if not text.isascii():
        try:
            text = text.encode("idna").decode()
        except UnicodeError:
            raise MalformedHost("the host is not a valid international name") from None
    return text.lower().removesuffix(".")


def _read_ipv4(labels: list[str]) -> IPv4Address:
    """One to four numbers, the last one filling what is left, as inet_aton(3) reads them."""
    numbers = [_read_number(label) for label in labels]
    *heads, last = numbers
    room = 8 * (4 - len(heads))
    if len(numbers) > 4 or any(head > 255 for head in heads) or last >= 1 << room:
        raise MalformedHost("the host looks like an address and is none")
    value = last
    for position, head in enumerate(heads):
        value |= head << (24 - 8 * position)
    return IPv4Address(value)


def _read_number(label: str) -> int:
    match = _NUMBER.fullmatch(label)
    if match is None:
        raise MalformedHost("the host looks like an address and is none")
    if match["hex"]:
        return int(match["hex"], 16)
    return int(match["dec"]) if match["dec"] else int(match["oct"] or "0", 8)
