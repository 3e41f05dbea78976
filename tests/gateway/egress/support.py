"""Shipments, and a sender that may reach loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from prometheus_client import CollectorRegistry

from hookgate.signing import SigningScheme
from hookgate_gateway.egress.sender import HttpSender
from hookgate_gateway.observe import Observer
from hookgate_gateway.ports import Shipment
from hookgate_gateway.rules.delivery import DeliveryId, EventId, LaneKey, Namespace
from hookgate_gateway.rules.egress_rules import EgressRules
from hookgate_process.clock import SystemClock

KEY = b"a-key-of-at-least-24-bytes"
BODY = b'{"run_id": "tsk_1", "status": "completed", "output": NaN}'


def shipment(url: str, **changes: Any) -> Shipment:
    made = Shipment(
        namespace=Namespace("shop"),
        lane=LaneKey("s/shop/invoices"),
        url=url,
        timeout=5.0,
        scheme=SigningScheme.SKYVERN,
        keys=(KEY,),
        body=BODY,
        event_id=EventId("evt_01"),
        delivery_id=DeliveryId("dlv_01"),
        number=1,
    )
    return replace(made, **changes)


class ShiftedClock(SystemClock):
    """The machine's clocks, which a test can put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> float:
        return SystemClock.now() + self.ahead

    def monotonic(self) -> float:
        return SystemClock.monotonic() + self.ahead


class StillClock(SystemClock):
    """No time passes but what a test lets pass, however busy the machine is."""

    def __init__(self) -> None:
        self.at = 1000.0

    def monotonic(self) -> float:
        return self.at


class LoopClock:
    """Both clocks come from the loop: virtual time."""

    def now(self) -> float:
        return 1_700_000_000.0 + self.monotonic()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()


@asynccontextmanager
async def sending(allow: str = "127.0.0.0/8", **options: Any) -> AsyncIterator[HttpSender]:
    made: dict[str, Any] = {
        "rules": EgressRules.parse(allow),
        "clock": SystemClock(),
        "observer": Observer(CollectorRegistry()),
    }
    async with HttpSender(**made | options) as sender:
        yield sender
