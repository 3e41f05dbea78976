"""
The parts put together, in the order of their lifetimes, and taken down in the order of a safe stop.

``store → catalogue → manifests → dispatcher → listeners``; ports are taken before all of it.
"""

import asyncio
import os
import random
import socket
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, suppress

from hookgate_gateway.api.app import make_public_app
from hookgate_gateway.api.bodies import BodyReader
from hookgate_gateway.api.connections import ConnectionLimits
from hookgate_gateway.api.control.feed import HealthFeed
from hookgate_gateway.api.control.view import HealthView
from hookgate_gateway.api.health import Check, make_metrics_app, none_loaded, not_writable, stopping
from hookgate_gateway.api.rates import KeyRates
from hookgate_gateway.api.server import open_door
from hookgate_gateway.api.services import Services
from hookgate_gateway.api.showing import Showing
from hookgate_gateway.app import descriptors
from hookgate_gateway.app.background import background
from hookgate_gateway.app.control import open_control
from hookgate_gateway.app.memory import BodyBudgets, read_budgets
from hookgate_gateway.app.upstream import open_upstream, upstream_keys
from hookgate_gateway.catalogue.build import Forbids
from hookgate_gateway.catalogue.catalogue import Catalogue
from hookgate_gateway.catalogue.manifests import Manifests
from hookgate_gateway.catalogue.matching import matching_subscriptions
from hookgate_gateway.dispatch.direct import DirectSends
from hookgate_gateway.dispatch.dispatcher import Dispatcher
from hookgate_gateway.dispatch.health import DeliveryHealth
from hookgate_gateway.egress.sender import HttpSender
from hookgate_gateway.ids import Ids
from hookgate_gateway.intake.accept import Acceptor
from hookgate_gateway.intake.ingest import Ingest
from hookgate_gateway.intake.quota import BacklogQuota
from hookgate_gateway.intake.waiting import IntakeLimits
from hookgate_gateway.observe import Observer, ReadinessCheck
from hookgate_gateway.replay.orders import ReplayOrders
from hookgate_gateway.rules.address import AddressClass
from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.rules.destination import BadUrl, judge_destination, read_url
from hookgate_gateway.rules.egress_rules import EgressRules, Protected, protect
from hookgate_gateway.settings import Settings
from hookgate_gateway.store.sqlite.store import SqliteStore
from hookgate_gateway.upkeep import Housekeeper, UpkeepPolicy
from hookgate_gateway.upstream.engine import Upstream
from hookgate_process.clock import Clock
from hookgate_process.failures import CannotStart
from hookgate_process.listening import bind, bound_address, own_addresses

__all__ = ["run_gateway"]

_DAY = 86400.0


async def run_gateway(
    settings: Settings,
    observer: Observer,
    clock: Clock,
    *,
    asked_to_stop: Callable[[], Awaitable[None]],
    started: Callable[[], None] = lambda: None,
) -> None:
    """Start everything, call ``started``, run until asked to stop, stop in order.

    Raises CannotStart and StoreError when it cannot start.
    """
    async with AsyncExitStack() as stack:
        gateway = _Gateway(settings, observer, clock, stack)
        await gateway.start()
        started()
        await asked_to_stop()
        await gateway.stop()
    observer.event("stopped")


