"""How addresses and stores are written."""

from pathlib import Path

import pytest

from hookgate_gateway.settings.values import (
    parse_dns_servers,
    parse_store,
)
from hookgate_process.addresses import ListenAddress, parse_listen


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":8080", ListenAddress(None, 8080)),
        ("127.0.0.1:0", ListenAddress("127.0.0.1", 0)),
        ("[::1]:65535", ListenAddress("::1", 65535)),
        ("gateway.internal:80", ListenAddress("gateway.internal", 80)),
    ],
)
def test_an_address_reads_and_renders_the_same(text, address):
    assert parse_listen(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    ["", "8080", "localhost", "::1:80", "host:", "host:65536", "host:-1", "http://h:80", "h:٨"],
)
def test_anything_else_is_refused_with_what_was_expected(text):
    with pytest.raises(ValueError, match="expected host:port"):
        parse_listen(text)


def test_the_path_of_a_store_stands_as_it_is_written():
    assert parse_store("sqlite:///hookgate.db") == Path("hookgate.db")
    assert parse_store("sqlite:////data/hook gate.db") == Path("/data/hook gate.db")


def test_postgresql_is_refused_with_what_to_use_instead():
    with pytest.raises(ValueError, match=r"SQLite only; use sqlite:///"):
        parse_store("postgresql://hookgate@db/hookgate")


@pytest.mark.parametrize(
    "text", ["", "hookgate.db", "sqlite://hookgate.db", "sqlite:///", "mysql://db"]
)
def test_another_store_is_refused_with_how_one_is_written(text):
    with pytest.raises(ValueError, match=r"expected sqlite:///path"):
        parse_store(text)


def test_name_servers_are_addresses_with_the_usual_port_unless_they_say_another():
    text = "10.0.0.53, 10.0.1.53:5353,::1,[::1]:54,"
    assert parse_dns_servers(text) == ("10.0.0.53:53", "10.0.1.53:5353", "[::1]:53", "[::1]:54")


@pytest.mark.parametrize("text", ["dns.example", "10.0.0.53:x", ":53", "10.0.0.53 10.0.0.54"])
def test_a_name_server_is_never_a_name(text):
    with pytest.raises(ValueError, match="expected an address or address:port"):
        parse_dns_servers(text)
