"""
What follows from an attempt: for its delivery a verdict, for its lane a lesson.
"""

from collections.abc import Callable

from hookgate_gateway.clock import Clock
from hookgate_gateway.dispatch.admission import Admission
from hookgate_gateway.dispatch.lanes import Lane
from hookgate_gateway.dispatch.plan import Catalogue, terms
from hookgate_gateway.dispatch.recorder import Recorder
from hookgate_gateway.dispatch.report import tell_attempt, tell_breaker
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Recording
from hookgate_gateway.rules.delivery import Attempt, Delivery, Outcome
from hookgate_gateway.rules.lane import BreakerState
from hookgate_gateway.rules.retry import decide


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
        if current:
            self.learn(lane, delivery, attempt)
        if attempt is None:
            return
        policy, age_from = terms(delivery, self._catalogue.snapshot)
        verdict = decide(
            policy,
            attempt,
            number=delivery.attempts + 1,
            now=self._clock.now(),
            jitter=self._jitter(),
            age_from=age_from,
        )
        gone = attempt.outcome is Outcome.GONE and lane.subscription is not None and current
        self._recorder.add(
            Recording(
                delivery=delivery,
                attempt=attempt,
                verdict=verdict,
                marks_gone=gone,
                revision=self._catalogue.snapshot.revision,
            )
        )
        tell_attempt(self._observer, delivery, attempt, verdict)
        if gone:  # the catalogue will say so once the record is stored
            lane.held = True
            self._admission.give_window_back(lane)

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
