"""Names: one that the name server never answers for does not stall the others."""

import asyncio
from datetime import datetime

import pytest

from tests.acceptance.harness import GUARD, Gateway, arrivals, at, report
from tests.receivers import NameServer, Receiver


async def test_a_silent_name_does_not_stall_the_others(idle: Gateway, receiver: Receiver) -> None:
    names = {"good.example": [("127.0.0.1",)], "silent.example": ["silent"]}
    async with NameServer(names) as nameserver:
        idle.settings["dns_servers"] = nameserver.address
        for name in ("good", "silent"):
            url = receiver.url(f"ok200/{name}", host=f"{name}.example")
            retry = () if name == "silent" else (1, 1, 1)  # this name server may stall with us
            idle.manifests.subscription(name, url, retry=retry)
        await idle.start()
        await asyncio.gather(*(idle.accepted(report()) for _ in range(10)))
        requests = await arrivals(receiver, 10, "/ok200/good")
        await nameserver.asked("silent.example", timeout=GUARD)
        assert not at(receiver, "/ok200/silent")
        item = (await idle.deliveries("?subscription=silent"))[-1]  # the oldest
        delivery = await idle.delivery_by_id(item["id"], state="exhausted")
        assert delivery["outcome"] == "dns_error"
        assert requests[-1].at < _seconds(delivery["ended_at"]), (
            "before the silent one was given up"
        )


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        pytest.param([("127.0.0.1",), ("169.254.169.254",)], "blocked", id="turns bad"),
        pytest.param([("127.0.0.1", "10.0.0.1")], "blocked", id="one of two is bad"),
        pytest.param(["unknown"], "dns_error", id="does not exist"),
    ],
)
async def test_every_look_up_is_judged(
    idle: Gateway, receiver: Receiver, script: list[tuple[str, ...] | str], outcome: str
) -> None:
    async with NameServer({"hook.example": script}) as nameserver:
        idle.settings["dns_servers"] = nameserver.address
        url = receiver.url("idle-close", host="hook.example")
        idle.manifests.subscription("hook", url, retry=())
        await idle.start()
        outcomes = set()
        for _ in script:
            await idle.accepted(body := report())
            delivery = await idle.delivery_of(body["run_id"], attempts=1)
            outcomes.add(delivery["outcome"])
            assert "169.254" not in str(delivery)
            assert "10.0.0.1" not in str(delivery)
        assert outcome in outcomes
        assert outcomes <= {outcome, "success"}
