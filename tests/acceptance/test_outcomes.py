"""Every way a receiver can answer, or not, and what becomes of the delivery."""

import asyncio

import pytest

from tests.acceptance.harness import Gateway, arrivals, at, free_port, report, run_id
from tests.acceptance.signatures import assert_skyvern
from tests.receivers import Receiver


async def _only_attempt(idle: Gateway, url: str, *, timeout: int = 30) -> dict[str, object]:
    """Deliver one report to this URL in one attempt; the delivery when it has ended."""
    idle.manifests.subscription("hook", url, retry=(), timeout=timeout)
    await idle.start()
    await idle.accepted(report(run := run_id()))
    return await idle.delivery_of(run, attempts=1)


async def test_a_report_arrives_signed_with_its_own_bytes(
    hooked: Gateway, receiver: Receiver
) -> None:
    body = b' {"run_id": "tsk_bytes",  "status":"completed", "run_type":"task_v2", "n": NaN, "u":"\\u00e9\xc3\xa9"}\n'
    accepted = await hooked.accepted(body)
    [request] = await arrivals(receiver, 1)
    assert request.method == "POST"
    assert request.body == body
    assert request.header("content-type") == "application/json"
    assert request.header("user-agent") == "Skyvern-Webhook/1.0"
    assert request.header("x-hookgate-event-id") == accepted["event_id"]
    assert request.header("x-hookgate-attempt") == "1"
    assert request.header("x-hookgate-replay") is None
    assert_skyvern(request)
    delivery = await hooked.delivery_of("tsk_bytes", state="delivered")
    assert delivery["outcome"] == "success"
    assert delivery["id"] == request.header("x-hookgate-delivery-id")


async def test_a_failing_receiver_gets_it_again_until_it_works(
    idle: Gateway, receiver: Receiver
) -> None:
    idle.manifests.subscription("hook", receiver.url("fail-then-ok/hook?times=2"))
    await idle.start()
    await idle.accepted(report(run := run_id()))
    requests = await arrivals(receiver, 3, "/fail-then-ok/hook")
    assert [request.header("x-hookgate-attempt") for request in requests] == ["1", "2", "3"]
    assert len({request.header("x-hookgate-event-id") for request in requests}) == 1
    assert len({request.body for request in requests}) == 1
    assert requests[1].at - requests[0].at >= 0.99
    for request in requests:
        assert_skyvern(request)
    delivery = await idle.delivery_of(run, state="delivered")
    assert delivery["attempts"] == 3


@pytest.mark.parametrize(
    ("path", "outcome"),
    [
        ("ok200?status=302", "redirect"),
        ("redirect?to=/ok200/landed", "redirect"),
        ("ok200?status=404", "client_error"),
        ("ok200?status=500", "server_error"),
        ("close", "connection_error"),
    ],
)
async def test_every_other_outcome_is_retried_on_the_schedule(
    idle: Gateway, receiver: Receiver, path: str, outcome: str
) -> None:
    idle.manifests.subscription("hook", receiver.url(path), retry=(1,))
    await idle.start()
    await idle.accepted(report(run := run_id()))
    delivery = await idle.delivery_of(run, state="exhausted")
    assert delivery["outcome"] == outcome
    assert delivery["attempts"] == 2
    assert not at(receiver, "/ok200/landed"), "a redirect must never be followed"


async def test_410_ends_the_delivery_and_holds_the_subscription_until_resume(
    hooked: Gateway, receiver: Receiver
) -> None:
    receiver.script["hook"] = "gone"
    first, second = run_id(), run_id()
    await hooked.accepted(report(first))
    delivery = await hooked.delivery_of(first, state="exhausted")
    assert delivery["outcome"] == "gone"
    await hooked.held("hook", "Gone")
    receiver.script["hook"] = "ok200"
    await hooked.accepted(report(second))
    waiting = await hooked.delivery_of(second, state="held")
    assert waiting["hold"] == "Gone"
    assert len(at(receiver)) == 1
    assert (await hooked.call("POST", "/v1/subscriptions/hook/resume")).status == 200
    await hooked.delivery_of(second, state="delivered")
    await hooked.held("hook", None)
    assert len(at(receiver)) == 2


async def test_429_pauses_the_lane_for_as_long_as_it_asks(
    idle: Gateway, receiver: Receiver
) -> None:
    idle.manifests.subscription("hook", receiver.url("rate-limited/hook?times=1&after=3"))
    await idle.start()
    await idle.accepted(report(first := run_id()))
    await idle.delivery_of(first, outcome="rate_limited")
    await idle.accepted(report())
    requests = await arrivals(receiver, 3, "/rate-limited/hook")
    assert all(request.at - requests[0].at >= 2.95 for request in requests[1:])


