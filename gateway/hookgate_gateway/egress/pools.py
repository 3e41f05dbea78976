"""
Connections, kept apart by lane: no tenant rides another's, and closing one lane's touches nobody else.

A lane has at most one :class:`Pool`. It is replaced when what it was made for changes (origin, TLS,
headers); a replaced pool closes its idle connections at once and the others as their attempts end, so
that nothing in flight is ever cut.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from hookgate_gateway.contract import Tls
from hookgate_gateway.egress.answers import Answer, RawHeaders
from hookgate_gateway.egress.attempt import shown_headers as shown_answer_headers
from hookgate_gateway.egress.contexts import TlsContexts, check_server_name
from hookgate_gateway.egress.dialing import Dialer, Route
from hookgate_gateway.egress.guard import Guard, Trace
from hookgate_gateway.egress.request import (
    Headers,
    header_lines,
    lane_headers,
    request_line,
    shown_headers,
)
from hookgate_gateway.egress.wire import IDLE_SECONDS, Connection
from hookgate_gateway.ports import Shipment
from hookgate_gateway.rules.delivery import LaneKey, Namespace
from hookgate_gateway.rules.destination import Destination, Refused, read_url

_PLANS_KEPT = 256


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A URL as it will be requested, and the verdict on it: made once for a lane."""

    destination: Destination
    origin: tuple[str, str, int]
    line: bytes
    """The request's first line and Host."""
    shown: str
    refused: Refused | None

    @property
    def secure(self) -> bool:
        return self.destination.scheme == "https"


@dataclass(slots=True, eq=False)
class Pool:
    """The connections of one lane, with the headers that all of its requests share."""

    route: Route
    origin: tuple[str, str, int]
    tls: Tls
    headers: Headers
    """As the subscription has them."""
    secret_headers: frozenset[str]
    lines: bytes
    """As they go on the wire, ours among them."""
    shown: Headers
    """As they are shown with an attempt."""
    idle: list[Connection] = field(default_factory=list)
    """The one used last is at the end, and used next."""
    in_flight: int = 0
    retired: bool = False
    _answered: RawHeaders = field(default_factory=list)
    """The headers of the last answer; those of one receiver mostly are the same."""
    _answered_shown: Headers = ()

    def show(self, answer: Answer) -> Headers:
        """An answer's headers for people."""
        if answer.headers != self._answered:
            self._answered_shown = shown_answer_headers(answer.headers)
            self._answered = answer.headers
        return self._answered_shown

    def fits(self, plan: Plan, shipment: Shipment) -> bool:
        """Whether it was made for this."""
        return (
            self.origin == plan.origin
            and (self.headers is shipment.headers or self.headers == shipment.headers)
            and (self.tls is shipment.tls or self.tls == shipment.tls)
            and self.secret_headers == shipment.secret_headers
        )

    def take(self) -> Connection | None:
        """A kept connection that is free and open, as far as is known here, if there is one."""
        while self.idle:
            connection = self.idle.pop()
            if not connection.closed:
                return connection
        return None

    def give_back(self, connection: Connection, *, keep: bool = True) -> None:
        """An exchange is over: keep its connection for the next one if it can be used again."""
        if not connection.reusable:
            connection.abort()
        elif self.retired or not keep:
            connection.close()
        else:
            connection.rest()
            self.idle.append(connection)

    def retire(self) -> None:
        self.retired = True
        for connection in self.idle:
            connection.close()
        self.idle.clear()

    def lost(self, connection: Connection) -> None:
        if connection in self.idle:
            self.idle.remove(connection)


@dataclass(slots=True)
class Lane:
    """What is kept of one lane between attempts."""

    plans: dict[str, Plan] = field(default_factory=dict)
    pool: Pool | None = None
    used_at: float = 0.0


