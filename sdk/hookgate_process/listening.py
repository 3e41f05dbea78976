"""
Sockets: a port is taken before anything else starts, so that a taken one is told at once.
"""

import errno
import socket
from contextlib import suppress

from hookgate_process.addresses import ListenAddress
from hookgate_process.failures import CannotStart

__all__ = ["BACKLOG", "bind", "bound_address", "own_addresses"]

BACKLOG = 1024
"""Connections that may wait to be accepted."""

_REASONS = {
    errno.EADDRINUSE: "another program listens there; stop it or choose another port",
    errno.EACCES: "this user may not open that port; choose one from 1024 up",
    errno.EADDRNOTAVAIL: "this machine has no such address; use :port for every interface",
}


def bind(address: ListenAddress, variable: str) -> socket.socket:
    """A listening socket. Raises CannotStart with the variable, its value and the remedy."""
    try:
        return _open(address)
    except socket.gaierror:
        reason = "the host name is not known here; use an address, or :port for every interface"
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
    raise CannotStart(f"{variable}={address} cannot be used: {reason}")


def _open(address: ListenAddress) -> socket.socket:
    if address.host is not None:
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        return socket.create_server((address.host, address.port), family=family, backlog=BACKLOG)
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(
                ("::", address.port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG
            )
        except OSError as error:  # built with IPv6, running without
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                raise
    return socket.create_server(("0.0.0.0", address.port), backlog=BACKLOG)  # noqa: S104  # asked for


def bound_address(listener: socket.socket) -> str:
    """What it listens on, as ``host:port``; ``[::]`` and ``0.0.0.0`` are every interface, and no place to call."""
    host, port = listener.getsockname()[:2]
    return str(ListenAddress(host, port))


def own_addresses() -> frozenset[str]:
    """The addresses that this machine's default routes go out from; no name server is asked."""
    found: set[str] = set()
    for family, somewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((somewhere, 9))  # datagrams: chooses a route, sends nothing
            found.add(str(probe.getsockname()[0]))
    return frozenset(address.partition("%")[0] for address in found)
