"""
May this namespace send there? One verdict, asked before a request, for each resolved address, and as
the last assertion before a socket is made.

Verdicts speak of the class of an address, never of the address: tenants read them.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from hookgate_gateway.rules.address import AddressClass, Facet, IpAddress, facets
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.rules.egress_rules import EgressRules, Protected, Rule
from hookgate_gateway.rules.host import Host, MalformedHost, read_host

MAX_URL_LENGTH = 2083
_DEFAULT_PORTS = {"http": 80, "https": 443}
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Refused:
    """Not to be sent there; ``message`` is a sentence for tenants."""

    message: str
    kind: AddressClass | None = None
    """The class of the address; None when it is the port that is refused."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A URL that was read: what will be connected to, and what will be asked for there."""

    scheme: str
    host: Host
    port: int
    target: str
    """Path and query as they go on the wire, byte for byte as they were written."""

    @property
    def netloc(self) -> str:
        """Host and port, the default port left out."""
        name = f"[{self.host.name}]" if ":" in self.host.name else self.host.name
        return name if self.port == _DEFAULT_PORTS[self.scheme] else f"{name}:{self.port}"

    @property
    def url(self) -> str:
        """The URL as it is requested."""
        return f"{self.scheme}://{self.netloc}{self.target}"

    @property
    def shown(self) -> str:
        """The URL for people: its query may hold a secret."""
        path, mark, _ = self.target.partition("?")
        return f"{self.scheme}://{self.netloc}{path}" + ("?…" if mark else "")

    @property
    def shown_without_path(self) -> str:
        """The URL for people where its path is a secret, too."""
        return f"{self.scheme}://{self.netloc}/…"


# ---------------------------------------------------------------------------------------- judging


class BadUrl(ValueError):
    """A URL that cannot be an endpoint; the message is a sentence for people."""


def read_url(url: str) -> Destination:
    """Read an endpoint's URL: http or https, a host, no user info, at most 2083 characters.

    White space around it is trimmed. Raises BadUrl.
    """
    url = url.strip()
    if len(url) > MAX_URL_LENGTH:
        raise BadUrl(f"the URL is longer than {MAX_URL_LENGTH} characters")
    if _FORBIDDEN.search(url):
        raise BadUrl("the URL has white space, a control character or a backslash in it")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadUrl("the URL cannot be read: look at its brackets and its port") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise BadUrl("the URL must start with http:// or https://")
    if port == 0:
        raise BadUrl("the URL has port 0, which cannot be connected to")
    host = _read_netloc(parts.netloc)
    target = _quoted(parts.path or "/") + (f"?{_quoted(parts.query)}" if parts.query else "")
    return Destination(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme], target)


def _read_netloc(netloc: str) -> Host:
    if "@" in netloc:
        raise BadUrl("the URL must not hold a user name or password")
    host = re.sub(r":[0-9]*\Z", "", netloc, flags=re.ASCII)
    if not host:
        raise BadUrl("the URL has no host")
    try:
        return read_host(host)
    except MalformedHost as error:
        raise BadUrl(f"the URL cannot be used: {error}") from None


def judge_destination(
    destination: Destination, namespace: Namespace, rules: EgressRules
) -> Refused | None:
    """The verdict on a literal address and the port; None allows it.

    The addresses of a name are judged at each attempt; its port is refused here only when no rule
    could open it, whatever the name leads to.
    """
    host, port = destination.host, destination.port
    if host.address is not None:
        return judge_address(host.address, port, host.name, namespace, rules)
    if _ordinary(port) or any(r.port and r.concerns(namespace, port) for r in rules.allow):
        return None
    return _bad_port(port)


def judge_address(
    address: IpAddress, port: int, host: str, namespace: Namespace, rules: EgressRules
) -> Refused | None:
    """The verdict on one address that ``host`` leads to; None allows it.

    ``host`` is the name as :func:`read_host` gives it (or the address itself).
    """
    concerned = [rule for rule in rules.allow if rule.concerns(namespace, port)]
    seen = facets(address)
    for facet in seen:
        refused = _judge_facet(facet, port, host, concerned, rules.protected)
        if refused is not None:
            return refused
    if not _ordinary(port) and not any(
        rule.port and (rule.names_host(host) or any(rule.contains(f.address) for f in seen))
        for rule in concerned
    ):
        return _bad_port(port)
    return None


def _judge_facet(
    facet: Facet, port: int, host: str, rules: list[Rule], protected: tuple[Protected, ...]
) -> Refused | None:
    containing = [rule for rule in rules if rule.contains(facet.address)]
    for guarded in protected:
        if guarded.covers(facet.address, port) and not any(map(guarded.is_named_by, containing)):
            return _bad_address(guarded.kind)
    lifted = facet.kind.tier == 2 and any(rule.names_host(host) for rule in rules)
    if facet.kind.tier == 0 or containing or lifted:
        return None
    return _bad_address(facet.kind)


def _ordinary(port: int) -> bool:
    return port in (80, 443) or port >= 1024


def _bad_port(port: int) -> Refused:
    return Refused(f"the egress rules do not allow port {port}")


def _bad_address(kind: AddressClass) -> Refused:
    return Refused(f"the egress rules refuse this address: {kind.value}", kind)


_ASCII = "".join(chr(code) for code in range(0x21, 0x7F))


def _quoted(text: str) -> str:
    """What is ASCII stays byte for byte; the rest is percent-encoded as UTF-8."""
    return text if text.isascii() else quote(text, safe=_ASCII)
