"""
The story that ``hookgate dev`` tells, and its checks: nothing counts that was not really seen.

Each scene makes the calls of the guide, waits for what should come of them and says whether it did.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hookgate_gateway.dev.client import Client
from hookgate_gateway.dev.counters import changed, scrape
from hookgate_gateway.dev.narrator import Narrator
from hookgate_gateway.dev.receiver import FAILURES, Arrival, Receiver

__all__ = ["Checklist", "Story"]

PATIENCE = 12.0
"""Seconds that a scene waits for what should come."""


@dataclass(slots=True)
class Checklist:
    """What was to be seen, and what of it was not."""

    narrator: Narrator
    missing: list[str] = field(default_factory=list)

    def check(self, what: str, seen: bool, otherwise: str = "") -> bool:
        """Tell whether it was seen; ``otherwise`` says what came instead."""
        if seen:
            self.narrator.seen(what)
        else:
            self.missing.append(what)
            self.narrator.missing(f"not seen: {what}" + (f" ({otherwise})" if otherwise else ""))
        return seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The scenes, in the order of :meth:`tell`."""

    client: Client
    receiver: Receiver
    metrics: str
    own_url: str
    """A mailbox of the receiver for runs' own webhooks."""
    has_flaky: bool
    """Whether a subscription posts to a mailbox that fails at first."""
    narrator: Narrator
    checks: Checklist

    async def tell(self) -> None:
        """The whole story. Raises Refused when the gateway refuses one of the calls."""
        before = await scrape(self.metrics)
        task = await self._task()
        await self._workflow()
        await self._replay(task)
        self._count(changed(before, await scrape(self.metrics)))

    async def _task(self) -> str:
        self.narrator.chapter("1. A task is run, by the guide's call: POST /api/v1/tasks")
        request = {
            "prompt": "Extract product information",
            "url": "https://example.com/products",
            "webhook_url": self.own_url,
        }
        run_id = str((await self.client.run_task(request))["run_id"])
        self.narrator.say(f"{run_id} was created; its webhook_url is {self.own_url}")
        await self._own_webhook("task", run_id)
        await self._deliveries(run_id)
        return run_id

    async def _workflow(self) -> None:
        self.narrator.chapter(
            "2. A workflow is run: POST /api/v1/workflows/wpid_123/run; one of its receivers fails at first"
        )
        request = {"parameters": {"query": "laptops"}, "webhook_url": self.own_url}
        run_id = str((await self.client.run_workflow("wpid_123", request))["run_id"])
        self.narrator.say(f"{run_id} was created")
        await self._own_webhook("workflow run", run_id)
        await self._deliveries(run_id)
        self._retries(run_id)

    async def _own_webhook(self, kind: str, run_id: str) -> None:
        arrival = await self.receiver.wait_for(self._own(run_id), PATIENCE)
        self.checks.check(
            f"the {kind}'s own webhook arrived, its signature verified with the API key",
            arrival is not None and arrival.delivered,
            (arrival.problem or f"answered {arrival.status}") if arrival else "nothing came",
        )

    def _own(self, run_id: str, *, replay: bool = False) -> Callable[[Arrival], bool]:
        path = "/" + self.own_url.split("/", 3)[3]
        return lambda a: a.run_id == run_id and a.replay == replay and a.mailbox.path == path

    async def _deliveries(self, run_id: str) -> None:
        """Wait until every subscription that the run's final event is owed to has it."""
        for delivery in await self._settled(run_id):
            name = delivery.get("subscription")
            if name is None:
                continue
            arrivals = [a for a in self.receiver.arrivals if _for(a, run_id, name)]
            verified = all(a.verified for a in arrivals)
            self.checks.check(
                f"subscription {name} has it, "
                + ("its signature verified" if arrivals else "so its own receiver says"),
                delivery["state"] == "delivered" and verified,
                f"the delivery is {delivery['state']}, last outcome {delivery.get('outcome')}",
            )

    async def _settled(self, run_id: str) -> list[dict[str, Any]]:
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while True:
            deliveries = await self.client.deliveries(run_id=run_id)
            if loop.time() > end or (
                deliveries and all(d["state"] != "pending" for d in deliveries)
            ):
                return deliveries
            await asyncio.sleep(0.2)

    def _retries(self, run_id: str) -> None:
        if not self.has_flaky:
            self.narrator.say("(no subscription posts to a flaky mailbox: no retries to be seen)")
            return
        answers = [
            a.status for a in self.receiver.arrivals if a.run_id == run_id and a.mailbox.flaky
        ]
        self.checks.check(
            f"the failing receiver was tried until it worked: {', '.join(map(str, answers))}",
            answers == [503] * FAILURES + [200],
            f"expected {FAILURES} times 503, then 200",
        )

    async def _replay(self, run_id: str) -> None:
        self.narrator.chapter(
            f"3. The task's webhook is sent again: POST /api/v1/runs/{run_id}/webhook/replay"
        )
        answer = await self.client.replay(run_id)
        self.narrator.say(
            f"the gateway says: {answer.get('target_webhook_url')} answered {answer.get('status_code')}"
        )
        first = await self.receiver.wait_for(self._own(run_id), 0.1)
        again = await self.receiver.wait_for(self._own(run_id, replay=True), PATIENCE)
        same = first is not None and again is not None and first.sha256 == again.sha256
        self.checks.check(
            "the replay arrived, freshly signed, with the very bytes of the first time",
            same and again is not None and again.delivered and answer.get("status_code") == 200,
            "other bytes" if first and again and not same else "nothing came",
        )

    def _count(self, growth: dict[str, float]) -> None:
        self.narrator.chapter("4. What Prometheus sees of it: the counters that changed")
        self.narrator.growth(growth)
        counted = {name.partition("{")[0] for name in growth}
        expected = {"hookgate_webhooks_received_total", "hookgate_webhooks_delivered_total"}
        self.checks.check(
            "reports and deliveries were counted", expected <= counted, "the counters stand still"
        )


def _for(arrival: Arrival, run_id: str, subscription: str) -> bool:
    return arrival.run_id == run_id and arrival.mailbox.owner == subscription
