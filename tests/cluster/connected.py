"""The operator's connection to a cluster under test, and what it was told."""

import asyncio
import base64
import time
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hookgate_operator.cluster import ClusterSettings, Connection, Watches, connect
from hookgate_operator.ports import Key, Kind
from hookgate_process.clock import SystemClock
from tests.controlplane.worlds import Recorder, spec

GROUP = "/apis/hookgate.dev/v1alpha1"
POLL_SECONDS = 0.02


class Stopwatch:
    """Seconds, of which those count little in which this process stood still.

    What is promised in seconds is promised of the operator, which runs in this process, and not of
    a machine that does something else meanwhile: a pause counts as twice what was asked for at most.
    """

    def __init__(self):
        self.seconds = 0.0
        self._counting = None

    async def pause(self):
        """Let everybody else work for a moment, and count it."""
        before = time.monotonic()
        await asyncio.sleep(POLL_SECONDS)
        self.seconds += min(time.monotonic() - before, 2 * POLL_SECONDS)

    async def __aenter__(self):
        self._counting = asyncio.create_task(self._count())
        return self

    async def __aexit__(self, *_):
        self._counting.cancel()
        await asyncio.wait([self._counting])

    async def _count(self):
        while True:
            await self.pause()


async def until(question, within=15.0):
    """Come back when the question is answered by something true; that answer.

    `within` are seconds as a Stopwatch counts them.
    """
    watch = Stopwatch()
    while not (answer := question()):
        assert watch.seconds < within, f"not within {within} s"
        await watch.pause()
    return answer


@asynccontextmanager
async def connected(kubeconfig, observer=None, **settings):
    """The connection alone."""
    made = ClusterSettings(kubeconfig=kubeconfig, **settings)
    async with connect(made, clock=SystemClock(), observer=observer or Recorder()) as connection:
        yield connection


@dataclass
class Watching:
    """Watches under way."""

    cluster: Connection
    watches: Watches
    observer: Recorder
    woken: list[Key]
    values_changed: list[tuple[str, str]]

    async def ready(self, within=15.0):
        await until(lambda: not self.watches.unready(), within)

    async def woke(self, key, within=15.0):
        """Come back when the key is woken; it counts no more."""
        await until(lambda: key in self.woken, within)
        while key in self.woken:
            self.woken.remove(key)


@asynccontextmanager
async def watching(kubeconfig, **settings):
    """Watches that are compared with lists every second."""
    observer = Recorder()
    needed = settings.pop("needed", None) or defaultdict(set)
    settings = {"stale_seconds": 3.0, "max_age_seconds": 1.0, **settings}
    async with connected(kubeconfig, observer, **settings) as cluster:
        woken: list[Key] = []
        values_changed: list[tuple[str, str]] = []
        async with cluster.watching(
            wake=woken.append,
            values_changed=lambda *name: values_changed.append(name),
            needed=lambda: needed,
        ) as watches:
            yield Watching(cluster, watches, observer, woken, values_changed)


class Objects:
    """Objects of one namespace, written and taken away by the admin."""

    def __init__(self, admin, namespace):
        self.admin = admin
        self.namespace = namespace

    def subscription(self, name="invoices", **changes):
        body = {
            "apiVersion": "hookgate.dev/v1alpha1",
            "kind": "WebhookSubscription",
            "metadata": {"name": name},
            "spec": spec(**changes),
        }
        self.admin.must("POST", self._path("webhooksubscriptions"), body)
        return Key(Kind.SUBSCRIPTION, self.namespace, name)

    def secret(self, name="billing", labels=(), **values):
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        body = {"metadata": {"name": name, "labels": dict(labels)}, "data": data}
        self.admin.must("POST", self._path("secrets"), body)
        return Key(Kind.KEY_SECRET, self.namespace, name)

    def config_map(self, name, **texts):
        self.admin.must(
            "POST", self._path("configmaps"), {"metadata": {"name": name}, "data": texts}
        )

    def patch(self, key, patch):
        self.admin.must("PATCH", self._of(key), patch, content_type="application/merge-patch+json")

    def set(self, name, **values):
        """Other values for a Secret."""
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        self.patch(Key(Kind.KEY_SECRET, self.namespace, name), {"data": data})

    def delete(self, key):
        self.admin.must("DELETE", self._of(key))

    def _of(self, key):
        plurals = {
            Kind.SUBSCRIPTION: "webhooksubscriptions",
            Kind.REPLAY: "webhookreplays",
            Kind.KEY_SECRET: "secrets",
        }
        return f"{self._path(plurals[key.kind])}/{key.name}"

    def _path(self, plural):
        base = "/api/v1" if plural in ("secrets", "configmaps") else GROUP
        return f"{base}/namespaces/{self.namespace}/{plural}"
