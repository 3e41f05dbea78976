"""What no watch tells of is noticed in time: Secrets without a label, ConfigMaps, everything in `Get` mode.

In time is a minute unless `HOOKGATE_OPERATOR_REREAD_SECONDS` says otherwise; one test waits for all of it.
"""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import Any

from hookgate_operator.subscriptions.values import shown_fingerprint
from tests.cluster.installation import API_KEY, WATCHED, Team, installation
from tests.receivers import Authority

PROMISED = 15.0
WITHIN = PROMISED + 5.0
"""Seconds; beyond what is promised, what kubectl and a full machine may take."""


async def test_what_is_not_watched_is_noticed_in_time(
    control_plane, crds_installed, kubectl, tmp_path
):
    names = {mode: f"{kubectl.namespace}-{mode.lower()}" for mode in ("Watch", "Get")}
    async with AsyncExitStack() as stack:
        teams = {}
        for mode, name in names.items():
            control_plane.admin.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
            stack.callback(control_plane.admin.request, "DELETE", f"/api/v1/namespaces/{name}")
            hookgate = await stack.enter_async_context(
                installation(
                    tmp_path / mode,
                    control_plane.kubeconfig,
                    namespaces=name,
                    secrets_mode=mode,
                    reread_seconds=f"{PROMISED:g}",
                )
            )
            teams[mode] = hookgate.team(kubectl.within(name))
            await hookgate.start()
        await asyncio.gather(*map(declared, teams.values()))
        await asyncio.gather(*(changed(team, mode) for mode, team in teams.items()))
        await asyncio.gather(*(noticed(team, mode) for mode, team in teams.items()))


async def declared(team: Team) -> None:
    """Three that name a Secret or ConfigMap that is not there, is changed, or cannot be used yet."""
    roots = {"tls": {"caFrom": {"configMapKeyRef": {"name": "roots", "key": "ca.crt"}}}}
    await team.apply(
        team.secret("plain", secret="the first value"),
        config_map(team, "no certificate"),
        team.subscription("missing", secrets=("missing",)),
        team.subscription("changed", secrets=("plain",)),
        team.subscription("trusting", secrets=("plain",), endpoint=roots),
    )
    await team.stands("missing", "SecretNotFound", "SecretsResolved")
    await team.ready("changed")
    await team.stands("trusting", "ValueRefused", "SecretsResolved")


async def changed(team: Team, mode: str) -> None:
    await team.apply(
        team.secret("missing", WATCHED if mode == "Get" else None, secret="here it is"),
        team.secret("plain", secret="the second value"),
        config_map(team, Authority().pem.decode()),
        team.secret("client", API_KEY, **{"api-key": team.key}),
    )


async def noticed(team: Team, mode: str) -> None:
    """All of it, each with the time that it took."""
    began = time.monotonic()

    async def timed(what: str, awaited: Awaitable[Any]) -> None:
        await awaited
        seconds = time.monotonic() - began
        print(f"{mode} mode, {what}: {seconds:.1f} s (promised: {PROMISED:g})")  # noqa: T201  # seen with -s

    fingerprint = shown_fingerprint(b"the second value")
    signed = f"jsonpath={{.status.signing.keys[0].fingerprint}}={fingerprint}"
    await asyncio.gather(
        timed("a missing Secret that came", waited(team, "missing", "condition=Ready")),
        timed("a changed Secret", waited(team, "changed", signed)),
        timed("a changed ConfigMap", waited(team, "trusting", "condition=Ready")),
    )
    await timed("a new API key", team.logs_in(team.key, within=WITHIN))


async def waited(team: Team, name: str, what: str) -> None:
    """One kubectl that watches: many that ask would keep the machine busy for a minute."""
    await team.kubectl.must("wait", f"whsub/{name}", f"--for={what}", f"--timeout={WITHIN:.0f}s")


def config_map(team: Team, text: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "roots", "namespace": team.namespace},
        "data": {"ca.crt": text},
    }
