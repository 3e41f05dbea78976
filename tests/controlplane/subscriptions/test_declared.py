"""What an object declares to an operator of a class."""

import pytest

from hookgate_operator.ports import Observed
from hookgate_operator.subscriptions.declared import (
    Absent,
    Foreign,
    Invalid,
    Valid,
    former_status,
    read,
)
from tests.controlplane.worlds import key, spec


def observed(declared=None, status=None, **metadata):
    return Observed(
        key=key(),
        uid="u",
        generation=1,
        resource_version="1",
        document={
            "metadata": {"name": "invoices", "namespace": "shop", **metadata},
            "spec": spec() if declared is None else declared,
            "status": status,
        },
    )


@pytest.mark.parametrize(
    ("found", "gateway_class", "kind"),
    [
        (None, "default", Absent),
        (observed(), "default", Valid),
        (observed(), "other", Foreign),
        (observed(spec(gatewayClass="other")), "other", Valid),
        (observed(spec(gatewayClass="other")), "default", Foreign),
        (observed(spec(gatewayClass=7)), "default", Invalid),
        (observed({}), "default", Invalid),
        (observed("nonsense"), "default", Invalid),
        (observed(deletionTimestamp="2026-03-01T10:00:00Z"), "default", Absent),
        (observed(generateName="invo", managedFields=[]), "default", Valid),
    ],
)
def test_what_is_declared(found, gateway_class, kind):
    assert isinstance(read(found, gateway_class), kind)


def test_what_goes_to_the_gateway_is_what_matters_to_it():
    valid = read(observed(labels={"app": "shop", "hookgate.dev/x": "y"}, uid="u"), "default")
    assert valid.resource == {
        "apiVersion": "hookgate.dev/v1alpha1",
        "kind": "WebhookSubscription",
        "metadata": {
            "name": "invoices",
            "namespace": "shop",
            "labels": {"hookgate.dev/x": "y"},
        },
        "spec": spec(),
    }


def test_problems_are_told_as_everywhere():
    problems = read(observed(spec(suspended=True)), "default").problems
    assert problems == ("spec.suspended: is not a known field; did you mean suspend?",)


@pytest.mark.parametrize(
    ("status", "read_as"), [(None, {}), ("nonsense", {}), ({"conditions": []}, {"conditions": []})]
)
def test_an_objects_own_status(status, read_as):
    assert former_status(observed(status=status)) == read_as
