"""The API server is away, slow, forgetful or unwilling while an operator works: nothing is missed, nothing spins.

A real API server, operator and gateway as processes. Receivers get their webhooks all the while.
"""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import yaml

from tests.acceptance.harness import eventually
from tests.cluster.crds import install_crds, remove_crd
from tests.cluster.faulty import (
    CALM,
    SUBSCRIPTIONS,
    WATCH,
    Faulty,
    busiest,
    matching,
    pauses,
)
from tests.cluster.installation import Team, signs, told_generation
from tests.cluster.watching import watching

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECOVERS_WITHIN = 30.0
"""Seconds: the longest pause of a watch and what a busy machine takes."""
HELD_AFTER = ("api-key/client", "subscription/kept", "subscription/moved", "subscription/new")


@pytest_asyncio.fixture(loop_scope="module", name="it")
async def _it(operator_of) -> AsyncIterator[Faulty]:
    """At work, with the team's key and Secret."""
    async with operator_of() as made:
        await made.start()
        yield made


async def settle(it: Faulty) -> None:
    """Three subscriptions at work."""
    team = it.team
    await team.apply(*(team.subscription(name) for name in ("kept", "moved", "gone")))
    for name in ("kept", "moved", "gone"):
        await team.ready(name)
    it.forget()


def change(it: Faulty) -> None:
    """One is edited, one goes, one comes, and the Secret that all sign with has another value."""
    it.move("moved", "ok200/elsewhere")
    it.delete("gone")
    it.create(it.team.subscription("new"))
    it.sign_with("another-value")


async def arrived(it: Faulty) -> None:
    """What `change` changed is in force."""
    team = it.team
    for name in ("moved", "new"):
        await team.ready(name, within=RECOVERS_WITHIN)
    await team.holds_only(*HELD_AFTER)
    await team.posted_until(team.path("kept"), lambda got: signs("another-value", got))
    await it.delivers("moved", "ok200/elsewhere")
    await it.delivers("new")
    await it.operator.ready(within=RECOVERS_WITHIN)


# ---------------------------------------------------------------------------------- it is away


async def test_an_api_server_that_is_stopped_and_started(it: Faulty, control_plane) -> None:
    await settle(it)
    control_plane.stop_server()
    try:
        await it.unready()
        for name in ("kept", "moved", "gone"):
            await it.delivers(name)
        await it.healthy()
    finally:
        control_plane.start_server()
    change(it)  # before the watches are back
    await arrived(it)
    assert busiest(it.cluster.requests) <= CALM
    assert {each.path for each in it.removed()} == {removal(it.team, "gone")}
    assert len(troubles(it)) <= 2 * 5  # each of the five watches, once or for two reasons


def troubles(it: Faulty):
    return it.operator.logged("watch_trouble")


def removal(team: Team, name: str) -> str:
    return f"/control/v1/namespaces/{team.namespace}/subscriptions/{name}"


async def test_what_changes_while_the_operator_is_cut_off(it: Faulty) -> None:
    await settle(it)
    it.cluster.cut(times=None, before_server=True)
    it.cluster.close_open()
    change(it)
    await it.unready()
    await it.until(lambda: it.total("cluster_requests_total", code="none"), 10, "no answers")
    await it.delivers("kept")
    refused = it.cluster.requests
    it.cluster.clear()
    await arrived(it)
    assert busiest(refused) <= CALM
    assert {each.path for each in it.removed()} == {removal(it.team, "gone")}


async def test_a_watch_that_is_too_far_behind_lists_anew(it: Faulty, control_plane) -> None:
    """A genuine 410: the server forgot, over a restart, what was before it."""
    await settle(it)
    hold = it.cluster.hold(path="watch=true", times=None)
    it.cluster.close_open("watch=true")
    await hold.reached()
    change(it)
    await control_plane.restart_server()
    it.cluster.forget()
    it.cluster.clear()
    await arrived(it)
    (first, *_) = matching(it.cluster.requests, WATCH)
    version = re.search(r"resourceVersion=(\d+)", first.query)
    assert version, first
    path = first.path
    async with watching(control_plane.admin, path, version[1]) as watch:
        event = await watch.next()
        assert event is not None
        assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
        assert "too old resource version" in event["object"]["message"]
    assert busiest(it.cluster.requests) <= CALM


