"""
Where connections may go: a resolver and a maker of sockets that ask the egress rules.

What they see is kept on the :class:`Trace` of the attempt, not in exceptions, so that nothing in between
can lose the verdict. Addresses that a name resolved to are told to the gateway's log alone.
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

import aiodns

from hookgate_gateway.observe import Observer
from hookgate_gateway.rules.address import IpAddress
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.rules.destination import (
    Destination,
    Refused,
    judge_address,
    judge_destination,
)
from hookgate_gateway.rules.egress_rules import EgressRules

LOOKUP_SECONDS = 5.0
"""For one name, whatever the number of name servers and tries."""


@dataclass(slots=True)
class Trace:
    """What the guard saw during one attempt."""

    namespace: Namespace
    host: str
    refused: Refused | None = None
    unresolved: str | None = None
    """Why the name could not be looked up, as a sentence."""


class Guard:
    """The egress rules, asked for each address right before it is connected to."""

    def __init__(self, rules: EgressRules, observer: Observer) -> None:
        self.rules = rules
        self._observer = observer

    def refusal(self, destination: Destination, namespace: Namespace) -> Refused | None:
        """The verdict on a destination before anything is looked up."""
        refused = judge_destination(destination, namespace, self.rules)
        if refused is not None:
            self._observer.warning(
                "egress_refused",
                namespace=namespace,
                host=destination.host.name,
                port=destination.port,
                reason=refused.message,
            )
        return refused

    def refuses(self, address: IpAddress, port: int, trace: Trace) -> bool:
        """Whether the rules refuse it; the verdict is kept on the trace, the address goes to the log."""
        refused = judge_address(address, port, trace.host, trace.namespace, self.rules)
        if refused is None:
            return False
        trace.refused = refused
        self._observer.warning(
            "egress_refused",
            namespace=trace.namespace,
            host=trace.host,
            address=str(address),
            port=port,
            reason=refused.message,
        )
        return True

    def open_socket(self, address: IpAddress, port: int, trace: Trace) -> socket.socket:
        """Make the socket to connect to an address with; the last assertion.

        Raises PermissionError for an address that the rules refuse, however it got here.
        """
        if self.refuses(address, port, trace):
            raise PermissionError("refused by the egress rules")
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)


class GuardedResolver:
    """Looks names up by aiodns, and refuses a name if any of its addresses is refused.

    A name server that says nothing costs the one name ``limit`` seconds and stalls nobody else.
    """

    def __init__(
        self, guard: Guard, *, nameservers: Sequence[str] = (), limit: float = LOOKUP_SECONDS
    ) -> None:
        self._guard = guard
        self._limit = limit
        self._dns = aiodns.DNSResolver(nameservers=list(nameservers) or None, timeout=1.5, tries=2)

    async def resolve(self, host: str, port: int, trace: Trace) -> list[IpAddress]:
        """All addresses of a name, every one of them allowed. Raises OSError, its reason on the trace."""
        try:
            async with asyncio.timeout(self._limit):
                found = await self._dns.getaddrinfo(
                    host, family=socket.AF_UNSPEC, port=port, type=socket.SOCK_STREAM
                )
        except TimeoutError:
            trace.unresolved = f"no name server answered within {self._limit:g} seconds"
            raise OSError(trace.unresolved) from None
        except (aiodns.error.DNSError, UnicodeError):
            trace.unresolved = "the host's name cannot be resolved"
            raise OSError(trace.unresolved) from None
        addresses = [ip_address(node.addr[0].decode().partition("%")[0]) for node in found.nodes]
        if any(self._guard.refuses(address, port, trace) for address in addresses):
            raise OSError("refused by the egress rules")
        return addresses

    async def close(self) -> None:
        await self._dns.close()
