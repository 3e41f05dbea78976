"""An operator that is killed again and again ends where an undisturbed one does."""

import asyncio
import base64
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from hookgate_operator.subscriptions.values import shown_fingerprint
from tests.acceptance.harness import eventually
from tests.cluster.access import Access
from tests.cluster.faults_proxy import FaultsProxy
from tests.cluster.installation import (
    API_KEY,
    WATCHED,
    Installation,
    conditions,
    installation,
    told_generation,
)

pytestmark = pytest.mark.usefixtures("crds_installed")

GROUP = "/apis/hookgate.dev/v1alpha1"
SEED = 5
DEATHS = 8
EACH = 6
"""Objects of each sort."""
FIRST, SECOND, LATE = (f"the {which} value that signs" for which in ("first", "second", "late"))
"""Long enough that their fingerprints are shown."""


class Changes:
    """The same objects and changes, in whichever namespace."""

    def __init__(self, admin: Access, namespace: str) -> None:
        self.admin = admin
        self.namespace = namespace

    def first(self) -> None:
        """What is declared at first."""
        self.secret("signing", WATCHED, secret=FIRST)
        self.secret("portal", API_KEY, **{"api-key": f"the key of {self.namespace}"})
        self.secret("leaves", API_KEY, **{"api-key": f"leaving {self.namespace}"})
        for number in range(EACH):
            self.subscription(f"stays-{number}")
            self.subscription(f"goes-{number}")
            self.subscription(f"edited-{number}")
            self.subscription(f"missing-{number}", secret="missing")
            self.subscription(f"late-{number}", secret="late")
            self.subscription(f"forbidden-{number}", url="https://169.254.169.254/")
            self.subscription(f"theirs-{number}", gatewayClass="internal")
            self.replay(f"count-{number}", dryRun=True)

    def then(self) -> None:
        """What is changed while it dies."""
        self.secret("late", WATCHED, secret=LATE)
        self.delete("secrets/leaves")
        for number in range(EACH):
            self.delete(f"webhooksubscriptions/goes-{number}")
            self.patch(f"webhooksubscriptions/edited-{number}", {"spec": {"suspend": True}})
            self.subscription(f"added-{number}")
        self.patch("secrets/signing", {"data": {"secret": encoded(SECOND)}})

    # ---- how

    def subscription(
        self, name: str, *, secret: str = "signing", url: str = "", **spec: Any
    ) -> None:
        given = {
            "endpoint": {"url": url or f"https://{name}.shop.example/hook"},
            "signing": {"secretRefs": [{"name": secret, "key": "secret"}]},
        }
        self.create("webhooksubscriptions", "WebhookSubscription", name, {**given, **spec})

    def replay(self, name: str, **spec: Any) -> None:
        given = {"filter": {"subscription": "stays-0"}}
        self.create("webhookreplays", "WebhookReplay", name, {**given, **spec})

    def create(self, plural: str, kind: str, name: str, spec: dict[str, Any]) -> None:
        document = {"apiVersion": "hookgate.dev/v1alpha1", "kind": kind, "metadata": {"name": name}}
        self.admin.must("POST", self.path(plural), {**document, "spec": spec})

    def secret(self, name: str, labels: dict[str, str], **values: str) -> None:
        data = {key: encoded(value) for key, value in values.items()}
        document = {"metadata": {"name": name, "labels": labels}, "data": data}
        self.admin.must("POST", self.path("secrets"), document)

    def patch(self, path: str, patch: dict[str, Any]) -> None:
        content_type = "application/merge-patch+json"
        self.admin.must("PATCH", self.path(path), patch, content_type=content_type)

    def delete(self, path: str) -> None:
        self.admin.must("DELETE", self.path(path))

    def path(self, path: str) -> str:
        base = "/api/v1" if path.startswith("secrets") else GROUP
        return f"{base}/namespaces/{self.namespace}/{path}"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# ----------------------------------------------------------------------------------- the end


async def end_state(hookgate: Installation, changes: Changes) -> dict[str, Any]:
    """All that can be seen of a namespace, without what tells times and identities."""
    held = await hookgate.held(changes.namespace)
    return {
        "held": sorted(held),
        "subscriptions": statuses(changes, "webhooksubscriptions"),
        "replays": statuses(changes, "webhookreplays"),
    }


def statuses(changes: Changes, plural: str) -> dict[str, Any]:
    items = changes.admin.must("GET", changes.path(plural))["items"]
    return {item["metadata"]["name"]: told(item, changes.namespace) for item in items}


def told(item: dict[str, Any], namespace: str) -> dict[str, Any]:
    status = item.get("status", {})
    return {
        "conditions": {
            kind: (each["status"], each["reason"], each["message"].replace(namespace, "SHOP"))
            for kind, each in conditions(item).items()
        },
        "is current": told_generation(item) == item["metadata"]["generation"] or not status,
        "host": status.get("endpointHost"),
        "signing": status.get("signing"),
        "matched": status.get("matched"),
    }


