"""
A request as bytes: what is the same for all of a lane's, made once, and what each attempt adds.

Plain functions. Nothing goes on the wire that could end a header early: a line break or another control
character is refused here, whoever let it come this far.
"""

import re

from hookgate.signing import sign
from hookgate_gateway.ports import Shipment
from hookgate_gateway.rules.destination import Destination

Headers = tuple[tuple[str, str], ...]

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_OURS = frozenset(
    {
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_OUR_PREFIXES = ("x-hookgate-", "x-skyvern-", "webhook-")
RESENT = ("X-Hookgate-Resent", "1")
"""Tells, on the wire and with the attempt, that the same request may have come a moment before."""
_SIGNATURES = frozenset({"X-Skyvern-Signature", "webhook-signature"})


class Unsendable(ValueError):
    """A header or a URL that HTTP has no form for; the message holds neither."""


def lane_headers(given: Headers) -> Headers:
    """The headers that all of a lane's requests share: the subscription's and ours, ours winning."""
    headers = [(name, value) for name, value in given if not _is_ours(name.lower())]
    headers.append(("Content-Type", "application/json"))
    if not any(name.lower() == "user-agent" for name, _ in headers):
        headers.append(("User-Agent", "Skyvern-Webhook/1.0"))
    return tuple(headers)


def _is_ours(lowered: str) -> bool:
    return lowered in _OURS or lowered.startswith(_OUR_PREFIXES)


def request_line(destination: Destination) -> bytes:
    """The first line and Host. Raises Unsendable."""
    text = f"POST {destination.target} HTTP/1.1\r\nHost: {destination.netloc}\r\n"
    if not text.isascii() or len(text.splitlines()) != 2:
        raise Unsendable("the URL cannot be sent in HTTP")
    return text.encode("ascii")


def header_lines(headers: Headers) -> bytes:
    """Headers as they go on the wire, in UTF-8. Raises Unsendable."""
    for name, value in headers:
        if _TOKEN.fullmatch(name) is None or _CONTROLS.search(value) is not None:
            raise Unsendable("a header cannot be sent in HTTP")
    try:
        return "".join([f"{name}: {value}\r\n" for name, value in headers]).encode()
    except UnicodeEncodeError:
        raise Unsendable("a header cannot be sent in HTTP") from None


def sign_attempt(shipment: Shipment, timestamp: int) -> dict[str, str]:
    """The headers that sign this one attempt; ``timestamp`` in unix seconds. Raises InvalidKey."""
    return sign(
        shipment.scheme,
        shipment.keys,
        shipment.body,
        event_id=shipment.event_id,
        timestamp=timestamp,
    )


def request_head(line: bytes, shared: bytes, signed: dict[str, str], shipment: Shipment) -> bytes:
    """All that comes before the body. Raises Unsendable."""
    signature = "".join([f"{name}: {value}\r\n" for name, value in signed.items()])
    own = (
        f"{signature}X-Hookgate-Event-Id: {shipment.event_id}\r\n"
        f"X-Hookgate-Delivery-Id: {shipment.delivery_id}\r\n"
        f"X-Hookgate-Attempt: {shipment.number}\r\n"
        f"{_marks(shipment)}Content-Length: {len(shipment.body)}\r\n\r\n"
    )
    lines = len(signed) + 5 + shipment.replay + shipment.test
    if not (own.count("\n") == own.count("\r") == lines) or "\x00" in own:
        raise Unsendable("a header cannot be sent in HTTP")
    try:
        return b"%b%b%b" % (line, shared, own.encode("ascii"))
    except UnicodeEncodeError:
        raise Unsendable("a header cannot be sent in HTTP") from None


def resent_head(head: bytes) -> bytes:
    """The head of a request that is sent once more within its attempt."""
    return b"%b%b: %b\r\n\r\n" % (head[:-2], RESENT[0].encode(), RESENT[1].encode())


def _marks(shipment: Shipment) -> str:
    if not (shipment.replay or shipment.test):
        return ""
    return "X-Hookgate-Replay: 1\r\n" * shipment.replay + "X-Hookgate-Test: 1\r\n" * shipment.test


def shown_headers(shared: Headers, secret: frozenset[str]) -> Headers:
    """A lane's headers for people: nothing that came from a Secret."""
    return tuple([(name, "***" if name.lower() in secret else value) for name, value in shared])


def shown_attempt(signed: dict[str, str], shipment: Shipment) -> Headers:
    """An attempt's headers for people: no signature."""
    shown = [(name, "***" if name in _SIGNATURES else value) for name, value in signed.items()]
    shown += [
        ("X-Hookgate-Event-Id", shipment.event_id),
        ("X-Hookgate-Delivery-Id", shipment.delivery_id),
        ("X-Hookgate-Attempt", str(shipment.number)),
    ]
    if shipment.replay:
        shown.append(("X-Hookgate-Replay", "1"))
    if shipment.test:
        shown.append(("X-Hookgate-Test", "1"))
    return tuple(shown)
