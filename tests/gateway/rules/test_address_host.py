"""The host that a URL really means, in every notation."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.rules.host import Host, MalformedHost, read_host

LOOPBACK = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0X7F000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "0x7F.0x0.0x0.0x1",
    "017700000001",
    "0177.0.0.1",
    "0177.0.0.01",
    "00000177.0.0.1",
    "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1",
    "127%E3%80%820%E3%80%820%E3%80%821",
    "①②⑦.0.0.1",
    "１２７．０．０．１",
    "127。0。0。1",
    "127｡0｡0｡1",
    "𝟏𝟐𝟕.𝟎.𝟎.𝟏",
    "¹²⁷.0.0.1",
    "0ｘ7f.1",
    "127.0.0.\u00ad1",
    "127.0.\u200b0.1",
]


@pytest.mark.parametrize("host", LOOPBACK)
def test_every_spelling_of_loopback_is_loopback(host: str) -> None:
    found = read_host(host)
    assert found.name == "127.0.0.1"
    assert found.address is not None
    assert found.address.is_loopback


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("0", "0.0.0.0"),
        ("00", "0.0.0.0"),
        ("1.2.3", "1.2.0.3"),
        ("1.65535", "1.0.255.255"),
        ("4294967295", "255.255.255.255"),
        ("[::1]", "::1"),
        ("[0:0:0:0:0:0:0:1]", "::1"),
        ("[::1%25lo]", "::1"),
        ("[fe80::1%eth0]", "fe80::1"),
        ("[::ffff:127.0.0.1]", "::ffff:7f00:1"),
        ("[::ffff:7f00:1]", "::ffff:7f00:1"),
        ("[64:FF9B::7f00:1]", "64:ff9b::7f00:1"),
        ("[：：１]", "::1"),
    ],
)
def test_addresses_become_canonical(host: str, name: str) -> None:
    found = read_host(host)
    assert found.name == name
    assert found.address is not None


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("a_b.example", "a_b.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("B%C3%BCcher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("ｅｘａｍｐｌｅ。com", "example.com"),
        ("1.2.3.4.example", "1.2.3.4.example"),
        ("0x7f.example", "0x7f.example"),
        ("localhost", "localhost"),
        ("１.ü", "1.xn--tda"),
    ],
)
def test_names_become_ascii(host: str, name: str) -> None:
    assert read_host(host) == Host(name)


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        "..",
        "a..b",
        "127.0.0.1..",
        "256.0.0.1",
        "1.2.3.256",
        "1.2.65536",
        "1.16777216",
        "4294967296",
        "1.2.3.4.5",
        "08.0.0.1",
        "0x.1",
        "1.0x",
        "127.0.0.0x100",
        "example.1",
        "::1",
        "[::1",
        "[::g]",
        "[]",
        "[v1.fe80]",
        "[127.0.0.1]",
        "[::1]x",
        "a b",
        "a%20b",
        "a%2Fb",
        "a%40b",
        "a%00b",
        "%ff.example",
        "℀.example",
        "-a.example",
        "a-.example",
        "straße.example",
        "σίς.example",
        "a\u200db.example",
        "a" * 64,
        ".".join(["a" * 60] * 5),
        "ü" * 64,
        "⑴.example",
        "9" * 40,
    ],
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(MalformedHost):
        read_host(host)


NUMBER = st.one_of(
    st.integers(0, 2**32 - 1).map(str),
    st.integers(0, 2**32 - 1).map(hex),
    st.integers(0, 2**32 - 1).map(lambda n: f"0{n:o}"),
    st.integers(0, 255).map(str),
    st.sampled_from(["08", "0x", "0xg", "1e1", "+1", "-1", "", "00", "0x0"]),
)


@given(st.lists(NUMBER, min_size=1, max_size=5).map(".".join))
def test_whatever_the_c_library_takes_for_an_address_is_one_here(text: str) -> None:
    try:
        expected = socket.inet_ntoa(socket.inet_aton(text))
    except OSError:
        return
    assert read_host(text).name == expected


@given(st.text())
def test_any_text_is_a_host_or_malformed(text: str) -> None:
    try:
        host = read_host(text)
    except MalformedHost:
        return
    assert host.name.isascii()
    assert not set(host.name) & set(" /@?#\\%[]")
    if host.address is None:
        assert read_host(host.name) == host
