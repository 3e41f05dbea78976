"""
Services as pods see them: cluster addresses that lead to ready endpoints, and names in the DNS.

It plays kube-proxy (in user space: a listener for each port of each Service, none where nothing is ready) and
the cluster's DNS. The API server has its usual address, 10.0.0.1:443, which its certificate names.
"""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dnslib import QTYPE, RCODE, RR, A, DNSRecord

from tests.install.api import Api, Mirror, Object
from tests.install.podspec import CLUSTER_DNS
from tests.install.sandbox import Sandbox

API_SERVER = ("10.0.0.1", 443)
DNS = (CLUSTER_DNS, 53)
ZONE = ".cluster.local"
_CHUNK = 2**16
_SILENCE = 1.0  # seconds without an answer to a SYN from a pod on this machine
_TRIES = 10
Address = tuple[str, int]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def routes(services: Iterable[Object], slices: Iterable[Object]) -> dict[Address, list[Address]]:
    """Cluster address and port → the ready endpoints behind it; no entry where there are none."""
    found: dict[Address, list[Address]] = {}
    slices = list(slices)
    for service in services:
        address = service["spec"].get("clusterIP", "None")
        if address == "None":
            continue
        for each in _slices_of(service, slices):
            for port in service["spec"]["ports"]:
                ends = _endpoints(each, port.get("name", ""))
                if ends:
                    found.setdefault((address, port["port"]), []).extend(ends)
    return found


def _endpoints(slice_: Object, port_name: str) -> list[Address]:
    numbers = [
        port["port"] for port in slice_["ports"] or () if (port.get("name") or "") == port_name
    ]
    ready = [
        each for each in slice_.get("endpoints") or () if each["conditions"].get("ready", True)
    ]
    return [
        (address, number) for number in numbers for each in ready for address in each["addresses"]
    ]


def _slices_of(service: Object, slices: Iterable[Object]) -> list[Object]:
    metadata = service["metadata"]
    return [
        each
        for each in slices
        if each["metadata"]["namespace"] == metadata["namespace"]
        and (each["metadata"].get("labels") or {}).get("kubernetes.io/service-name")
        == metadata["name"]
    ]


def addresses(name: str, services: Iterable[Object], slices: Iterable[Object]) -> list[str] | None:
    """What the cluster's DNS answers for a whole name; None where there is no such name.

    `SERVICE.NAMESPACE.svc.cluster.local`, and below it the host names of its endpoints.
    """
    parts = name.removesuffix(ZONE).split(".")
    if not name.endswith(ZONE) or parts[-1] != "svc" or len(parts) not in (3, 4):
        return None
    *host, wanted, namespace, _ = parts
    slices = list(slices)
    for service in services:
        metadata = service["metadata"]
        if (metadata["name"], metadata["namespace"]) != (wanted, namespace):
            continue
        if not host and service["spec"].get("clusterIP") not in (None, "None"):
            return [service["spec"]["clusterIP"]]
        ends = [
            address
            for each in _slices_of(service, slices)
            for end in each.get("endpoints") or ()
            if end["conditions"].get("ready", True) and (not host or end.get("hostname") == host[0])
            for address in end["addresses"]
        ]
        return ends or None
    return None


