"""
Webhooks of Skyvern servers: who sent them is proved by their signature, then they are reports.

The answer never tells whether a source exists: an unknown one is verified like a known one, against a
key that nobody has.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from hookgate.signing import SignatureError, SigningScheme, verify
from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.contract import Source
from hookgate_gateway.intake.accept import AcceptedReport
from hookgate_gateway.intake.parse import read_body
from hookgate_gateway.observe import NOBODY, Observer
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.rules.report import Report, Unreadable

__all__ = ["Ingest", "Refused", "judge"]

_OWN_HEADER = "x-hookgate-delivery-id"


@dataclass(frozen=True, slots=True)
class Refused:
    """Not taken in; nothing was stored."""

    status: int
    code: str
    detail: str


LOOP = Refused(400, "delivery_loop", "this is a delivery of a hookgate gateway that came back")
UNVERIFIED = Refused(401, "invalid_signature", "Invalid or missing signature")
UNKNOWN_RUN = Refused(404, "not_found", "run not found")


class Acceptance(Protocol):
    """What takes reports in; see :class:`hookgate_gateway.intake.accept.Acceptor`."""

    async def accept(
        self, namespace: Namespace, body: bytes, origin: str
    ) -> AcceptedReport | Unreadable: ...


class BuiltIn(Protocol):
    """A source that nobody declared; see :class:`hookgate_gateway.upstream.engine.Upstream`."""

    def source(self, namespace: Namespace, name: str) -> Source | None:
        """The source of that name, if this is it."""
        ...

    async def takes(self, namespace: Namespace, report: Report, asked: str | None) -> bool:
        """Whether a report may be for this namespace; its run becomes what was ``asked`` for."""
        ...


class SourceCatalogue(Protocol):
    """Where sources are looked up."""

    @property
    def snapshot(self) -> Snapshot: ...


def judge(
    source: Source | None,
    headers: Mapping[str, str],
    body: bytes,
    *,
    decoy: bytes,
    now: float,
) -> Refused | None:
    """Why this request is not that source's word, or None when it is.

    ``source`` None is an unknown one; ``decoy`` is the key that its requests are verified with. The
    Skyvern servers' timestamp is not signed and can be wrong by hours, so it is judged only where the
    source has a ``tolerance``.
    """
    if any(name.lower() == _OWN_HEADER for name in headers):
        return LOOP
    keys, tolerance = ((decoy,), None) if source is None else (source.keys, source.tolerance)
    try:
        verify(body, headers, keys, scheme=SigningScheme.SKYVERN, tolerance=tolerance, now=now)
    except SignatureError:
        return UNVERIFIED
    return None if source is not None else UNVERIFIED


class Ingest:
    """Takes in the webhooks of sources."""

    def __init__(
        self,
        *,
        acceptor: Acceptance,
        catalogue: SourceCatalogue,
        observer: Observer,
        now: Callable[[], float],
        built_in: BuiltIn | None = None,
    ) -> None:
        self._built_in = built_in
        self._acceptor = acceptor
        self._catalogue = catalogue
        self._observer = observer
        self._now = now
        self._decoy = secrets.token_bytes(32)

    async def receive(
        self,
        namespace: Namespace,
        name: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        asked: str | None = None,
    ) -> AcceptedReport | Unreadable | Refused:
        """Verify and accept one request. Raises what :meth:`Acceptor.accept` raises.

        ``asked`` is the request that the run was made for, as the built-in source was told it.
        """
        declared = self._catalogue.snapshot.sources.get((namespace, name))
        built_in = None
        refused = judge(declared, headers, body, decoy=self._decoy, now=self._now())
        if refused is UNVERIFIED and self._built_in is not None:
            built_in = self._built_in.source(namespace, name)
            if built_in is not None:
                refused = judge(built_in, headers, body, decoy=self._decoy, now=self._now())
                if refused is None and not await self._taken(namespace, body, asked):
                    refused = UNKNOWN_RUN
        if refused is None:
            return await self._acceptor.accept(namespace, body, f"source:{name}")
        self._count(refused, declared, built_in)
        return refused

    def _count(self, refused: Refused, declared: Source | None, built_in: Source | None) -> None:
        """The built-in source is there in every namespace that a stranger makes up: it has none of its own."""
        proved = built_in if refused is UNKNOWN_RUN else None
        owner = declared or proved
        namespace = NOBODY if owner is None else owner.namespace
        self._observer.received(namespace, "other", "other", "rejected")
        if refused is UNVERIFIED:
            claimed = declared or built_in
            self._observer.signature_failed(namespace, "" if claimed is None else claimed.name)

    async def _taken(self, namespace: Namespace, body: bytes, asked: str | None) -> bool:
        """One server reports for all namespaces, so its word alone does not say whose a run is."""
        report = read_body(body)
        if self._built_in is None or not isinstance(report, Report):
            return True
        return await self._built_in.takes(namespace, report, asked)
