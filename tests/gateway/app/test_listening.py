"""Taking ports, and telling why one cannot be had."""

import socket

import pytest

from hookgate_process.addresses import ListenAddress
from hookgate_process.failures import CannotStart
from hookgate_process.listening import bind, bound_address, own_addresses


def test_a_free_port_is_chosen_and_told():
    with bind(ListenAddress("127.0.0.1", 0), "HOOKGATE_LISTEN") as listener:
        host, port = bound_address(listener).rsplit(":", 1)
        assert host == "127.0.0.1"
        with socket.create_connection((host, int(port))):
            pass


def test_every_interface_answers_over_ipv4_too():
    with bind(ListenAddress(None, 0), "HOOKGATE_LISTEN") as listener:
        port = listener.getsockname()[1]
        assert bound_address(listener) in (f"[::]:{port}", f"0.0.0.0:{port}")
        with socket.create_connection(("127.0.0.1", port)):
            pass


def test_a_taken_port_is_one_line_that_names_the_setting_and_the_remedy():
    with bind(ListenAddress("127.0.0.1", 0), "HOOKGATE_LISTEN") as first:
        address = ListenAddress("127.0.0.1", first.getsockname()[1])
        with pytest.raises(CannotStart) as caught:
            bind(address, "HOOKGATE_METRICS_LISTEN")
    line = str(caught.value)
    assert line.startswith(f"HOOKGATE_METRICS_LISTEN={address} cannot be used: ")
    assert "choose another port" in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("host", "reason"),
    [("192.0.2.7", "no such address"), ("no-such-host.invalid", "not known")],
)
def test_a_host_that_is_not_ours_is_told(host, reason):
    with pytest.raises(CannotStart, match=reason):
        bind(ListenAddress(host, 0), "HOOKGATE_LISTEN")


def test_own_addresses_are_addresses():
    for address in own_addresses():
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        assert socket.inet_pton(family, address)