class Pools:
    """The lanes' pools. ``monotonic`` gives seconds."""

    def __init__(self, guard: Guard, dialer: Dialer, monotonic: Callable[[], float]) -> None:
        self._guard = guard
        self._dialer = dialer
        self._monotonic = monotonic
        self._contexts = TlsContexts()
        self._lanes: dict[LaneKey, Lane] = {}
        self._open: set[Connection] = set()
        self._dialing: set[asyncio.Timeout] = set()
        self._quiet: asyncio.Event = asyncio.Event()
        self.closing = False
        """Nothing new is begun any more."""

    def __len__(self) -> int:
        return len(self._lanes)

    # ----------------------------------------------------------------------------------- sending

    def plan(self, shipment: Shipment, now: float) -> tuple[Lane, Plan]:
        """The shipment's lane, and its URL with the verdict on it. Raises BadUrl and Unsendable."""
        lane = self._lanes.get(shipment.lane)
        if lane is None:
            lane = self._lanes[shipment.lane] = Lane()
        lane.used_at = now
        plan = lane.plans.get(shipment.url)
        if plan is None:
            plan = self._make_plan(shipment.url, shipment.namespace)
            if len(lane.plans) >= _PLANS_KEPT:
                lane.plans.clear()
            lane.plans[shipment.url] = plan
        return lane, plan

    def _make_plan(self, url: str, namespace: Namespace) -> Plan:
        destination = read_url(url)
        return Plan(
            destination,
            origin=(destination.scheme, destination.host.name, destination.port),
            line=request_line(destination),
            shown=destination.shown,
            refused=self._guard.refusal(destination, namespace),
        )

    async def pool(self, lane: Lane, plan: Plan, shipment: Shipment) -> Pool:
        """The lane's pool, made anew if it does not fit. Raises UnusableTls and Unsendable."""
        context = await self._contexts.get(shipment.tls) if plan.secure else None
        server_name = shipment.tls.server_name or plan.destination.host.name
        if context is not None:
            check_server_name(context, server_name)
        if lane.pool is not None:
            if lane.pool.fits(plan, shipment):
                return lane.pool  # somebody else was faster
            lane.pool.retire()
        shared = lane_headers(shipment.headers)
        destination = plan.destination
        lane.pool = Pool(
            route=Route(destination.host, destination.port, context, server_name),
            origin=plan.origin,
            tls=shipment.tls,
            headers=shipment.headers,
            secret_headers=shipment.secret_headers,
            lines=header_lines(shared),
            shown=shown_headers(shared, shipment.secret_headers),
        )
        return lane.pool

    async def connect(self, pool: Pool, trace: Trace, deadline: float) -> Connection:
        """A fresh connection of this pool. Raises what dialing does."""

        def lost(connection: Connection) -> None:
            pool.lost(connection)
            self._open.discard(connection)
            self._tell_quiet()

        connection = await self._dialer.dial(pool.route, trace, deadline, lost)
        if not connection.closed:
            self._open.add(connection)
        return connection

    @asynccontextmanager
    async def until(self, deadline: float) -> AsyncIterator[None]:
        """Bounds what is done before there is a connection; closing ends it too. Raises TimeoutError."""
        async with asyncio.timeout_at(deadline) as limit:
            self._dialing.add(limit)
            try:
                yield
            finally:
                self._dialing.discard(limit)
                self._tell_quiet()

    # ----------------------------------------------------------------------------------- closing

    async def forget(self, key: LaneKey) -> None:
        """Close a lane's connections as soon as nothing is in flight on them."""
        lane = self._lanes.pop(key, None)
        if lane is not None and lane.pool is not None:
            lane.pool.retire()

    async def close_idle(self) -> None:
        """Forget the lanes that nothing was sent on for a while."""
        before = self._monotonic() - IDLE_SECONDS
        idle = [
            key
            for key, lane in self._lanes.items()
            if lane.used_at <= before and not (lane.pool and lane.pool.in_flight)
        ]
        for key in idle:
            await self.forget(key)

    async def close(self) -> None:
        """Close everything, whatever is in flight, and wait until it is closed."""
        self.closing = True
        self._lanes.clear()
        for limit in tuple(self._dialing):
            if not limit.expired():
                limit.reschedule(0.0)
        while self._open or self._dialing:
            for connection in tuple(self._open):
                connection.abort()
            self._quiet.clear()
            await self._quiet.wait()

    def _tell_quiet(self) -> None:
        if not self._open and not self._dialing:
            self._quiet.set()
