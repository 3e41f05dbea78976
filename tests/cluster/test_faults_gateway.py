"""The gateway is away, slow, unwilling, another one or empty while an operator works: nothing is missed, nothing spins.

A real API server, operator and gateway as processes. What was handed over keeps its status all the while.
"""

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.cluster.faulty import GATEWAY_CALM, Faulty, busiest, matching, pauses
from tests.cluster.installation import WATCHED, conditions, installation, signs
from tests.cluster.planes import TOKEN
from tests.receivers import Authority

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECOVERS_WITHIN = 35.0
"""Seconds: the longest pause of the health feed, which is what notices, and what a busy machine takes."""
WIPED = 20
REPAIRED_WITHIN = 5.0
"""Seconds after the operator hears of a gateway with an empty store again."""


@pytest_asyncio.fixture(loop_scope="module", name="it")
async def _it(operator_of) -> AsyncIterator[Faulty]:
    """At work, with the team's key and Secret."""
    async with operator_of() as made:
        await made.start()
        yield made
        if made.on.gateway.process is None:
            await made.on.gateway.start()


async def settle(it: Faulty, *more: str) -> None:
    """Subscriptions at work: `rotated` signs with a Secret of its own."""
    team = it.team
    other = team.secret("other", WATCHED, secret="one-value")
    names = ("kept", "moved", "gone", *more)
    rotated = team.subscription("rotated", secrets=("other",))
    await team.apply(other, rotated, *(team.subscription(name) for name in names))
    for name in ("rotated", *names):
        await team.ready(name)
    it.forget()


def change(it: Faulty) -> None:
    """One is edited, one goes, one comes, and one has another value to sign with."""
    it.move("moved", "ok200/elsewhere")
    it.delete("gone")
    it.create(it.team.subscription("new"))
    it.edit("other", {"stringData": {"secret": "another-value"}}, "secrets")


async def arrived(it: Faulty) -> None:
    """What `change` changed is in force."""
    team = it.team
    for name in ("moved", "new", "rotated"):
        await team.ready(name, within=RECOVERS_WITHIN)
    left = [f"subscription/{name}" for name in ("kept", "moved", "new", "rotated")]
    await team.holds_only("api-key/client", *left)
    await team.posted_until(team.path("rotated"), lambda got: signs("another-value", got))
    await it.delivers("moved", "ok200/elsewhere")
    await it.delivers("new")
    await it.operator.ready(within=RECOVERS_WITHIN)
    assert await it.total("reconcile_total", result="error") == 0


def puts(it: Faulty, name: str = r"[^/?]+"):
    """The declarations of a subscription."""
    found = matching(it.control.requests, rf"/subscriptions/{name}\?")
    return [each for each in found if each.method == "PUT"]


# ---------------------------------------------------------------------------------- it is away


async def test_a_gateway_that_dies_and_comes_back(it: Faulty) -> None:
    await settle(it)
    it.on.gateway.kill()
    change(it)
    for name in ("moved", "new", "rotated"):
        found = await it.team.stands(name, "GatewayUnreachable")
        assert conditions(found)["Ready"]["status"] == "False"
    await it.unready("gateway")
    await it.retries(8)
    asked = it.control.requests
    assert busiest(asked) <= GATEWAY_CALM
    assert await it.total("gateway_reachable") == 0
    assert await it.total("gateway_requests_total", code="none") >= 8
    assert (
        len(it.operator.logged("reconcile_retried")) <= 2
    )  # in the words of two ends of a connection
    assert it.statuses_written("kept") == []

    await it.on.gateway.start()
    await arrived(it)
    assert await it.total("gateway_reachable") == 1
    # Its next delivery is told when it is; nothing of it ever says that the gateway was away.
    assert [e for e in it.statuses_written("kept") if b"GatewayUnreachable" in e.body] == []


async def test_a_gateway_in_trouble_is_asked_less_and_less(it: Faulty) -> None:
    names = [f"many-{number}" for number in range(4)]
    await settle(it)
    it.control.answer(500, method="PUT", path="/subscriptions/", times=None)
    it.create(*(it.team.subscription(name) for name in names))
    change(it)
    for name in names:
        await it.team.stands(name, "GatewayUnreachable")
    await it.retries(3 * (len(names) + 3))
    for name in names:
        asked = puts(it, name)
        assert len(asked) <= 5
        assert pauses(asked)[-1] > pauses(asked)[0]
        assert len(it.statuses_written(name)) == 1  # told once, however often it is tried
    assert busiest(it.control.requests) <= GATEWAY_CALM
    (told,) = it.operator.logged("reconcile_retried")
    assert "it answers 500" in told["message"]
    assert it.statuses_written("kept") == []
    it.control.clear()
    for name in names:
        await it.team.ready(name, within=RECOVERS_WITHIN)
        it.delete(name)
    await arrived(it)


async def test_patience_that_the_gateway_asks_for_is_had(it: Faulty) -> None:
    it.control.answer(429, method="PUT", path="/invoices", headers={"Retry-After": "3"})
    it.create(it.team.subscription())
    await it.retries(1)
    it.move("invoices", "ok200/second")  # that wakes it, and does not bring it back sooner
    await it.team.ready()
    refused, *more = puts(it, "invoices")
    assert refused.status == 429
    assert more[0].at - refused.at >= 2.9
    await it.delivers("invoices", "ok200/second")


