"""Key Secrets between cluster and gateway."""

import pytest

from hookgate_operator.declarations import Place
from hookgate_operator.ports import GatewayRefused, GatewayUnavailable, HeldKind, Kind
from tests.controlplane.heart import Heart
from tests.controlplane.worlds import key

API_KEY = {"hookgate.dev/api-key": "true"}
EU = {"hookgate.dev/source": "eu"}
VALUE = b"v" * 24


@pytest.fixture
def heart():
    return Heart()


def held(heart):
    return {(kind.value, name) for kind, _, name in heart.gateway.declared}


def eu(heart):
    """The Secret that the source is made from at the gateway."""
    declaration = heart.gateway.declared[HeldKind.SOURCE, "shop", "eu"]
    return declaration.resource["metadata"]["name"]


async def woken(heart):
    """Look at all that wait."""
    while len(heart.queue):
        which = await heart.queue.take()
        await heart.reconcile(which)
        heart.queue.done(which)


async def test_labels_hand_it_over_and_take_it_away(heart):
    portal = heart.cluster.apply_key("portal", API_KEY | EU, {"api-key": VALUE, "key": b"k"})
    assert await heart.reconcile(portal) is None
    assert held(heart) == {("api-keys", "portal"), ("sources", "eu")}
    await heart.reconcile(portal)
    assert heart.gateway.asked == {"put": 2}
    heart.cluster.apply_key("portal", EU, {"key": b"k"})
    await heart.reconcile(portal)
    assert held(heart) == {("sources", "eu")}
    heart.cluster.apply_key("portal", {}, {"key": b"k"})
    await heart.reconcile(portal)
    assert held(heart) == set()
    assert heart.cluster.announced == []


async def test_another_source_by_its_label_is_another_place(heart):
    portal = heart.cluster.apply_key("portal", EU, {"key": b"k"})
    await heart.reconcile(portal)
    heart.cluster.apply_key("portal", {"hookgate.dev/source": "us"}, {"key": b"k"})
    await heart.reconcile(portal)
    assert held(heart) == {("sources", "us")}


async def test_deleted_it_goes(heart):
    portal = heart.cluster.apply_key("portal", API_KEY | EU, {"api-key": VALUE, "key": b"k"})
    await heart.reconcile(portal)
    del heart.cluster.objects[portal]
    await heart.reconcile(portal)
    assert held(heart) == set()
    assert heart.ledger.everything() == {}


@pytest.mark.parametrize("labels", [None, {}])
async def test_deleted_or_without_its_label_while_the_operator_was_down(heart, labels):
    portal = heart.cluster.apply_key("portal", API_KEY | EU, {"api-key": VALUE, "key": b"k"})
    await heart.reconcile(portal)
    if labels is None:
        del heart.cluster.objects[portal]
    else:
        heart.cluster.apply_key("portal", labels, {})
    again = Heart(heart.cluster, heart.gateway)
    await again.resync.once()
    await woken(again)
    assert held(heart) == set()


async def test_a_value_that_changes_is_put_and_another_annotation_is_not(heart):
    portal = heart.cluster.apply_key("portal", API_KEY, {"api-key": VALUE})
    await heart.reconcile(portal)
    heart.cluster.apply_key("portal", API_KEY, {"api-key": VALUE, "unrelated": b"x"})
    await heart.reconcile(portal)
    assert heart.gateway.asked == {"put": 1}
    heart.cluster.apply_key("portal", API_KEY, {"api-key": b"w" * 24})
    await heart.reconcile(portal)
    assert heart.gateway.asked == {"put": 2}
    await heart.resync.once()
    assert len(heart.queue) == 0


async def test_what_the_gateway_refuses_is_told_once_and_again_when_it_is_well(heart):
    portal = heart.cluster.apply_key("portal", API_KEY, {"api-key": b"short"})
    heart.gateway.verdicts["portal"] = GatewayRefused(["key api-key is shorter than 24 characters"])
    assert await heart.reconcile(portal) == 60.0
    assert await heart.reconcile(portal) == 60.0
    assert heart.cluster.announced == [("portal", "Warning", "KeyRefused")]
    assert heart.seen.of("keys_refused") == [("shop", 1)]
    del heart.gateway.verdicts["portal"]
    assert await heart.reconcile(portal) is None
    assert heart.cluster.announced[1:] == [("portal", "Normal", "KeyAccepted")]
    assert heart.seen.of("keys_refused") == [("shop", 1), ("shop", 0)]
    logged = [fields["reason"] for _, fields in heart.seen.of("warning") + heart.seen.of("event")]
    assert logged == ["KeyRefused", "KeyAccepted"]


