"""
``hookgate dev`` from its beginning to its exit code.
"""

import asyncio
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
from rich.console import Console

from hookgate_gateway.dev.client import Refused
from hookgate_gateway.dev.narrator import Narrator
from hookgate_gateway.dev.process import DidNotStart
from hookgate_gateway.dev.receiver import bind
from hookgate_gateway.dev.stage import Plan, Stage, set_up
from hookgate_gateway.dev.story import Checklist, Story
from hookgate_gateway.dev.watch import Watch
from hookgate_gateway.dev.workbench import BadManifests

__all__ = ["show"]

DATA = Path("hookgate-data")
_LOG_SECONDS = 0.3
"""For the gateway's complaints to reach its log."""
_LIMIT = 50.0
"""Seconds for the whole story."""


def show(manifests: Path, *, once: bool) -> int:
    """Tell the story, and stay up unless ``once``. 0 when all of it was seen, else 1."""
    narrator = Narrator(Console(highlight=False))
    try:
        return asyncio.run(_show(_near(manifests), narrator, once=once))
    except KeyboardInterrupt:
        return 130


async def _show(manifests: Path, narrator: Narrator, *, once: bool) -> int:
    checks = Checklist(narrator)
    narrator.title(
        "hookgate dev: gateway, engine and receiver on this machine, no Kubernetes needed"
    )
    try:
        with _data(once=once) as data:
            plan = _plan(manifests, data, once=once)
            async with set_up(plan, narrator) as stage:
                _introduce(stage, narrator)
                await _tell(stage, narrator, checks)
                _conclude(checks, narrator, stage)
                if not once:
                    await _stay(stage, narrator)
    except BadManifests as error:
        return _stopped(
            narrator, "the manifests cannot be used; mend this and run it again:", error.lines
        )
    except DidNotStart as error:
        return _stopped(narrator, "the gateway did not start:", str(error).splitlines())
    return 1 if checks.missing else 0


def _plan(manifests: Path, data: Path, *, once: bool) -> Plan:
    ports = (0, 0) if once else (_free(8080), _free(9090))
    return Plan(manifests=manifests, data=data, port=ports[0], metrics_port=ports[1])


async def _tell(stage: Stage, narrator: Narrator, checks: Checklist) -> None:
    story = Story(
        client=stage.client,
        receiver=stage.receiver,
        metrics=stage.gateway.metrics,
        own_url=stage.own_url,
        has_flaky=stage.workbench.has_flaky,
        narrator=narrator,
        checks=checks,
    )
    try:
        async with asyncio.timeout(_LIMIT):
            await story.tell()
    except Refused as error:
        checks.check("the gateway did what it was asked for", False, str(error))
    except (aiohttp.ClientError, TimeoutError) as error:
        checks.check("the gateway answered in time", False, type(error).__name__)
    if checks.missing:
        await asyncio.sleep(_LOG_SECONDS)


def _introduce(stage: Stage, narrator: Narrator) -> None:
    narrator.say(f"gateway   {stage.gateway.api} (metrics at {stage.gateway.metrics}/metrics)")
    narrator.say(
        f"manifests {stage.workbench.folder}: the API key, the subscriptions and their Secrets"
    )
    narrator.say(f"receiver  {stage.own_url.rsplit('/', 1)[0]}/* verifies with hookgate.signing")
    narrator.say(
        "loopback is refused to webhooks by default; here HOOKGATE_EGRESS_ALLOW=127.0.0.1 opens it"
    )


def _conclude(checks: Checklist, narrator: Narrator, stage: Stage) -> None:
    narrator.chapter("The end" if not checks.missing else "Not everything was seen")
    for what in checks.missing:
        narrator.missing(what)
    if not checks.missing:
        narrator.say("All of it was really seen.")
    narrator.say(
        f"Look next at the manifests in {stage.workbench.folder}: change one and run this again."
    )
    narrator.say(
        "`hookgate dev` keeps all of this up; `hookgate gateway --help` shows the settings."
    )


async def _stay(stage: Stage, narrator: Narrator) -> None:
    """Stay up, a line for each event and delivery, until Ctrl-C or until the gateway ends."""
    narrator.chapter("It stays up: a line for each event and delivery, Ctrl-C ends it")
    narrator.say("Try this in another terminal:")
    narrator.say(
        f"curl -X POST {stage.gateway.api}/api/v1/tasks -H 'x-api-key: {stage.workbench.api_key}'"
        f' -H \'Content-Type: application/json\' -d \'{{"prompt": "Find the price", "webhook_url": "{stage.own_url}"}}\''
    )
    narrator.say(
        f"Manifests are taken up when you save them. The gateway's own log is {stage.log}."
    )
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    watch = asyncio.create_task(Watch(stage.client, narrator).run())
    waiting = asyncio.create_task(asked.wait())
    try:
        await asyncio.wait(
            {watch, waiting, stage.gateway.ended}, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        watch.cancel()
        waiting.cancel()
        await asyncio.gather(watch, waiting, return_exceptions=True)
    narrator.say("Stopping." if asked.is_set() else f"The gateway ended; its log is {stage.log}.")


@contextmanager
def _data(*, once: bool) -> Iterator[Path]:
    if once:
        with tempfile.TemporaryDirectory(prefix="hookgate-") as folder:
            yield Path(folder)
    else:
        DATA.mkdir(exist_ok=True)
        yield DATA


def _near(folder: Path) -> Path:
    """The folder as one would write it here: relative when it is below, links followed."""
    real = folder.resolve()
    here = Path.cwd()
    return real.relative_to(here) if real.is_relative_to(here) else real


def _free(port: int) -> int:
    """This port when it is free now, else 0: any."""
    with bind(port) as probe:
        return port if probe.getsockname()[1] == port else 0


def _stopped(narrator: Narrator, what: str, lines: tuple[str, ...] | list[str]) -> int:
    narrator.missing(what)
    for line in lines:
        narrator.say(line)
    return 1
