"""
Connections, kept apart by lane: no tenant rides another's, and closing one lane's touches nobody else.

A lane has at most one :class:`Pool`, an aiohttp session with a connector of its own (5 KiB, 25 µs). It is
replaced when what it was made for changes, and closed when it is idle; a replaced pool ends with its last
attempt, so that nothing in flight is ever cut.
"""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from hookgate_gateway.contract import Tls
from hookgate_gateway.egress.contexts import TlsContexts
from hookgate_gateway.egress.guard import Guard, GuardedResolver
from hookgate_gateway.ports import Shipment
from hookgate_gateway.rules.delivery import LaneKey, Namespace
from hookgate_gateway.rules.destination import Refused, read_url

IDLE_SECONDS = 60.0
_PLANS_KEPT = 256
_NO_AUTOMATIC = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
# The attempt's deadline is one for look-up, connecting, both tries and the answer: the sender's.
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=None, ceil_threshold=1e9)

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A URL as it will be requested, and the verdict on it: made once for a lane."""

    url: URL
    host: str
    secure: bool
    shown: str
    refused: Refused | None


@dataclass(slots=True, eq=False)
class Pool:
    """The connections of one lane, with the headers that all of its requests share."""

    session: aiohttp.ClientSession
    secure: bool
    tls: Tls
    headers: Headers
    secret_headers: frozenset[str]
    shown_headers: Headers
    """As they are shown with an attempt."""
    in_flight: int = 0
    retired: bool = False

    def fits(self, plan: Plan, shipment: Shipment) -> bool:
        """Whether it was made for this."""
        return (
            self.secure is plan.secure
            and (self.headers is shipment.headers or self.headers == shipment.headers)
            and (self.tls is shipment.tls or self.tls == shipment.tls)
            and self.secret_headers == shipment.secret_headers
        )


@dataclass(slots=True)
class Lane:
    """What is kept of one lane between attempts."""

    plans: dict[str, Plan] = field(default_factory=dict)
    pool: Pool | None = None
    used_at: float = 0.0


class Connections:
    """The lanes' connections. ``monotonic`` gives seconds."""

    def __init__(
        self, guard: Guard, resolver: GuardedResolver, monotonic: Callable[[], float]
    ) -> None:
        self._guard = guard
        self._resolver = resolver
        self._monotonic = monotonic
        self._contexts = TlsContexts()
        self._lanes: dict[LaneKey, Lane] = {}
        self._open: set[Pool] = set()
        """All that are not closed: those of the lanes, and retired ones with something in flight."""
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._lanes)

    def plan(self, shipment: Shipment) -> tuple[Lane, Plan]:
        """The shipment's lane, and its URL with the verdict on it. Raises BadUrl."""
        lane = self._lanes.get(shipment.lane)
        if lane is None:
            lane = self._lanes[shipment.lane] = Lane()
        lane.used_at = self._monotonic()
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
            # Made from what was judged, so that no second reading of the text can differ.
            url=URL(destination.url, encoded=True),
            host=destination.host.name,
            secure=destination.scheme == "https",
            shown=destination.shown,
            refused=self._guard.refusal(destination, namespace),
        )

    async def acquire(self, lane: Lane, plan: Plan, shipment: Shipment) -> Pool:
        """The lane's pool, made anew if it does not fit; to be released. Raises UnusableTls."""
        pool = lane.pool
        if pool is None or not pool.fits(plan, shipment):
            context = await self._contexts.get(shipment.tls) if plan.secure else None
            pool = lane.pool  # somebody else may have been faster
            if pool is None or not pool.fits(plan, shipment):
                pool = self._replace(lane, plan, shipment, context)
        pool.in_flight += 1
        return pool

    async def acquire_fresh(self, lane: Lane, plan: Plan, shipment: Shipment) -> Pool:
        """A pool without a single kept connection: what is sent on it at once opens one."""
        context = await self._contexts.get(shipment.tls) if plan.secure else None
        pool = self._replace(lane, plan, shipment, context)
        pool.in_flight += 1
        return pool

    def release(self, pool: Pool) -> None:
        """An attempt is over; the last one of a retired pool closes it."""
        pool.in_flight -= 1
        if pool.retired and not pool.in_flight:
            self._close(pool)

    async def forget(self, key: LaneKey) -> None:
        """Close a lane's connections as soon as nothing is in flight on them."""
        lane = self._lanes.pop(key, None)
        if lane is not None and lane.pool is not None:
            self._retire(lane.pool)

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
        """Close everything, whatever is in flight, and wait for it."""
        self._lanes.clear()
        for pool in tuple(self._open):
            self._close(pool)
        await asyncio.gather(*self._closing)

    def _replace(
        self, lane: Lane, plan: Plan, shipment: Shipment, context: ssl.SSLContext | None
    ) -> Pool:
        if lane.pool is not None:
            self._retire(lane.pool)
        lane.pool = self._make(plan, shipment, context)
        self._open.add(lane.pool)
        return lane.pool

    def _retire(self, pool: Pool) -> None:
        pool.retired = True
        if not pool.in_flight:
            self._close(pool)

    def _close(self, pool: Pool) -> None:
        self._open.discard(pool)
        task = asyncio.create_task(pool.session.close(), name="egress-close")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _make(self, plan: Plan, shipment: Shipment, context: ssl.SSLContext | None) -> Pool:
        connector = aiohttp.TCPConnector(
            resolver=self._resolver,
            use_dns_cache=False,
            ssl=True if context is None else context,
            limit=0,  # the lane's cap is the dispatcher's business
            keepalive_timeout=IDLE_SECONDS,
            socket_factory=self._guard.make_socket,
        )
        headers = CIMultiDict(shipment.headers)
        headers["Content-Type"] = "application/json"
        headers.setdefault("User-Agent", "Skyvern-Webhook/1.0")
        session = aiohttp.ClientSession(
            connector=connector,
            headers=headers,
            skip_auto_headers=_NO_AUTOMATIC,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=_NO_TIMEOUT,
            auto_decompress=False,
            trust_env=False,
        )
        return Pool(
            session=session,
            secure=plan.secure,
            tls=shipment.tls,
            headers=shipment.headers,
            secret_headers=shipment.secret_headers,
            shown_headers=tuple(
                (name, "***" if name.lower() in shipment.secret_headers else value)
                for name, value in headers.items()
            ),
        )
