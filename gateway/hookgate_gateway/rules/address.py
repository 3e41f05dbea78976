"""
What kind of address this is, and where it leads.

An IPv4 address that travels inside an IPv6 one (mapped, compatible, translated, NAT64, 6to4, Teredo)
is judged by what is inside. What is allowed is decided in :mod:`hookgate_gateway.rules.destination`.

Sources: the IANA special-purpose registries (RFC 6890), RFC 6052 and 8215 (NAT64), RFC 3056 (6to4),
RFC 4380 (Teredo).
"""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network


class AddressClass(StrEnum):
    """Where an address leads, in the words a tenant is told."""

    PUBLIC = "public"
    # Tier 1: refused unless a CIDR of the gateway's operator contains it.
    LOOPBACK = "loopback"
    LINK_LOCAL = "link-local"
    METADATA = "cloud metadata"
    MULTICAST = "multicast"
    UNSPECIFIED = "unspecified"
    RESERVED = "reserved"
    OWN = "the gateway's own"
    KUBERNETES_API = "the Kubernetes API"
    # Tier 2: refused unless a rule for the address or for the host lifts it.
    PRIVATE = "private"
    SHARED = "shared (carrier-grade NAT)"
    BENCHMARK = "benchmarking"
    DOCUMENTATION = "documentation"
    SPECIAL = "special-purpose"

    @property
    def tier(self) -> int:
        """0: allowed; 1: only a CIDR opens it; 2: a CIDR or a host rule does."""
        return 0 if self is AddressClass.PUBLIC else 1 if self in _TIER_1 else 2


_TIER_1 = frozenset(
    {
        AddressClass.LOOPBACK,
        AddressClass.LINK_LOCAL,
        AddressClass.METADATA,
        AddressClass.MULTICAST,
        AddressClass.UNSPECIFIED,
        AddressClass.RESERVED,
        AddressClass.OWN,
        AddressClass.KUBERNETES_API,
    }
)

# The first match decides: narrow networks stand before the wide ones around them.
_IPV4 = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("169.254.169.254/32", AddressClass.METADATA),
        ("169.254.170.2/32", AddressClass.METADATA),  # AWS task credentials
        ("100.100.100.200/32", AddressClass.METADATA),  # Alibaba
        ("168.63.129.16/32", AddressClass.METADATA),  # Azure, from its public range
        ("192.0.0.192/32", AddressClass.METADATA),  # Oracle
        ("0.0.0.0/8", AddressClass.UNSPECIFIED),  # Linux connects 0.0.0.0 to itself
        ("127.0.0.0/8", AddressClass.LOOPBACK),
        ("169.254.0.0/16", AddressClass.LINK_LOCAL),
        ("224.0.0.0/4", AddressClass.MULTICAST),
        ("240.0.0.0/4", AddressClass.RESERVED),  # broadcast included
        ("10.0.0.0/8", AddressClass.PRIVATE),
        ("172.16.0.0/12", AddressClass.PRIVATE),
        ("192.168.0.0/16", AddressClass.PRIVATE),
        ("100.64.0.0/10", AddressClass.SHARED),
        ("198.18.0.0/15", AddressClass.BENCHMARK),
        ("192.0.2.0/24", AddressClass.DOCUMENTATION),
        ("198.51.100.0/24", AddressClass.DOCUMENTATION),
        ("203.0.113.0/24", AddressClass.DOCUMENTATION),
        ("192.0.0.0/24", AddressClass.SPECIAL),
        ("192.88.99.0/24", AddressClass.SPECIAL),  # 6to4 relays, withdrawn
    )
)
_IPV6 = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("::/128", AddressClass.UNSPECIFIED),
        ("::1/128", AddressClass.LOOPBACK),
        ("fe80::/10", AddressClass.LINK_LOCAL),
        ("ff00::/8", AddressClass.MULTICAST),
        ("fd00:ec2::254/128", AddressClass.METADATA),  # AWS
        ("fd20:ce::254/128", AddressClass.METADATA),  # Google
        ("fc00::/7", AddressClass.PRIVATE),
        ("fec0::/10", AddressClass.PRIVATE),  # site-local, withdrawn but routed by some
        ("2001:2::/48", AddressClass.BENCHMARK),
        ("2001:db8::/32", AddressClass.DOCUMENTATION),
        ("3fff::/20", AddressClass.DOCUMENTATION),
        ("2001::/23", AddressClass.SPECIAL),
        ("2000::/3", AddressClass.PUBLIC),
        ("::/0", AddressClass.RESERVED),  # whatever IANA has not given out for use
    )
)