async def test_a_watch_that_says_nothing_is_repaired_by_comparison_and_then_unhealthy(
    operator_of,
) -> None:
    async with operator_of(watch_stale_seconds="10") as it:
        await it.start()
        await settle(it)
        it.cluster.mute(WATCH)
        it.create(it.team.subscription("new"))
        it.delete("gone")
        await it.team.ready("new")
        await it.team.holds_only("subscription/kept", "subscription/moved", *HELD_AFTER[::3])
        assert await it.total("watch_troubles_total", resource=SUBSCRIPTIONS) >= 1
        await it.healthy()
        # Now the lists say nothing either: nobody knows any more whether the watch lives.
        it.cluster.mute(rf"/{SUBSCRIPTIONS}\?")
        await it.healthy(False)
        reply = await it.operator.healthz()
        assert reply is not None
        assert reply.json()["watches"] == [SUBSCRIPTIONS]
        it.cluster.clear()
        await it.healthy()
        it.move("moved", "ok200/elsewhere")
        await it.team.ready("moved")
        assert busiest(it.cluster.requests) <= CALM


# ------------------------------------------------------------------------------ it says nonsense


async def test_a_server_that_does_not_serve_our_objects_yet_has_not_lost_them(operator_of) -> None:
    """As for a moment after a restart; even resyncs that see none of them take nothing away."""
    async with operator_of(resync_seconds="1") as it:
        await it.start()
        await settle(it)
        it.cluster.answer(404, path=rf"/{SUBSCRIPTIONS}", body="404 page not found\n", times=None)
        it.cluster.close_open(WATCH)
        it.move("moved", "ok200/elsewhere")
        it.sign_with("another-value")
        await it.retries(3)
        await it.unready("install the CRDs")
        await it.delivers("kept")
        assert it.removed() == []
        assert busiest(it.cluster.requests) <= CALM
        it.cluster.clear()
        await it.team.ready("moved", within=RECOVERS_WITHIN)
        await it.operator.ready(within=RECOVERS_WITHIN)
        assert it.removed() == []
        incomplete = it.operator.logged("resync_incomplete")
        assert len(incomplete) <= 2


async def test_a_crd_that_goes_and_comes_while_the_operator_works(
    it: Faulty, control_plane
) -> None:
    await settle(it)
    try:
        remove_crd(control_plane, f"{SUBSCRIPTIONS}.hookgate.dev")
        await it.unready("install the CRDs")
    finally:
        install_crds(control_plane)
    await it.team.apply(it.team.subscription("moved", path="ok200/elsewhere"))
    await it.team.ready("moved", within=RECOVERS_WITHIN)
    await it.team.holds_only("api-key/client", "subscription/moved", within=RECOVERS_WITHIN)
    await it.operator.ready(within=RECOVERS_WITHIN)
    assert busiest(it.cluster.requests) <= CALM


# ------------------------------------------------------------------------------------ it is busy


async def test_a_status_that_meets_a_conflict_is_looked_at_again(it: Faulty) -> None:
    """Three that the proxy makes up, and a genuine one: the object is edited under the operator's hand."""
    await it.team.apply(it.team.subscription())
    await it.team.ready()
    it.forget()
    it.cluster.answer(409, method="PATCH", path="/invoices/status", times=3)
    it.move("invoices", "ok200/second")
    found = await it.team.ready()
    assert told_generation(found) == 2
    assert [each.status for each in it.statuses_written()] == [409, 409, 409, 200]

    it.forget()
    hold = it.cluster.hold(method="PATCH", path="/invoices/status")
    it.move("invoices", "ok200/third")
    await hold.reached()
    it.move("invoices", "ok200/fourth")
    hold.release()
    found = await it.team.ready()
    assert told_generation(found) == 4
    assert [each.status for each in it.statuses_written()] == [409, 200]
    await it.delivers("invoices", "ok200/fourth")


async def test_patience_that_is_asked_for_is_had(it: Faulty) -> None:
    await it.team.apply(it.team.subscription())
    await it.team.ready()
    it.forget()
    it.cluster.answer(429, path="/invoices", headers={"Retry-After": "3"})
    it.cluster.answer(429, path=WATCH, headers={"Retry-After": "3"})
    it.move("invoices", "ok200/second")
    await it.retries(1)
    it.move("invoices", "ok200/third")  # that wakes it, and does not bring it back sooner
    it.cluster.close_open(WATCH)
    assert told_generation(await it.team.ready()) == 3
    asked = it.of("invoices")
    assert asked[0].status == 429
    assert pauses(asked)[0] >= 2.9
    watched = await eventually(lambda: refused_watch(it), what="the watch is had again")
    assert pauses(watched)[0] >= 2.9
    (told,) = it.operator.logged("reconcile_retried")
    assert "patience" in told["message"]
    await it.operator.ready()


