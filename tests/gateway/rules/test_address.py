"""Which class an address has, and where one leads that carries another inside."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.rules.address import AddressClass, embeds_ipv4, facets

C = AddressClass


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("8.8.8.8", C.PUBLIC),
        ("1.1.1.1", C.PUBLIC),
        ("172.15.255.255", C.PUBLIC),
        ("172.32.0.0", C.PUBLIC),
        ("100.63.255.255", C.PUBLIC),
        ("100.128.0.0", C.PUBLIC),
        ("198.17.255.255", C.PUBLIC),
        ("198.20.0.0", C.PUBLIC),
        ("127.0.0.1", C.LOOPBACK),
        ("127.255.255.255", C.LOOPBACK),
        ("169.254.169.254", C.METADATA),
        ("169.254.170.2", C.METADATA),
        ("168.63.129.16", C.METADATA),
        ("100.100.100.200", C.METADATA),
        ("192.0.0.192", C.METADATA),
        ("169.254.0.1", C.LINK_LOCAL),
        ("0.0.0.0", C.UNSPECIFIED),
        ("0.1.2.3", C.UNSPECIFIED),
        ("224.0.0.1", C.MULTICAST),
        ("239.255.255.255", C.MULTICAST),
        ("240.0.0.1", C.RESERVED),
        ("255.255.255.255", C.RESERVED),
        ("10.0.0.0", C.PRIVATE),
        ("10.255.255.255", C.PRIVATE),
        ("172.16.0.1", C.PRIVATE),
        ("172.31.255.255", C.PRIVATE),
        ("192.168.1.1", C.PRIVATE),
        ("100.64.0.1", C.SHARED),
        ("100.127.255.255", C.SHARED),
        ("198.18.0.1", C.BENCHMARK),
        ("198.19.255.255", C.BENCHMARK),
        ("192.0.2.1", C.DOCUMENTATION),
        ("198.51.100.1", C.DOCUMENTATION),
        ("203.0.113.1", C.DOCUMENTATION),
        ("192.0.0.1", C.SPECIAL),
        ("192.88.99.1", C.SPECIAL),
        ("2606:4700::1111", C.PUBLIC),
        ("2a00:1450:4001::200e", C.PUBLIC),
        ("::", C.UNSPECIFIED),
        ("::1", C.LOOPBACK),
        ("fe80::1", C.LINK_LOCAL),
        ("fe80::1%eth0", C.LINK_LOCAL),
        ("febf::1", C.LINK_LOCAL),
        ("ff02::1", C.MULTICAST),
        ("fd00:ec2::254", C.METADATA),
        ("fd20:ce::254", C.METADATA),
        ("fd00::1", C.PRIVATE),
        ("fc00::1", C.PRIVATE),
        ("fec0::1", C.PRIVATE),
        ("2001:2::1", C.BENCHMARK),
        ("2001:db8::1", C.DOCUMENTATION),
        ("3fff::1", C.DOCUMENTATION),
        ("2001:20::1", C.SPECIAL),
        ("100::1", C.RESERVED),
        ("5f00::1", C.RESERVED),
        ("4000::1", C.RESERVED),
    ],
)
def test_the_class_of_a_plain_address(address: str, kind: AddressClass) -> None:
    (facet,) = facets(ip_address(address))
    assert facet.kind is kind


@pytest.mark.parametrize(
    "spelling",
    [
        "::ffff:{0}",  # mapped
        "::ffff:0:{0}",  # translated
        "::{0}",  # compatible
        "64:ff9b::{0}",  # NAT64
        "2002:{1}::1",  # 6to4
    ],
)
@pytest.mark.parametrize("inner", ["127.0.0.1", "169.254.169.254", "10.1.2.3", "8.8.8.8"])
def test_ipv4_inside_ipv6_is_judged_by_what_is_inside(spelling: str, inner: str) -> None:
    number = int(IPv4Address(inner))
    outer = IPv6Address(spelling.format(inner, f"{number >> 16:x}:{number & 0xFFFF:x}"))
    assert facets(outer) == facets(IPv4Address(inner))


def test_teredo_leads_to_its_server_and_to_its_client() -> None:
    client = int(IPv4Address("127.0.0.1")) ^ 0xFFFFFFFF
    server = int(IPv4Address("8.8.8.8"))
    teredo = IPv6Address(0x20010000 << 96 | server << 64 | client)
    assert [str(facet.address) for facet in facets(teredo)] == ["8.8.8.8", "127.0.0.1"]


@pytest.mark.parametrize(
    ("address", "inner"),
    [
        ("64:ff9b:1::7f00:1", ["127.0.0.1"]),  # /96
        ("64:ff9b:1:7f00:0:100::", ["127.0.0.1"]),  # /48
        ("64:ff9b:1:7f:0:1::", ["127.0.0.1"]),  # /56
        ("64:ff9b:1:0:7f:0:100::", ["127.0.0.1"]),  # /64
        ("64:ff9b:1::", []),
    ],
)
def test_local_nat64_is_never_public_and_hides_nothing(address: str, inner: list[str]) -> None:
    outer, *others = facets(IPv6Address(address))
    assert outer.kind is C.SPECIAL
    assert set(inner) <= {str(facet.address) for facet in others}


@given(st.ip_addresses(v=4))
def test_every_ipv4_address_has_the_same_classes_inside_a_mapped_one(address: IPv4Address) -> None:
    assert facets(IPv6Address(f"::ffff:{address}")) == facets(address)


@given(st.ip_addresses())
def test_nothing_that_python_calls_private_is_public(address: IPv4Address | IPv6Address) -> None:
    for facet in facets(address):
        if facet.kind is C.PUBLIC:
            assert facet.address.is_global, facet.address
            assert not facet.address.is_multicast


@given(st.ip_addresses())
def test_every_address_leads_somewhere(address: IPv4Address | IPv6Address) -> None:
    assert facets(address)


def test_the_tiers_are_those_of_the_design() -> None:
    assert {kind for kind in C if kind.tier == 0} == {C.PUBLIC}
    assert {kind for kind in C if kind.tier == 2} == {
        C.PRIVATE,
        C.SHARED,
        C.BENCHMARK,
        C.DOCUMENTATION,
        C.SPECIAL,
    }


@pytest.mark.parametrize(
    ("network", "inside"),
    [
        ("10.0.0.0/8", False),
        ("::/128", False),
        ("::1/128", False),
        ("::/0", False),
        ("fd00::/8", False),
        ("64:ff9b:1::/48", False),
        ("::ffff:10.0.0.0/104", True),
        ("64:ff9b::/96", True),
        ("2002::/16", True),
        ("2001:0::/32", True),
        ("::2/128", True),
    ],
)
def test_networks_whose_addresses_are_all_judged_by_the_ipv4_inside(
    network: str, inside: bool
) -> None:
    assert embeds_ipv4(ip_network(network)) is inside