async def test_a_slow_gateway_makes_it_slow_and_nothing_else(it: Faulty) -> None:
    it.control.delay(1.0, times=None)
    await settle(it)
    change(it)
    await arrived(it)
    assert await it.total("workqueue_retries_total") == 0


async def test_an_answer_that_never_comes_holds_up_nobody_else(it: Faulty) -> None:
    hold = it.control.hold(method="PUT", path="/subscriptions/stuck")
    it.create(it.team.subscription("stuck"))
    await hold.reached()
    await settle(it)
    await it.delivers("kept")
    assert puts(it, "stuck") == []
    await it.team.ready("stuck", within=25)
    (told,) = it.operator.logged("reconcile_retried")
    assert told["message"] == "the gateway does not answer: it takes too long"
    hold.release()


async def test_connections_that_break_at_any_point(it: Faulty) -> None:
    """A declaration that was taken although nobody heard the answer is declared once more."""
    for times in range(3):
        it.control.cut(after_bytes=20 * times, method="PUT", times=3)
        it.control.cut(before_server=True, method="PUT", times=2)
    await settle(it, *(f"many-{number}" for number in range(6)))
    it.control.cut(after_bytes=5, method="DELETE")
    it.control.close_open()
    change(it)
    for number in range(6):
        it.delete(f"many-{number}")
    await arrived(it)
    assert busiest(it.control.requests) <= 2 * GATEWAY_CALM


# ---------------------------------------------------------------------- it is empty, or another one


async def test_a_gateway_whose_store_is_empty_has_everything_at_once(it: Faulty) -> None:
    names = [f"many-{number}" for number in range(WIPED)]
    it.create(*(it.team.subscription(name) for name in names))
    for name in names:
        await it.team.ready(name)
    places = ["api-key/client", *(f"subscription/{name}" for name in names)]
    it.forget()
    await it.on.gateway.stop()
    wipe(it)
    await it.on.gateway.start()
    began = time.monotonic()
    await it.team.holds_only(*places, within=RECOVERS_WITHIN)
    # The feed asks less and less often while the gateway is away, so a slow start is noticed late.
    heard = min(each.at for each in it.control.requests if each.status and each.at > began)
    seconds = time.monotonic() - heard
    print(f"{WIPED} subscriptions repaired after {seconds:.2f} s")  # noqa: T201  # seen with -s
    assert seconds < REPAIRED_WITHIN
    await it.operator.ready()
    assert it.statuses_written() == []
    await it.delivers(names[0])
    await it.delivers(names[-1])


async def test_a_store_that_is_emptied_while_no_operator_works(it: Faulty) -> None:
    await settle(it)
    it.operator.kill()
    await it.on.gateway.stop()
    wipe(it)
    await it.on.gateway.start()
    change(it)
    await it.on.start_operator()
    await arrived(it)


def wipe(it: Faulty) -> None:
    for file in it.on.gateway.home.glob("hookgate.db*"):
        file.unlink()


async def test_another_certificate_is_trusted_when_its_ca_is_there(
    tmp_path, account, kubectl
) -> None:
    async with installation(tmp_path, account.kubeconfig, namespaces=account.namespace) as on:
        await on.start()
        team, gateway = on.team(kubectl), on.gateway
        await team.settle()
        await gateway.stop()
        authority = Authority()
        leaf = authority.ca.issue_cert("127.0.0.1")
        chain = b"".join(pem.bytes() for pem in leaf.cert_chain_pems)
        (gateway.home / "control.crt").write_bytes(chain)
        (gateway.home / "control.key").write_bytes(leaf.private_key_pem.bytes())
        await gateway.start()
        await team.apply(team.subscription())
        await team.stands("invoices", "GatewayUnreachable")
        assert "its certificate is not trusted" in on.operator.log_text()
        gateway.ca_file.write_bytes(authority.pem)
        await team.ready(within=RECOVERS_WITHIN)
        await on.operator.ready(within=RECOVERS_WITHIN)
        assert on.operator.logged("gateway_file_changed")


async def test_a_token_is_rotated_under_way(tmp_path, account, kubectl) -> None:
    """In order, without one refusal; and out of order, with the operator's file behind."""
    ours = tmp_path / "operators-token"
    ours.write_text(TOKEN)
    second, third = "second-token-0123456789", "third-token-0123456789"
    async with installation(
        tmp_path, account.kubeconfig, namespaces=account.namespace, gateway_token_file=str(ours)
    ) as on:
        await on.start()
        team, theirs = on.team(kubectl), on.gateway.token_file
        await team.settle()

        theirs.write_text(f"{TOKEN}\n{second}\n")
        ours.write_text(second)
        await team.apply(team.subscription())
        await team.ready()
        theirs.write_text(second)
        await team.apply(team.subscription(path="ok200/second"))
        await team.ready()
        refused = await on.operator.total("hookgate_operator_gateway_requests_total", code="401")
        assert refused == 0

        theirs.write_text(third)
        await team.apply(team.subscription(path="ok200/third"))
        await team.stands("invoices", "GatewayUnreachable")
        assert "it does not accept the token" in on.operator.log_text()
        ours.write_text(third)
        await team.ready(within=RECOVERS_WITHIN)
        await on.operator.ready(within=RECOVERS_WITHIN)
        for token in (TOKEN, second, third):
            assert token not in on.operator.log_text()
