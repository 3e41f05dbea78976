"""The code blocks of the README, and shells that run them as they stand."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
WITHIN_SECONDS = 20.0

T = TypeVar("T")


def block(marker: str) -> str:
    """The code block that follows this comment."""
    pattern = rf"<!-- {re.escape(marker)} -->\n```\w+\n(.*?)```"
    found = re.search(pattern, README, re.DOTALL)
    assert found, marker
    return found[1]


@contextmanager
def started(script: str, environment: Mapping[str, str], folder: Path, name: str) -> Iterator[None]:
    """A block in a shell of its own, in the repository's root; its log is `name.log` in `folder`."""
    with (folder / f"{name}.log").open("wb") as log:
        shell = subprocess.Popen(
            ["bash", "-c", f"set -e\n{script}"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(shell.pid, signal.SIGTERM)
            shell.wait(30)


def until(question: Callable[[], T], what: str) -> T:
    """The first answer that is not empty."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while not (answer := question()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return answer
