"""Editing the folder while the gateway runs: good edits, broken ones, and everything that holds."""

from typing import Any

import pytest

from tests.acceptance.harness import Gateway, arrivals, at, eventually, report, run_id
from tests.acceptance.manifests import SIGNING_SECRET, secret, subscription
from tests.acceptance.signatures import assert_skyvern
from tests.receivers import Receiver

OTHER_SECRET = "another-signing-secret-4567890"


async def _subscription_is_known(gateway: Gateway, name: str) -> dict[str, Any]:
    async def known() -> dict[str, Any] | None:
        reply = await gateway.call("GET", f"/v1/subscriptions/{name}")
        return reply.json() if reply.status == 200 else None

    found = await eventually(known, within=5, what=f"{name} is known")
    assert found is not None
    return found


async def _url_of(gateway: Gateway, name: str, url: str) -> None:
    """Wait until the edit is in force, by what the API shows."""

    async def shown() -> bool:
        return url in str(await gateway.get(f"/v1/subscriptions/{name}"))

    await eventually(shown, what=f"{name} goes to {url}")


async def test_a_new_file_is_taken_up_within_seconds(idle: Gateway, receiver: Receiver) -> None:
    await idle.start()
    idle.manifests.subscription("hook", receiver.url("switch/hook"))
    await _subscription_is_known(idle, "hook")
    await idle.accepted(report())
    await arrivals(receiver, 1)


async def test_an_edited_url_takes_what_is_pending_along(
    hooked: Gateway, receiver: Receiver
) -> None:
    receiver.script["hook"] = "close"
    await hooked.accepted(report(run := run_id()))
    await arrivals(receiver, 1)
    hooked.manifests.subscription("hook", receiver.url("ok200/new"))
    [request] = await arrivals(receiver, 1, "/ok200/new")
    assert int(request.header("x-hookgate-attempt") or 0) >= 2
    await hooked.delivery_of(run, state="delivered")


async def test_a_broken_file_is_told_and_its_last_good_state_stays(
    hooked: Gateway, receiver: Receiver
) -> None:
    hooked.manifests.text("sub-hook", "kind: [WebhookSubscription\n")
    await eventually(lambda: _logged(hooked, "sub-hook.yaml"), what="the file is named")
    await hooked.accepted(report())
    await arrivals(receiver, 1)
    hooked.manifests.subscription("hook", receiver.url("ok200/fixed"))
    await _url_of(hooked, "hook", receiver.url("ok200/fixed"))
    await hooked.accepted(report())
    await arrivals(receiver, 1, "/ok200/fixed")


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        pytest.param({"spec": {"endpoint": {"uri": "x"}}}, ["uri"], id="unknown field"),
        pytest.param(
            {"spec": {"delivery": {"retryDelaysSeconds": [0]}}},
            ["retryDelaysSeconds"],
            id="bad schedule",
        ),
        pytest.param({"spec": {"endpoint": {"url": "ftp://x"}}}, ["url"], id="bad url"),
        pytest.param({"kind": "Webhook"}, ["Webhook"], id="unknown kind"),
    ],
)
async def test_a_bad_manifest_is_one_line_that_names_file_and_field(
    hooked: Gateway, receiver: Receiver, broken: dict[str, Any], words: list[str]
) -> None:
    document = subscription("second", receiver.url("ok200/second"))
    _merge(document, broken)
    hooked.manifests.write("second", document)
    await eventually(lambda: _logged(hooked, "second.yaml", *words), what=str(words))
    assert (await hooked.call("GET", "/v1/subscriptions/second")).status == 404
    await hooked.accepted(report())
    await arrivals(receiver, 1)


async def test_a_removed_secret_holds_and_its_return_sends_everything(
    hooked: Gateway, receiver: Receiver
) -> None:
    hooked.manifests.remove("signing")
    await hooked.held("hook", "Unresolved")
    await hooked.accepted(report(run := run_id()))
    await hooked.delivery_of(run, state="held")
    assert not receiver.log
    hooked.manifests.write("signing", secret("signing", secret=OTHER_SECRET))
    await hooked.delivery_of(run, state="delivered")
    [request] = at(receiver)
    assert_skyvern(request, OTHER_SECRET)


async def test_a_secret_that_was_never_there_holds_from_the_first_second(
    idle: Gateway, receiver: Receiver
) -> None:
    idle.manifests.subscription("hook", receiver.url("switch/hook"), secrets=("later",))
    await idle.start()
    await idle.held("hook", "Unresolved")
    await idle.accepted(report(run := run_id()))
    await idle.delivery_of(run, state="held")
    idle.manifests.write("later", secret("later", secret=OTHER_SECRET))
    await idle.delivery_of(run, state="delivered")


