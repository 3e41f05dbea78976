"""A thousand subscriptions that share fifty Secrets: what an operator writes, how long it takes, what it needs."""

import asyncio
import base64
import http.client
import json
import os
import re
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.acceptance.harness import eventually
from tests.cluster.access import Access
from tests.cluster.installation import WATCHED, Installation, conditions, installation
from tests.cluster.planes import OperatorProcess
from tests.cluster.processes import Program
from tests.cluster.watching import watching

SUBSCRIPTIONS, SECRETS = 1000, 50
USERS = SUBSCRIPTIONS // SECRETS
RESYNC_SECONDS = 3
OFTEN = {"HOOKGATE_OPERATOR_RESYNC_SECONDS": str(RESYNC_SECONDS)}
READY_WITHIN = 150.0
"""Seconds that a busy machine is allowed; 10 are usual."""
MEMORY_LIMIT = 200.0
"""Megabytes."""
RESOURCE = "webhooksubscriptions.hookgate.dev"
SUBSCRIPTIONS_PATH = "/apis/hookgate.dev/v1alpha1/namespaces/{}/webhooksubscriptions"


@pytest.mark.timeout(400)
async def test_a_thousand_subscriptions_that_share_fifty_secrets(
    control_plane, crds_installed, namespace, tmp_path
):
    admin = control_plane.admin
    await asyncio.to_thread(make, admin, namespace)
    async with (
        installation(tmp_path, control_plane.kubeconfig, namespaces=namespace) as hookgate,
        writes_of(admin, namespace) as writes,
    ):
        operator = hookgate.operator
        await hookgate.gateway.start()
        began = time.monotonic()
        await hookgate.start_operator()
        tell(f"operator ready after {time.monotonic() - began:.1f} s")
        await writes.until(SUBSCRIPTIONS, within=READY_WITHIN)
        tell(f"all told after {time.monotonic() - began:.1f} s")
        await quiet(operator)
        show(hookgate)
        assert set(writes.counted.values()) == {1}, "one status write for each"
        assert len(writes.counted) == SUBSCRIPTIONS
        assert ready(admin, namespace) == SUBSCRIPTIONS
        assert len(await every_held(hookgate, namespace)) == SUBSCRIPTIONS
        assert announced(admin, namespace) == {"Ready": SUBSCRIPTIONS}
        # Once each, and again what a watch told of while it was being read.
        assert await asked(operator, "get", "secrets") <= 2 * SECRETS, "what is shared is shared"
        assert await refused(operator) == {}

        operator.kill()
        operator.environment = {**(operator.environment or {}), **OFTEN}
        began = time.monotonic()
        await hookgate.start_operator()
        await all_looked_at(operator)
        await quiet(operator)
        tell(f"started again, all looked at after {time.monotonic() - began:.1f} s")
        looks = await asked(operator, "get")
        assert looks >= SUBSCRIPTIONS
        assert writes.total == SUBSCRIPTIONS, "what is told already is not told again"
        await resynced(operator, times=2)
        assert writes.total == SUBSCRIPTIONS, "a resync that finds nothing writes nothing"
        assert await asked(operator, "get") == looks, "nor does it look at objects one by one"

        began = time.monotonic()
        set_secret(admin, namespace, 7, "another value for it")
        await writes.until(SUBSCRIPTIONS + USERS, within=READY_WITHIN)
        tell(f"{USERS} users of a changed Secret told after {time.monotonic() - began:.2f} s")
        await quiet(operator)
        assert writes.total == SUBSCRIPTIONS + USERS, "the new fingerprint, once for each user"
        assert announced(admin, namespace) == {"Ready": SUBSCRIPTIONS}
        show(hookgate)
        assert megabytes(operator) < MEMORY_LIMIT


def show(hookgate: Installation) -> None:
    operator, gateway = hookgate.operator, hookgate.gateway
    tell(
        f"{processor_seconds(operator.pid):.1f} s of processor, {megabytes(operator):.0f} MB (PSS)"
    )
    assert gateway.process is not None
    of_gateway = [processor_seconds(pid) for pid in (gateway.process.pid, *gateway.writer_pids())]
    tell(f"{sum(of_gateway):.1f} s of processor in the gateway")


def tell(what: str) -> None:
    print(f"{SUBSCRIPTIONS} subscriptions: {what}")  # noqa: T201  # seen with -s


# ------------------------------------------------------------------------------------- making


def make(admin: Access, namespace: str) -> None:
    """One request each on one connection: kubectl would take a minute."""
    address = urlsplit(admin.url)
    tls = ssl.create_default_context(cafile=str(admin.ca_file))
    connection = http.client.HTTPSConnection(
        address.hostname, address.port, context=tls, timeout=30
    )
    headers = {"Authorization": f"Bearer {admin.token}", "Content-Type": "application/json"}

    def post(path, document):
        connection.request("POST", path, json.dumps(document), headers)
        with connection.getresponse() as answer:
            body = answer.read()
            assert answer.status == 201, body

    for number in range(SECRETS):
        secret = {
            "metadata": {"name": f"s{number}", "labels": WATCHED},
            "data": {"secret": encoded(f"the value of {number}")},
        }
        post(f"/api/v1/namespaces/{namespace}/secrets", secret)
    for number in range(SUBSCRIPTIONS):
        reference = {"name": f"s{number % SECRETS}", "key": "secret"}
        subscription = {
            "apiVersion": "hookgate.dev/v1alpha1",
            "kind": "WebhookSubscription",
            "metadata": {"name": f"n{number}"},
            "spec": {
                "endpoint": {"url": f"https://n{number}.shop.example/hook"},
                "signing": {"secretRefs": [reference]},
            },
        }
        post(SUBSCRIPTIONS_PATH.format(namespace), subscription)
    connection.close()


