"""
Metrics and log events of the operator as methods of one object.

Every part says in a Protocol beside its code what it has to tell; this is what all of them are given. Label
sets are closed. Never a label: an object's name, a URL, error text. Never in a log line: a Secret's value.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from hookgate.version import __version__
from hookgate_operator.ports import GatewayAwaited, Key, Kind, OutsideError
from hookgate_operator.work.workers import Result
from hookgate_process.logs import EventLog

__all__ = ["OperatorObserver"]

_RECONCILE_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_QUEUE_BUCKETS: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300)


class OperatorObserver(EventLog):
    """Counts and logs for one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__("hookgate.operator")
        self.registry = registry
        names = {"registry": registry, "namespace": "hookgate"}
        reconciles = Counter("operator_reconcile_total", "Objects that were looked at, by how that ended.", ["result"], **names)  # type: ignore[arg-type]  # fmt: skip
        self._reconciles = {result: reconciles.labels(result.value) for result in Result}
        self._reconcile_seconds = Histogram("operator_reconcile_duration_seconds", "Time that a look at an object took.", buckets=_RECONCILE_BUCKETS, **names)  # type: ignore[arg-type]  # fmt: skip
        self._depth = Gauge("operator_workqueue_depth", "Objects that wait for a worker.", **names)  # type: ignore[arg-type]  # fmt: skip
        self._adds = Counter("operator_workqueue_adds_total", "Times that an object came to wait for a worker.", **names)  # type: ignore[arg-type]  # fmt: skip
        self._retries = Counter("operator_workqueue_retries_total", "Times that a look at an object failed and was put off.", **names)  # type: ignore[arg-type]  # fmt: skip
        self._queue_seconds = Histogram("operator_workqueue_queue_duration_seconds", "Time that an object waited for a worker.", buckets=_QUEUE_BUCKETS, **names)  # type: ignore[arg-type]  # fmt: skip
        self._work_seconds = Histogram("operator_workqueue_work_duration_seconds", "Time that a worker had an object for.", buckets=_RECONCILE_BUCKETS, **names)  # type: ignore[arg-type]  # fmt: skip
        self._watch_alive = Gauge("operator_last_watch_event_timestamp_seconds", "When a watch was last known to be alive: it told something, or a list had nothing that it had not told.", ["resource"], **names)  # type: ignore[arg-type]  # fmt: skip
        self._watch_working = Gauge("operator_watch_working", "1 while a watch works, 0 while it does not; the log says why. A replica that does not lead has none.", ["resource"], **names)  # type: ignore[arg-type]  # fmt: skip
        self._watch_troubles = Counter("operator_watch_troubles_total", "Times that a watch stopped working or had missed something.", ["resource"], **names)  # type: ignore[arg-type]  # fmt: skip
        self._cluster_requests = Counter("operator_cluster_requests_total", "Requests to the API server, by the HTTP status of the answer (none: there was no answer).", ["verb", "resource", "code"], **names)  # type: ignore[arg-type]  # fmt: skip
        self._gateway_requests = Counter("operator_gateway_requests_total", "Requests to the gateway's control API, by the HTTP status of the answer (none: there was no answer).", ["code"], **names)  # type: ignore[arg-type]  # fmt: skip
        self._gateway_reachable = Gauge("operator_gateway_reachable", "1 while the gateway's control API answers.", **names)  # type: ignore[arg-type]  # fmt: skip
        self._leader = Gauge("operator_leader", "1 while this replica is the one that works.", **names)  # type: ignore[arg-type]  # fmt: skip
        self._subscriptions = Gauge("subscriptions", "WebhookSubscriptions by the status of a condition.", ["namespace", "condition", "status"], **names)  # type: ignore[arg-type]  # fmt: skip
        self._subscriptions_now: dict[str, frozenset[tuple[str, str]]] = {}
        self._keys_refused = Gauge("operator_key_secrets_refused", "Secrets of API keys and sources that cannot be used.", ["namespace"], **names)  # type: ignore[arg-type]  # fmt: skip
        Gauge("build_info", "1; the version is in the label.", ["version"], **names).labels(__version__).set(1)  # type: ignore[arg-type]  # fmt: skip

    def trouble(self, name: str, /, *causes: OutsideError, **fields: object) -> None:
        """What is outside is in the way: a warning, or an event while only a gateway is awaited."""
        is_awaited = all(isinstance(cause, GatewayAwaited) for cause in causes)
        tell = self.event if is_awaited else self.warning
        tell(name, **fields)

    # ------------------------------------------------------------------------------------ work

    def queue_depth(self, depth: int) -> None:
        self._depth.set(depth)

    def queue_added(self) -> None:
        self._adds.inc()

    def queue_retried(self) -> None:
        self._retries.inc()

    def queue_waited(self, seconds: float) -> None:
        self._queue_seconds.observe(seconds)

    def queue_worked(self, seconds: float) -> None:
        self._work_seconds.observe(seconds)

    def reconciled(self, kind: Kind, result: Result, seconds: float) -> None:  # noqa: ARG002
        """A look at an object ended."""
        self._reconciles[result].inc()
        self._reconcile_seconds.observe(seconds)

    def subscriptions_stand(self, namespace: str, counts: Mapping[tuple[str, str], int]) -> None:
        """How many of a namespace's subscriptions have which (condition, status)."""
        for (condition, status), count in counts.items():
            self._subscriptions.labels(namespace, condition, status).set(count)
        for condition, status in (
            self._subscriptions_now.get(namespace, frozenset()) - counts.keys()
        ):
            self._subscriptions.remove(namespace, condition, status)
        self._subscriptions_now[namespace] = frozenset(counts)
        if not counts:
            del self._subscriptions_now[namespace]

    def keys_refused(self, namespace: str, count: int) -> None:
        """So many key Secrets of a namespace cannot be used."""
        if count:
            self._keys_refused.labels(namespace).set(count)
        else:
            self._keys_refused.remove_by_labels({"namespace": namespace})

    # ----------------------------------------------------------------------------- the cluster

    def cluster_request(self, verb: str, resource: str, code: str) -> None:
        self._cluster_requests.labels(verb, resource, code).inc()

    def watch_begins(self, watch: str) -> None:
        """A watch is about to be started."""
        self._watch_working.labels(watch).set(0)
        self._watch_troubles.labels(watch)

    def watch_alive(self, watch: str, at: float) -> None:
        self._watch_alive.labels(watch).set(at)

    def watch_trouble(self, watch: str, why: str) -> None:
        self._watch_working.labels(watch).set(0)
        self._watch_troubles.labels(watch).inc()
        self.warning("watch_trouble", watch=watch, message=why)

    def watch_recovered(self, watch: str) -> None:
        self._watch_working.labels(watch).set(1)
        self.event("watch_works", watch=watch)

    def watch_missed(self, watch: str, objects: int) -> None:
        self._watch_troubles.labels(watch).inc()
        self.warning("watch_missed", watch=watch, objects=objects)

    def values_unread(self, namespace: str, name: str, why: str) -> None:
        self.warning("values_unread", namespace=namespace, name=name, message=why)

    def announcement_lost(self, key: Key, reason: str, why: str) -> None:
        self.warning("announcement_lost", object=str(key), reason=reason, message=why)

    # ----------------------------------------------------------------------------- the gateway

    def request(self, code: str) -> None:
        """A request to the gateway was answered with this HTTP status, or ``none``."""
        self._gateway_requests.labels(code).inc()

    def gateway_reachable(self, reachable: bool) -> None:
        self._gateway_reachable.set(reachable)

    def file_changed(self, path: Path) -> None:
        self.event("gateway_file_changed", path=str(path))

    def file_unusable(self, why: str) -> None:
        self.warning("gateway_file_unusable", message=why)

    # ------------------------------------------------------------------------------ leadership

    def leads(self, leading: bool) -> None:
        """Whether this replica is the one that works."""
        self._leader.set(leading)
