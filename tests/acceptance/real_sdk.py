"""
The real Skyvern SDK, unmodified, in environments of its own: made once, kept under ``.venv-sdk/``.

A plain install of the package has all that its client needs (about 10 seconds); PyJWT is what its server's
signing function imports besides.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEWEST = "1.0.56"
OLDER = "1.0.44"
"""The last one before 1.0.45, where routes and models changed."""
REQUIREMENTS = ("pyjwt==2.15.1",)
INSTALL_WITHIN = 240.0


class SdkError(Exception):
    """What the SDK raised; ``status`` is the HTTP status where it had one."""

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status


class Sdk:
    """A process that makes the SDK's calls, one at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def __call__(self, call: str, /, **arguments: Any) -> Any:
        """The result as plain values, the model's name under ``""``. Raises SdkError."""
        assert self._process.stdin is not None
        self._process.stdin.write(
            json.dumps({"call": call, "arguments": arguments}).encode() + b"\n"
        )
        return await self.result()

    async def result(self) -> Any:
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 180)
        assert line, "the SDK's process has ended"
        answer = json.loads(line)
        if "error" in answer:
            raise SdkError(answer["error"], answer["status"])
        return answer["ok"]


@asynccontextmanager
async def sdk(version: str, base_url: str, api_key: str, **environment: str) -> AsyncIterator[Sdk]:
    """The SDK of that version against a gateway. Skips, or fails where CI is set, without the package."""
    python = await asyncio.to_thread(installed, version)
    process = await asyncio.create_subprocess_exec(
        str(python),
        str(Path(__file__).with_name("sdk_session.py")),
        base_url,
        api_key,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        limit=1 << 24,
        env={"PATH": os.environ.get("PATH", ""), "HOME": str(python.parents[1]), **environment},
    )
    it = Sdk(process)
    try:
        assert await it.result() == "ready"
        yield it
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def installed(version: str) -> Path:
    """The interpreter of an environment that has it."""
    tag = f"{version}-py{sys.version_info.major}{sys.version_info.minor}"
    folder = ROOT / ".venv-sdk" / tag
    python, ready = folder / "bin" / "python", folder / ".ready"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        _install(python, f"skyvern=={version}", *REQUIREMENTS)
        ready.touch()
    return python


def _install(python: Path, *packages: str) -> None:
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        done = subprocess.run(
            [*pip, *packages], capture_output=True, text=True, timeout=INSTALL_WITHIN, check=False
        )
        problem = done.stderr.strip()[-500:] if done.returncode else ""
    except subprocess.TimeoutExpired:
        problem = f"pip took more than {INSTALL_WITHIN:g} s"
    if not problem:
        return
    message = f"the real SDK ({packages[0]}) could not be installed: {problem}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
