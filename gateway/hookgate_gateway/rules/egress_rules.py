"""
What the gateway's operator lets webhooks reach beyond the public internet.

``EGRESS_ALLOW`` holds rules ``[namespace/](CIDR|host|*.suffix)[:port]``. A CIDR (or a single address)
opens exactly its own addresses, in either tier; a host rule lifts tier 2 only, for that name. A rule
with a port holds for that port alone and opens it; otherwise ports are 80, 443 and from 1024 up.

The gateway's own listeners and the Kubernetes API (:class:`Protected`) are opened only by a rule that
names them exactly: that ``10.0.0.0/8`` is open to webhooks does not mean that the API server in it is.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from hookgate_gateway.rules.address import AddressClass, IpAddress, IpNetwork, embeds_ipv4
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.rules.host import MalformedHost, read_host


class RuleError(ValueError):
    """A rule that cannot be read: one line that quotes it and says what to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. Exactly one of ``network``, ``host`` and ``suffix`` is set."""

    namespace: Namespace | None = None
    network: IpNetwork | None = None
    host: str | None = None
    suffix: str | None = None
    """With its leading dot."""
    port: int | None = None

    def concerns(self, namespace: Namespace, port: int) -> bool:
        return self.namespace in (None, namespace) and self.port in (None, port)

    def names_host(self, host: str) -> bool:
        if self.suffix is not None:
            return host.endswith(self.suffix)
        return self.host == host

    def contains(self, address: IpAddress) -> bool:
        return self.network is not None and address in self.network


@dataclass(frozen=True, slots=True)
class Protected:
    """An address that is ours or the cluster's. ``port`` None protects all of its ports."""

    network: IpNetwork
    kind: AddressClass
    port: int | None = None

    def covers(self, address: IpAddress, port: int) -> bool:
        return address in self.network and self.port in (None, port)

    def is_named_by(self, rule: Rule) -> bool:
        """Whether a rule names this exactly: no wider network, and the port where there is one."""
        network = rule.network
        return (
            network is not None
            and network.version == self.network.version
            and network.prefixlen >= self.network.prefixlen
            and (self.port is None or rule.port == self.port)
        )


@dataclass(frozen=True, slots=True)
class EgressRules:
    """What the gateway's operator allows, and what stays protected. They never change in a process."""

    allow: tuple[Rule, ...] = ()
    protected: tuple[Protected, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is allowed or protected beyond the default."""
        return bool(self.allow or self.protected)

    @classmethod
    def parse(cls, text: str, protected: Iterable[Protected] = ()) -> "EgressRules":
        """Rules separated by commas or white space. Raises RuleError for the first bad one."""
        rules = tuple(parse_rule(word) for word in re.split(r"[,\s]+", text) if word)
        return cls(rules, tuple(protected))


def protect(addresses: Iterable[str], kind: AddressClass, port: int | None = None) -> tuple[Protected, ...]:  # fmt: skip
    """Protect addresses, given as literals (``10.96.0.1``) or networks. Raises ValueError."""
    return tuple(Protected(ipaddress.ip_network(text), kind, port) for text in addresses)


_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_PORT = re.compile(r"(?P<rest>.*[^:]):(?P<port>[0-9]{1,5})", re.ASCII)


def parse_rule(text: str) -> Rule:
    """Read ``[namespace/](CIDR|host|*.suffix)[:port]``. Raises RuleError."""
    namespace, rest = _split_namespace(text)
    rest, port = _split_port(text, rest)
    network = _read_network(text, rest)
    if network is not None:
        if embeds_ipv4(network):
            raise RuleError(f"egress rule {text!r}: judged by the IPv4 inside, write that network")
        return Rule(namespace=namespace, network=network, port=port)
    wildcard = rest.startswith("*.")
    try:
        host = read_host(rest[2:] if wildcard else rest)
    except MalformedHost as error:
        raise RuleError(f"egress rule {text!r}: {error}") from None
    if host.address is not None:
        raise RuleError(f"egress rule {text!r}: write the address as {host.name}")
    if wildcard:
        return Rule(namespace=namespace, suffix=f".{host.name}", port=port)
    return Rule(namespace=namespace, host=host.name, port=port)


def _split_namespace(text: str) -> tuple[Namespace | None, str]:
    first, slash, rest = text.partition("/")
    if not slash or _is_address(first):
        return None, text
    if not _NAMESPACE.fullmatch(first):
        raise RuleError(f"egress rule {text!r}: {first!r} is neither a namespace nor an address")
    return Namespace(first), rest


def _split_port(text: str, rest: str) -> tuple[str, int | None]:
    if rest.count(":") > 1 and not rest.startswith("["):
        return rest, None  # bare IPv6
    match = _PORT.fullmatch(rest)
    if match is None:
        return rest, None
    port = int(match["port"])
    if not 1 <= port <= 65535:
        raise RuleError(f"egress rule {text!r}: a port is between 1 and 65535")
    return match["rest"], port


def _read_network(text: str, rest: str) -> IpNetwork | None:
    bare = rest[1:-1] if rest.startswith("[") and rest.endswith("]") else rest
    if not _is_address(bare.partition("/")[0]):
        return None
    try:
        return ipaddress.ip_network(bare)
    except ValueError:
        pass
    try:
        network = ipaddress.ip_network(bare, strict=False)
    except ValueError:
        raise RuleError(f"egress rule {text!r}: {bare!r} is not a network") from None
    raise RuleError(f"egress rule {text!r}: bits are set beyond the mask, write {network}")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.removeprefix("["))
    except ValueError:
        return False
    return True
