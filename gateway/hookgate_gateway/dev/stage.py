"""
Everything that the story needs, set up and taken down: receiver, gateway, engine.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hookgate_gateway.dev.client import Client, connect
from hookgate_gateway.dev.engine import Engine
from hookgate_gateway.dev.narrator import Narrator
from hookgate_gateway.dev.process import Running, gateway
from hookgate_gateway.dev.receiver import Arrival, Receiver, bind
from hookgate_gateway.dev.workbench import (
    OWN_PATH,
    RECEIVER_PORT,
    Workbench,
    read_folder,
)
from hookgate_process.clock import SystemClock

__all__ = ["Plan", "Stage", "set_up"]

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What was asked for."""

    manifests: Path
    data: Path
    """Where the store and the log are."""
    port: int
    """The API's port; 0 takes any free one."""
    metrics_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """All of it, running."""

    workbench: Workbench
    receiver: Receiver
    own_url: str
    gateway: Running
    client: Client
    log: Path


@asynccontextmanager
async def set_up(plan: Plan, narrator: Narrator) -> AsyncIterator[Stage]:
    """Start everything; stop it at the end. Raises BadManifests and DidNotStart."""
    listener = bind(RECEIVER_PORT)
    address = "{}:{}".format(*listener.getsockname())
    workbench = read_folder(plan.manifests)
    if not address.endswith(f":{RECEIVER_PORT}"):
        workbench = _moved(workbench, plan.data / "manifests", address)
        narrator.say(
            f"port {RECEIVER_PORT} is taken: the receiver is at {address} instead, and the"
        )
        narrator.say(f"manifests are used from {workbench.folder}, with that port in them")
    receiver = Receiver(workbench.mailboxes, lambda arrival: narrator.aside(_told(arrival)))
    log = plan.data / "gateway.log"
    async with (
        receiver.listening(listener),
        gateway(
            _settings(plan, workbench), log, lambda line: narrator.warn(f"gateway   {line}")
        ) as running,
        connect(running.api, workbench.api_key) as client,
        _working(client, narrator),
    ):
        yield Stage(
            workbench=workbench,
            receiver=receiver,
            own_url=f"http://{address}{OWN_PATH}",
            gateway=running,
            client=client,
            log=log,
        )


def _settings(plan: Plan, workbench: Workbench) -> dict[str, str]:
    return {
        "STORE": f"sqlite:///{plan.data.absolute() / 'hookgate.db'}",
        "LISTEN": f"{LOOPBACK}:{plan.port}",
        "METRICS_LISTEN": f"{LOOPBACK}:{plan.metrics_port}",
        "MANIFESTS_DIR": str(workbench.folder),
        "EGRESS_ALLOW": LOOPBACK,
        "SHUTDOWN_DRAIN_SECONDS": "0",
        "SHUTDOWN_GRACE_SECONDS": "5",
    }


def _moved(workbench: Workbench, folder: Path, address: str) -> Workbench:
    """The manifests with another port for the receiver, as copies in ``folder``."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in workbench.folder.iterdir():
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            moved = text.replace(f"{LOOPBACK}:{RECEIVER_PORT}", address)
            (folder / path.name).write_text(moved, encoding="utf-8")
    return read_folder(folder, address)


@asynccontextmanager
async def _working(client: Client, narrator: Narrator) -> AsyncIterator[None]:
    engine = Engine(
        client,
        SystemClock().now,
        lambda run_id, status: narrator.aside(f"engine    {run_id} is {status}"),
    )
    task = asyncio.create_task(engine.work(), name="engine")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _told(arrival: Arrival) -> str:
    """One line for a request that came in."""
    verdict = "signature verified" if arrival.verified else f"NOT VERIFIED: {arrival.problem}"
    kind = "replay" if arrival.replay else f"attempt {arrival.attempt}"
    return (
        f"receiver  {arrival.run_id} for {arrival.mailbox.owner}, {kind}:"
        f" {verdict}, answered {arrival.status}"
    )
