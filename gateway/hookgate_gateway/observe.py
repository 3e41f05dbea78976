"""
Metrics and log events as methods of one object.

Whoever has something to tell is given an :class:`Observer` and calls a method named after what
happened. Label sets are closed. Never a label: URL, host, run id, event id, error text. Never in a log
line: a secret, a payload.
"""

from collections import Counter as Counts
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from hookgate.deliveries import Outcome
from hookgate.payloads import RunStatus, RunType
from hookgate.version import __version__
from hookgate_gateway.rules.delivery import Attempt, Delivery, Namespace
from hookgate_gateway.tallies import CounterTally, GaugeTally, HistogramTally
from hookgate_process.logs import EventLog

__all__ = ["NOBODY", "Credential", "Observer", "ReadinessCheck", "RefusedRequest"]

_RUN_TYPES = frozenset(str(t) for t in RunType)
_STATUSES = frozenset(str(s) for s in RunStatus)
NOBODY = Namespace("")
"""Whom something is counted for that nobody proved to have sent: a label is not made of a stranger's words."""
_REJECTED = ("other", "other", "rejected")
_RESULTS = ("delivered", "exhausted", "cancelled")
_LATENCY_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 900, 3600, 14400)  # fmt: skip
_ATTEMPT_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30)
_COMMIT_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class RefusedRequest(StrEnum):
    """Why a request was turned away although nothing was wrong with what it asked."""

    CONNECTIONS = "connections"  # the listener has as many as it may
    ADDRESS_CONNECTIONS = "address_connections"  # the client's address has as many as it may
    SLOW_HEAD = "slow_head"  # its head was not there in time; the connection was closed
    SLOW_BODY = "slow_body"  # its body was not there in time: 408
    SLOW_READER = "slow_reader"  # its answer was not read; the connection was cut
    BROKEN = "broken"  # no HTTP: 400, or 431 when its head was too large
    BODY_TOO_LARGE = "body_too_large"  # 413
    KEY_RATE = "key_rate"  # more requests than its API key may make: 429
    DIRECT_RATE = "direct_rate"  # no slot for a test or a synchronous replay, or too many: 429
    BACKLOG_FULL = "backlog_full"  # the namespace has as many pending deliveries as it may: 429
    OVERLOADED = "overloaded"  # too many bytes wait: 503
    STORE = "store"  # the store could not take it: 503


class Credential(StrEnum):
    """What a request should have carried and did not, or not the right one."""

    API_KEY = "api_key"  # on the public listener: 403
    CONTROL_TOKEN = "control_token"  # noqa: S105  # on the control API: 401


class ReadinessCheck(StrEnum):
    """What has to be well for the gateway to be ready; ``/readyz`` tells it by the same name."""

    STOPPING = "stopping"  # nobody has asked the process to end
    STORE = "store"  # a write would be stored now
    MANIFESTS = (
        "manifests"  # they were read, and not every one was bad; without a folder not looked at
    )


