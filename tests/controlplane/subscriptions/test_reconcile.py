"""A subscription's life between cluster and gateway."""

import pytest

from hookgate_operator.declarations import Place
from hookgate_operator.ports import (
    EndpointStanding,
    Forbidden,
    GatewayRefused,
    GatewayUnavailable,
    HealthReading,
    HeldKind,
    NotReadable,
)
from hookgate_operator.subscriptions.values import shown_fingerprint
from tests.controlplane.heart import Heart
from tests.controlplane.worlds import found, key, spec

INVOICES = key("invoices")
NEWER = "a newer and longer value"
PLACE = Place(HeldKind.SUBSCRIPTION, "shop", "invoices")


@pytest.fixture
def heart():
    heart = Heart()
    heart.cluster.secrets["shop", "billing"] = found(secret="value", other="not named")
    heart.cluster.apply(spec=spec())
    return heart


def reasons(heart, which=INVOICES):
    return [condition["reason"] for condition in heart.cluster.status(which)["conditions"]]


def at_gateway(heart, name="invoices"):
    return heart.gateway.declared.get((HeldKind.SUBSCRIPTION, "shop", name))


async def test_applied_it_is_handed_over_and_told(heart):
    assert await heart.reconcile(INVOICES) is None
    assert at_gateway(heart).secrets == {"billing": {"secret": b"value"}}
    assert reasons(heart) == ["Ready", "Resolved", "Allowed", "NoAttempts"]
    status = heart.cluster.status(INVOICES)
    assert status["endpointHost"] == "billing.example"
    assert status["signing"]["keys"] == [
        {
            "name": "billing",
            "key": "secret",
            "fingerprint": shown_fingerprint(b"value"),
            "signs": True,
        }
    ]
    assert heart.cluster.announced == [("invoices", "Normal", "Ready")]


async def test_looked_at_again_nothing_is_put_written_or_announced(heart):
    await heart.reconcile(INVOICES, INVOICES, INVOICES)
    assert heart.gateway.asked == {"put": 1}
    assert heart.cluster.asked["write_status"] == 1
    assert len(heart.cluster.announced) == 1


async def test_after_a_restart_it_is_put_once_more_and_nothing_is_told(heart):
    await heart.reconcile(INVOICES)
    status = heart.cluster.status(INVOICES)
    heart.clock.seconds += 3600
    again = Heart(heart.cluster, heart.gateway, heart.clock)
    await again.reconcile(INVOICES)
    assert heart.gateway.asked == {"put": 2}
    assert heart.cluster.status(INVOICES) == status
    assert heart.cluster.asked["write_status"] == 1
    assert len(heart.cluster.announced) == 1


async def test_an_edit_goes_out_with_its_generation(heart):
    await heart.reconcile(INVOICES)
    heart.cluster.apply(spec=spec(suspend=True))
    await heart.reconcile(INVOICES)
    assert at_gateway(heart).resource["spec"]["suspend"] is True
    assert heart.cluster.status(INVOICES)["observedGeneration"] == 2
    assert reasons(heart) == ["Suspended", "Resolved", "Allowed", "Held"]


async def test_deleted_it_goes_from_the_gateway_and_from_every_memory(heart):
    await heart.reconcile(INVOICES)
    del heart.cluster.objects[INVOICES]
    await heart.reconcile(INVOICES)
    assert heart.gateway.declared == {}
    assert heart.ledger.everything() == {}
    assert heart.wakeups.needed() == {}
    assert heart.seen.of("subscriptions_stand")[-1] == ("shop", {})


async def test_deleted_while_the_operator_was_down(heart):
    await heart.reconcile(INVOICES)
    del heart.cluster.objects[INVOICES]
    again = Heart(heart.cluster, heart.gateway)
    await again.resync.once()
    await again.reconcile(await again.queue.take())
    assert heart.gateway.declared == {}


async def test_made_anew_under_its_name_it_is_never_away(heart):
    await heart.reconcile(INVOICES)
    del heart.cluster.objects[INVOICES]
    heart.cluster.apply(spec=spec())
    await heart.reconcile(INVOICES)
    assert heart.gateway.asked == {"put": 1}
    assert heart.ledger.get(PLACE).uid == heart.cluster.objects[INVOICES]["metadata"]["uid"]
    assert reasons(heart) == ["Ready", "Resolved", "Allowed", "NoAttempts"]


