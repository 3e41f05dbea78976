"""
The gateway as a child process, started by its real command, tethered to us, watched by its own log.
"""

import asyncio
import json
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["DidNotStart", "Running", "gateway"]

_START_SECONDS = 20.0
_STOP_SECONDS = 10.0


class DidNotStart(Exception):
    """The gateway ended, or said nothing, before it was ready; its last words are the message."""


@dataclass(frozen=True, slots=True)
class Running:
    """Where a started gateway can be reached."""

    api: str
    metrics: str
    ended: asyncio.Task[int]
    """Done when the process has ended, with its exit code."""


@asynccontextmanager
async def gateway(
    settings: Mapping[str, str], log: Path, complain: Callable[[str], None]
) -> AsyncIterator[Running]:
    """A gateway with exactly these settings, stopped at the end; its log goes to a file.

    ``complain`` is told of each warning and error in it. Raises DidNotStart.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hookgate_gateway.dev.tethered"),
        env=_environment(settings),
        stdin=asyncio.subprocess.PIPE,  # closed when we end, however we end
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is ours to hand on, once
    )
    ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    reader = asyncio.create_task(_read(process, log, ready, complain))
    try:
        async with asyncio.timeout(_START_SECONDS):
            listening = await ready
        yield Running(f"http://{listening['api']}", f"http://{listening['metrics']}", reader)
    except TimeoutError:
        raise DidNotStart(f"the gateway was not ready within {_START_SECONDS:.0f} s") from None
    finally:
        await _stop(process, reader)


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Ours without any setting of a gateway, plus these."""
    inherited = {k: v for k, v in os.environ.items() if not k.upper().startswith("HOOKGATE_")}
    return inherited | {f"HOOKGATE_{name}": value for name, value in settings.items()}


async def _read(
    process: asyncio.subprocess.Process,
    log: Path,
    ready: asyncio.Future[dict[str, Any]],
    complain: Callable[[str], None],
) -> int:
    """Copy the log to its file, fulfil ``ready`` at the line that says where it listens."""
    last: deque[str] = deque(maxlen=5)
    assert process.stderr is not None  # noqa: S101  # it was asked for
    with log.open("ab") as file:
        async for line in process.stderr:
            file.write(line)
            file.flush()
            last.append(line.decode(errors="replace").strip())
            event = _event(line)
            if event.get("event") == "listening" and not ready.done():
                ready.set_result(event)
            if event.get("level") in ("warning", "error", "critical"):
                complain(_said(event))
    code = await process.wait()
    if not ready.done():
        said = "\n".join(map(_plainly, last)) or f"it ended with exit code {code}"
        ready.set_exception(DidNotStart(said))
    return code


def _event(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _plainly(line: str) -> str:
    event = _event(line.encode())
    return _said(event) if event else line


def _said(event: dict[str, Any]) -> str:
    """An event of the log as a line for people."""
    shown = {k: v for k, v in event.items() if k not in ("event", "level", "timestamp", "error")}
    details = [str(event["error"])] if "error" in event else []
    details += [f"{name} {value}" for name, value in shown.items()]
    return f"{event.get('event')}: {', '.join(details)}"


async def _stop(process: asyncio.subprocess.Process, reader: asyncio.Task[int]) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await asyncio.shield(reader)
        except TimeoutError:
            process.kill()
    await asyncio.gather(reader, return_exceptions=True)
