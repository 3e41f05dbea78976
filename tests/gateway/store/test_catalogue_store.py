"""Resources: owners, revisions, what a delete leaves, secrets at rest."""

import pytest

from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.ports import OwnedByAnother, ResourceDraft
from tests.gateway.stores import BANK, SHOP, START, acceptance

INVOICES = ResourceKey(ResourceKind.SUBSCRIPTION, SHOP, "invoices")
KEY = ResourceKey(ResourceKind.API_KEY, SHOP, "team")


def draft(key=INVOICES, owner="manifests", **other):
    return ResourceDraft(
        **{
            "key": key,
            "owner": owner,
            "fingerprint": "1",
            "document": {"spec": {"match": {"interim": True}, "url": "https://é.example"}},
            "secrets": {"billing": {"secret": b"\x00top-secret\xff"}},
            **other,
        }
    )


async def only(store, since=0):
    (resource,) = (await store.changes(since)).resources
    return resource


async def test_what_is_put_comes_back(store):
    revision = await store.put(draft(), START)
    changes = await store.changes(0)
    (resource,) = changes.resources
    assert (changes.revision, changes.removed) == (revision, ())
    assert (resource.document, resource.secrets) == (draft().document, draft().secrets)
    assert (resource.key, resource.owner, resource.fingerprint) == (INVOICES, "manifests", "1")
    assert (resource.revision, resource.created_at) == (revision, START)
    assert "top-secret" not in repr(resource)


async def test_it_survives_a_restart(open_store):
    async with open_store() as store:
        revision = await store.put(draft(), START)
    async with open_store() as store:
        assert (await only(store)).secrets == draft().secrets
        assert await store.put(draft(KEY), START) == revision + 1


async def test_changes_are_what_is_newer(store):
    first = await store.put(draft(), START)
    second = await store.put(draft(KEY), START)
    third = await store.put(draft(fingerprint="2"), START + 1)
    assert first < second < third
    assert [r.key for r in (await store.changes(first)).resources] == [KEY, INVOICES]
    assert (await store.changes(third)).resources == ()
    assert (await store.changes(third)).revision == third
    assert (await only(store, second)).created_at == START


async def test_another_owners_resource_is_left_alone(store):
    revision = await store.put(draft(), START)
    with pytest.raises(OwnedByAnother) as raised:
        await store.put(draft(owner="operator"), START)
    assert (raised.value.key, raised.value.owner) == (INVOICES, "manifests")
    with pytest.raises(OwnedByAnother):
        await store.delete(INVOICES, "operator", START)
    assert (await store.changes(0)).revision == revision
    await store.put(
        draft(ResourceKey(ResourceKind.SUBSCRIPTION, BANK, "invoices"), "operator"), START
    )


class TestDeleting:
    async def test_a_subscription_leaves_a_trace(self, store):
        await store.put(draft(), START)
        revision = await store.delete(INVOICES, "manifests", START + 9)
        resource = await only(store, revision - 1)
        assert (resource.deleted_at, resource.revision) == (START + 9, revision)
        assert await store.delete(INVOICES, "manifests", START + 10) == revision
        assert (await only(store)).deleted_at == START + 9

    async def test_everything_else_is_gone_at_once(self, store):
        put = await store.put(draft(KEY), START)
        await store.delete(KEY, "manifests", START)
        changes = await store.changes(put)
        assert (changes.resources, changes.removed) == ((), (KEY,))
        await store.put(draft(KEY), START)
        assert (await store.changes(0)).removed == ()

    async def test_unknown_ones_change_nothing(self, store):
        revision = await store.put(draft(), START)
        assert await store.delete(KEY, "anybody", START) == revision

    @pytest.mark.parametrize("key", [INVOICES, KEY])
    async def test_a_delete_that_comes_once_more_is_no_conflict_with_who_came_after(
        self, store, key
    ):
        await store.put(draft(key), START)
        await store.delete(key, "manifests", START + 1)
        taken_up = await store.put(draft(key, "operator"), START + 2)
        assert await store.delete(key, "manifests", START + 1) == taken_up
        assert (await only(store)).owner == "operator"
        with pytest.raises(OwnedByAnother):
            await store.delete(key, "manifests", START + 3)

    async def test_put_again_within_the_grace_takes_the_deliveries_up(self, store):
        await store.put(draft(), START)
        revision = await store.delete(INVOICES, "manifests", START + 1)
        await store.accept([acceptance(revision=revision, parked=True)])
        await store.put(draft(owner="operator"), START + 2)
        resource = await only(store)
        assert (resource.deleted_at, resource.owner) == (None, "operator")
        assert (resource.resumed_at, resource.created_at) == (START + 2, START)
        assert await store.cancel_deleted(START + 99, 10, START + 99) == {}
        assert (await store.statistics()).pending == {(SHOP, "invoices"): 1}


class TestHolds:
    async def test_suspending_and_resuming(self, store):
        await store.put(draft(suspended=True), START)
        await store.put(draft(suspended=True, fingerprint="2"), START + 5)
        resource = await only(store)
        assert (resource.suspended_at, resource.resumed_at) == (START, 0.0)
        await store.put(draft(), START + 9)
        resource = await only(store)
        assert (resource.suspended_at, resource.resumed_at) == (None, START + 9)

    async def test_resume_starts_the_age_anew(self, store):
        put = await store.put(draft(), START)
        assert await store.resume(INVOICES, START + 3) == put + 1
        assert (await only(store, put)).resumed_at == START + 3
        assert await store.resume(KEY, START) == put + 1


async def test_secrets_are_encrypted_at_rest(open_store, tmp_path):
    async with open_store() as store:
        await store.put(draft(), START)
    content = b"".join(file.read_bytes() for file in tmp_path.glob("hookgate.db*"))
    assert b"manifests" in content
    assert b"top-secret" not in content