class Services:
    """Serves them. `names` are further names, of the world outside the cluster."""

    def __init__(self, api: Api, sandbox: Sandbox, api_server: Address) -> None:
        self.names: dict[str, str] = {}
        self._sandbox = sandbox
        self._fixed: dict[Address, list[Address]] = {API_SERVER: [api_server]}
        self._change = asyncio.Event()
        self.services = Mirror(api, "/api/v1/services", self._change.set)
        slices = "/apis/discovery.k8s.io/v1/endpointslices"
        self.slices = Mirror(api, slices, self._change.set)
        self._listeners: dict[Address, asyncio.Server] = {}
        self._routes: dict[Address, list[Address]] = {}
        self._turn = itertools.count()
        self._pipes: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """For ever."""
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _NameServer(self.answer),
            sock=self._sandbox.socket(socket.SOCK_DGRAM, listen=DNS),
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.services.keep())
                tasks.create_task(self.slices.keep())
                tasks.create_task(self._keep_listeners())
        finally:
            transport.close()
            for server in self._listeners.values():
                server.close()
            for pipe in self._pipes:
                pipe.cancel()
            await asyncio.gather(*self._pipes, return_exceptions=True)

    # ---- addresses

    async def _keep_listeners(self) -> None:
        while True:
            self._change.clear()
            found = routes(self.services.objects.values(), self.slices.objects.values())
            self._routes = {**found, **self._fixed}
            for address in set(self._listeners) - set(self._routes):
                self._listeners.pop(address).close()
            for address in set(self._routes) - set(self._listeners):
                self._listeners[address] = await self._listen(address)
            await self._change.wait()

    async def _listen(self, address: Address) -> asyncio.Server:
        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._pipes.add(task)
            task.add_done_callback(self._pipes.discard)
            # At the end it is cancelled, and asyncio's streams take that for an error.
            with contextlib.suppress(asyncio.CancelledError):
                await self._connect(address, reader, writer)

        there = self._sandbox.socket(socket.SOCK_STREAM, listen=address)
        return await asyncio.start_server(accepted, sock=there)

    async def _connect(
        self, address: Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Pass a connection on to one endpoint after the other."""
        opened = [writer]
        try:
            theirs = await self._opened(address)
            opened.append(theirs[1])
            await asyncio.gather(_pass(reader, theirs[1]), _pass(theirs[0], writer))
        except OSError:
            writer.transport.abort()
        finally:
            for each in opened:
                each.close()
            for each in opened:
                with contextlib.suppress(OSError):
                    await each.wait_closed()

    async def _opened(self, address: Address) -> Streams:
        """A connection to an endpoint; OSError.

        That of a pod that is gone is known for a moment longer, and answers nothing: then to one that is there by now.
        Where the last one has gone since the connection was accepted, to the next one that comes.
        """
        for _ in range(_TRIES):
            ends = self._routes.get(address)
            if not ends:
                await asyncio.sleep(_SILENCE / 4)
                continue
            try:
                async with asyncio.timeout(_SILENCE):
                    return await asyncio.open_connection(*ends[next(self._turn) % len(ends)])
            except ConnectionError:
                raise  # the pod is there, and nobody listens
            except OSError:
                await asyncio.sleep(_SILENCE / 4)
        raise ConnectionRefusedError(f"nothing behind {address}")

    # ---- names

    def answer(self, data: bytes) -> bytes:
        """To one question."""
        request = DNSRecord.parse(data)
        name = str(request.q.qname).rstrip(".").lower()
        found = self.resolved(name)
        reply = request.reply()
        if not found:
            reply.header.rcode = RCODE.NXDOMAIN
        elif QTYPE[request.q.qtype] == "A":
            for address in found:
                reply.add_answer(RR(reply.q.qname, QTYPE.A, rdata=A(address), ttl=1))
        return bytes(reply.pack())

    def resolved(self, name: str) -> list[str]:
        """The addresses of a whole name; none where there is none."""
        if name in self.names:
            return [self.names[name]]
        # Each in one step: tests ask from their thread, and the node's goes on.
        services, slices = list(self.services.objects.values()), list(self.slices.objects.values())
        return addresses(name, services, slices) or []


class _NameServer(asyncio.DatagramProtocol):
    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._transport.sendto(self._answer(data), addr)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction, until its end."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        if writer.can_write_eof():
            writer.write_eof()


def by_namespace(found: Mapping[tuple[str, str], Object], namespace: str) -> list[Object]:
    """What service links are made from: the namespace's, and `kubernetes`."""
    return [
        each
        for (where, name), each in found.items()
        if where == namespace or (where, name) == ("default", "kubernetes")
    ]