_MAPPED = IPv6Network("::ffff:0:0/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")  # SIIT, RFC 2765
_COMPATIBLE = IPv6Network("::/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_TEREDO = IPv6Network("2001::/32")
_6TO4 = IPv6Network("2002::/16")
_EMBEDDING = (_MAPPED, _TRANSLATED, _COMPATIBLE, _NAT64, _6TO4, _TEREDO)
_NAT64_PLACES = ((6, 7, 9, 10), (7, 9, 10, 11), (9, 10, 11, 12), (12, 13, 14, 15))
"""Where RFC 6052 puts the four bytes, by the length of the translator's prefix: 48, 56, 64, 96."""


@dataclass(frozen=True, slots=True)
class Facet:
    """An address that counts, and its class. An address that leads to several places has several."""

    address: IpAddress
    kind: AddressClass


def facets(address: IpAddress) -> tuple[Facet, ...]:
    """Everything that an address may lead to; all of it must be allowed."""
    if isinstance(address, IPv4Address):
        return (Facet(address, _classify4(address)),)
    address = IPv6Address(int(address))  # a zone id says by which interface, not to whom
    if address in _NAT64_LOCAL:
        # Never public by itself (RFC 8215), and only the network knows where the inner address stands.
        return (Facet(address, AddressClass.SPECIAL), *_inside(_nat64_local(address)))
    inner = _embedded(address)
    return _inside(inner) if inner else (Facet(address, _classify6(address)),)


def embeds_ipv4(network: IpNetwork) -> bool:
    """Whether all of a network's addresses are judged by an IPv4 address inside them."""
    if isinstance(network, IPv4Network) or network.broadcast_address <= IPv6Address("::1"):
        return False
    return any(network.subnet_of(embedding) for embedding in _EMBEDDING)


def _inside(addresses: tuple[IPv4Address, ...]) -> tuple[Facet, ...]:
    return tuple(Facet(inner, _classify4(inner)) for inner in addresses)


def _classify4(address: IPv4Address) -> AddressClass:
    return next((kind for network, kind in _IPV4 if address in network), AddressClass.PUBLIC)


def _classify6(address: IPv6Address) -> AddressClass:
    return next(kind for network, kind in _IPV6 if address in network)


def _embedded(address: IPv6Address) -> tuple[IPv4Address, ...]:
    number = int(address)
    last = IPv4Address(number & 0xFFFFFFFF)
    if address in _MAPPED or address in _NAT64 or address in _TRANSLATED:
        return (last,)
    if address in _COMPATIBLE and number > 1:  # :: and ::1 mean what they say
        return (last,)
    if address in _6TO4:
        return (IPv4Address(number >> 80 & 0xFFFFFFFF),)
    if address in _TEREDO:  # the server, and the client with its bits turned over
        return (
            IPv4Address(number >> 64 & 0xFFFFFFFF),
            IPv4Address(number & 0xFFFFFFFF ^ 0xFFFFFFFF),
        )
    return ()


def _nat64_local(address: IPv6Address) -> tuple[IPv4Address, ...]:
    raw = address.packed
    candidates = (IPv4Address(bytes(raw[i] for i in places)) for places in _NAT64_PLACES)
    # Bytes that are not used by the real placement are zero and read as 0.0.0.0/8: no place to go to.
    return tuple(inner for inner in candidates if inner.packed[0])
