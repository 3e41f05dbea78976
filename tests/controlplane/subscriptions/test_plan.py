"""What is to be done: put, kept, told, written; the table of cases."""

import pytest

from hookgate.resources import SubscriptionSpec
from hookgate_operator.conditions import timestamp
from hookgate_operator.declarations import Handed
from hookgate_operator.ports import (
    Declaration,
    EndpointStanding,
    HealthReading,
    HeldKind,
    KeyStanding,
    Observed,
    Standing,
)
from hookgate_operator.subscriptions import judge as said
from hookgate_operator.subscriptions.plan import Gathered, known, standing_of, tell, unreached
from hookgate_operator.subscriptions.values import Lack, Need, Shortage, shown_fingerprint
from tests.controlplane.worlds import key, spec

NOW = 1_772_359_200.0
SPEC = SubscriptionSpec.model_validate(spec())
NEED = Need("spec.signing.secretRefs[0]", "billing", "secret")
ABSENT = (Lack(NEED, Shortage.ABSENT),)
UNREADABLE = (Lack(NEED, Shortage.UNREADABLE),)
PRINT = shown_fingerprint(b"value")
STANDING = Standing(
    fingerprint="f",
    resolved=True,
    keys=(KeyStanding("billing", "secret", PRINT),),
    endpoint=EndpointStanding(True),
)


def observed(status=None, generation=1):
    document = {"metadata": {"name": "invoices", "namespace": "shop"}, "status": status or {}}
    return Observed(
        key=key(), uid="u", generation=generation, resource_version="9", document=document
    )


def handed(fingerprint="f", *, version="1", is_current=True):
    return Handed(
        key=key(),
        uid="u",
        version=version,
        fingerprint=fingerprint,
        standing=STANDING,
        is_current=is_current,
    )


def gathered(handed=None, lacks=(), *, may_hold=True, status=None, value=b"value", generation=1):
    secrets = {"billing": {"secret": value}} if value is not None else {}
    return Gathered(
        observed=observed(status, generation),
        spec=SPEC,
        draft=Declaration(
            kind=HeldKind.SUBSCRIPTION,
            namespace="shop",
            name="invoices",
            fingerprint="f",
            resource={},
            secrets=secrets,
        ),
        lacks=lacks,
        handed=handed,
        may_hold=may_hold,
    )


def told(reason="Ready", generation=1, prints=(PRINT,)):
    return {
        "observedGeneration": generation,
        "conditions": [{"type": "Ready", "status": "True", "reason": reason}],
        "signing": {"keys": [{"fingerprint": p} if p else {} for p in prints]},
    }


STANDS = said.Stands(STANDING)
TOLD, UNTOLD = told(), told("GatewayUnreachable")


@pytest.mark.parametrize(
    ("it", "answer"),
    [
        # put: unknown, another one, or in doubt
        (gathered(), None),
        (gathered(handed("other")), None),
        (gathered(handed(is_current=False)), None),
        (gathered(lacks=ABSENT), None),
        # known
        (gathered(handed()), STANDS),
        (gathered(handed(version="0")), STANDS),
        (gathered(handed(), lacks=ABSENT), STANDS),
        # RBAC hides it: kept where the gateway may have something, but for an edit
        (gathered(lacks=UNREADABLE), said.Kept()),
        (gathered(handed("other"), lacks=UNREADABLE), said.Kept()),
        (gathered(handed("other", version="0"), lacks=UNREADABLE), None),
        (gathered(lacks=UNREADABLE, may_hold=False), None),
    ],
)
def test_what_is_put(it, answer):
    assert known(it) == answer


@pytest.mark.parametrize(
    ("status", "generation", "answer"),
    [
        ({}, 2, said.Kept()),
        (TOLD, 1, said.Kept()),
        (TOLD, 2, None),
        (UNTOLD, 1, None),
    ],
)
def test_an_edit_of_before_a_restart_goes_out_although_rbac_hides_a_secret(
    status, generation, answer
):
    """It may be a suspension."""
    it = gathered(lacks=UNREADABLE, status=status, generation=generation)
    assert known(it) == answer


@pytest.mark.parametrize(
    ("it", "answer"),
    [
        # handed over as it is: stands, in doubt or not
        (gathered(handed()), STANDS),
        (gathered(handed(is_current=False)), STANDS),
        (gathered(handed("other")), said.Unreached()),
        (gathered(handed("other"), status=told()), said.Unreached()),
        # not known to this process
        (gathered(), said.Unreached()),
        (gathered(status=told()), None),
        (gathered(status=told("Suspended")), None),
        (gathered(status=told(prints=(None,)), value=None), None),
        (gathered(status=told(), may_hold=False), said.Unreached()),
        (gathered(status=told(), generation=2), said.Unreached()),
        (gathered(status=told("GatewayUnreachable")), said.Unreached()),
        (gathered(status=told(prints=("other",))), said.Unreached()),
        (gathered(status={**told(), "signing": {"keys": ["?"]}}), said.Unreached()),
        (gathered(status={**told(), "signing": None}), said.Unreached()),
    ],
)
def test_what_a_gateway_that_is_away_is_taken_to_say(it, answer):
    assert unreached(it) == answer


