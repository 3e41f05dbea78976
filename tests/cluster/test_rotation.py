"""Signing keys change without a webhook that nobody can verify: order, fingerprints, removal."""

from typing import Any

import pytest
import pytest_asyncio

from hookgate_operator.subscriptions.values import shown_fingerprint
from tests.acceptance.signatures import assert_standard
from tests.cluster.installation import WATCHED, Installation, Team, signs
from tests.receivers import Received

pytestmark = pytest.mark.asyncio(loop_scope="module")

OLD, NEW = "the old signing key of billing", "the new signing key of billing"


@pytest_asyncio.fixture(loop_scope="module", name="team")
async def _team(team: Team) -> Team:
    """They have two signing Secrets beside."""
    await team.apply(team.secret("old", WATCHED, secret=OLD), team.secret("new", secret=NEW))
    return team


async def keys_of(team: Team, *names: str, scheme: str = "Skyvern") -> list[tuple[str, str, bool]]:
    """Sign with these Secrets in this order; what the status then says of them."""
    await team.apply(team.subscription(secrets=names, scheme=scheme))
    found = await team.ready()
    signing = found["status"]["signing"]
    assert signing["scheme"] == scheme
    return [(each["name"], each["fingerprint"], each["signs"]) for each in signing["keys"]]


async def next_webhook(team: Team) -> Received:
    count = len(team.arrived(team.path("invoices")))
    await team.post()
    return (await team.arrivals(team.path("invoices"), count + 1))[-1]


async def held_keys(hookgate: Installation, team: Team) -> list[str]:
    """The Secrets whose values the gateway signs with."""
    path = f"namespaces/{team.namespace}/subscriptions/invoices"
    return [key["secret"] for key in (await hookgate.control(path))["keys"]]


async def test_with_one_signature_the_first_signs(hookgate: Installation, team: Team) -> None:
    old, new = (shown_fingerprint(value.encode()) for value in (OLD, NEW))
    assert await keys_of(team, "old") == [("old", old, True)]
    assert signs(OLD, await next_webhook(team))
    assert await keys_of(team, "old", "new") == [("old", old, True), ("new", new, False)]
    assert signs(OLD, await next_webhook(team))
    assert await keys_of(team, "new", "old") == [("new", new, True), ("old", old, False)]
    assert signs(NEW, await next_webhook(team))
    assert await held_keys(hookgate, team) == ["new", "old"]
    assert await keys_of(team, "new") == [("new", new, True)]
    assert signs(NEW, await next_webhook(team))
    assert await held_keys(hookgate, team) == ["new"]


async def test_with_room_for_several_signatures_all_sign(team: Team) -> None:
    standard = "StandardWebhooks"
    both = await keys_of(team, "old", "new", scheme=standard)
    assert [(name, signs) for name, _, signs in both] == [("old", True), ("new", True)]
    assert_standard(await next_webhook(team), OLD, NEW)
    await keys_of(team, "new", scheme=standard)
    assert_standard(await next_webhook(team), NEW)


async def test_a_value_that_is_replaced_in_place_is_told_by_its_fingerprint(team: Team) -> None:
    await keys_of(team, "old", "new")
    await team.apply(team.secret("old", WATCHED, secret="a value that replaces it"))
    fingerprint = shown_fingerprint(b"a value that replaces it")

    def is_told(found: Any) -> bool:
        return found["status"]["signing"]["keys"][0]["fingerprint"] == fingerprint

    await team.kubectl.until("whsub", "invoices", is_told)
    assert signs("a value that replaces it", await next_webhook(team))


async def test_a_key_that_is_listed_before_it_is_there_holds_and_loses_nothing(team: Team) -> None:
    await keys_of(team, "old")
    await team.apply(team.subscription(secrets=("old", "next")))
    found = await team.stands("invoices", "SecretsUnresolved")
    old, missing = found["status"]["signing"]["keys"]
    assert (old["name"], old["signs"]) == ("old", True)
    assert missing == {"name": "next", "key": "secret", "signs": False}
    await team.post()
    await team.apply(team.secret("next", WATCHED, secret="the next key"))
    await team.ready()
    (received,) = await team.arrivals(team.path("invoices"))
    assert signs(OLD, received)


async def test_a_deleted_secret_holds_until_it_is_back(team: Team) -> None:
    await keys_of(team, "old")
    await team.kubectl.delete("secret", "old")
    await team.stands("invoices", "SecretNotFound", "SecretsResolved")
    await team.post()
    await team.apply(team.secret("old", WATCHED, secret=NEW))
    await team.ready()
    (received,) = await team.arrivals(team.path("invoices"))
    assert signs(NEW, received)