class Observer(EventLog):
    """Counts and logs. ``subscription_label=False`` leaves that label empty (thousands of them)."""

    def __init__(self, registry: CollectorRegistry, *, subscription_label: bool = True) -> None:
        super().__init__("hookgate")
        self.registry = registry
        self._subscription_label = subscription_label
        names = {"registry": registry, "namespace": "hookgate"}
        self._received = CounterTally("hookgate_webhooks_received", "Reports received, by what became of them.", ["namespace", "run_type", "status", "result"], registry)  # fmt: skip
        self._delivered = CounterTally("hookgate_webhooks_delivered", "Deliveries that ended, by how.", ["namespace", "subscription", "result"], registry)  # fmt: skip
        self._attempts = CounterTally("hookgate_delivery_attempts", "HTTP attempts, by outcome.", ["namespace", "subscription", "outcome"], registry)  # fmt: skip
        self._resends = CounterTally("hookgate_delivery_resends", "Requests sent once more within their attempt, because their kept connection was closed before they came.", ["namespace"], registry)  # fmt: skip
        self._attempt_seconds = HistogramTally("hookgate_delivery_attempt_duration_seconds", "Duration of one attempt.", ["namespace"], registry, bounds=_ATTEMPT_BUCKETS)  # fmt: skip
        self._latency = HistogramTally("hookgate_delivery_latency_seconds", "From acceptance to the receiver's 2xx.", ["namespace"], registry, bounds=_LATENCY_BUCKETS)  # fmt: skip
        self._commit_seconds = Histogram("store_commit_seconds", "Time of one commit, as its waiters saw it.", buckets=_COMMIT_BUCKETS, **names)  # type: ignore[arg-type]  # fmt: skip
        refused = Counter("requests_refused_total", "Requests and connections turned away by a limit, by which.", ["reason"], **names)  # type: ignore[arg-type]  # fmt: skip
        self._refused = {reason: refused.labels(reason.value) for reason in RefusedRequest}
        self._backlog_refusals = CounterTally("hookgate_backlog_refusals", "Reports and replays refused because their namespace has as many pending deliveries as it may.", ["namespace"], registry)  # fmt: skip
        self._signatures_wrong = CounterTally("hookgate_signature_failures", "Webhooks of Skyvern servers whose signature is missing, wrong or too old, by the source that they claim to be of.", ["namespace", "source"], registry)  # fmt: skip
        unauthenticated = Counter("authentication_failures_total", "Requests without a credential that is known, by the kind that they needed.", ["credential"], **names)  # type: ignore[arg-type]  # fmt: skip
        self._unauthenticated = {kind: unauthenticated.labels(kind.value) for kind in Credential}
        self._pending = GaugeTally("hookgate_deliveries_pending", "Deliveries not ended yet, held ones included.", ["namespace", "subscription"], registry)  # fmt: skip
        self._holds = GaugeTally("hookgate_subscription_hold", "1 while a subscription is held for this reason.", ["namespace", "subscription", "reason"], registry)  # fmt: skip
        self.oldest_due = Gauge("oldest_due_delivery_age_seconds", "How long the oldest due delivery that nothing holds has waited.", **names)  # type: ignore[arg-type]  # fmt: skip
        self._lane_state = GaugeTally("hookgate_lane_state", "A subscription's lane: 0 closed breaker, 1 half open, 2 open.", ["namespace", "subscription"], registry)  # fmt: skip
        self.inflight = Gauge("inflight_attempts", "Attempts under way now.", **names)  # type: ignore[arg-type]  # fmt: skip
        self._replayed = Counter("replay_deliveries_total", "Deliveries that bulk replays made.", ["namespace"], **names)  # type: ignore[arg-type]  # fmt: skip
        self._store_size = GaugeTally("hookgate_store_size_bytes", "Bytes that the store takes on its disk, its write-ahead log included.", [], registry)  # fmt: skip
        self._store_reusable = GaugeTally("hookgate_store_reusable_bytes", "Bytes of the store's size that are free for new rows: a store that was pruned does not get smaller.", [], registry)  # fmt: skip
        self._store_available = GaugeTally("hookgate_store_available_bytes", "Bytes that the store's file system still has for it.", [], registry)  # fmt: skip
        self._ready = GaugeTally("hookgate_ready", "1 while this check of readiness is well, else 0.", ["check"], registry)  # fmt: skip
        replays = Gauge("replays", "Bulk replays that are not over, by state.", ["state"], **names)  # type: ignore[arg-type]  # fmt: skip
        self._replays_running, self._replays_paused = replays.labels("running"), replays.labels("paused")  # fmt: skip
        Gauge("build_info", "1; the version is in the label.", ["version"], **names).labels(__version__).set(1)  # type: ignore[arg-type]  # fmt: skip

        self._declared: frozenset[tuple[Namespace, str]] = frozenset()
        self._sources: frozenset[tuple[Namespace, str]] = frozenset()
        self.source_begins(NOBODY, "")
        self._received.begin((NOBODY, *_REJECTED))
        self.committed: Callable[[float], None] = self._commit_seconds.observe
        """A commit took that many seconds."""
        self.attempt_recorded: Callable[[Delivery, Attempt], object] = _nobody_listens
        """An attempt is on disk. Whoever keeps deliveries' health puts itself here."""

    def received(self, namespace: Namespace, run_type: str, status: str, result: str) -> None:
        """A report came in; ``result`` is accepted, duplicate or rejected. Unknown words are ``other``."""
        if run_type not in _RUN_TYPES:
            run_type = "other"
        if status not in _STATUSES:
            status = "other"
        self._received.add((namespace, run_type, status, result))

    def refused(self, reason: RefusedRequest) -> None:
        """A limit turned a request or a connection away."""
        self._refused[reason].inc()

    def backlog_full(self, namespace: Namespace) -> None:
        """A namespace has as many pending deliveries as it may, and one that would be more was turned away."""
        self.refused(RefusedRequest.BACKLOG_FULL)
        self._backlog_refusals.add((namespace,))

    def unauthenticated(self, credential: Credential) -> None:
        """A request had no such credential, or one that nobody knows."""
        self._unauthenticated[credential].inc()

    def signature_failed(self, namespace: Namespace, source: str) -> None:
        """A webhook is not the word of that source; an unknown one has no name and is nobody's."""
        self._signatures_wrong.add((namespace, source))

    def attempted(self, delivery: Delivery, attempt: Attempt) -> None:
        """An attempt ended."""
        name = self._label(delivery.target.subscription)
        self._attempts.add((delivery.namespace, name, attempt.outcome.value))
        self._attempt_seconds.observe((delivery.namespace,), attempt.duration)

    def resent(self, namespace: Namespace) -> None:
        """A request was sent once more within its attempt."""
        self._resends.add((namespace,))

    def delivered(self, namespace: Namespace, subscription: str | None, latency: float) -> None:
        """A receiver answered 2xx, ``latency`` seconds after acceptance."""
        self._delivered.add((namespace, self._label(subscription), "delivered"))
        self._latency.observe((namespace,), latency)

    def ended(
        self, namespace: Namespace, subscription: str | None, result: str, count: int = 1
    ) -> None:
        """Deliveries ended without success; ``result`` is exhausted or cancelled."""
        self._delivered.add((namespace, self._label(subscription), result), count)

    def stands(
        self,
        *,
        pending: Mapping[tuple[Namespace, str], int],
        holds: Mapping[tuple[Namespace, str], str],
        oldest_due_age: float,
    ) -> None:
        """How things stand now, by namespace and subscription; what is not mentioned has ended."""
        sums: Counts[tuple[str, ...]] = Counts()
        for (namespace, name), count in pending.items():
            sums[namespace, self._label(name)] += count
        self._pending.set_all(sums)
        if self._subscription_label:
            self._holds.set_all({(*key, reason): 1 for key, reason in holds.items()})
        self.oldest_due.set(oldest_due_age)

    def store_stands(self, *, size: int, reusable: int, available: int | None) -> None:
        """How full the store is, in bytes; ``available`` None where nobody knows."""
        self._store_size.set_all({(): size})
        self._store_reusable.set_all({(): reusable})
        self._store_available.set_all({} if available is None else {(): available})

    def readiness_stands(self, is_well: Mapping[ReadinessCheck, bool]) -> None:
        """The checks of this gateway were looked at."""
        self._ready.set_all({(check.value,): well for check, well in is_well.items()})

    def replayed(self, namespace: Namespace, count: int) -> None:
        """A bulk replay made so many deliveries."""
        self._replayed.labels(namespace).inc(count)

    def replays_stand(self, *, running: int, paused: int) -> None:
        """So many bulk replays are not over."""
        self._replays_running.set(running)
        self._replays_paused.set(paused)

    def declared(
        self,
        *,
        namespaces: Collection[Namespace],
        subscriptions: Collection[tuple[Namespace, str]],
        sources: Collection[tuple[Namespace, str]],
    ) -> None:
        """What the catalogue has now: counters of what came begin at 0, the series of what went go away."""
        for namespace in namespaces:
            self._namespace_begins(namespace)
        for namespace, name in self._declared.difference(subscriptions):
            self._subscription_ends(namespace, name)
        for namespace, name in frozenset(subscriptions) - self._declared:
            self._subscription_begins(namespace, name)
        for key in self._sources.difference(sources):
            self._signatures_wrong.forget(key)
        for namespace, name in frozenset(sources) - self._sources:
            self.source_begins(namespace, name)
        self._declared, self._sources = frozenset(subscriptions), frozenset(sources)

    def source_begins(self, namespace: Namespace, source: str) -> None:
        """Webhooks may come in from there."""
        self._signatures_wrong.begin((namespace, source))

    def _namespace_begins(self, namespace: Namespace) -> None:
        self._received.begin((namespace, *_REJECTED))
        self._backlog_refusals.begin((namespace,))
        self._resends.begin((namespace,))
        self._ends_begin(namespace, "")

    def _ends_begin(self, namespace: Namespace, subscription: str) -> None:
        for result in _RESULTS:
            self._delivered.begin((namespace, subscription, result))

    def _subscription_begins(self, namespace: Namespace, subscription: str) -> None:
        if self._subscription_label:
            self._ends_begin(namespace, subscription)
            self._lane_state.begin((namespace, subscription))

    def _subscription_ends(self, namespace: Namespace, subscription: str) -> None:
        for result in _RESULTS:
            self._delivered.forget((namespace, subscription, result))
        for outcome in Outcome:
            self._attempts.forget((namespace, subscription, outcome.value))
        self._lane_state.forget((namespace, subscription))

    def breaker(self, namespace: Namespace, subscription: str, state: int) -> None:
        """A subscription's breaker is closed (0), half open (1) or open (2) now."""
        if self._subscription_label:
            self._lane_state.set((namespace, subscription), state)

    def _label(self, subscription: str | None) -> str:
        return subscription or "" if self._subscription_label else ""


def _nobody_listens(_: Delivery, __: Attempt) -> None:
    pass