async def announced(changes: Changes) -> dict[tuple[str, str], int]:
    """How often each reason was said of each object."""
    path = f"/apis/events.k8s.io/v1/namespaces/{changes.namespace}/events"
    counts: dict[tuple[str, str], int] = {}
    for event in changes.admin.must("GET", path)["items"]:
        about = event["regarding"]["name"], event["reason"]
        counts[about] = counts.get(about, 0) + 1
    return counts


# ---------------------------------------------------------------------------------- the runs


@pytest.fixture(name="two")
def _two(control_plane, namespace):
    """A namespace of a quiet life, and one of many deaths."""
    names = [f"{namespace}-quiet", f"{namespace}-dying"]
    for name in names:
        control_plane.admin.must("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield [Changes(control_plane.admin, name) for name in names]
    for name in names:
        control_plane.admin.request("DELETE", f"/api/v1/namespaces/{name}")


async def undisturbed(home, kubeconfig, changes: Changes) -> dict[str, Any]:
    async with installation(home, kubeconfig, namespaces=changes.namespace) as hookgate:
        await hookgate.start()
        changes.first()
        await settled(hookgate, changes)
        changes.then()
        return await settled(hookgate, changes, is_end)


def is_told(state: dict[str, Any]) -> bool:
    """Whether everything of ours has a status, for its present generation."""
    everything = [*state["subscriptions"].items(), *state["replays"].items()]
    ours = [each for name, each in everything if "theirs" not in name]
    return all(each["conditions"] and each["is current"] for each in ours)


def is_end(state: dict[str, Any]) -> bool:
    """Whether what was changed at last is in force: what an operator that is slow has not looked at is still, too."""
    gone = ("api-key/leaves", *(f"subscription/goes-{number}" for number in range(EACH)))
    signed_anew = [f"{name}-{number}" for name in ("stays", "edited") for number in range(EACH)]
    late = [f"late-{number}" for number in range(EACH)]
    return (
        is_told(state)
        and not set(gone) & set(state["held"])
        and all(signs(state, name, SECOND) for name in signed_anew)
        and all(signs(state, name, LATE) for name in late)
    )


def signs(state: dict[str, Any], name: str, value: str) -> bool:
    keys = (state["subscriptions"][name]["signing"] or {}).get("keys", ())
    return [each.get("fingerprint") for each in keys] == [shown_fingerprint(value.encode())]


async def settled(
    hookgate: Installation, changes: Changes, is_there: Callable[[dict[str, Any]], bool] = is_told
) -> dict[str, Any]:
    """The state, as soon as it is there and has been the same for a second."""
    last: list[Any] = []

    async def is_still() -> bool:
        last.append(await end_state(hookgate, changes))
        await asyncio.sleep(0.2)
        still = len(last) > 5 and all(each == last[-1] for each in last[-5:])
        return still and is_there(last[-1])

    await eventually(is_still, within=60, what="the end state")
    return dict(last[-1])


async def dying(
    home, faults: FaultsProxy, changes: Changes, chance: random.Random
) -> dict[str, Any]:
    """The same changes; the operator is killed at chosen requests, before or after they are carried out."""
    async with installation(home, faults.kubeconfig(), namespaces=changes.namespace) as hookgate:
        await hookgate.gateway.start()
        changes.first()
        for death in range(DEATHS):
            if death == DEATHS // 2:
                changes.then()
            await one_life(hookgate, faults, chance)
        await hookgate.start_operator()
        return await settled(hookgate, changes, is_end)


async def one_life(hookgate: Installation, faults: FaultsProxy, chance: random.Random) -> None:
    """Start, work for some requests, and die before, after or between them."""
    faults.forget()
    path = chance.choice(("/status", "/events", "/webhooksubscriptions/"))
    how = chance.choice(("before", "after", "between"))
    looks = chance.randrange(1, 60)
    hookgate.operator.start()

    async def has_worked() -> bool:
        return sum("/webhooksubscriptions/" in each.path for each in faults.requests) >= looks

    with suppress(AssertionError):  # what would have been held may be done already
        if how == "before":  # the API server never sees the request
            await faults.hold(path=path).reached(within=3)
        elif how == "after":  # it has done what it was asked, and the operator does not know
            await faults.mute(path).reached(within=3)
        else:
            await eventually(has_worked, within=10)
    hookgate.operator.kill()
    faults.clear()


async def test_killed_at_any_point_the_end_is_the_same(control_plane, faults, two, tmp_path):
    quiet, noisy = two
    chance = random.Random(SEED)
    calm = await undisturbed(tmp_path / "quiet", control_plane.kubeconfig, quiet)
    disturbed = await dying(tmp_path / "dying", faults, noisy, chance)
    assert len(calm["subscriptions"]) == 7 * EACH
    assert len(calm["held"]) == 6 * EACH + 1
    assert disturbed == calm
    repeated = {about: count for about, count in (await announced(noisy)).items() if count > 1}
    assert repeated == {}, "what was said once is not said again"
