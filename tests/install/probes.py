"""A kubelet's probes: an HTTP request at the rendered path, port and period."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.install.podspec import Unsupported

PERIODS_SCALED = 0.1  # a period of 10 s passes in one, but for the time that a start may take
TIMEOUTS_SCALED = 0.4
TIMEOUT_AT_LEAST = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """When to ask what. Seconds are scaled."""

    url: str
    headers: Mapping[str, str]
    delay: float
    period: float
    timeout: float
    failures: int
    successes: int


def probe_of(container: Mapping[str, Any], kind: str, address: str) -> Probe | None:
    """A container's `livenessProbe`, `readinessProbe` or `startupProbe`; Unsupported for other handlers."""
    given = container.get(kind)
    if given is None:
        return None
    if "httpGet" not in given:
        raise Unsupported(f"{kind} by {sorted(given)}")
    action = given["httpGet"]
    port = port_number(container, action["port"])
    failures = given.get("failureThreshold", 3)
    if kind == "startupProbe":  # a process starts no faster here
        failures = round(failures / PERIODS_SCALED)
    host = action.get("host", address)
    return Probe(
        url=f"{action.get('scheme', 'HTTP').lower()}://{host}:{port}{action.get('path', '/')}",
        headers={each["name"]: each["value"] for each in action.get("httpHeaders", ())},
        delay=given.get("initialDelaySeconds", 0) * PERIODS_SCALED,
        period=given.get("periodSeconds", 10) * PERIODS_SCALED,
        timeout=max(TIMEOUT_AT_LEAST, given.get("timeoutSeconds", 1) * TIMEOUTS_SCALED),
        failures=failures,
        successes=given.get("successThreshold", 1),
    )


def port_number(container: Mapping[str, Any], port: str | int) -> int:
    """The number of a port that may be given by its name; Unsupported for a name that no port has."""
    if isinstance(port, int):
        return port
    ports: Sequence[Mapping[str, Any]] = container.get("ports", ())
    found = [each["containerPort"] for each in ports if each.get("name") == port]
    if not found:
        raise Unsupported(f"no port is named {port}")
    return int(found[0])


async def watch(
    probe: Probe, session: aiohttp.ClientSession, verdict: Callable[[bool, str], None]
) -> None:
    """Ask for ever; tell each time how it stands, once the threshold is reached."""
    await asyncio.sleep(probe.delay)
    good = bad = 0
    while True:
        failure = await _asked(probe, session)
        good, bad = (0, bad + 1) if failure else (good + 1, 0)
        if bad >= probe.failures:
            verdict(False, failure)
        elif good >= probe.successes:
            verdict(True, "")
        await asyncio.sleep(probe.period)


async def _asked(probe: Probe, session: aiohttp.ClientSession) -> str:
    """Why it failed, or nothing."""
    try:
        async with session.get(
            probe.url,
            headers=probe.headers,
            timeout=aiohttp.ClientTimeout(total=probe.timeout),
            ssl=False,
        ) as answer:
            if 200 <= answer.status < 400:
                return ""
            return f"{probe.url}: {answer.status} {(await answer.text())[:200]}"
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return f"{probe.url}: {type(error).__name__} {error}"
