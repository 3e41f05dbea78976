"""
The parts put together, in the order of their lifetimes: what cannot be used is told before anything starts.

``port → token, CA → cluster's configuration → probes → leadership → the leader's work``; left in the order
of a safe stop, the Lease last.
"""

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from hookgate_operator.app.leadership import Alone, Ended, Leadership, by_lease
from hookgate_operator.app.leading import Leader
from hookgate_operator.app.lease import LeaseSettings
from hookgate_operator.app.probes import serve_probes
from hookgate_operator.app.standing import OperatorStanding
from hookgate_operator.cluster.connection import Connection, connect
from hookgate_operator.cluster.settings import ClusterSettings
from hookgate_operator.declarations import Fingerprints
from hookgate_operator.gateway_client.client import GatewayClient
from hookgate_operator.observe import OperatorObserver
from hookgate_operator.settings import PREFIX, Settings
from hookgate_process.clock import Clock
from hookgate_process.failures import CannotStart
from hookgate_process.listening import bind, bound_address
from hookgate_process.watched_files import SecretWords, UnusableFile

__all__ = ["run_operator"]

_LONGEST_MANAGER: Final = 128
"""Characters that the API server takes for a field manager."""
_OWN_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


async def run_operator(
    settings: Settings,
    observer: OperatorObserver,
    clock: Clock,
    *,
    asked_to_stop: Callable[[], Coroutine[Any, Any, None]],
    started: Callable[[], None] = lambda: None,
    stuck: Callable[[Ended], None] = lambda _: None,
) -> Ended:
    """Start everything, call ``started``, work as soon as this replica leads, until asked to stop.

    Raises CannotStart when it cannot start. Comes back early when leading ended. Where the work does not
    stop in time ``stuck`` is called: to end the process, because the work must not go on.
    """
    async with AsyncExitStack() as stack:
        listener = bind(settings.metrics_listen, f"{PREFIX}METRICS_LISTEN")
        stack.callback(listener.close)
        fingerprints = Fingerprints(_token(settings))
        client = _client(settings, observer)
        identity = _identity()
        cluster = await stack.enter_async_context(
            connect(_cluster_settings(settings), clock=clock, observer=observer)
        )
        leadership = _leadership(settings, cluster, identity, clock=clock, observer=observer)
        gateway = await stack.enter_async_context(client)
        standing = OperatorStanding(leadership, cluster=cluster, gateway=gateway, observer=observer)
        leader = Leader(
            settings,
            cluster,
            gateway,
            fingerprints=fingerprints,
            standing=standing,
            observer=observer,
            clock=clock,
        )
        await stack.enter_async_context(serve_probes(listener, standing, observer.registry))
        observer.event("listening", metrics=bound_address(listener), identity=identity)
        started()

        async def stop() -> None:
            await asked_to_stop()
            standing.stopping()
            observer.event("stopping")

        async with _looking_out(standing):
            ended = await leadership.run(leader.work, stop)
        if ended.is_stuck:
            stuck(ended)
    return ended


@asynccontextmanager
async def _looking_out(standing: OperatorStanding) -> AsyncIterator[None]:
    task = asyncio.create_task(standing.look_out(), name="look-out")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def _token(settings: Settings) -> bytes:
    """The token that fingerprints are keyed with."""
    try:
        words = SecretWords(
            settings.gateway_token_file, "token", changed=lambda _: None, refused=lambda _: None
        )
    except UnusableFile as error:
        raise CannotStart(f"{PREFIX}GATEWAY_TOKEN_FILE: {error}") from None
    return words.current()[0]


def _client(settings: Settings, observer: OperatorObserver) -> GatewayClient:
    try:
        return GatewayClient(
            settings.gateway_url,
            owner=settings.owner,
            token_file=settings.gateway_token_file,
            ca_file=settings.gateway_ca_file,
            namespaces=settings.watch_namespaces,
            observer=observer,
        )
    except UnusableFile as error:  # its text begins with the file's name
        is_ca = str(error).startswith(str(settings.gateway_ca_file))
        raise CannotStart(f"{PREFIX}GATEWAY_{'CA' if is_ca else 'TOKEN'}_FILE: {error}") from None


def _cluster_settings(settings: Settings) -> ClusterSettings:
    return ClusterSettings(
        namespaces=settings.watch_namespaces,
        secrets_mode=settings.secrets_mode.value,
        stale_seconds=settings.watch_stale_seconds,
        max_age_seconds=settings.reread_seconds,
        instance=socket.gethostname(),
        manager=_manager(settings),
    )


def _manager(settings: Settings) -> str:
    """This installation as its statuses name it: where two look after one object, they are told apart."""
    if not settings.leader_election:
        return f"hookgate-operator {settings.owner}"[:_LONGEST_MANAGER]
    namespace = settings.lease_namespace or _own_namespace()
    return f"hookgate-operator {namespace}/{settings.lease}"[:_LONGEST_MANAGER]


def _leadership(
    settings: Settings,
    cluster: Connection,
    identity: str,
    *,
    clock: Clock,
    observer: OperatorObserver,
) -> Leadership:
    if not settings.leader_election:
        return Alone(observer)
    lease = LeaseSettings(
        name=settings.lease,
        namespace=settings.lease_namespace or _own_namespace(),
        identity=identity,
        seconds=settings.lease_seconds,
    )
    return by_lease(lease, cluster.api_client, clock=clock, observer=observer)


def _own_namespace() -> str:
    with suppress(OSError):
        if name := _OWN_NAMESPACE.read_text().strip():
            return name
    raise CannotStart(
        f"{PREFIX}LEASE_NAMESPACE is not set and {_OWN_NAMESPACE} cannot be read; name a namespace for"
        f" the Lease, or set {PREFIX}LEADER_ELECTION=false if there is only ever one operator"
    )


def _identity() -> str:
    """Who this is, another one in each life: a new process must not take itself for the one that died."""
    return f"{os.environ.get('HOSTNAME') or socket.gethostname()}_{uuid.uuid4()}"
