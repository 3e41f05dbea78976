"""
The real command as a process: its settings, its folder, its log, its end.
"""

import asyncio
import contextlib
import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.acceptance.manifests import API_KEY, SIGNING_SECRET, Manifests, secret
from tests.receivers import Received, Receiver

ROOT = Path(__file__).resolve().parents[2]
READY_WITHIN = 60.0
"""Seconds. A guard, no promise: what starts quickly elsewhere takes long on a busy machine."""

GUARD = 45.0
"""Seconds that anything may take of which no time was promised."""
T = TypeVar("T")


_given_ports: deque[int] = deque(maxlen=6000)


def free_port() -> int:
    """A port nobody listens on, from below those that outgoing connections are given.

    Nor is it another process's that is about to listen or to be started again: none is given twice.
    """
    while True:
        port = random.randint(20000, 32000)
        if port in _given_ports:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given_ports.append(port)
            return port


async def eventually(
    question: Callable[[], Awaitable[T]], *, within: float = GUARD, what: str = ""
) -> T:
    """Ask until the answer is true, and return it; fails at the deadline with the last answer."""
    deadline = time.monotonic() + within
    while True:
        answer = await question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(
                f"never came true within {within} s: {what or question}: {answer!r}"
            )
        await asyncio.sleep(0.03)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hookgate", "gateway", *arguments]


def clean_environment(**settings: str) -> dict[str, str]:
    """The caller's environment without any setting of ours but these."""
    ours = {f"HOOKGATE_{name.upper()}": value for name, value in settings.items()}
    rest = {k: v for k, v in os.environ.items() if not k.upper().startswith("HOOKGATE_")}
    return {**rest, **ours}


