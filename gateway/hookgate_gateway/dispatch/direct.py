"""
Attempts that somebody waits for: tests of a URL, and synchronous replays.

Each is one POST and no more. They have slots of their own and skip schedule, rate and breaker, so that
neither can hold up the other. Tests are limited for each key as well, because they reach URLs of the caller's choice.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from hookgate.deliveries import Outcome
from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.dispatch.bodies import LargeBodies
from hookgate_gateway.dispatch.courier import Courier
from hookgate_gateway.dispatch.plan import (
    Blocked,
    Catalogue,
    Held,
    Plan,
    lane_terms,
    plan,
    terms,
    to_subscription,
)
from hookgate_gateway.dispatch.report import tell_attempt, tell_recorded
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Backlog, Recorded, Recording, Sender, Shipment, StoreUnavailable
from hookgate_gateway.rules.delivery import (
    Attempt,
    Delivery,
    HoldReason,
    Kind,
    Namespace,
    RunId,
    Target,
)
from hookgate_gateway.rules.lane import lane_subscription
from hookgate_gateway.rules.retry import decide
from hookgate_process.clock import Clock

SLOTS = 16
SLOTS_OF_A_NAMESPACE = 2
TESTS_A_MINUTE = 30
DIRECT_BODY_BYTES = 64 * 1024 * 1024
_MINUTE = 60.0
_TRIES = 3
_PAUSE = 0.2


class DirectRefused(Exception):
    """Not now; try again after ``retry_after`` seconds. Answered with 429."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NoSlot(DirectRefused):
    """As many tests and synchronous replays as may be are under way."""


class TooManyTests(DirectRefused):
    """This key has used up its tests of the last minute."""