async def test_a_trailing_newline_is_no_part_of_a_secret(idle: Gateway, receiver: Receiver) -> None:
    idle.manifests.write("signing", secret("signing", secret=SIGNING_SECRET + "\n"))
    idle.manifests.subscription("hook", receiver.url("switch/hook"))
    await idle.start()
    await idle.accepted(report())
    [request] = await arrivals(receiver, 1)
    assert_skyvern(request)


async def test_suspended_deliveries_wait_and_resume_sends_them_all(
    hooked: Gateway, receiver: Receiver
) -> None:
    url = receiver.url("switch/hook")
    hooked.manifests.subscription("hook", url, suspend=True)
    await hooked.held("hook", "Suspended")
    runs = [run_id() for _ in range(5)]
    for run in runs:
        await hooked.accepted(report(run))
    assert len(await hooked.deliveries("?state=held")) == 5
    assert not receiver.log
    hooked.manifests.subscription("hook", url)
    requests = await arrivals(receiver, 5)
    assert {request.header("x-hookgate-attempt") for request in requests} == {"1"}


async def test_a_deleted_subscription_answers_404_and_its_return_takes_deliveries_up(
    hooked: Gateway, receiver: Receiver
) -> None:
    url = receiver.url("switch/hook")
    hooked.manifests.subscription("hook", url, suspend=True)
    await hooked.held("hook", "Suspended")
    await hooked.accepted(report(run := run_id()))
    hooked.manifests.remove("sub-hook")

    async def gone() -> bool:
        return (await hooked.call("GET", "/v1/subscriptions/hook")).status == 404

    await eventually(gone)
    waiting = await hooked.delivery_of(run, state="held")
    assert waiting["hold"] == "Deleted"
    await hooked.accepted(report(unmatched := run_id()))
    assert await hooked.deliveries(f"?run_id={unmatched}") == []
    hooked.manifests.subscription("hook", url)
    await hooked.delivery_of(run, state="delivered")


async def test_after_the_grace_deliveries_of_a_deleted_subscription_are_cancelled(
    idle: Gateway, receiver: Receiver
) -> None:
    idle.settings["delete_grace_seconds"] = "1"
    idle.manifests.subscription("hook", receiver.url("switch/hook"), suspend=True)
    await idle.start()
    await idle.accepted(report(run := run_id()))
    idle.manifests.remove("sub-hook")
    await idle.delivery_of(run, state="cancelled")
    assert not receiver.log


async def test_an_endpoint_edit_ends_the_hold_of_a_gone_endpoint(
    hooked: Gateway, receiver: Receiver
) -> None:
    receiver.script["hook"] = "gone"
    await hooked.accepted(report())
    await hooked.held("hook", "Gone")
    await hooked.accepted(report(run := run_id()))
    hooked.manifests.subscription("hook", receiver.url("ok200/moved"))
    await hooked.delivery_of(run, state="delivered")
    await arrivals(receiver, 1, "/ok200/moved")


async def test_an_edited_match_changes_nothing_that_is_stored(
    hooked: Gateway, receiver: Receiver
) -> None:
    receiver.script["hook"] = "close"
    await hooked.accepted(report(run := run_id()))
    await arrivals(receiver, 1)
    narrow = {"statuses": ["failed"]}
    receiver.script["hook"] = "ok200"
    hooked.manifests.subscription("hook", receiver.url("switch/hook"), match=narrow)
    await hooked.delivery_of(run, state="delivered")

    async def no_longer_matched() -> bool:
        accepted = await hooked.accepted(report(other := run_id()))
        assert accepted
        return not await hooked.deliveries(f"?run_id={other}")

    await eventually(no_longer_matched)


async def test_headers_secrets_and_schemes_travel(idle: Gateway, receiver: Receiver) -> None:
    headers = [
        {"name": "x-team", "value": "billing"},
        {
            "name": "authorization",
            "valueFrom": {"secretKeyRef": {"name": "token", "key": "bearer"}},
        },
    ]
    idle.manifests.write("token", secret("token", bearer="Bearer header-secret-0123456789"))
    idle.manifests.write(
        "sub",
        subscription(
            "hook",
            receiver.url("switch/hook"),
            scheme="SkyvernHex",
            endpoint={"headers": headers},
        ),
    )
    await idle.start()
    await idle.accepted(report(run := run_id()))
    [request] = await arrivals(receiver, 1)
    assert request.header("x-team") == "billing"
    assert request.header("authorization") == "Bearer header-secret-0123456789"
    assert_skyvern(request, prefix="")
    delivery = await idle.delivery_of(run, state="delivered")
    assert "header-secret" not in str(delivery)


async def _logged(gateway: Gateway, *words: str) -> bool:
    return any(all(w in line for w in words) for line in gateway.log_text().splitlines())


def _merge(document: dict[str, Any], change: dict[str, Any]) -> None:
    for name, value in change.items():
        if isinstance(value, dict) and isinstance(document.get(name), dict):
            _merge(document[name], value)
        else:
            document[name] = value
