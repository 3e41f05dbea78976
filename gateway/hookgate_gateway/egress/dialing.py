"""
Making a connection: look the name up, try its addresses one after the other, speak TLS.

Each address is judged twice, when the name is looked up and when its socket is made. All of it happens
within the attempt's deadline, of which an address that says nothing gets a share.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hookgate_gateway.egress.guard import Guard, GuardedResolver, Trace
from hookgate_gateway.egress.wire import Connection
from hookgate_gateway.rules.address import IpAddress
from hookgate_gateway.rules.host import Host

CONNECT_SECONDS = 3.0
"""For one address, when there is another one to try."""
_MOST_ADDRESSES = 8
_TLS_CLOSING_SECONDS = 1.0  # a receiver that does not say good-bye is not waited for longer


@dataclass(frozen=True, slots=True)
class Route:
    """Where a connection goes, and how. With a context it speaks TLS."""

    host: Host
    port: int
    context: ssl.SSLContext | None
    server_name: str
    """The name that TLS asks for, and that the certificate must have."""


class Dialer:
    """Makes guarded connections. ``monotonic`` gives seconds."""

    def __init__(
        self, guard: Guard, resolver: GuardedResolver, monotonic: Callable[[], float]
    ) -> None:
        self._guard = guard
        self._resolver = resolver
        self._monotonic = monotonic

    async def dial(
        self, route: Route, trace: Trace, deadline: float, lost: Callable[[Connection], None]
    ) -> Connection:
        """A new connection; ``lost`` is called when it is closed. The caller bounds it by ``deadline``.

        Raises OSError (ssl.SSLError among them); what the guard saw is on the trace.
        """
        loop = asyncio.get_running_loop()
        addresses = await self._addresses(route, trace)
        raw, round_trip = await self._connect(loop, addresses, route.port, trace, deadline)
        secure = route.context is not None
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(loop, lost, round_trip),
                sock=raw,
                ssl=route.context,
                server_hostname=route.server_name if secure else None,
                ssl_shutdown_timeout=_TLS_CLOSING_SECONDS if secure else None,
            )
        except BaseException:
            raw.close()
            raise
        return connection

    async def _addresses(self, route: Route, trace: Trace) -> Sequence[IpAddress]:
        if route.host.address is not None:
            return (route.host.address,)
        found = await self._resolver.resolve(route.host.name, route.port, trace)
        return found[:_MOST_ADDRESSES]

    async def _connect(
        self,
        loop: asyncio.AbstractEventLoop,
        addresses: Sequence[IpAddress],
        port: int,
        trace: Trace,
        deadline: float,
    ) -> tuple[socket.socket, float]:
        failure: OSError = OSError("a name without an address")
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            share = share_of(deadline - loop.time(), left)
            try:
                return await self._connect_to(loop, address, port, trace, share)
            except PermissionError:
                raise
            except OSError as error:  # the share being over is one
                failure = error
        raise failure

    async def _connect_to(
        self,
        loop: asyncio.AbstractEventLoop,
        address: IpAddress,
        port: int,
        trace: Trace,
        seconds: float | None,
    ) -> tuple[socket.socket, float]:
        """A connected socket, and how many seconds its handshake took."""
        with contextlib.ExitStack() as unless_connected:
            raw = self._guard.open_socket(address, port, trace)
            unless_connected.callback(raw.close)
            raw.setblocking(False)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            begun = self._monotonic()
            async with asyncio.timeout(seconds):
                await loop.sock_connect(raw, (str(address), port))
            round_trip = self._monotonic() - begun
            unless_connected.pop_all()
        return raw, round_trip


def share_of(remaining: float, addresses: int) -> float | None:
    """Seconds that the next of so many addresses gets; the last one has what the deadline leaves it."""
    if addresses <= 1:
        return None
    return min(remaining / addresses, CONNECT_SECONDS)
