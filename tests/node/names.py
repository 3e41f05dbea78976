"""The cluster's DNS: names of Services and their endpoints, as the API server has them at the time."""

from dnslib import QTYPE, RCODE, RR, A, DNSRecord
from dnslib.server import BaseResolver, DNSLogger, DNSServer

from tests.cluster.access import Access
from tests.install.services import addresses
from tests.node import machine

SLICES = "/apis/discovery.k8s.io/v1/endpointslices"


class ClusterNames(BaseResolver):
    """Answers for `SERVICE.NAMESPACE.svc.cluster.local` and below it; nothing else has a name here."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def resolve(self, request: DNSRecord, handler: object) -> DNSRecord:
        found = self.addresses(str(request.q.qname).rstrip(".").lower())
        reply = request.reply()
        if found is None:
            reply.header.rcode = RCODE.NXDOMAIN
        elif request.q.qtype == QTYPE.A:
            for address in found:
                reply.add_answer(RR(request.q.qname, QTYPE.A, rdata=A(address), ttl=5))
        return reply

    def addresses(self, name: str) -> list[str] | None:
        """Of a whole name; None where there is no such name."""
        return addresses(name, self._items("/api/v1/services"), self._items(SLICES))

    def _items(self, path: str) -> list[dict[str, object]]:
        return list(self._access.must("GET", path)["items"])


def servers(access: Access) -> tuple[ClusterNames, list[DNSServer]]:
    """Over UDP and TCP, not started yet."""
    names = ClusterNames(access)
    return names, [
        DNSServer(
            names,
            address=machine.ADDRESS,
            port=53,
            tcp=tcp,
            logger=DNSLogger(logf=lambda line: None),
        )
        for tcp in (False, True)
    ]