async def test_another_class_is_not_touched_at_all(heart):
    heart.cluster.apply("foreign", spec=spec(gatewayClass="other"))
    await heart.reconcile(key("foreign"))
    assert heart.gateway.asked == {}
    assert heart.cluster.asked == {"find": 1}


async def test_what_is_ours_under_the_name_of_another_class_goes(heart):
    await heart.reconcile(INVOICES)
    heart.cluster.apply(spec=spec(gatewayClass="other"))
    again = Heart(heart.cluster, heart.gateway)
    await again.resync.once()
    await again.reconcile(await again.queue.take())
    assert heart.gateway.declared == {}
    assert heart.cluster.asked["write_status"] == 1


async def test_what_somebody_else_has_under_the_name_of_a_deleted_one_stays(heart):
    heart.gateway.foreign["invoices"] = "manifests"
    del heart.cluster.objects[INVOICES]
    assert await heart.reconcile(INVOICES) is None


# ---------------------------------------------------------------------------------- Secrets


async def test_a_missing_secret_is_handed_over_as_missing_and_told(heart):
    heart.change_secret("billing", None)
    await heart.reconcile(INVOICES)
    assert at_gateway(heart).secrets == {}
    assert reasons(heart) == ["SecretsUnresolved", "SecretNotFound", "Unresolved", "Held"]
    assert heart.cluster.announced == [("invoices", "Warning", "SecretNotFound")]
    heart.change_secret("billing", found(secret="value"))
    assert await heart.queue.take() == INVOICES
    await heart.reconcile(INVOICES)
    assert reasons(heart) == ["Ready", "Resolved", "Allowed", "NoAttempts"]


async def test_a_rotation_is_told_key_by_key(heart):
    both = {"secretRefs": [{"name": "new", "key": "secret"}, {"name": "billing", "key": "secret"}]}
    await heart.reconcile(INVOICES)
    heart.cluster.secrets["shop", "new"] = found(secret=NEWER)
    heart.cluster.apply(spec=spec(signing=both))
    await heart.reconcile(INVOICES)
    keys = heart.cluster.status(INVOICES)["signing"]["keys"]
    assert [(k["name"], k["fingerprint"], k["signs"]) for k in keys] == [
        ("new", shown_fingerprint(NEWER.encode()), True),
        ("billing", shown_fingerprint(b"value"), False),
    ]
    heart.cluster.apply(spec=spec("new"))
    await heart.reconcile(INVOICES)
    assert [k["name"] for k in heart.cluster.status(INVOICES)["signing"]["keys"]] == ["new"]
    assert at_gateway(heart).secrets == {"new": {"secret": NEWER.encode()}}


async def test_another_value_is_put_and_its_fingerprint_told_at_once(heart):
    await heart.reconcile(INVOICES)
    heart.change_secret("billing", found(secret=NEWER))
    await heart.reconcile(await heart.queue.take())
    assert at_gateway(heart).secrets == {"billing": {"secret": NEWER.encode()}}
    (signing,) = heart.cluster.status(INVOICES)["signing"]["keys"]
    assert signing["fingerprint"] == shown_fingerprint(NEWER.encode())


async def test_what_rbac_hides_does_not_stop_what_works(heart):
    await heart.reconcile(INVOICES)
    heart.change_secret("billing", NotReadable())
    await heart.reconcile(INVOICES)
    assert at_gateway(heart).secrets == {"billing": {"secret": b"value"}}
    assert reasons(heart) == ["SecretsUnresolved", "SecretForbidden", "Unresolved", "NoAttempts"]
    heart.cluster.apply(spec=spec(suspend=True))
    await heart.reconcile(INVOICES)
    assert at_gateway(heart).resource["spec"]["suspend"] is True


