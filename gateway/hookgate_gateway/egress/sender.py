"""
The sender on aiohttp: makes attempts and tells what came of them. A failed attempt is a value.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

import aiohttp

from hookgate.signing import InvalidKey
from hookgate_gateway.clock import Clock
from hookgate_gateway.egress import attempt as telling
from hookgate_gateway.egress.answers import Answer
from hookgate_gateway.egress.attempt import Failure
from hookgate_gateway.egress.connections import IDLE_SECONDS, Connections, Lane, Plan, Pool
from hookgate_gateway.egress.contexts import UnusableTls
from hookgate_gateway.egress.exchange import post
from hookgate_gateway.egress.guard import LOOKUP_SECONDS, Guard, GuardedResolver, Trace, start_trace
from hookgate_gateway.egress.request import attempt_headers
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Shipment
from hookgate_gateway.rules.delivery import Attempt, LaneKey, Outcome, Timestamp
from hookgate_gateway.rules.destination import BadUrl
from hookgate_gateway.rules.egress_rules import EgressRules

_SIGNATURES = frozenset({"X-Skyvern-Signature", "webhook-signature"})


class AiohttpSender:
    """Implements :class:`hookgate_gateway.ports.Sender`. Lives from ``async with`` to its end.

    ``nameservers`` (``host:port``) take the place of the system's; ``lookup_seconds`` bounds one name.
    """

    def __init__(
        self,
        *,
        rules: EgressRules,
        clock: Clock,
        observer: Observer,
        nameservers: Sequence[str] = (),
        lookup_seconds: float = LOOKUP_SECONDS,
    ) -> None:
        self._clock = clock
        self._observer = observer
        self._guard = Guard(rules, observer)
        self._nameservers = tuple(nameservers)
        self._lookup_seconds = lookup_seconds

    async def __aenter__(self) -> Self:
        self._resolver = GuardedResolver(
            self._guard, nameservers=self._nameservers, limit=self._lookup_seconds
        )
        self._connections = Connections(self._guard, self._resolver, self._clock.monotonic)
        self._sweeper = asyncio.create_task(self._sweep(), name="egress-sweeper")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._sweeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._sweeper
        await self._connections.close()
        await self._resolver.stop()

    async def forget(self, lane: LaneKey) -> None:
        """Close the connections of a lane that is idle or whose endpoint changed."""
        await self._connections.forget(lane)

    async def close_idle(self) -> None:
        """Forget the lanes that nothing was sent on for a minute; the sender does so by itself."""
        await self._connections.close_idle()

    @property
    def lanes(self) -> int:
        """How many lanes it remembers now."""
        return len(self._connections)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(IDLE_SECONDS / 4)
            await self.close_idle()

    async def send(self, shipment: Shipment) -> Attempt:
        """Make one attempt. Only cancellation raises."""
        report = _Report(shipment, self._clock.now(), self._clock.monotonic())
        try:
            lane, report.plan = self._connections.plan(shipment)
        except BadUrl as error:
            return self._finish(report, Failure(Outcome.BLOCKED, str(error)))
        if report.plan.refused is not None:
            return self._finish(report, Failure(Outcome.BLOCKED, report.plan.refused.message))
        return self._finish(report, await self._try(lane, report.plan, report))

    async def _try(self, lane: Lane, plan: Plan, report: "_Report") -> Answer | Failure:
        """Carry it out within the deadline; everything that can be expected to fail becomes a value."""
        trace = Trace(report.shipment.namespace, plan.host)
        start_trace(trace)
        try:
            async with asyncio.timeout(report.shipment.timeout) as deadline:
                return await self._post(lane, plan, report, trace)
        except InvalidKey as error:
            return Failure(Outcome.BLOCKED, f"the webhook cannot be signed: {error}")
        except UnusableTls as error:
            return Failure(Outcome.TLS_ERROR, str(error))
        except Exception as error:  # noqa: BLE001  # a failed attempt is a value, whatever the library raises
            if deadline.expired():
                seconds = report.shipment.timeout
                return Failure(Outcome.TIMEOUT, f"no complete answer within {seconds:g} seconds")
            return self._explain(error, trace, report)

    def _explain(self, error: Exception, trace: Trace, report: "_Report") -> Failure:
        if trace.refused is not None:
            return Failure(Outcome.BLOCKED, trace.refused.message)
        if trace.unresolved is not None:
            return Failure(Outcome.DNS_ERROR, trace.unresolved)
        failure = telling.failure_of(error)
        if failure is None:
            self._observer.error("egress_unexpected", error=type(error).__name__)
            return Failure(Outcome.CONNECTION_ERROR, "the attempt failed inside the gateway")
        if report.without_certificate and telling.is_stale(error):
            # TLS 1.3 tells so only after the handshake, and the reset mostly overtakes the alert.
            return replace(
                failure, error=f"{failure.error}; perhaps it demands a client certificate"
            )
        return failure

    async def _post(self, lane: Lane, plan: Plan, report: "_Report", trace: Trace) -> Answer:
        """Send it; once more on a fresh connection if the kept one turned out to be closed."""
        shipment = report.shipment
        report.headers = attempt_headers(shipment, int(report.started_at))
        report.pool = await self._connections.acquire(lane, plan, shipment)
        try:
            return await post(report.pool, plan, shipment, report.headers)
        except aiohttp.ClientConnectionError as error:
            if trace.opened or not telling.is_stale(error):
                raise
        finally:
            self._connections.release(report.pool)
        report.pool = await self._connections.acquire_fresh(lane, plan, shipment)
        try:
            return await post(report.pool, plan, shipment, report.headers)
        finally:
            self._connections.release(report.pool)

    def _finish(self, report: "_Report", result: Answer | Failure) -> Attempt:
        duration = self._clock.monotonic() - report.begun
        url = report.plan.shown if report.plan else ""
        if isinstance(result, Failure):
            return Attempt(
                outcome=result.outcome,
                started_at=report.started_at,
                duration=duration,
                url=url,
                request_headers=report.shown_headers(),
                error=result.error,
            )
        status = result.status
        return Attempt(
            outcome=telling.outcome_of(status),
            started_at=report.started_at,
            duration=duration,
            status=status,
            retry_after=telling.retry_after(result, self._clock.now()),
            url=url,
            request_headers=report.shown_headers(),
            response_headers=telling.shown_headers(result.headers),
            response_body=result.body,
            error=telling.explain_status(status),
        )


class _Report:
    """What is known of an attempt while it is made."""

    __slots__ = ("begun", "headers", "plan", "pool", "shipment", "started_at")

    def __init__(self, shipment: Shipment, started_at: Timestamp, begun: float) -> None:
        self.shipment = shipment
        self.started_at = started_at
        self.begun = begun
        self.plan: Plan | None = None
        self.pool: Pool | None = None
        self.headers: dict[str, str] = {}

    @property
    def without_certificate(self) -> bool:
        """Whether it went over TLS and showed no client certificate."""
        secure = self.plan is not None and self.plan.secure
        return secure and self.shipment.tls.certificate_pem is None

    def shown_headers(self) -> tuple[tuple[str, str], ...]:
        """The request's headers for people: nothing that came from a Secret, no signature."""
        if self.pool is None:
            return ()
        headers = self.headers.items()
        return self.pool.shown_headers + tuple(
            [(name, "***" if name in _SIGNATURES else value) for name, value in headers]
        )
