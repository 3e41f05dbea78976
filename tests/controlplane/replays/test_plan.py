"""What is to be done about a WebhookReplay: a table of cases."""

from dataclasses import replace
from typing import Any

import pytest

from hookgate.resources import ReplaySpec
from hookgate_operator.ports import Key, Kind, Observed
from hookgate_operator.replays.plan import (
    Begin,
    Count,
    Delete,
    Follow,
    Nothing,
    Over,
    Refuse,
    course,
    gateway_id,
    is_to_change,
    may_still_come,
    named_subscription,
    place_of,
)
from tests.controlplane.replays.given import KEY, NOW, at, condition, progress, replay

STARTED = {"startTime": at(-60), "observedGeneration": 1}


def ended(kind: str = "Complete", **more: Any) -> dict[str, Any]:
    return {
        **STARTED,
        "completionTime": at(-10),
        "conditions": [condition(kind, "True", "Completed")],
        **more,
    }


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        (None, Nothing()),
        (replay(gatewayClass="blue"), Nothing()),
        (replay(metadata={"deletionTimestamp": at(0)}), Nothing()),
        (replay(metadata={"deletionTimestamp": at(0)}, status=ended()), Nothing()),
        (replay(status=ended()), Over(None)),
        (replay(status=ended("Failed")), Over(None)),
        (replay(status=ended(), ttlSecondsAfterFinished=30), Over(20.0)),
        (replay(status=ended("Failed"), ttlSecondsAfterFinished=10), Delete()),
        (replay(status=ended(), ttlSecondsAfterFinished=0), Delete()),
        (replay(status=ended(completionTime=None), ttlSecondsAfterFinished=0), Over(None)),
        (replay(status=ended(completionTime="soon"), ttlSecondsAfterFinished=0), Over(None)),
        (
            replay(status=ended(), generation=2),
            Over(None, {**ended(), "observedGeneration": 2}),
        ),
    ],
)
def test_what_needs_no_spec(observed: Observed | None, expected: object) -> None:
    assert course(observed, "default", NOW) == expected


@pytest.mark.parametrize(
    ("observed", "kind"),
    [
        (replay(), Begin),
        (replay(status="text"), Begin),
        (replay(status={"conditions": "text"}), Begin),
        (replay(status={"startTime": "soon"}), Begin),
        (replay(status={"conditions": [condition("Complete", "False", "Running")]}), Begin),
        (replay(status=STARTED), Follow),
        (replay(status={**STARTED, "conditions": [condition("Complete", "False", "x")]}), Follow),
        (replay(dryRun=True), Count),
        (replay(dryRun=True, suspend=True, status=STARTED), Count),
        (replay(filter={}), Refuse),
        (replay(ratePerSecond=0, status=STARTED), Refuse),
    ],
)
def test_what_does(observed: Observed, kind: type) -> None:
    assert type(course(observed, "default", NOW)) is kind


def test_an_object_without_a_spec_is_refused_in_sentences() -> None:
    document = {"metadata": {"name": "again", "namespace": "shop"}}
    bare = replace(replay(), document=document)
    refused = course(bare, "default", NOW)
    assert refused == Refuse(("spec: is required",))
    finished = replace(bare, document={**document, "status": ended()})
    assert course(finished, "default", NOW) == Over(None)


def test_another_class_may_be_ours() -> None:
    assert isinstance(course(replay(gatewayClass="blue"), "blue", NOW), Begin)
    assert course(replay(), "blue", NOW) == Nothing()


def test_the_order_is_the_spec_in_the_gateways_words() -> None:
    observed = replay(
        filter={
            "runType": "task_v2",
            "runIds": ["tsk_1", "tsk_2"],
            "since": "2026-03-01T10:00:00Z",
            "notReplayed": True,
        },
        ratePerSecond=20,
        toSubscription="archive",
        suspend=True,
    )
    what = course(observed, "default", NOW)
    assert isinstance(what, Begin)
    order = what.order
    assert (order.namespace, order.uid) == ("shop", "again.u-1")
    assert order.filter == {
        "run_type": "task_v2",
        "run_ids": ["tsk_1", "tsk_2"],
        "since": "2026-03-01T10:00:00Z",
        "not_replayed": True,
    }
    assert (order.rate_per_second, order.to_subscription, order.paused) == (20, "archive", True)


@pytest.mark.parametrize(
    ("namespace", "id_", "key"),
    [
        ("shop", gateway_id(replay()), KEY),
        ("shop", "a.dotted.name.u-1", Key(Kind.REPLAY, "shop", "a.dotted.name")),
        ("shop", "rpl_01M8AK", None),
        ("shop", ".u-1", None),
        ("shop", "again.", None),
    ],
)
def test_the_gateways_id_leads_back_to_the_object(
    namespace: str, id_: str, key: Key | None
) -> None:
    assert place_of(namespace, id_) == key


@pytest.mark.parametrize(
    ("suspend", "state", "expected"),
    [
        (False, "running", False),
        (False, "paused", True),
        (True, "running", True),
        (True, "paused", False),
        (True, "completed", False),
        (False, "cancelled", False),
    ],
)
def test_whether_it_is_to_be_paused_or_resumed(suspend: bool, state: str, expected: bool) -> None:
    spec = ReplaySpec.model_validate({"filter": {"status": "failed"}, "suspend": suspend})
    assert is_to_change(spec, progress(state)) is expected


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ({"filter": {"status": "failed"}}, None),
        ({"filter": {"subscription": "invoices"}}, "invoices"),
        ({"filter": {"subscription": "invoices"}, "toSubscription": "archive"}, "archive"),
    ],
)
def test_which_subscription_has_to_be_there(spec: Any, name: str | None) -> None:
    named = named_subscription("shop", ReplaySpec.model_validate(spec))
    assert named == (Key(Kind.SUBSCRIPTION, "shop", name) if name else None)


@pytest.mark.parametrize(
    ("created", "expected"),
    [(at(-1), True), (at(-59), True), (at(-60), False), (None, False), ("once", False)],
)
def test_what_was_applied_together_is_waited_for(created: str | None, expected: bool) -> None:
    observed = replay(metadata={"creationTimestamp": created})
    assert may_still_come(observed, NOW) is expected