@dataclass(frozen=True)
class Reply:
    """An answer of the gateway, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Gateway:
    """One gateway: it can be started, asked, stopped, killed and started again on the same store."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.manifests = Manifests(home / "manifests")
        self.port, self.metrics_port = free_port(), free_port()
        self.settings = {
            "store": f"sqlite:///{home}/hookgate.db",
            "listen": f"127.0.0.1:{self.port}",
            "metrics_listen": f"127.0.0.1:{self.metrics_port}",
            "manifests_dir": str(self.manifests.folder),
            "egress_allow": "127.0.0.0/8",
            "shutdown_grace_seconds": "5",
            "shutdown_drain_seconds": "0",
            "log_level": "debug",
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._session: aiohttp.ClientSession | None = None

    # ---- life

    def launch(self, *wrapper: str, **options: Any) -> None:
        """Start the process and return at once."""
        with (self.home / "gateway.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*wrapper, *command()],
                env=clean_environment(**self.settings),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **options,
            )

    async def start(self, **options: Any) -> None:
        self.launch(**options)
        await self.ready()

    async def ready(self, within: float = READY_WITHIN) -> None:
        async def is_ready() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, f"the gateway left: {self.log_text()[-1500:]}"
            try:
                return (await self.fetch("GET", self.metrics_url("/readyz"))).status == 200
            except (aiohttp.ClientError, OSError):
                return False

        await eventually(is_ready, within=within, what="ready")

    async def stop(self, within: float = 30.0) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await self.exit_code(within)

    async def exit_code(self, within: float = 30.0) -> int:
        process = self.process
        assert process is not None
        await eventually(lambda: _answer(process.poll() is not None), within=within, what="exit")
        self.process = None
        return int(process.returncode)

    def kill(self) -> None:
        """SIGKILL, as the kernel does it when memory is short."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(timeout=10)
        self.process = None

    async def close(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            try:
                await self.exit_code(within=15)
            except AssertionError:
                self.kill()
        if self._session is not None:
            await self._session.close()

    def writer_pids(self) -> list[int]:
        """The processes below the gateway's: the store's writer."""
        assert self.process is not None
        return children(self.process.pid)

    # ---- talk

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def metrics_url(self, path: str = "/metrics") -> str:
        return f"http://127.0.0.1:{self.metrics_port}{path}"

    async def fetch(self, method: str, url: str, **options: Any) -> Reply:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=30), auto_decompress=False
            )
        async with self._session.request(method, url, **options) as answer:
            body = await answer.read()
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return Reply(answer.status, headers, body)

    async def call(
        self, method: str, path: str, *, key: str | None = API_KEY, **more: Any
    ) -> Reply:
        headers = {**({"x-api-key": key} if key else {}), **more.pop("headers", {})}
        return await self.fetch(method, self.url(path), headers=headers, **more)

    async def get(self, path: str, *, key: str | None = API_KEY) -> Any:
        reply = await self.call("GET", path, key=key)
        assert reply.status == 200, (path, reply)
        return reply.json()

    async def report(self, body: bytes | dict[str, Any], *, key: str = API_KEY) -> Reply:
        """POST one report."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.post("/v1/events", data, key=key)

    async def post(
        self, path: str, body: bytes, *, key: str | None = API_KEY, **headers: str
    ) -> Reply:
        """POST bytes as JSON; ``headers`` with underscores."""
        sent = {"Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = io.BytesIO(body)  # bytes of megabytes make aiohttp's client warn
        sent["Content-Length"] = str(len(body))
        return await self.call("POST", path, key=key, data=data, headers=sent)

    async def accepted(self, body: bytes | dict[str, Any], *, key: str = API_KEY) -> Any:
        """POST one report that must be accepted as new; the answer."""
        reply = await self.report(body, key=key)
        assert reply.status == 202, reply
        return reply.json()

    async def deliveries(self, query: str = "", *, key: str = API_KEY) -> list[dict[str, Any]]:
        return list((await self.get(f"/v1/deliveries{query}", key=key))["items"])

    async def delivery_of(self, run_id: str, **expected: Any) -> dict[str, Any]:
        """The only delivery of a run, as soon as it has these values; with its attempts."""

        async def found() -> dict[str, Any] | None:
            items = await self.deliveries(f"?run_id={run_id}")
            assert len(items) <= 1, items
            fits = items and all(items[0][name] == value for name, value in expected.items())
            return items[0] if fits else None

        item = await eventually(found, what=f"{run_id} {expected}")
        assert item is not None
        return dict(await self.get(f"/v1/deliveries/{item['id']}"))

    async def delivery_by_id(self, id_: str | None, **expected: Any) -> dict[str, Any]:
        """A delivery, as soon as it has these values; with its attempts."""

        async def found() -> dict[str, Any] | None:
            item = await self.get(f"/v1/deliveries/{id_}")
            return item if all(item[name] == value for name, value in expected.items()) else None

        item = await eventually(found, what=f"{id_} {expected}")
        assert item is not None
        return item

    async def held(self, name: str, reason: str | None) -> dict[str, Any]:
        """The subscription, as soon as it has (or no longer has) this hold."""

        async def found() -> dict[str, Any] | None:
            reply = await self.call("GET", f"/v1/subscriptions/{name}")
            if reply.status != 200:
                return None
            hold = reply.json()["hold"]
            return reply.json() if (hold and hold["reason"]) == reason else None

        answer = await eventually(found, what=f"hold of {name} is {reason}")
        assert answer is not None
        return answer

    # ---- evidence

    async def samples(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Every sample of /metrics by name and labels."""
        text = (await self.fetch("GET", self.metrics_url())).body.decode()
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    async def total(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that carry these labels."""
        wanted = labels.items()
        samples = await self.samples()
        return sum(v for (n, found), v in samples.items() if n == name and wanted <= set(found))

    def log_text(self) -> str:
        return (self.home / "gateway.log").read_text(errors="replace")

    def log(self) -> list[dict[str, Any]]:
        """The log's lines; every one of them must be an object with an event name.

        What follows the last newline is a line that is still being written.
        """
        whole, _, _ = self.log_text().rpartition("\n")
        lines = [json.loads(line) for line in whole.splitlines()]
        assert all(isinstance(line, dict) and line["event"] for line in lines)
        return lines

    def logged(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.log() if line["event"] == event]


async def _answer(value: T) -> T:
    return value


def children(pid: int) -> list[int]:
    """All processes below one, from /proc."""
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = entry.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                child = int(entry.parent.name)
                found += [child, *children(child)]
    return found


@asynccontextmanager
async def gateway(home: Path, **settings: str) -> AsyncIterator[Gateway]:
    """A gateway that is set up with an API key and a signing Secret, not started yet."""
    it = Gateway(home, **settings)
    it.manifests.api_key()
    it.manifests.write("signing", secret("signing", secret=SIGNING_SECRET))
    try:
        yield it
    finally:
        await it.close()


async def arrivals(
    receiver: Receiver, count: int, path: str = "/switch/hook", within: float = GUARD
) -> list[Received]:
    """The first ``count`` requests of a path, as soon as they are there."""

    async def enough() -> list[Received]:
        found = at(receiver, path)
        return found[:count] if len(found) >= count else []

    return await eventually(enough, within=within, what=f"{count} requests at {path}")


def at(receiver: Receiver, path: str = "/switch/hook") -> list[Received]:
    """The requests of a path so far."""
    return [request for request in receiver.log if request.path == path]


_numbers = iter(range(1, 1_000_000))


def run_id(prefix: str = "tsk") -> str:
    return f"{prefix}_acceptance_{next(_numbers):06d}"


def report(run: str | None = None, **fields: Any) -> dict[str, Any]:
    """A final report of a run."""
    return {
        "run_id": run or run_id(),
        "run_type": "task_v2",
        "status": "completed",
        "output": {"price": 1299.99},
        "created_at": "2026-03-01T10:00:00Z",
        "modified_at": "2026-03-01T10:05:23Z",
        **fields,
    }


def leaks(text: str, *secrets: str) -> list[str]:
    """Which of these a text holds."""
    return [secret for secret in secrets if secret in text]
