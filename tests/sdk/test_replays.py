"""The model of WebhookReplay, and the gateway's filter that it spells."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from hookgate.deliveries import DeliveryState, Outcome
from hookgate.resources import WebhookReplay
from hookgate.resources.times import instant
from hookgate_gateway.api.bulk_requests import BulkReplayRequest, SelectionFilter
from tests.manifest_cases import REPLAY, TAKEN, changed


def replay(path: str = "spec.suspend", value: object = None) -> WebhookReplay:
    return WebhookReplay.model_validate(changed(REPLAY, path, value))


def test_the_defaults():
    spec = replay().spec
    assert spec.gateway_class == "default"
    assert not spec.dry_run
    assert not spec.suspend
    assert not spec.filter.not_replayed
    assert spec.rate_per_second is spec.to_subscription is spec.ttl_seconds_after_finished is None


def test_the_filter_is_spelt_as_the_gateway_takes_it():
    spec = replay(
        "spec.filter",
        {
            "subscription": "invoices",
            "state": "exhausted",
            "outcome": "timeout",
            "runType": "task_v2",
            "status": "failed",
            "runIds": ["tsk_1", "wr_2"],
            "since": "2026-03-01T10:00:00+01:00",
            "until": "2026-03-01T10:00:00.5Z",
            "notReplayed": True,
        },
    ).spec
    assert spec.gateway_filter() == {
        "subscription": "invoices",
        "state": "exhausted",
        "outcome": "timeout",
        "run_type": "task_v2",
        "status": "failed",
        "run_ids": ["tsk_1", "wr_2"],
        "since": "2026-03-01T10:00:00+01:00",
        "until": "2026-03-01T10:00:00.5Z",
        "not_replayed": True,
    }
    assert set(spec.gateway_filter()) == set(SelectionFilter.model_fields)


def test_what_is_unset_is_left_out():
    assert replay().spec.gateway_filter() == {"subscription": "invoices"}


@pytest.mark.parametrize("manifest", [m for m in TAKEN if m["kind"] == "WebhookReplay"])
def test_the_gateway_takes_every_filter(manifest):
    spec = WebhookReplay.model_validate(manifest).spec
    BulkReplayRequest.model_validate(
        {
            "filter": spec.gateway_filter(),
            "rate_per_second": spec.rate_per_second,
            "to_subscription": spec.to_subscription,
            "dry_run": spec.dry_run,
        }
    )


@pytest.mark.parametrize(("field", "words"), [("state", DeliveryState), ("outcome", Outcome)])
def test_the_words_are_the_gateways(field, words):
    theirs = SelectionFilter.model_fields[field].annotation
    assert [*get_args(theirs)[0]] == [*words]
    assert replay(f"spec.filter.{field}", "exhausted" if field == "state" else "timeout")


def test_moments_are_instants():
    assert instant("2026-03-01T10:00:00+01:00") == datetime(2026, 3, 1, 9, tzinfo=UTC)
