"""
What a soak runs: the receivers' process, the gateway under its manifests.
"""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.harness import ROOT, Gateway, gateway
from tests.acceptance.manifests import subscription

from benchmarks.soak.targets import TARGETS, Target

RETENTION_SECONDS = 90.0
"""Short, so that events are pruned all the time."""
SETTINGS = {
    "log_level": "info",
    "retention_days": f"{RETENTION_SECONDS / 86400:.6f}",
    "delete_grace_seconds": "600",
    "shutdown_grace_seconds": "5",
}


@dataclass(frozen=True, slots=True)
class Receivers:
    """Where they listen, and where their book is."""

    plain: int
    secure: int
    ca: str
    book: Path

    def url(self, target: Target, path: str | None = None) -> str:
        scheme, port = ("https", self.secure) if target.tls else ("http", self.plain)
        return f"{scheme}://127.0.0.1:{port}{path or target.path}"


@dataclass(frozen=True, slots=True)
class World:
    """One gateway and all of its receivers."""

    gateway: Gateway
    receivers: Receivers

    def declare(
        self, target: Target, *, path: str | None = None, suspend: bool = False, timeout: int = 0
    ) -> None:
        """Write a target's manifest, as it is or changed."""
        endpoint: dict[str, Any] = {}
        if target.tls:
            endpoint["tls"] = {"caFrom": {"configMapKeyRef": {"name": "soak-ca", "key": "ca.crt"}}}
        made = subscription(
            target.name,
            self.receivers.url(target, path),
            timeout=timeout or target.timeout,
            suspend=suspend,
            match={"workflowIds": list(target.workflows)},
            endpoint=endpoint,
            delivery={"circuitBreaker": {}, **target.delivery},
        )
        self.gateway.manifests.write(f"sub-{target.name}", made)


@contextmanager
def receiving(home: Path) -> Iterator[Receivers]:
    """Start the receivers; they leave when their standard input is closed."""
    book = home / "arrivals.txt"
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.soak.receivers", str(book)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
        plain, secure = told["ports"]
        yield Receivers(plain, secure, told["ca"], book)
    finally:
        process.stdin.close()
        process.wait(timeout=10)
        process.stdout.close()


@asynccontextmanager
async def soaking(home: Path, receivers: Receivers) -> AsyncIterator[World]:
    """A gateway that is ready, with all targets declared."""
    async with gateway(home, **SETTINGS) as made:
        world = World(made, receivers)
        made.manifests.write("ca", _config_map(receivers.ca))
        for target in TARGETS:
            world.declare(target)
        await made.start()
        yield world


def _config_map(ca: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "soak-ca", "namespace": "default"},
        "data": {"ca.crt": ca},
    }
