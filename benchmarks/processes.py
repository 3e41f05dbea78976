"""
The processes of a measurement: started, asked, weighed by ``/proc`` and stopped, each by its own id.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.manifests import Hook, write_hooks, write_secrets

ROOT = Path(__file__).resolve().parent.parent
STORE = "hookgate.db"
_TICK = os.sysconf("SC_CLK_TCK")
_READY_LIMIT = 120.0
_SETTLE_LIMIT = 90.0
_LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class BenchmarkFailed(Exception):
    """A measurement that would have meant nothing: something was lost, refused or never finished."""


def run_json(module: str, *arguments: str) -> dict[str, Any]:
    """Run a module of this package to its end and parse the line it prints."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    if done.returncode:
        raise BenchmarkFailed(f"{module} failed: {done.stderr.strip().splitlines()[-1:]}")
    return dict(json.loads(done.stdout))


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Receiver:
    """The receiver process and its counts."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self._process = process
        self.url = f"http://127.0.0.1:{port}"

    def reset(self) -> None:
        self._get("/control/reset", method="POST")

    def stats(self, *, ages: bool = False) -> dict[str, Any]:
        return dict(json.loads(self._get("/control/ages" if ages else "/control/stats")))

    def wait_for(self, total: int) -> dict[str, Any]:
        """The counts once that many deliveries came in. Raises BenchmarkFailed when they do not."""
        deadline = time.monotonic() + _SETTLE_LIMIT
        while (stats := self.stats())["total"] < total:
            if time.monotonic() > deadline:
                raise BenchmarkFailed(f"{stats['total']} of {total} deliveries arrived: {stats}")
            time.sleep(0.05)
        return stats

    def _get(self, path: str, method: str = "GET") -> bytes:
        with _LOCAL.open(
            urllib.request.Request(self.url + path, method=method), timeout=10
        ) as answer:
            return bytes(answer.read())


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Start the receiver; it leaves when its standard input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.receiver"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Receiver(process, json.loads(process.stdout.readline())["port"])
    finally:
        process.stdin.close()
        process.wait(timeout=10)
        process.stdout.close()


class Gateway:
    """The measured gateway: its main process and every process below it."""

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        home: Path,
        port: int,
        key: str,
        ready_after: float,
    ) -> None:
        self._process = process
        self._home = home
        self.port = port
        self.key = key
        self.ready_after = ready_after
        """Seconds from the command to readiness."""

    def publish(self, count: int, first: int, *options: str) -> dict[str, Any]:
        """Run the generator to its end. Raises BenchmarkFailed unless every report was accepted."""
        answer = run_json(
            "generator",
            *("--port", str(self.port), "--key", self.key),
            *("--count", str(count), "--first", str(first), *options),
        )
        if answer["statuses"] != {"202": count}:
            raise BenchmarkFailed(f"not every report was accepted: {answer['statuses']}")
        return answer

    def declare(self, hooks: Sequence[Hook]) -> None:
        """Change the subscriptions as a user would: by an edit of their manifests."""
        write_hooks(self._home / "manifests", hooks)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the API and parse its answer. Raises BenchmarkFailed when it refuses."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"x-api-key": self.key, "Content-Type": "application/json"},
            method=method,
        )
        try:
            with _LOCAL.open(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as refusal:
            text = f"{method} {path}: {refusal.code} {refusal.read()[:300]!r}"
            raise BenchmarkFailed(text) from None

    def cpu_seconds(self) -> float:
        """User and system time of all its processes so far."""
        return sum(_cpu_ticks(pid) for pid in self._processes()) / _TICK

    def memory_bytes(self) -> int:
        """Proportional set size of all its processes."""
        return sum(_pss(pid) for pid in self._processes())

    def _processes(self) -> list[int]:
        return _with_descendants(self._process.pid)


@contextmanager
def gateway(hooks: Sequence[Hook], folder: Path | None = None) -> Iterator[Gateway]:
    """
    Start the real command with these subscriptions, and stop it.

    Its SQLite store is an empty one, or the one that an earlier gateway left in ``folder``.
    """
    key = "bench-" + secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="hookgate-bench-") as temporary:
        home = folder or Path(temporary)
        write_secrets(home / "manifests", key)
        write_hooks(home / "manifests", hooks)
        port, metrics = free_port(), free_port()
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("HOOKGATE_")},
            "HOOKGATE_STORE": f"sqlite:///{home / STORE}",
            "HOOKGATE_LISTEN": f"127.0.0.1:{port}",
            "HOOKGATE_METRICS_LISTEN": f"127.0.0.1:{metrics}",
            "HOOKGATE_MANIFESTS_DIR": str(home / "manifests"),
            "HOOKGATE_EGRESS_ALLOW": "127.0.0.0/8",
            "HOOKGATE_SHUTDOWN_GRACE_SECONDS": "1",
            "HOOKGATE_SHUTDOWN_DRAIN_SECONDS": "0",
        }
        log = home / "log"
        with log.open("wb") as output:
            began = time.monotonic()
            process = subprocess.Popen(
                [*_profiler(), sys.executable, "-m", "hookgate", "gateway"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            _wait_ready(process, f"http://127.0.0.1:{metrics}/readyz", log)
            yield Gateway(process, home, port, key, time.monotonic() - began)
        finally:
            process.terminate()
            try:
                process.wait(timeout=45)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _profiler() -> list[str]:
    """A command to run the gateway under, for those who look where the time goes."""
    return os.environ.get("BENCH_PROFILER", "").split()


def _wait_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_LIMIT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with _LOCAL.open(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.01)
    raise BenchmarkFailed(
        f"the gateway did not become ready: {log.read_text(errors='replace')[-800:]}"
    )


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` after the name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _with_descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    found, waiting = [], [root]
    while waiting:
        found.append(pid := waiting.pop())
        waiting.extend(children.get(pid, ()))
    return found


def _cpu_ticks(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[11]) + int(fields[12])


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0