async def test_what_rbac_hides_from_a_new_one_is_handed_over_as_missing(heart):
    heart.change_secret("billing", NotReadable())
    await heart.reconcile(INVOICES)
    assert at_gateway(heart) is None
    await heart.resync.once()
    await heart.reconcile(await heart.queue.take())
    assert at_gateway(heart).secrets == {}
    assert reasons(heart) == ["SecretsUnresolved", "SecretForbidden", "Unresolved", "Held"]


# ----------------------------------------------------------------------------- not acceptable


async def test_what_is_not_valid_is_told_and_what_was_put_before_stays(heart):
    await heart.reconcile(INVOICES)
    before = at_gateway(heart)
    heart.cluster.apply(spec={})
    await heart.reconcile(INVOICES)
    assert at_gateway(heart) is before
    assert reasons(heart) == ["InvalidSpec", "InvalidSpec", "InvalidSpec", "NoAttempts"]
    assert heart.wakeups.needed() == {}


async def test_what_the_gateway_refuses_is_told(heart):
    heart.gateway.verdicts["invoices"] = GatewayRefused(["spec.endpoint.url: is too short"])
    assert await heart.reconcile(INVOICES) is None
    assert reasons(heart)[0] == "GatewayRefused"
    assert "is too short" in heart.cluster.status(INVOICES)["conditions"][0]["message"]


async def test_what_somebody_else_has_is_told_and_tried_again(heart):
    heart.gateway.foreign["invoices"] = "manifests"
    assert await heart.reconcile(INVOICES) == 60.0
    assert reasons(heart)[0] == "OwnedByAnother"
    del heart.gateway.foreign["invoices"]
    assert await heart.reconcile(INVOICES) is None
    assert reasons(heart)[0] == "Ready"


async def test_a_forbidden_endpoint_is_told(heart):
    forbidden = EndpointStanding(False, "10.0.0.0/8 is private")
    heart.gateway.verdicts["invoices"] = {"endpoint": forbidden}
    await heart.reconcile(INVOICES)
    assert reasons(heart) == ["EndpointForbidden", "Resolved", "Forbidden", "Held"]
    assert heart.cluster.announced == [("invoices", "Warning", "EndpointForbidden")]


# ------------------------------------------------------------------------------------ outages


async def unreachable(heart, which=INVOICES):
    with pytest.raises(GatewayUnavailable):
        await heart.reconcile(which)


async def test_a_gateway_that_is_away_flips_nothing_that_was_handed_over(heart):
    await heart.reconcile(INVOICES)
    heart.gateway.is_down = True
    await heart.reconcile(INVOICES)
    heart.ledger.doubt(PLACE)
    await unreachable(heart)
    assert heart.cluster.asked["write_status"] == 1
    again = Heart(heart.cluster, heart.gateway)
    await unreachable(again)
    assert heart.cluster.asked["write_status"] == 1


async def test_what_is_new_while_the_gateway_is_away_says_so_and_recovers(heart):
    heart.gateway.is_down = True
    await unreachable(heart)
    assert reasons(heart) == ["GatewayUnreachable"] * 4
    await unreachable(heart)
    assert heart.cluster.asked["write_status"] == 1
    heart.gateway.is_down = False
    await heart.reconcile(INVOICES)
    assert reasons(heart) == ["Ready", "Resolved", "Allowed", "NoAttempts"]


async def test_taken_back_after_a_put_without_an_answer_it_is_put_again(heart):
    await heart.reconcile(INVOICES)
    heart.cluster.apply(spec=spec(suspend=True))
    heart.gateway.is_down = True
    await unreachable(heart)
    assert reasons(heart)[0] == "GatewayUnreachable"
    heart.gateway.is_down = False
    heart.cluster.apply(spec=spec())
    await heart.reconcile(INVOICES)
    assert heart.gateway.asked == {"put": 3}


async def test_a_cluster_that_says_no_changes_nothing(heart):
    heart.cluster.down = Forbidden("may not get webhooksubscriptions")
    with pytest.raises(Forbidden):
        await heart.reconcile(INVOICES)
    assert heart.gateway.asked == {}


async def test_an_object_that_goes_before_its_status_is_looked_at_again(heart):
    async def gone(observed, status):
        del heart.cluster.objects[INVOICES]
        return False

    heart.cluster.write_status = gone
    assert await heart.reconcile(INVOICES) == 1.0
    assert heart.cluster.announced == []


