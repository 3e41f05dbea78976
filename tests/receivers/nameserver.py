"""
A DNS server on loopback that answers by script.

``answers[name]`` is a list of scripts, one for each look-up of that name, the last one repeated. A
script is a tuple of addresses, :data:`SILENT` or :data:`UNKNOWN`. Names without one do not exist.
"""

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Self, cast

from dnslib import AAAA, QTYPE, RCODE, RR, A, DNSRecord

SILENT: Final = "silent"
UNKNOWN: Final = "unknown"
Script = tuple[str, ...] | str
"""Addresses, or SILENT, or UNKNOWN."""


class NameServer:
    """Answers A and AAAA over UDP. ``queries`` counts look-ups by name (the A queries of them)."""

    def __init__(
        self,
        answers: Mapping[str, Sequence[Script]] | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.answers: dict[str, Sequence[Script]] = dict(answers or {})
        self.queries: Counter[str] = Counter()
        self._asked: Counter[tuple[str, str]] = Counter()
        self._host = host
        self._port = port
        self._transport: asyncio.DatagramTransport | None = None
        self._change = asyncio.Event()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Protocol(self), local_addr=(self._host, self._port)
        )
        self._port = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        assert self._transport is not None
        self._transport.close()

    @property
    def address(self) -> str:
        """``host:port``, as the sender's ``nameservers`` take it."""
        return f"{self._host}:{self._port}"

    async def asked(self, name: str, timeout: float = 10.0) -> None:
        """Wait until that name was looked up."""
        async with asyncio.timeout(timeout):
            while not self.queries[name]:
                await self._change.wait()

    def answer(self, data: bytes) -> bytes | None:
        """The answer to one datagram, None for silence."""
        request = DNSRecord.parse(data)
        name = str(request.q.qname).rstrip(".").lower()
        kind = QTYPE[request.q.qtype]
        script = self._script(name, kind)
        if script == SILENT:
            return None
        reply = request.reply()
        if script == UNKNOWN:
            reply.header.rcode = RCODE.NXDOMAIN
        else:
            for address in script:
                self._add(reply, kind, address)
        return bytes(reply.pack())

    def _script(self, name: str, kind: str) -> Script:
        if kind == "A":
            self.queries[name] += 1
            change, self._change = self._change, asyncio.Event()
            change.set()
        scripts = self.answers.get(name, (UNKNOWN,))
        turn = self._asked[name, kind]
        self._asked[name, kind] += 1
        return scripts[min(turn, len(scripts) - 1)]

    @staticmethod
    def _add(reply: DNSRecord, kind: str, address: str) -> None:
        version = ipaddress.ip_address(address).version
        if (kind, version) == ("A", 4):
            reply.add_answer(RR(reply.q.qname, QTYPE.A, rdata=A(address), ttl=0))
        elif (kind, version) == ("AAAA", 6):
            reply.add_answer(
                RR(
                    reply.q.qname,
                    QTYPE.AAAA,
                    rdata=AAAA(ipaddress.ip_address(address).exploded),
                    ttl=0,
                )
            )


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._server.answer(data)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)
