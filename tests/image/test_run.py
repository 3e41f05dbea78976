"""The image does what it is for, as its user, with nothing to write but its volume, and stops in order."""

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hookgate.version import __version__
from tests.acceptance.harness import (
    Gateway,
    arrivals,
    children,
    clean_environment,
    eventually,
    report,
)
from tests.acceptance.manifests import SIGNING_SECRET, secret
from tests.image.run import Container
from tests.receivers import Receiver

STORE = r"hookgate\.db(-wal|-shm|\.key|\.lock)?"


class Contained(subprocess.Popen[bytes]):
    """A container's process; signals are for what runs in it."""

    isolated = False

    def send_signal(self, number: int) -> None:
        if self.isolated:
            os.kill(self.inside, number)
        else:
            super().send_signal(number)

    @property
    def inside(self) -> int:
        """The number of the image's own process, as this machine counts."""
        return children(self.pid)[0] if self.isolated else self.pid

    def status(self) -> str:
        """What the kernel says of that one."""
        return Path(f"/proc/{self.inside}/status").read_text()


class ImageGateway(Gateway):
    """The gateway of the image: manifests are mounted, the store is on the volume."""

    process: Contained | None

    def __init__(self, home: Path, container: Container, volume: Path) -> None:
        super().__init__(home, store=f"sqlite:///{volume}/hookgate.db")
        self._container = container
        self._volume = volume

    def launch(self, *_wrapper: str, **_options: Any) -> None:
        settings = [f"HOOKGATE_{name.upper()}={value}" for name, value in self.settings.items()]
        words = ["env", *settings, *self._container.entrypoint, "gateway"]
        with (self.home / "gateway.log").open("ab") as log:
            self.process = Contained(
                self._container.command(*words, writable=self._volume),
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.process.isolated = self._container.isolated


@pytest.fixture(name="receiver")
async def _receiver() -> AsyncIterator[Receiver]:
    async with Receiver(keys=[SIGNING_SECRET.encode()]) as found:
        yield found


@pytest.fixture(name="gateway")
async def _gateway(it: Container, volume: Path, receiver: Receiver) -> AsyncIterator[ImageGateway]:
    with tempfile.TemporaryDirectory(prefix="hookgate-home-") as name:
        os.chmod(name, 0o755)  # noqa: PTH101  # the image's user reads manifests there
        found = ImageGateway(Path(name), it, volume)
        found.manifests.api_key()
        found.manifests.write("signing", secret("signing", secret=SIGNING_SECRET))
        found.manifests.subscription("hook", receiver.url("ok200/hook"))
        try:
            await found.start()
            yield found
        finally:
            await found.close()


# ------------------------------------------------------------------------------------- the words


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--version", f"hookgate {__version__}"),
        ("--help", "commands:"),
        ("gateway --help", "HOOKGATE_STORE"),
        ("operator --help", "HOOKGATE_OPERATOR_GATEWAY_URL"),
        ("store check --help", "--store URL"),
        ("crd", "kind: CustomResourceDefinition"),
    ],
)
def test_every_word_answers(it: Container, volume: Path, words: str, says: str) -> None:
    done = it.run(*words.split(), writable=volume)
    assert (done.returncode, done.stderr) == (0, "")
    assert says in done.stdout


def test_without_settings_it_says_which_are_missing(it: Container, volume: Path) -> None:
    for word, missing in {
        "gateway": "HOOKGATE_STORE",
        "operator": "HOOKGATE_OPERATOR_GATEWAY_URL",
    }.items():
        done = it.run(word, writable=volume)
        assert done.returncode == 2
        assert missing in done.stderr


# ---------------------------------------------------------------------------------- the gateway


async def test_an_event_goes_in_and_a_webhook_out_and_it_stops_in_order(
    gateway: ImageGateway, receiver: Receiver, volume: Path
) -> None:
    accepted = await gateway.accepted(report())
    (arrived,) = await arrivals(receiver, 1, "/ok200/hook")
    assert arrived.header("X-Hookgate-Event-Id") == accepted["event_id"]
    assert arrived.verified
    assert await gateway.stop() == 0
    assert gateway.log()[-1]["event"] == "stopped"
    assert [name for name in os.listdir(volume) if not re.fullmatch(STORE, name)] == []  # noqa: PTH208


async def test_it_is_process_1_of_its_own_as_the_images_user(
    gateway: ImageGateway, it: Container
) -> None:
    if not it.isolated:
        pytest.skip("processes of their own need root")
    assert gateway.process
    status = gateway.process.status()
    assert re.search(r"^NSpid:\t\d+\t1$", status, re.MULTILINE)
    assert re.search(r"^Uid:\t65532\t65532\t65532\t65532$", status, re.MULTILINE)
    assert re.search(r"^Gid:\t65532\t65532\t65532\t65532$", status, re.MULTILINE)
    assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE)


async def test_a_writer_that_dies_is_replaced_and_leaves_no_zombie(gateway: ImageGateway) -> None:
    """As process 1 it has to wait for its children itself."""
    process = gateway.process
    assert process
    (before,) = children(process.inside)
    os.kill(before, signal.SIGKILL)

    async def replaced() -> bool:
        now = children(process.inside)
        return bool(now) and before not in now

    await eventually(replaced, what="the dead writer is waited for, and there is another one")
    await gateway.ready()  # which it is as soon as that one works
    await gateway.accepted(report())


# ------------------------------------------------------------------------------------ hardening


def test_modules_of_the_folder_it_is_started_in_are_not_taken(it: Container, volume: Path) -> None:
    for name in ("hookgate.py", "json.py", "sitecustomize.py", "usercustomize.py"):
        (volume / name).write_text("raise SystemExit('taken from the working directory')")
    python = str(it.image.path("/opt/hookgate/bin/python"))

    def started(*words: str) -> str:
        command = it.command(*words, writable=volume)
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr

    version = f"hookgate {__version__}\n"
    assert it.run("--version", writable=volume).stdout == version
    assert started(python, "-m", "hookgate", "--version") == version
    # Without the variable they would be.
    unsafe = started("env", "--unset=PYTHONSAFEPATH", python, "-m", "hookgate", "--version")
    assert "taken from the working directory" in unsafe


@pytest.mark.parametrize(
    "where", ["/opt/hookgate", "/opt/hookgate/lib", "/opt/hookgate/bin/hookgate"]
)
def test_the_installation_cannot_be_changed(it: Container, volume: Path, where: str) -> None:
    target = it.image.path(where)
    if os.geteuid() != 0 or it.isolated:
        words = ["sh", "-c", f"test -w {target} && echo writable || echo kept"]
        done = subprocess.run(
            it.command(*words, writable=volume), capture_output=True, text=True, check=True
        )
        assert done.stdout == "kept\n"