async def test_a_refused_secret_that_goes_is_counted_no_more(heart):
    portal = heart.cluster.apply_key("portal", API_KEY, {})
    heart.gateway.verdicts["portal"] = GatewayRefused(["key api-key is not there"])
    await heart.reconcile(portal)
    del heart.cluster.objects[portal]
    assert await heart.reconcile(portal) is None
    assert heart.seen.of("keys_refused")[-1] == ("shop", 0)


async def test_a_value_that_is_known_elsewhere_is_told_and_asked_again(heart):
    portal = heart.cluster.apply_key("portal", API_KEY, {"api-key": VALUE})
    heart.gateway.verdicts["portal"] = {"resolved": False, "reasons": ("is known elsewhere",)}
    assert await heart.reconcile(portal) == 60.0
    assert heart.cluster.announced == [("portal", "Warning", "KeyRefused")]
    heart.gateway.verdicts["portal"] = {"resolved": True, "reasons": ()}
    assert await heart.reconcile(portal) is None
    assert heart.gateway.asked == {"put": 2}


async def test_what_somebody_else_has_is_told_and_left_alone(heart):
    portal = heart.cluster.apply_key("portal", API_KEY, {"api-key": VALUE})
    heart.gateway.foreign["portal"] = "manifests"
    assert await heart.reconcile(portal) == 60.0
    assert heart.cluster.announced == [("portal", "Warning", "OwnedByAnother")]
    del heart.cluster.objects[portal]
    assert await heart.reconcile(portal) is None


async def test_a_gateway_that_is_away_is_tried_again_and_nothing_is_told(heart):
    portal = heart.cluster.apply_key("portal", API_KEY, {"api-key": VALUE})
    heart.gateway.is_down = True
    with pytest.raises(GatewayUnavailable):
        await heart.reconcile(portal)
    assert heart.cluster.announced == []


# ------------------------------------------------------------------------- one source, many Secrets


@pytest.fixture
def rivals(heart):
    """An older Secret and a younger one of the same source."""
    old = heart.cluster.apply_key("old", EU, {"key": b"old"})
    young = heart.cluster.apply_key("young", EU, {"key": b"young"})
    return old, young


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_the_oldest_is_the_source_whatever_the_order(heart, rivals, order):
    for number in order:
        await heart.reconcile(rivals[number])
    await woken(heart)
    assert eu(heart) == "old"
    assert heart.cluster.announced == [("young", "Warning", "SourceTaken")]


async def test_when_it_goes_the_next_one_takes_its_place_without_a_gap(heart, rivals):
    old, young = rivals
    await heart.reconcile(old, young)
    del heart.cluster.objects[old]
    await heart.reconcile(old)
    assert eu(heart) == "old"
    await woken(heart)
    assert eu(heart) == "young"
    assert heart.cluster.announced[-1] == ("young", "Normal", "KeyAccepted")


async def test_a_next_one_that_is_refused_leaves_nothing_of_the_one_that_went(heart, rivals):
    old, young = rivals
    await heart.reconcile(old, young)
    heart.gateway.verdicts["eu"] = GatewayRefused(["key key is empty"])
    del heart.cluster.objects[old]
    await heart.reconcile(old)
    await woken(heart)
    assert held(heart) == set()
    assert heart.ledger.get(Place(HeldKind.SOURCE, "shop", "eu")) is None
    assert heart.cluster.announced[-1] == ("young", "Warning", "KeyRefused")


async def test_a_stray_source_goes_only_when_no_secret_declares_it(heart, rivals):
    stray = key("source/eu", Kind.KEY_SECRET)
    await heart.reconcile(*rivals)
    again = Heart(heart.cluster, heart.gateway)
    await again.reconcile(stray)
    assert held(heart) == {("sources", "eu")}
    await woken(again)
    assert eu(heart) == "old"
    await again.reconcile(stray)
    assert await again.queue.take() == rivals[0]
    heart.cluster.objects.clear()
    last = Heart(heart.cluster, heart.gateway)
    await last.reconcile(stray)
    assert held(heart) == set()


async def test_no_value_shows_anywhere(heart):
    portal = heart.cluster.apply_key("portal", API_KEY, {"api-key": b"hunter2-hunter2-hunter2-"})
    await heart.reconcile(portal)
    shown = (heart.seen.told, heart.ledger.everything(), list(heart.gateway.declared.values()))
    assert "hunter2" not in repr(shown)