class _Gateway:
    """The parts of one process; the stack owns their lifetimes."""

    def __init__(
        self, settings: Settings, observer: Observer, clock: Clock, stack: AsyncExitStack
    ) -> None:
        self._settings = settings
        self._observer = observer
        self._clock = clock
        self._stack = stack
        self._stopping = False

    async def start(self) -> None:
        settings, observer, clock, stack = self._settings, self._observer, self._clock, self._stack
        _check_folder(settings)
        budgets = read_budgets(settings)
        public = self._taken(bind(settings.listen, "HOOKGATE_LISTEN"))
        metrics = self._taken(bind(settings.metrics_listen, "HOOKGATE_METRICS_LISTEN"))
        keys = upstream_keys(settings, observer)
        control = open_control(settings, observer)
        inner = [metrics, *([self._taken(control.socket)] if control else [])]
        store = await stack.enter_async_context(
            SqliteStore.open(
                settings.store,
                now=clock.now,
                observer=observer,
                encryption_keys_file=settings.encryption_keys_file,
            )
        )
        rules = _egress_rules(settings.egress_allow, inner)
        catalogue = Catalogue(store, observer, clock, _forbids(rules))
        await catalogue.refresh()
        quota = BacklogQuota(settings.namespace_max_pending)
        keeper = Housekeeper(
            store,
            observer,
            clock,
            lambda: catalogue.snapshot,
            _policy(settings),
            quota=quota,
        )
        works: dict[str, Callable[[], Awaitable[None]]] = {
            "housekeeping": keeper.run,
            "encryption keys": store.keys.watch,
        }
        checks: dict[ReadinessCheck, Check] = {
            ReadinessCheck.STOPPING: stopping(lambda: self._stopping),
            ReadinessCheck.STORE: not_writable(store.writable),
        }
        if settings.manifests_dir is not None:
            manifests = Manifests(settings.manifests_dir, catalogue, observer, clock)
            await manifests.load_or_postpone()
            checks[ReadinessCheck.MANIFESTS] = none_loaded(lambda: manifests.loaded)
            works["manifests"] = manifests.watch
        sender = await stack.enter_async_context(
            HttpSender(
                rules=rules, clock=clock, observer=observer, nameservers=settings.dns_servers
            )
        )
        health = await stack.enter_async_context(DeliveryHealth(store, catalogue, observer))
        works["health"] = health.save_forever
        self._dispatcher = await stack.enter_async_context(
            Dispatcher(
                store,
                sender,
                catalogue,
                observer,
                clock,
                jitter=random.random,
                max_in_flight=settings.max_inflight,
                window_bytes=budgets.windows,
                large_bytes=budgets.outgoing,
            )
        )
        upstream = await stack.enter_async_context(
            open_upstream(settings, keys, store, observer, budgets.upstream)
        )
        services = await self._services(
            store, sender, catalogue, quota, health, budgets=budgets, upstream=upstream
        )
        works["replays"] = services.orders.carry_out
        await stack.enter_async_context(
            open_door(make_metrics_app(checks, catalogue, observer), metrics, observer, grace=1.0)
        )
        self._public = await stack.enter_async_context(
            open_door(
                make_public_app(services),
                public,
                observer,
                grace=settings.shutdown_grace_seconds,
                limits=_connection_limits(settings, observer),
                showing=services.showing,
            )
        )
        told = {"api": bound_address(public), "metrics": bound_address(metrics)}
        if control is not None:
            view = HealthView(catalogue, health, self._dispatcher.breaker, keeper.pending)
            feed = HealthFeed(view, clock)
            health.listen(feed.touched)
            works |= {"control health": feed.publish_forever, **control.works}
            await stack.enter_async_context(
                control.open(catalogue, services.orders, view, feed, observer)
            )
            told["control"] = bound_address(control.socket)
        await stack.enter_async_context(background(works, observer))
        observer.event("listening", **told)

    async def _services(
        self,
        store: SqliteStore,
        sender: HttpSender,
        catalogue: Catalogue,
        quota: BacklogQuota,
        health: DeliveryHealth,
        *,
        budgets: BodyBudgets,
        upstream: Upstream | None,
    ) -> Services:
        """What the API asks. Left before the dispatcher, so that its last events are handed over."""
        observer, clock = self._observer, self._clock
        ids = Ids(clock.now)
        acceptor = await self._stack.enter_async_context(
            Acceptor(
                store=store,
                catalogue=catalogue,
                matching=matching_subscriptions,
                handover=self._dispatcher,
                ids=ids,
                clock=clock,
                observer=observer,
                limits=IntakeLimits(total_bytes=budgets.intake),
                quota=quota,
            )
        )
        return Services(
            catalogue=catalogue,
            reports=acceptor,
            sources=Ingest(
                acceptor=acceptor,
                catalogue=catalogue,
                observer=observer,
                now=clock.now,
                built_in=upstream,
            ),
            quota=quota,
            upstream=upstream,
            runs=store,
            history=store,
            replays=store,
            orders=ReplayOrders(
                store=store,
                catalogue=catalogue,
                lanes=self._dispatcher,
                ids=ids,
                clock=clock,
                observer=observer,
            ),
            dispatch=self._dispatcher,
            health=health,
            direct=DirectSends(
                store,
                sender,
                catalogue,
                observer,
                clock,
                learned=self._dispatcher.succeeded,
                keep=self._dispatcher.keep,
                large_bytes=budgets.direct,
            ),
            clock=clock,
            ids=ids,
            observer=observer,
            bodies=BodyReader(self._settings.max_body_bytes, budget=budgets.uploads),
            showing=Showing(budgets.answers),
            rates=KeyRates(
                clock.monotonic,
                self._settings.key_requests_per_second,
                self._settings.key_request_burst,
            ),
        )

    async def stop(self) -> None:
        """Not ready; no new attempts; go on accepting for a while; then let everything finish."""
        self._stopping = True
        self._observer.event("stopping")
        await asyncio.gather(
            self._dispatcher.stop(self._settings.shutdown_grace_seconds), self._close_the_door()
        )

    async def _close_the_door(self) -> None:
        await asyncio.sleep(self._settings.shutdown_drain_seconds)
        await self._public.cleanup()

    def _taken(self, listener: socket.socket) -> socket.socket:
        self._stack.callback(listener.close)
        return listener