# ------------------------------------------------------------------------------------- health


def healthy(second):
    return HealthReading(state="healthy", last_success_at=f"2026-03-01T10:00:{second:02}.5Z")


async def test_times_of_attempts_are_written_every_half_minute(heart):
    await heart.reconcile(INVOICES)
    waits = []
    for second in range(0, 60, 5):
        heart.clock.seconds = float(second)
        heart.ledger.hear(("shop", "invoices"), healthy(second))
        waits.append(await heart.reconcile(INVOICES))
    assert waits == [None, 25.0, 20.0, 15.0, 10.0, 5.0, None, 25.0, 20.0, 15.0, 10.0, 5.0]
    assert heart.cluster.asked["write_status"] == 3
    assert heart.cluster.status(INVOICES)["lastSuccessTime"] == "2026-03-01T10:00:30Z"
    assert heart.cluster.announced == [
        ("invoices", "Normal", "Ready"),
        ("invoices", "Normal", "Delivering"),
    ]


async def test_conditions_are_counted(heart):
    await heart.reconcile(INVOICES, INVOICES)
    assert heart.seen.of("subscriptions_stand") == [
        (
            "shop",
            {
                ("Ready", "True"): 1,
                ("SecretsResolved", "True"): 1,
                ("EndpointAllowed", "True"): 1,
                ("Delivering", "Unknown"): 1,
            },
        )
    ]


async def test_no_value_shows_anywhere(heart):
    heart.cluster.secrets["shop", "billing"] = found(secret="hunter2-hunter2")
    await heart.reconcile(INVOICES)
    shown = [heart.seen.told, heart.cluster.announced, heart.cluster.status(INVOICES)]
    assert "hunter2" not in repr((shown, heart.ledger.everything(), at_gateway(heart)))


async def test_somebody_who_writes_the_status_back_is_not_answered_without_end(heart):
    """A second operator of the class, a script: neither writes nor Events may come as fast as they can."""
    await heart.reconcile(INVOICES)
    pauses = []
    for _ in range(20):
        status = heart.cluster.objects[INVOICES]["status"]
        status["conditions"][0] |= {"status": "False", "reason": "GatewayUnreachable"}
        pauses.append(await heart.reconcile(INVOICES))
        heart.clock.seconds += 0.1
    assert heart.cluster.asked["write_status"] == len(heart.cluster.announced) == 5
    assert pauses[-1] == pytest.approx(10.0 - 1.9)
    ((name, told),) = heart.seen.of("warning")
    assert (name, told["namespace"], told["name"]) == ("status_contested", "shop", "invoices")
    heart.clock.seconds += 10.0
    await heart.reconcile(INVOICES)
    assert reasons(heart)[0] == "Ready"


async def test_somebody_who_edits_fast_is_nobody_who_writes_the_status(heart):
    await heart.reconcile(INVOICES)
    for number in range(10):
        heart.cluster.apply(spec=spec(suspend=number % 2 == 0))
        await heart.reconcile(INVOICES)
        heart.clock.seconds += 0.1
    assert heart.cluster.asked["write_status"] == 5
    assert heart.seen.of("warning") == []


async def test_conditions_of_others_go_without_haste(heart):
    await heart.reconcile(INVOICES)
    theirs = {"type": "Synced", "status": "True", "reason": "Other", "message": ""}
    heart.cluster.objects[INVOICES]["status"]["conditions"].append(theirs)
    assert await heart.reconcile(INVOICES) == 30.0
    assert heart.cluster.asked["write_status"] == 1


async def test_what_the_feed_told_while_it_was_put_is_not_overwritten(heart, monkeypatch):
    """The answer may be the older of the two, and the feed tells each change once."""
    put, gone = heart.gateway.put, HealthReading(hold="Gone")

    async def slow(declaration):
        answer = await put(declaration)
        heart.ledger.hear(("shop", "invoices"), gone)
        return answer

    monkeypatch.setattr(heart.gateway, "put", slow)
    await heart.reconcile(INVOICES)
    assert heart.ledger.health(("shop", "invoices")) == gone
    assert reasons(heart)[0] == "EndpointGone"