def set_secret(admin: Access, namespace: str, number: int, value: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/secrets/s{number}"
    patch = {"data": {"secret": encoded(value)}}
    admin.must("PATCH", path, patch, content_type="application/merge-patch+json")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# ------------------------------------------------------------------------------------ looking


class Writes:
    """Each change of a subscription in a namespace, as a watch of the API server tells them."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()

    @property
    def total(self) -> int:
        return self.counted.total()

    async def until(self, total: int, within: float) -> None:
        deadline = time.monotonic() + within
        while self.total < total:
            assert time.monotonic() < deadline, f"{self.total} of {total} writes"
            await asyncio.sleep(0.05)

    async def follow(self, admin: Access, path: str, version: str) -> None:
        while True:
            with suppress(TimeoutError):
                async with watching(admin, path, version) as watch:
                    while event := await watch.next():
                        assert event["type"] == "MODIFIED", event
                        metadata = event["object"]["metadata"]
                        version = metadata["resourceVersion"]
                        self.counted[metadata["name"]] += 1


@asynccontextmanager
async def writes_of(admin: Access, namespace: str) -> AsyncIterator[Writes]:
    path = SUBSCRIPTIONS_PATH.format(namespace)
    version = admin.must("GET", f"{path}?limit=1")["metadata"]["resourceVersion"]
    writes = Writes()
    following = asyncio.create_task(writes.follow(admin, path, version))
    try:
        yield writes
    finally:
        following.cancel()
        await asyncio.wait({following})


async def asked(operator: OperatorProcess, verb: str, resource: str | None = None) -> float:
    """How many requests with this verb the operator has made."""
    labels = {"verb": verb} | ({"resource": resource} if resource else {})
    return await operator.total("hookgate_operator_cluster_requests_total", **labels)


async def refused(operator: OperatorProcess) -> dict[str, float]:
    """Which codes of a refusal its requests were answered with, and how often."""
    name = "hookgate_operator_cluster_requests_total"
    codes = ("400", "401", "403", "404", "409", "410", "422", "429", "500")
    counts = {code: await operator.total(name, code=code) for code in codes}
    return {code: count for code, count in counts.items() if count}


async def quiet(operator: OperatorProcess, seconds: float = 1.5) -> None:
    """Come back when for so long no object came to be looked at and none waited or was looked at."""
    before, since = -1.0, time.monotonic()
    while time.monotonic() - since < seconds:
        await asyncio.sleep(0.1)
        came = await operator.total("hookgate_operator_workqueue_adds_total")
        done = await operator.total("hookgate_operator_workqueue_work_duration_seconds_count")
        if came != before or done != came:
            before, since = came, time.monotonic()


async def all_looked_at(operator: OperatorProcess) -> None:
    """Come back when each subscription was read at least once."""

    async def enough() -> bool:
        return await asked(operator, "get", RESOURCE) >= SUBSCRIPTIONS

    await eventually(enough, within=READY_WITHIN, what="each subscription is read")


async def resynced(operator: OperatorProcess, *, times: int) -> None:
    """Come back when everything was listed so often: the replays' list has no other reason here."""
    before = await asked(operator, "list", "webhookreplays.hookgate.dev")
    deadline = time.monotonic() + (times + 2) * RESYNC_SECONDS + 10
    while await asked(operator, "list", "webhookreplays.hookgate.dev") < before + times:
        assert time.monotonic() < deadline, "no resync"
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)  # for what would be done about what was listed


def ready(admin: Access, namespace: str) -> int:
    items = admin.must("GET", SUBSCRIPTIONS_PATH.format(namespace))["items"]
    return sum(conditions(item)["Ready"]["status"] == "True" for item in items)


def announced(admin: Access, namespace: str) -> Counter[str]:
    items = admin.must("GET", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events")["items"]
    return Counter(item["reason"] for item in items)


async def every_held(hookgate: Installation, namespace: str) -> list[str]:
    names: list[str] = []
    cursor = ""
    while cursor is not None:
        page = await hookgate.control(f"resources?namespace={namespace}&limit=200&cursor={cursor}")
        names += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
    return names


# ---------------------------------------------------------------------------------- measuring


def megabytes(program: Program) -> float:
    """What a process takes of memory, shared pages by their share."""
    rollup = Path(f"/proc/{program.pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    assert found
    return int(found[1]) / 1024


def processor_seconds(pid: int) -> float:
    """Processor time of a process since its start."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