class DirectSends:
    """Makes attempts at once. ``learned`` is told of each success: it closes the lane's breaker.

    ``keep`` takes an outcome over that the store does not take now; False when it cannot either.
    """

    def __init__(
        self,
        backlog: Backlog,
        sender: Sender,
        catalogue: Catalogue,
        observer: Observer,
        clock: Clock,
        *,
        learned: Callable[[Delivery, Attempt], None],
        keep: Callable[[Recording], bool],
        large_bytes: int = DIRECT_BODY_BYTES,
    ) -> None:
        self._backlog = backlog
        self._catalogue = catalogue
        self._observer = observer
        self._clock = clock
        self._learned = learned
        self._keep = keep
        self._courier = Courier(
            backlog, sender, catalogue, observer, clock, park=_keep, release=_keep
        )
        self._large = LargeBodies(large_bytes)
        self._in_flight: Counter[Namespace] = Counter()
        self._tests: dict[str, deque[float]] = {}

    async def test(self, shipment: Shipment, key_id: str) -> Attempt:
        """Post a sample; nothing is stored. ``key_id`` names the key whose rate it counts against.

        Raises NoSlot and TooManyTests.
        """
        with self._slot(shipment.namespace):
            self._count_test(key_id)
            attempt = await self._courier.send(replace(shipment, once=True))
            if attempt.outcome is Outcome.SUCCESS:
                self._learned(_tested(shipment, attempt), attempt)
            return attempt

    async def replay(self, delivery: Delivery) -> Attempt:
        """Make the one attempt of a ``Kind.DIRECT`` delivery that the store holds, and record it.

        A hold ``Gone`` does not keep it back (it shows whether the receiver is there again); any other
        ends it as ``blocked``. An outcome that cannot be written now is written later. Raises NoSlot
        before anything was done, and StoreUnavailable when the event could not be read, or the outcome
        neither written nor kept: the delivery is then taken up by the dispatcher once it is due.
        """
        with self._slot(delivery.namespace):
            self._backlog.claim([delivery])  # whatever the wall clock says meanwhile
            endpoint = self._endpoint(delivery)
            try:
                attempt = await self._attempt(delivery)
            except BaseException:
                await self._release(delivery)
                raise
            if attempt.outcome is Outcome.SUCCESS:
                self._learned(delivery, attempt)
            current = endpoint == self._endpoint(delivery)
            await self._record(self._judged(delivery, attempt, current=current))
            return attempt

    def check(self, namespace: Namespace) -> None:
        """Raise NoSlot when ``replay`` would: ask before the delivery is stored."""
        with self._slot(namespace):
            pass

    def _endpoint(self, delivery: Delivery) -> str:
        """The fingerprint of the endpoint that the delivery goes to now."""
        return lane_terms(delivery.lane, self._catalogue.snapshot).endpoint

    async def _attempt(self, delivery: Delivery) -> Attempt:
        if delivery.body is not None:
            return await self._send(delivery, delivery.body)
        async with self._large.room(delivery.namespace, delivery.body_size):
            body = await self._backlog.body(delivery.namespace, delivery.event_id)
            if body is None:
                return self._courier.blocked("the event's bytes are not in the store any more")
            return await self._send(delivery, body)

    async def _send(self, delivery: Delivery, body: bytes) -> Attempt:
        match plan_direct(delivery, body, self._catalogue.snapshot):
            case Shipment() as shipment:
                return await self._courier.send(replace(shipment, once=True))
            case Held(reason):
                return self._courier.blocked(f"the subscription is held: {reason or 'Unknown'}")
            case Blocked(error):
                return self._courier.blocked(error)

    def _judged(self, delivery: Delivery, attempt: Attempt, *, current: bool) -> Recording:
        """``current``: the endpoint is still the one that answered."""
        policy, age_from = terms(delivery, self._catalogue.snapshot)
        verdict = decide(
            policy,
            attempt,
            number=delivery.attempts + 1,
            now=self._clock.now(),
            jitter=0.0,
            age_from=age_from,
        )
        of_subscription = delivery.target.subscription is not None
        tell_attempt(self._observer, delivery, attempt, verdict)
        return Recording(
            delivery=delivery,
            attempt=attempt,
            verdict=verdict,
            marks_gone=attempt.outcome is Outcome.GONE and of_subscription and current,
            revision=self._catalogue.snapshot.revision,
        )

    async def _record(self, recording: Recording) -> None:
        """Write it, or have it kept. What was sent must not be sent once more when it comes due."""
        try:
            recorded = await self._write(recording)
        except BaseException as error:
            kept = self._keep(recording)
            if not kept:
                await self._release(recording.delivery)
            if kept and isinstance(error, StoreUnavailable):
                return
            raise
        tell_recorded(self._observer, recording, recorded)
        if recording.marks_gone:
            with suppress(
                StoreUnavailable
            ):  # recorded it is; the hold is seen with the next change
                await self._catalogue.refresh()

    async def _write(self, recording: Recording) -> Recorded:
        for _ in range(_TRIES - 1):
            with suppress(StoreUnavailable):
                return (await self._backlog.record([recording]))[0]
            await asyncio.sleep(_PAUSE)
        return (await self._backlog.record([recording]))[0]

    async def _release(self, delivery: Delivery) -> None:
        with suppress(StoreUnavailable):
            await self._backlog.release([delivery.id])

    @contextmanager
    def _slot(self, namespace: Namespace) -> Iterator[None]:
        if self._in_flight.total() >= SLOTS or self._in_flight[namespace] >= SLOTS_OF_A_NAMESPACE:
            raise NoSlot("too many tests and replays are under way; try again", 1.0)
        self._in_flight[namespace] += 1
        try:
            yield
        finally:
            self._in_flight[namespace] -= 1
            if not self._in_flight[namespace]:
                del self._in_flight[namespace]

    def _count_test(self, key_id: str) -> None:
        now = self._clock.monotonic()
        for key, times in list(self._tests.items()):
            while times and times[0] <= now - _MINUTE:
                times.popleft()
            if not times:
                del self._tests[key]
        times = self._tests.setdefault(key_id, deque())
        if len(times) >= TESTS_A_MINUTE:
            raise TooManyTests(
                f"more than {TESTS_A_MINUTE} tests in a minute with this key",
                times[0] + _MINUTE - now,
            )
        times.append(now)


def plan_direct(delivery: Delivery, body: bytes, snapshot: Snapshot) -> Plan:
    """What a synchronous replay of ``delivery`` would send now. A hold ``Gone`` does not keep it back."""
    found = plan(delivery, body, snapshot)
    name = delivery.target.subscription
    if name is not None and found == Held(HoldReason.GONE):
        return to_subscription(delivery, body, snapshot.subscriptions[delivery.namespace, name])
    return found


def _tested(shipment: Shipment, attempt: Attempt) -> Delivery:
    """A test as its lane sees it: a delivery that nobody stored."""
    _, subscription = lane_subscription(shipment.lane)
    return Delivery(
        id=shipment.delivery_id,
        namespace=shipment.namespace,
        event_id=shipment.event_id,
        run_id=RunId(""),
        target=Target(
            subscription=subscription, url=shipment.url if subscription is None else None
        ),
        lane=shipment.lane,
        kind=Kind.DIRECT,
        attempts=0,
        due=attempt.started_at,
        accepted_at=attempt.started_at,
        body=None,
        body_size=0,
    )


def _keep(_: Delivery) -> None:
    """A direct delivery stays where it is: nobody else holds it."""
