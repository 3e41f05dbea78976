"""How a run's webhook fares, and why it has not arrived."""

from typing import Any

import pytest

from hookgate.deliveries import DeliveryState, Outcome
from hookgate_gateway.api.run_webhooks import webhook_delivery, webhook_failure_reason
from hookgate_gateway.catalogue.snapshot import Snapshot
from hookgate_gateway.ports import DeliveryRecord
from hookgate_gateway.rules.delivery import (
    DeliveryId,
    EventId,
    Kind,
    LaneKey,
    Namespace,
    RunId,
    Target,
)
from tests.gateway.api.test_run_shapes import run

OWN = Target(url="https://a.example/")
ELSEWHERE = Target(url="https://b.example/")
BILLING = Target(subscription="billing")
AUDIT = Target(subscription="audit")


def delivery(
    target: Target, state: str, outcome: str | None = None, event: int = 1, **more: Any
) -> DeliveryRecord:
    known: dict[str, Any] = {
        "id": DeliveryId("dlv_1"),
        "namespace": Namespace("shop"),
        "event_id": EventId(f"evt_{event}"),
        "run_id": RunId("tsk_1"),
        "target": target,
        "lane": LaneKey("r/shop/x"),
        "kind": Kind.EVENT,
        "state": DeliveryState(state),
        "ending": None,
        "attempts": 0 if outcome is None else 2,
        "outcome": None if outcome is None else Outcome(outcome),
        "status_code": 500 if outcome == "server_error" else None,
        "error": "no answer within 30 s" if outcome == "timeout" else None,
        "due": None,
        "parked": False,
        "created_at": 0.0,
        "ended_at": None,
    }
    return DeliveryRecord(**{**known, **more})


FAILING = delivery(OWN, "pending", "server_error")


@pytest.mark.parametrize(
    ("deliveries", "own", "word"),
    [
        ([], True, None),
        ([delivery(OWN, "pending")], True, None),
        ([delivery(OWN, "delivered", "success")], True, None),
        ([FAILING], True, "server_error"),
        ([delivery(OWN, "exhausted", "timeout")], True, "timeout"),
        ([delivery(OWN, "cancelled", "timeout")], True, "timeout"),
        ([delivery(OWN, "cancelled")], True, None),
        # a later success clears it; a failed replay after it does not bring it back
        ([FAILING, delivery(OWN, "delivered", "success")], True, None),
        ([delivery(OWN, "delivered", "success"), FAILING], True, None),
        ([delivery(OWN, "exhausted", "timeout"), FAILING], True, "server_error"),
        # only the newest event speaks
        ([delivery(OWN, "delivered", "success"), delivery(OWN, "pending", "timeout", 2)], True, "timeout"),
        ([delivery(OWN, "pending", "timeout", 1), delivery(OWN, "delivered", "success", 2)], True, None),
        ([delivery(OWN, "delivered", "success", 2), FAILING], True, None),
        # replays elsewhere, and subscriptions of a run with its own target, are not its webhook
        ([delivery(ELSEWHERE, "exhausted", "timeout")], True, None),
        ([delivery(BILLING, "exhausted", "timeout")], True, None),
        # without an own target: of its subscriptions the worst
        ([delivery(BILLING, "delivered", "success")], False, None),
        ([delivery(ELSEWHERE, "exhausted", "timeout")], False, None),
        ([delivery(BILLING, "delivered", "success"), delivery(AUDIT, "pending", "timeout")], False, "audit: timeout"),
        ([delivery(AUDIT, "pending", "timeout"), delivery(BILLING, "exhausted", "gone")], False, "billing: gone"),
    ],
)  # fmt: skip
def test_the_reason(deliveries: list[DeliveryRecord], own: bool, word: str | None) -> None:
    record = run(webhook_url=OWN.url if own else None)
    reason = webhook_failure_reason(record, deliveries)
    if word is None:
        assert reason is None
    else:
        assert reason is not None
        assert word in reason


def test_the_sentence() -> None:
    assert webhook_failure_reason(run(), [FAILING]) == (
        "server_error: the receiver answered 500 (2 attempts, pending)"
    )
    once = delivery(BILLING, "exhausted", "timeout", attempts=1)
    assert webhook_failure_reason(run(webhook_url=None), [once]) == (
        "subscription billing: timeout: no answer within 30 s (1 attempt, exhausted)"
    )


@pytest.mark.parametrize(
    ("deliveries", "own", "state", "attempts"),
    [
        ([], True, None, 0),
        ([delivery(OWN, "pending")], True, "pending", 0),
        ([FAILING], True, "pending", 2),
        ([delivery(OWN, "delivered", "success", attempts=1)], True, "delivered", 1),
        # one target: what arrived, else what is still owed, else what was tried last
        ([delivery(OWN, "exhausted", "timeout", attempts=5), delivery(OWN, "delivered", "success", attempts=1)], True, "delivered", 1),
        ([FAILING, delivery(OWN, "exhausted", "timeout", attempts=1)], True, "pending", 2),
        ([delivery(OWN, "exhausted", "timeout", attempts=5), delivery(OWN, "exhausted", "gone", attempts=1)], True, "exhausted", 1),
        ([delivery(OWN, "cancelled")], True, "cancelled", 0),
        ([delivery(OWN, "delivered", "success"), delivery(OWN, "pending", None, 2)], True, "pending", 0),
        # others' deliveries do not speak for it
        ([delivery(ELSEWHERE, "delivered", "success")], True, None, 0),
        ([delivery(BILLING, "exhausted", "timeout")], True, None, 0),
        # several subscriptions: exhausted before pending before delivered
        ([delivery(BILLING, "delivered", "success"), delivery(AUDIT, "pending", "timeout", attempts=3)], False, "pending", 3),
        ([delivery(AUDIT, "pending", "timeout"), delivery(BILLING, "exhausted", "gone", attempts=1)], False, "exhausted", 1),
        ([delivery(AUDIT, "cancelled"), delivery(BILLING, "delivered", "success", attempts=1)], False, "cancelled", 0),
    ],
)  # fmt: skip
def test_the_delivery(
    deliveries: list[DeliveryRecord], own: bool, state: str | None, attempts: int
) -> None:
    record = run(webhook_url=OWN.url if own else None)
    shown = webhook_delivery(record, deliveries, Snapshot())
    if state is None:
        assert shown is None
    else:
        assert shown is not None
        assert (shown["state"], shown["attempts"]) == (state, attempts)


def test_when_it_is_tried_next() -> None:
    waiting = delivery(OWN, "pending", "server_error", due=1_750_000_000.0)
    assert webhook_delivery(run(), [waiting], Snapshot()) == {
        "state": "pending",
        "attempts": 2,
        "last_status_code": 500,
        "next_attempt_at": "2025-06-15T15:06:40.000Z",
    }