async def refused_watch(it: Faulty):
    """The watch that was refused and all that followed."""
    found = matching(it.cluster.requests, WATCH)
    refused = next((i for i, each in enumerate(found) if each.status == 429), len(found))
    return found[refused:] if len(found) > refused + 1 else []


async def test_a_server_in_trouble_is_asked_less_and_less(it: Faulty) -> None:
    names = [f"many-{number}" for number in range(5)]
    it.forget()
    it.cluster.answer(500, path=rf"/{SUBSCRIPTIONS}/", times=None)
    it.create(*(it.team.subscription(name) for name in names))
    await it.retries(3 * len(names))
    asked = [each for name in names for each in it.of(name)]
    assert len(asked) <= 5 * len(names)
    for name in names:
        growing = pauses(it.of(name))
        assert growing[-1] > growing[0], growing
    assert len(it.operator.logged("reconcile_retried")) == 1  # one trouble, however many it keeps
    it.cluster.clear()
    for name in names:
        await it.team.ready(name, within=RECOVERS_WITHIN)
    (over,) = it.operator.logged("reconcile_recovered")
    assert over["kind"] == "WebhookSubscription"
    assert busiest(it.cluster.requests) <= CALM


async def test_a_slow_server_makes_it_slow_and_nothing_else(it: Faulty) -> None:
    it.cluster.delay(0.7, times=None)
    await settle(it)
    change(it)
    await arrived(it)
    assert await it.total("workqueue_retries_total") == 0
    assert troubles(it) == []


async def test_connections_that_break_at_any_point(it: Faulty) -> None:
    names = [f"many-{number}" for number in range(8)]
    for times in range(3):
        it.cluster.cut(after_bytes=30 * times, path=rf"/{SUBSCRIPTIONS}/", times=4)
        it.cluster.cut(before_server=True, method="PATCH", times=2)
    it.create(*(it.team.subscription(name) for name in names))
    it.cluster.close_open()
    for name in names:
        await it.team.ready(name, within=RECOVERS_WITHIN)
        await it.delivers(name)
    await it.team.holds_only("api-key/client", *(f"subscription/{name}" for name in names))
    assert await it.total("reconcile_total", result="error") == 0
    assert await it.total("workqueue_retries_total") >= 1
    assert busiest(it.cluster.requests) <= 2 * CALM


# --------------------------------------------------------------------------------- its own right


@pytest.fixture(name="token_file")
def _token_file(account, tmp_path):
    """A token that ends in a few seconds."""
    file = tmp_path / "token"
    file.write_text(account.short_access(9).token)
    return file


@pytest.fixture(name="kubeconfig")
def _kubeconfig(faults, account, token_file):
    """One that names the token's file, through the proxy."""
    path = faults.kubeconfig(account.access, account.namespace)
    document = yaml.safe_load(path.read_text())
    document["users"][0]["user"] = {"tokenFile": str(token_file)}
    path.write_text(yaml.safe_dump(document))
    return path


async def test_a_token_that_expired_is_replaced_without_a_restart(
    operator_of, account, token_file, kubeconfig
) -> None:
    # Compared with a list every three seconds, it soon finds out.
    async with operator_of(kubeconfig=kubeconfig, watch_stale_seconds="10") as it:
        await it.start()
        await settle(it)
        await it.until(
            lambda: it.total("cluster_requests_total", code="401"), 1, "refused", within=60
        )
        change(it)
        await it.unready("does not accept the operator's token")
        await it.delivers("kept")
        token_file.unlink()  # as for a moment while it is replaced
        refused = await it.total("cluster_requests_total", code="401")
        await it.until(
            lambda: it.total("cluster_requests_total", code="401"), refused + 4, "refused"
        )
        asked = it.cluster.requests
        token_file.write_text(account.access.token + "\n")
        await arrived(it)
        assert busiest(asked) <= CALM
        assert account.access.token not in it.operator.log_text()
