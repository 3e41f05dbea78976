"""
The sender: makes attempts and tells what came of them. A failed attempt is a value.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from hookgate.deliveries import Outcome
from hookgate.signing import InvalidKey
from hookgate_gateway.egress import attempt as telling
from hookgate_gateway.egress.answers import Answer
from hookgate_gateway.egress.attempt import Failure
from hookgate_gateway.egress.contexts import UnusableTls
from hookgate_gateway.egress.dialing import Dialer
from hookgate_gateway.egress.guard import LOOKUP_SECONDS, Guard, GuardedResolver, Trace
from hookgate_gateway.egress.pools import Lane, Plan, Pool, Pools
from hookgate_gateway.egress.report import Report
from hookgate_gateway.egress.request import request_head, resent_head, sign_attempt
from hookgate_gateway.egress.resend import was_stale
from hookgate_gateway.egress.wire import IDLE_SECONDS, Broken, Connection
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Shipment
from hookgate_gateway.rules.delivery import Attempt, LaneKey
from hookgate_gateway.rules.destination import BadUrl
from hookgate_gateway.rules.egress_rules import EgressRules
from hookgate_process.clock import Clock


class HttpSender:
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
        self._loop = asyncio.get_running_loop()
        self._resolver = GuardedResolver(
            self._guard, nameservers=self._nameservers, limit=self._lookup_seconds
        )
        dialer = Dialer(self._guard, self._resolver, self._clock.monotonic)
        self._pools = Pools(self._guard, dialer, self._clock.monotonic)
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
        await self._pools.close()
        await self._resolver.close()

    async def forget(self, lane: LaneKey) -> None:
        """Close the connections of a lane that is idle or whose endpoint changed."""
        await self._pools.forget(lane)

    async def close_idle(self) -> None:
        """Forget the lanes that nothing was sent on for a minute; the sender does so by itself."""
        await self._pools.close_idle()

    @property
    def lanes(self) -> int:
        """How many lanes it remembers now."""
        return len(self._pools)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(IDLE_SECONDS / 4)
            await self.close_idle()

    async def send(self, shipment: Shipment) -> Attempt:
        """Make one attempt. Only cancellation raises."""
        report = Report(shipment, self._clock.now(), self._clock.monotonic())
        try:
            lane, plan = self._pools.plan(shipment, report.begun)
        except BadUrl as error:
            return self._finish(report, Failure(Outcome.BLOCKED, str(error)))
        report.plan = plan
        if plan.refused is not None:
            return self._finish(report, Failure(Outcome.BLOCKED, plan.refused.message))
        return self._finish(report, await self._try(lane, plan, report))

    async def _try(self, lane: Lane, plan: Plan, report: Report) -> Answer | Failure:
        """Carry it out within the deadline; everything that can be expected to fail becomes a value."""
        shipment = report.shipment
        deadline = self._loop.time() + shipment.timeout
        try:
            report.signed = sign_attempt(shipment, int(report.started_at))
            pool = lane.pool
            if pool is None or not pool.fits(plan, shipment):
                async with self._pools.until(deadline):
                    pool = await self._pools.pool(lane, plan, shipment)
            report.pool = pool
            head = request_head(plan.line, pool.lines, report.signed, shipment)
            pool.in_flight += 1
            try:
                result = await self._post(pool, head, report, deadline)
            finally:
                pool.in_flight -= 1
        except InvalidKey as error:
            return Failure(Outcome.BLOCKED, f"the webhook cannot be signed: {error}")
        except UnusableTls as error:
            return Failure(Outcome.TLS_ERROR, str(error))
        except Exception as error:  # noqa: BLE001  # a failed attempt is a value, whatever raises
            return self._explain(error, report)
        return result if isinstance(result, Answer) else self._explain_broken(result, report)

    async def _post(
        self, pool: Pool, head: bytes, report: Report, deadline: float
    ) -> Answer | Broken:
        """Send it; once more on a fresh connection if the kept one was closed before it came."""
        shipment = report.shipment
        kept = None if shipment.once else pool.take()
        if kept is not None:
            begun = self._clock.monotonic()
            result = await kept.exchange(head, shipment.body, deadline)
            pool.give_back(kept)
            if isinstance(result, Answer):
                return result
            after = self._clock.monotonic() - begun
            if self._pools.closing or not was_stale(
                result, after=after, round_trip=kept.round_trip
            ):
                return result
        connection = await self._connect(pool, report, deadline)
        if kept is not None:
            head = resent_head(head)
            report.resent = True
            self._observer.resent(shipment.namespace)
        result = await connection.exchange(head, shipment.body, deadline)
        pool.give_back(connection, keep=not shipment.once)
        return result

    async def _connect(self, pool: Pool, report: Report, deadline: float) -> Connection:
        trace = report.trace = Trace(report.shipment.namespace, pool.route.host.name)
        async with self._pools.until(deadline):
            return await self._pools.connect(pool, trace, deadline)

    # ------------------------------------------------------------------------------------ telling

    def _explain_broken(self, broken: Broken, report: Report) -> Failure:
        if broken.error is not None:
            failure = self._explain(broken.error, report)
        else:
            failure = telling.failure_of_ending(begun=broken.begun)
        if broken.silent and report.made_without_certificate:
            # TLS 1.3 tells so only after the handshake, and the reset mostly overtakes the alert.
            return replace(
                failure, error=f"{failure.error}; perhaps it demands a client certificate"
            )
        return failure

    def _explain(self, error: Exception, report: Report) -> Failure:
        trace = report.trace
        if trace is not None and trace.refused is not None:
            return Failure(Outcome.BLOCKED, trace.refused.message)
        if trace is not None and trace.unresolved is not None:
            return Failure(Outcome.DNS_ERROR, trace.unresolved)
        if self._pools.closing:
            return Failure(Outcome.CONNECTION_ERROR, "the gateway stopped")
        if isinstance(error, TimeoutError) and error.errno is None:
            seconds = report.shipment.timeout
            return Failure(Outcome.TIMEOUT, f"no complete answer within {seconds:g} seconds")
        failure = telling.failure_of(error)
        if failure is None:
            self._observer.error("egress_unexpected", error=type(error).__name__)
            return Failure(Outcome.CONNECTION_ERROR, "the attempt failed inside the gateway")
        return failure

    def _finish(self, report: Report, result: Answer | Failure) -> Attempt:
        duration = self._clock.monotonic() - report.begun
        url = report.shown_url()
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
            response_headers=report.shown_answer(result),
            response_body=result.body,
            error=telling.explain_status(status),
        )