FORMER = {
    "endpointHost": "former.example",
    "signing": {"scheme": "Skyvern", "keys": [{"name": "former", "key": "k", "signs": False}]},
}
HEALTH = HealthReading(state="healthy", last_success_at="2026-03-01T10:00:00Z")


def circumstances(answer, declared=SPEC, lacks=()):
    return said.Circumstances(
        namespace="shop", spec=declared, lacks=lacks, answer=answer, health=HEALTH
    )


FROM_SECRET = SubscriptionSpec.model_validate(
    {**spec(), "endpoint": {"urlFrom": {"secretKeyRef": {"name": "place", "key": "url"}}}}
)


@pytest.mark.parametrize(
    ("answer", "declared", "host", "keys", "health"),
    [
        (STANDS, SPEC, "billing.example", ["billing"], HEALTH),
        (STANDS, FROM_SECRET, None, ["billing"], HEALTH),
        (said.Kept(), SPEC, "billing.example", ["former"], HEALTH),
        (said.Kept(), FROM_SECRET, "former.example", ["former"], HEALTH),
        (said.Refused(("no",)), SPEC, "billing.example", ["former"], HEALTH),
        (said.Unreached(), FROM_SECRET, None, ["former"], HEALTH),
        (said.Owned("x"), SPEC, "billing.example", None, HealthReading()),
    ],
)
def test_what_could_not_be_learnt_is_as_it_was(answer, declared, host, keys, health):
    standing = standing_of(circumstances(answer, declared), {}, FORMER)
    assert standing.host == host
    assert (standing.signing and [k["name"] for k in standing.signing["keys"]]) == keys
    assert standing.health == health


def plan(answer, status=None, *, since_write=None, now=NOW, health=HEALTH):
    standing = standing_of(
        said.Circumstances(
            namespace="shop", spec=SPEC, lacks=(), answer=answer, health=health
        ),
        {},
        status or {},
    )  # fmt: skip
    return tell(observed(status), standing, now=now, since_write=since_write)


def test_what_is_new_is_written_and_announced():
    told = plan(STANDS)
    assert told.status["observedGeneration"] == 1
    assert {c["lastTransitionTime"] for c in told.status["conditions"]} == {timestamp(NOW)}
    assert [a.reason for a in told.announcements] == ["Ready", "Delivering"]
    assert told.again is None


def test_what_is_told_already_is_not_told_again():
    status = plan(STANDS).status
    again = plan(STANDS, status, now=NOW + 500)
    assert (again.status, again.announcements, again.again) == (None, (), None)


def test_details_wait():
    status = plan(STANDS).status
    later = HealthReading(state="healthy", last_success_at="2026-03-01T10:00:09Z")
    waiting = plan(STANDS, status, since_write=9.0, health=later)
    assert (waiting.status, waiting.again) == (None, 21.0)
    written = plan(STANDS, status, since_write=30.0, health=later)
    assert written.status["lastSuccessTime"] == "2026-03-01T10:00:09Z"
    assert written.announcements == ()


@pytest.mark.parametrize(
    ("seconds", "is_written", "again"), [(4, False, 6.0), (-100, False, 10.0), (10, True, None)]
)
def test_a_receiver_that_works_every_other_time_is_told_now_and_then(seconds, is_written, again):
    status = plan(STANDS).status
    failing = HealthReading(state="failing", last_success_at=HEALTH.last_success_at)
    flap = plan(STANDS, status, now=NOW + seconds, health=failing)
    assert ((flap.status is not None), flap.again) == (is_written, again)


def test_a_time_that_cannot_be_read_keeps_nothing_back():
    status = plan(STANDS).status
    for condition in status["conditions"]:
        condition["lastTransitionTime"] = "yesterday"
    failing = HealthReading(state="failing", last_success_at=HEALTH.last_success_at)
    assert plan(STANDS, status, health=failing).status is not None


def test_a_name_that_another_has_is_tried_again():
    owned = said.Owned("by manifests")
    first = plan(owned)
    assert (first.status is not None, first.again) == (True, 60.0)
    assert plan(owned, first.status).again == 60.0
    other = plan(said.Owned("by operator/other"), first.status, since_write=10.0)
    assert (other.status, other.again) == (None, 20.0)