def _check_folder(settings: Settings) -> None:
    folder = settings.manifests_dir
    if folder is not None and not folder.is_dir():
        raise CannotStart(
            f"HOOKGATE_MANIFESTS_DIR={str(folder)!r} is not a folder; create it or name another one"
        )


def _connection_limits(settings: Settings, observer: Observer) -> ConnectionLimits:
    granted = descriptors.grant()
    total = descriptors.for_clients(settings.max_connections, granted, settings.max_inflight)
    if total < settings.max_connections:
        observer.warning(
            "connections_limited",
            connections=total,
            file_descriptors=granted,
            message="raise the limit of open files (ulimit -n), or lower HOOKGATE_MAX_CONNECTIONS",
        )
    return ConnectionLimits(total=total, per_address=settings.max_connections_per_address)


def _policy(settings: Settings) -> UpkeepPolicy:
    grace = settings.delete_grace_seconds
    return UpkeepPolicy(
        retention=settings.retention_days * _DAY,
        delete_grace=grace,
        tidy_every=min(30.0, max(1.0, grace)),  # a short grace is meant to be seen to end
    )


def _egress_rules(allowed: EgressRules, inner: Iterable[socket.socket]) -> EgressRules:
    """What may be reached, with our own inner listeners and the cluster's API protected beside it."""
    own = {"127.0.0.0/8", "::1", *own_addresses()}
    protected: tuple[Protected, ...] = ()
    for listener in inner:
        host, port = listener.getsockname()[:2]
        named = {str(host).partition("%")[0]} - {"::", "0.0.0.0"}  # noqa: S104  # nothing is opened
        protected += protect(own | named, AddressClass.OWN, port)
    # Some clusters put a name there. It is protected as any other: by the class of what it resolves to.
    with suppress(ValueError):
        cluster = os.environ.get("KUBERNETES_SERVICE_HOST", "")
        protected += protect([cluster], AddressClass.KUBERNETES_API)
    return EgressRules(allowed.allow, protected)


def _forbids(rules: EgressRules) -> Forbids:
    """The verdict on literal addresses that the catalogue shows as a hold; names are judged when sent to."""

    def forbids(namespace: Namespace, url: str) -> str | None:
        try:
            destination = read_url(url)
        except BadUrl as error:
            return str(error)
        if destination.host.address is None:
            return None
        refused = judge_destination(destination, namespace, rules)
        return refused.message if refused else None

    return forbids
