"""WebhookReplays from `kubectl apply` to their end: figures, suspension, cancelling, restarts."""

from collections import Counter
from typing import Any

import pytest

from tests.acceptance.harness import eventually
from tests.cluster.installation import (
    Installation,
    Team,
    conditions,
    generation,
    reasons,
    signs,
    told_generation,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIGURES = ("matched", "sent", "delivered", "failed", "skipped", "remaining")


def replay(team: Team, name: str = "again", **spec: Any) -> dict[str, Any]:
    """What was given up of `invoices`, once more."""
    return {
        "apiVersion": "hookgate.dev/v1alpha1",
        "kind": "WebhookReplay",
        "metadata": {"name": name, "namespace": team.namespace},
        "spec": {"filter": {"subscription": "invoices", "state": "exhausted"}, **spec},
    }


async def given_up(team: Team, count: int) -> Counter[bytes]:
    """So many webhooks that a receiver did not take; then the receiver is well again."""
    failing = {"url": team.url("invoices") + "?status=503"}
    await team.apply(team.subscription(endpoint=failing))
    await team.ready()
    events = {(await team.post(output={"n": n}))["event_id"] for n in range(count)}
    query = "/v1/deliveries?subscription=invoices&state=exhausted&limit=200"

    async def all_given_up() -> bool:
        items = (await team.on.gateway.get(query, key=team.key))["items"]
        return {item["event_id"] for item in items} == events

    await eventually(all_given_up, what="all given up")
    bodies = Counter(each.body for each in team.arrived(team.path("invoices")))
    await team.apply(team.subscription(path="ok200/well"))
    await team.ready()
    return bodies


async def stands(team: Team, reason: str, name: str = "again", within: float = 20) -> Any:
    """The replay, as soon as its condition Complete has this reason for its present generation."""

    def holds(found: dict[str, Any] | None) -> bool:
        is_present = told_generation(found) == generation(found)
        return is_present and reasons(found or {}).get("Complete") == reason

    return await team.kubectl.until("whreplay", name, holds, within=within)


def figures(found: dict[str, Any]) -> dict[str, int]:
    return {name: found["status"][name] for name in FIGURES if name in found["status"]}


def expected(**figures: int) -> dict[str, int]:
    return dict.fromkeys(FIGURES, 0) | figures


async def test_what_was_given_up_is_sent_once_more(team: Team) -> None:
    bodies = await given_up(team, 6)
    await team.apply(replay(team))
    await team.kubectl.must("wait", "whreplay/again", "--for=condition=Complete", "--timeout=20s")
    found = await stands(team, "Completed")
    assert figures(found) == expected(matched=6, sent=6, delivered=6)
    assert found["status"]["startTime"] <= found["status"]["completionTime"]
    received = team.arrived(team.path("invoices", "ok200/well"))
    assert Counter(each.body for each in received) == bodies
    assert {each.header("x-hookgate-replay") for each in received} == {"1"}
    assert all(signs(team.signing, each) for each in received)
    printed = await team.kubectl.must("get", "whreplay")
    assert "Completed" in printed
    told = await team.announced("again", "Completed", kind="WebhookReplay")
    assert told in (["Running", "Completed"], ["Completed"])


async def test_a_receiver_that_still_fails_is_counted(team: Team) -> None:
    await given_up(team, 3)
    await team.apply(team.subscription(endpoint={"url": team.url("invoices") + "?status=500"}))
    await team.ready()
    await team.apply(replay(team))
    found = await stands(team, "Completed")
    assert figures(found) == expected(matched=3, sent=3, failed=3)
    assert "3 failed" in conditions(found)["Complete"]["message"]


async def test_a_dry_run_counts_and_sends_nothing(hookgate: Installation, team: Team) -> None:
    await given_up(team, 4)
    await team.apply(replay(team, dryRun=True))
    found = await stands(team, "Counted")
    assert figures(found) == {"matched": 4}
    assert conditions(found)["Complete"]["status"] == "True"
    assert await replays_of(hookgate, team) == []
    assert team.arrived(team.path("invoices", "ok200/well")) == []


async def test_suspended_from_the_start_resumed_and_suspended_once_more(
    hookgate: Installation, team: Team
) -> None:
    count = 16  # of which a slow kubectl lets some pass while it suspends
    await given_up(team, count)
    await team.apply(replay(team, suspend=True, ratePerSecond=2))
    found = await stands(team, "Suspended")
    assert figures(found) == expected(matched=count, remaining=count)
    assert reasons(found)["Suspended"] == "Suspended"
    await team.kubectl.patch("whreplay", "again", {"spec": {"suspend": False}})
    await sent(hookgate, team, 2)
    await team.kubectl.patch("whreplay", "again", {"spec": {"suspend": True}})
    found = await stands(team, "Suspended")
    assert 2 <= found["status"]["sent"] < count
    assert figures(found)["matched"] == count
    await team.kubectl.patch("whreplay", "again", {"spec": {"suspend": False}})
    found = await stands(team, "Completed")
    assert figures(found) == expected(matched=count, sent=count, delivered=count)
    assert reasons(found)["Suspended"] == "Resumed"
    assert len(team.arrived(team.path("invoices", "ok200/well"))) == count


async def test_deleting_it_cancels_what_was_not_sent(hookgate: Installation, team: Team) -> None:
    await given_up(team, 10)
    await team.apply(replay(team, ratePerSecond=1))
    await stands(team, "Running")
    await team.kubectl.delete("whreplay", "again")
    told = await cancelled(hookgate, team)
    assert told["sent"] < 10
    assert told["skipped"] == 10 - told["sent"]
    assert len(team.arrived(team.path("invoices", "ok200/well"))) == told["sent"]


async def test_finished_ones_are_deleted_in_time(team: Team) -> None:
    await given_up(team, 1)
    await team.apply(replay(team, ttlSecondsAfterFinished=1), replay(team, "stays"))
    await stands(team, "Completed", "stays")
    await team.kubectl.until("whreplay", "again", lambda found: found is None, within=10)
    assert await team.kubectl.find("whreplay", "stays")


async def test_another_subscription_can_get_them(team: Team) -> None:
    await given_up(team, 3)
    await team.apply(team.secret("archive", secret="archives key"))
    theirs = team.subscription("archive", secrets=("archive",), match={"workflowIds": ["none"]})
    await team.apply(theirs, replay(team, toSubscription="archive"))  # together: it is waited for
    found = await stands(team, "Completed")
    assert figures(found) == expected(matched=3, sent=3, delivered=3)
    received = team.arrived(team.path("archive"))
    assert len(received) == 3
    assert all(signs("archives key", each) for each in received)
    assert team.arrived(team.path("invoices", "ok200/well")) == []


async def test_one_that_names_what_is_not_there_fails(team: Team) -> None:
    await team.apply(replay(team, toSubscription="nowhere"))
    found = await stands(team, "GatewayRefused")
    assert conditions(found)["Failed"]["status"] == "True"
    assert await team.announced("again", "GatewayRefused", kind="WebhookReplay")


async def test_it_survives_the_deaths_of_operator_and_gateway(
    hookgate: Installation, team: Team
) -> None:
    bodies = await given_up(team, 30)
    await team.apply(replay(team, ratePerSecond=5))
    path = team.path("invoices", "ok200/well")
    await team.arrivals(path, 3)
    # What is written but not yet announced is not announced by a successor.
    await team.announced("again", "Running", kind="WebhookReplay")
    hookgate.operator.kill()
    already = len(team.arrived(path))
    await team.arrivals(path, min(already + 3, 30))  # goes on without an operator
    await hookgate.start_operator()
    hookgate.gateway.kill()
    await hookgate.gateway.start()
    found = await stands(team, "Completed", within=40)
    assert figures(found) == expected(matched=30, sent=30, delivered=30)
    received = Counter(each.body for each in team.arrived(path))
    assert received.keys() == bodies.keys()
    assert sum(received.values()) <= 30 + 4, "twice only what was in flight"
    told = await team.announced("again", "Completed", kind="WebhookReplay")
    assert told == ["Running", "Completed"]


async def test_one_whose_object_went_while_nobody_looked_is_cancelled(
    hookgate: Installation, team: Team
) -> None:
    await given_up(team, 20)
    await team.apply(replay(team, ratePerSecond=1))
    await stands(team, "Running")
    hookgate.operator.kill()
    await team.kubectl.delete("whreplay", "again")
    await hookgate.start_operator()
    assert (await cancelled(hookgate, team))["sent"] < 20


async def sent(hookgate: Installation, team: Team, at_least: int) -> None:
    """Come back when the gateway has counted so many of the namespace's only replay as sent."""

    async def enough() -> bool:
        (only,) = await replays_of(hookgate, team)
        return bool(only["sent"] >= at_least)

    await eventually(enough, what=f"{at_least} are sent")


async def cancelled(hookgate: Installation, team: Team) -> dict[str, Any]:
    """The namespace's only replay, as soon as it is cancelled and nothing of it is in flight."""

    async def is_over() -> dict[str, Any] | None:
        (only,) = await replays_of(hookgate, team)
        return only if (only["state"], only["remaining"]) == ("cancelled", 0) else None

    told = await eventually(is_over, what="it is cancelled")
    assert told is not None
    return told


async def replays_of(hookgate: Installation, team: Team) -> list[dict[str, Any]]:
    """What the gateway has of the namespace's replays."""
    return list((await hookgate.control(f"namespaces/{team.namespace}/replays"))["items"])
