"""
Whom the handlers ask: one frozen value, put together by the app.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import web

from hookgate_gateway.api.bodies import BodyReader, object_of
from hookgate_gateway.api.rates import KeyRates
from hookgate_gateway.api.showing import Showing, parsed_size
from hookgate_gateway.catalogue.snapshot import Caller, Snapshot
from hookgate_gateway.contract import ResourceKey
from hookgate_gateway.dispatch.dispatcher import LaneState
from hookgate_gateway.dispatch.health import Name
from hookgate_gateway.ids import Ids
from hookgate_gateway.intake.accept import AcceptedReport
from hookgate_gateway.intake.ingest import Refused
from hookgate_gateway.intake.quota import BacklogQuota
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import (
    Asking,
    History,
    MadeBefore,
    NewRun,
    Once,
    Replays,
    Settled,
    Shipment,
)
from hookgate_gateway.replay.once import OnceSender
from hookgate_gateway.replay.orders import ReplayOrders
from hookgate_gateway.rules.delivery import (
    Attempt,
    DeliveryId,
    LaneKey,
    Namespace,
)
from hookgate_gateway.rules.health import Health
from hookgate_gateway.rules.report import Unreadable
from hookgate_gateway.upstream.engine import Upstream
from hookgate_process.clock import Clock

__all__ = [
    "Catalogue",
    "Dispatch",
    "Healths",
    "Reports",
    "RunStore",
    "Services",
    "Sources",
    "TestSender",
]


class Catalogue(Protocol):
    """Subscriptions, keys and sources."""

    @property
    def snapshot(self) -> Snapshot: ...

    async def resume(self, key: ResourceKey) -> int:
        """End a subscription's hold ``Gone``; return when the snapshot shows it."""
        ...


class Reports(Protocol):
    """Durable acceptance; see :class:`hookgate_gateway.intake.accept.Acceptor`."""

    async def accept(
        self, namespace: Namespace, body: bytes, origin: str, *, unless_ended: bool = False
    ) -> AcceptedReport | Unreadable: ...


class Sources(Protocol):
    """Webhooks of Skyvern servers; see :class:`hookgate_gateway.intake.ingest.Ingest`."""

    async def receive(
        self,
        namespace: Namespace,
        name: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        asked: str | None = None,
    ) -> AcceptedReport | Unreadable | Refused: ...


class RunStore(Protocol):
    """Where runs are registered; see :class:`hookgate_gateway.ports.Intake` and ``Askings``."""

    async def register(self, run: NewRun) -> bool: ...

    async def register_once(self, run: NewRun, once: Once) -> bool | MadeBefore: ...

    async def ask(self, asking: Asking) -> MadeBefore | None: ...

    async def withdraw(self, asking: Asking) -> None: ...

    async def adopt(self, asking: Asking, run: NewRun, settled: Settled | None = None) -> bool: ...


class Dispatch(Protocol):
    """The dispatcher, as far as the API knows it. Nothing here is awaited."""

    def parks(self, lane: LaneKey) -> bool:
        """Whether a new delivery must wait for its lane instead of for time."""
        ...

    def superseded(self, ids: Sequence[DeliveryId]) -> None:
        """These were cancelled; forget them unless they are in flight."""
        ...

    def lane_states(self) -> Mapping[LaneKey, LaneState]:
        """The lanes that are in memory."""
        ...


class Healths(Protocol):
    """How deliveries fare; see :class:`hookgate_gateway.dispatch.health.DeliveryHealth`."""

    def of(self, name: Name) -> Health: ...


class TestSender(Protocol):
    """Sends a test at once, in slots of its own."""

    async def test(self, shipment: Shipment, key_id: str) -> Attempt: ...


class DirectSender(TestSender, OnceSender, Protocol):
    """Tests and synchronous replays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The collaborators of all handlers."""

    catalogue: Catalogue
    reports: Reports
    sources: Sources
    runs: RunStore
    history: History
    replays: Replays
    orders: ReplayOrders
    dispatch: Dispatch
    health: Healths
    direct: DirectSender
    clock: Clock
    ids: Ids
    observer: Observer
    bodies: BodyReader
    rates: KeyRates
    quota: BacklogQuota = field(default_factory=BacklogQuota)
    showing: Showing = field(default_factory=Showing)
    upstream: Upstream | None = None
    """What runs the runs; None: nothing, the gateway registers them and waits for reports."""

    @asynccontextmanager
    async def asked(
        self, request: web.Request, caller: Caller, *, optional: bool = False
    ) -> AsyncIterator[dict[str, Any]]:
        """The JSON object that a caller sent, and room for it until the end of the block.

        With ``optional`` it may be left out, or be ``null``. Raises Refusal.
        """
        read = self.bodies.read_optional if optional else self.bodies.read
        body = await read(request, caller.key)
        with self.showing.room(parsed_size(body)):
            yield object_of(body)
