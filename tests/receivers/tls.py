"""A private certificate authority for tests, with server contexts and client certificates of its making."""

import ssl
from dataclasses import dataclass, field

import trustme


@dataclass(slots=True)
class Authority:
    """A private CA: what a subscription's ``caFrom`` and ``clientCertificate`` would hold, as PEM."""

    ca: trustme.CA = field(default_factory=trustme.CA)

    @property
    def pem(self) -> bytes:
        return self.ca.cert_pem.bytes()

    def server(self, *names: str, clients: bool = False) -> ssl.SSLContext:
        """A server's context for these names and addresses; ``clients`` demands a certificate by this CA."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
        if clients:
            context.verify_mode = ssl.CERT_REQUIRED
            self.ca.configure_trust(context)
        return context

    def client(self, name: str = "client.example") -> tuple[bytes, bytes]:
        """A client's certificate chain and key."""
        leaf = self.ca.issue_cert(name, common_name=name)
        chain = b"".join(pem.bytes() for pem in leaf.cert_chain_pems)
        return chain, leaf.private_key_pem.bytes()