async def test_a_receiver_that_hangs_times_out_and_does_not_slow_the_others(
    idle: Gateway, receiver: Receiver
) -> None:
    """All of the others come before the first one that hangs is given up."""
    seconds = 4
    idle.manifests.subscription("hang", receiver.url("hang"), timeout=seconds, retry=())
    idle.manifests.subscription("good", receiver.url("ok200"))
    await idle.start()
    await asyncio.gather(*(idle.accepted(report()) for _ in range(20)))
    requests = await arrivals(receiver, 20, "/ok200")
    [hanging] = await arrivals(receiver, 1, "/hang")
    assert requests[-1].at < hanging.at + seconds
    hung = hanging.header("x-hookgate-delivery-id")
    item = await idle.delivery_by_id(hung, state="exhausted")
    assert item["outcome"] == "timeout"


@pytest.mark.parametrize("path", ["hang", "drip-headers?seconds=0.2"])
async def test_a_receiver_that_never_finishes_is_cut_at_the_deadline(
    idle: Gateway, receiver: Receiver, path: str
) -> None:
    delivery = await _only_attempt(idle, receiver.url(path), timeout=1)
    assert delivery["outcome"] == "timeout"


async def test_one_byte_a_second_is_cut_at_the_deadline(idle: Gateway, receiver: Receiver) -> None:
    delivery = await _only_attempt(idle, receiver.url("drip?seconds=1"), timeout=2)
    assert delivery["outcome"] == "timeout"


@pytest.mark.parametrize("path", ["endless", "bomb", "odd-headers", "idle-close"])
async def test_what_follows_a_200_is_not_our_business(
    idle: Gateway, receiver: Receiver, path: str
) -> None:
    """The answer is read raw, up to 64 KiB; then the connection is closed and the status decides."""
    delivery = await _only_attempt(idle, receiver.url(path))
    assert delivery["state"] == "delivered"
    assert len(receiver.log) == 1


@pytest.mark.parametrize(
    "path", ["reset", "close", "garbage", "truncated", "huge-headers", "informational"]
)
async def test_broken_answers_are_connection_errors(
    idle: Gateway, receiver: Receiver, path: str
) -> None:
    delivery = await _only_attempt(idle, receiver.url(f"{path}?token=in-the-query"))
    assert delivery["outcome"] == "connection_error"
    assert "in-the-query" not in str(delivery)
    assert "in-the-query" not in idle.log_text()


async def test_nobody_listening_is_a_connection_error(idle: Gateway) -> None:
    delivery = await _only_attempt(idle, f"http://127.0.0.1:{free_port()}/hook")
    assert delivery["outcome"] == "connection_error"


@pytest.mark.parametrize("path", ["stale", "stale-reset"])
async def test_a_stale_kept_connection_costs_no_attempt(
    idle: Gateway, receiver: Receiver, path: str
) -> None:
    idle.manifests.subscription("hook", receiver.url(path), retry=())
    await idle.start()
    for _ in range(3):
        await idle.accepted(report(run := run_id()))
        delivery = await idle.delivery_of(run, state="delivered")
        assert delivery["attempts"] == 1


async def test_connections_are_kept(hooked: Gateway, receiver: Receiver) -> None:
    for _ in range(5):
        await hooked.accepted(report(run := run_id()))
        await hooked.delivery_of(run, state="delivered")
    assert receiver.connections == 1


async def test_a_literal_address_inside_is_refused_by_a_hold(
    idle: Gateway, receiver: Receiver
) -> None:
    idle.settings["egress_allow"] = ""
    idle.manifests.subscription("hook", receiver.url())
    await idle.start()
    await idle.held("hook", "EndpointForbidden")
    await idle.accepted(report(run := run_id()))
    await idle.delivery_of(run, state="held")
    assert not receiver.log


async def test_what_an_address_held_is_sent_once_the_endpoint_is_another(
    idle: Gateway, receiver: Receiver
) -> None:
    idle.settings["egress_allow"] = "127.0.0.1/32"
    idle.manifests.subscription("hook", "http://127.0.0.2:1/inside")
    await idle.start()
    await idle.held("hook", "EndpointForbidden")
    await idle.accepted(report(run := run_id()))
    await idle.delivery_of(run, state="held", attempts=0)
    idle.manifests.subscription("hook", receiver.url("switch/hook"))
    await idle.held("hook", None)
    await idle.delivery_of(run, state="delivered", attempts=1)
    assert len(at(receiver)) == 1


async def test_what_an_address_held_is_sent_once_the_operator_allows_it(
    idle: Gateway, receiver: Receiver
) -> None:
    idle.settings["egress_allow"] = ""
    idle.manifests.subscription("hook", receiver.url("switch/hook"))
    await idle.start()
    await idle.held("hook", "EndpointForbidden")
    await idle.accepted(report(run := run_id()))
    await idle.delivery_of(run, state="held", attempts=0)
    await idle.stop()
    idle.settings["egress_allow"] = "127.0.0.1/32"
    await idle.start()
    await idle.held("hook", None)
    await idle.delivery_of(run, state="delivered", attempts=1)
    assert len(at(receiver)) == 1


async def test_a_name_that_leads_inside_is_blocked(idle: Gateway, receiver: Receiver) -> None:
    idle.settings["egress_allow"] = ""
    delivery = await _only_attempt(idle, receiver.url(host="localhost"))
    assert delivery["outcome"] == "blocked"
    assert "127.0.0.1" not in str(delivery)
    assert not receiver.log
