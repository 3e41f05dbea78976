"""
What follows from an attempt: for its delivery a verdict, for its lane a lesson.
"""

from collections.abc import Callable

from hookgate.deliveries import Outcome
from hookgate_gateway.dispatch.admission import Admission
from hookgate_gateway.dispatch.lanes import Lane
from hookgate_gateway.dispatch.plan import Catalogue, terms
from hookgate_gateway.dispatch.recorder import Recorder
from hookgate_gateway.dispatch.report import tell_attempt, tell_breaker
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Recording
from hookgate_gateway.rules.delivery import Attempt, Delivery
from hookgate_gateway.rules.lane import BreakerState
from hookgate_gateway.rules.retry import RetryAt, Succeed, Verdict, decide
from hookgate_process.clock import Clock

_AGAIN = 60.0
"""Seconds until an attempt that could not be judged is made again."""


class Judge:
    """Hands verdicts to the recorder. ``jitter`` draws from 0..1."""

    def __init__(
        self,
        catalogue: Catalogue,
        clock: Clock,
        observer: Observer,
        *,
        admission: Admission,
        recorder: Recorder,
        jitter: Callable[[], float],
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._observer = observer
        self._admission = admission
        self._recorder = recorder
        self._jitter = jitter

    def ended(
        self, lane: Lane, delivery: Delivery, attempt: Attempt | None, *, endpoint: str
    ) -> None:
        """An attempt is over; None when it was none.

        ``endpoint`` is the fingerprint of the endpoint that it was made to: what a former endpoint
        answered says nothing about the lane any more.
        """
        current = endpoint == lane.endpoint
        recording = None if attempt is None else self._record(lane, delivery, attempt, current)
        try:
            if current:
                self.learn(lane, delivery, attempt)
            if recording is not None:
                tell_attempt(self._observer, delivery, recording.attempt, recording.verdict)
        except Exception as error:  # noqa: BLE001 - what was sent is recorded, and its slot goes on
            self._failed(delivery, error)
        if recording is not None and recording.marks_gone:
            lane.held = True  # the catalogue will say so once the record is stored
            self._admission.give_window_back(lane)

    def _record(self, lane: Lane, delivery: Delivery, attempt: Attempt, current: bool) -> Recording:
        """First of all: a delivery that was sent and not recorded would stay in hand."""
        recording = Recording(
            delivery=delivery,
            attempt=attempt,
            verdict=self._verdict(delivery, attempt),
            marks_gone=attempt.outcome is Outcome.GONE
            and lane.subscription is not None
            and current,
            revision=self._catalogue.snapshot.revision,
        )
        self._recorder.add(recording)
        return recording

    def _verdict(self, delivery: Delivery, attempt: Attempt) -> Verdict:
        now = self._clock.now()
        try:
            policy, age_from = terms(delivery, self._catalogue.snapshot)
            return decide(
                policy,
                attempt,
                number=delivery.attempts + 1,
                now=now,
                jitter=self._jitter(),
                age_from=age_from,
            )
        except Exception as error:  # noqa: BLE001 - a fault of ours must not lose it
            self._failed(delivery, error)
            return Succeed() if attempt.outcome is Outcome.SUCCESS else RetryAt(now + _AGAIN)

    def _failed(self, delivery: Delivery, error: Exception) -> None:
        self._observer.error("judging_failed", delivery_id=delivery.id, error=type(error).__name__)

    def learn(self, lane: Lane, delivery: Delivery, attempt: Attempt | None) -> None:
        """Let the lane's breaker and pause learn from an attempt."""
        now = self._clock.monotonic()
        before, after = lane.judge(delivery, attempt, now)
        if before is not after:
            tell_breaker(self._observer, lane, before.state(now), after.state(now))
        if before is not after or lane.paused_until > now:
            self._admission.shed(lane, delivery)

    def probing(self, lane: Lane) -> None:
        """The one attempt of a half-open breaker is started."""
        tell_breaker(self._observer, lane, BreakerState.OPEN, BreakerState.HALF_OPEN)
