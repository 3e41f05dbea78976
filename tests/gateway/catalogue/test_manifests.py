"""The folder of manifests: files in, catalogue out, bad files told and survived."""

import asyncio
import base64
import json
import os
import time

import pytest
import yaml

from hookgate_gateway.catalogue.manifest_folder import Folder
from hookgate_gateway.contract import ResourceKey, ResourceKind
from hookgate_gateway.ports import StoreFull
from hookgate_gateway.rules.delivery import HoldReason, Namespace
from tests.gateway.catalogue.world import KEY, SHOP, document, draft, world

SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "hook", "namespace": "shop"},
    "stringData": {"secret": "signs\n"},
}


def secret(name="hook", namespace="shop", labels=None, annotations=None, **data):
    metadata = {"name": name, "namespace": namespace, "labels": labels, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}


def write(path, *documents):
    path.write_text(yaml.safe_dump_all(documents))
    return path


async def reload(manifests):
    """Two looks: a change has come to rest when the second finds it the same."""
    await manifests.load()
    await manifests.load()


def subscription(w, name="invoices"):
    return w.catalogue.snapshot.subscriptions.get((SHOP, name))


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "manifests"
    made.mkdir()
    return made


async def test_a_folder_is_loaded_at_start(tmp_path, folder):
    write(folder / "one.yaml", document(), SECRET)
    (folder / "two.json").write_text(json.dumps(document("returns")))
    (folder / "notes.txt").write_text("not a manifest")
    (folder / ".hidden.yaml").write_text("not: [a manifest")
    async with world(tmp_path) as w:
        manifests = w.manifests(folder)
        assert not manifests.loaded
        await manifests.load()
        assert manifests.loaded
        assert manifests.problems == ()
        assert subscription(w).signing.keys == (b"signs",)
        assert subscription(w, "returns").hold is None  # its Secret is in another file
        assert w.logged("manifests_loaded")[0]["put"] == 2


async def test_nothing_is_put_again_by_a_restart(tmp_path, folder):
    write(folder / "one.yaml", document(), SECRET, secret("dev", labels={"hookgate.dev/api-key": "true"}, **{"api-key": KEY.decode()}))  # fmt: skip
    async with world(tmp_path) as w:
        await w.manifests(folder).load()
        revision = w.catalogue.snapshot.revision
        again = w.again()
        await again.catalogue.refresh()
        await again.manifests(folder).load()
        assert again.catalogue.snapshot.revision == revision


async def test_a_changed_secret_puts_its_subscriptions_again(tmp_path, folder):
    write(folder / "subscription.yaml", document(), document("other", signing={"secretRefs": [{"name": "calm", "key": "secret"}]}))  # fmt: skip
    write(folder / "secrets.yaml", SECRET, secret("calm", secret="still"))
    async with world(tmp_path) as w:
        manifests = w.manifests(folder)
        await manifests.load()
        before = subscription(w, "other")
        write(folder / "secrets.yaml", secret(secret="fresh"), secret("calm", secret="still"))
        await manifests.load()
        assert subscription(w).signing.keys == (b"signs",)  # perhaps half written
        await manifests.load()
        assert subscription(w).signing.keys == (b"fresh",)
        assert subscription(w, "other") is before


async def test_a_missing_secret_is_told_and_held(tmp_path, folder):
    path = write(folder / "one.yaml", document())
    async with world(tmp_path) as w:
        manifests = w.manifests(folder)
        await manifests.load()
        assert subscription(w).hold.reason is HoldReason.UNRESOLVED
        place = f"{path}: WebhookSubscription shop/invoices: spec.signing.secretRefs[0]"
        missing = "Secret shop/hook, key secret: is not there; create it"
        assert manifests.problems == (f"{place}: {missing}",)
        write(folder / "secret.yaml", SECRET)
        await reload(manifests)
        assert subscription(w).hold is None
        assert manifests.problems == ()


async def test_what_vanishes_is_deleted(tmp_path, folder):
    write(folder / "one.yaml", document(), document("returns"), SECRET)
    write(folder / "two.yaml", document("third"))
    async with world(tmp_path) as w:
        manifests = w.manifests(folder)
        await manifests.load()
        write(folder / "one.yaml", document(), SECRET)
        (folder / "two.yaml").unlink()
        await reload(manifests)
        assert subscription(w).hold is None
        assert subscription(w, "returns").hold.reason is HoldReason.DELETED
        assert subscription(w, "third").hold.reason is HoldReason.DELETED
        write(folder / "two.yaml", document("third"))
        await reload(manifests)
        assert subscription(w, "third").hold is None


async def test_a_bad_file_keeps_its_last_good_state(tmp_path, folder):
    write(folder / "good.yaml", document("good"), SECRET)
    path = write(folder / "one.yaml", document())
    async with world(tmp_path) as w:
        manifests = w.manifests(folder)
        await manifests.load()
        write(path, document("invoices", suspnd=True), document("fresh"))
        write(folder / "good.yaml", document("good", suspend=True), SECRET)
        await reload(manifests)
        assert manifests.loaded
        assert subscription(w).hold is None
        assert subscription(w, "fresh") is None  # the unit is the file
        assert subscription(w, "good").hold.reason is HoldReason.SUSPENDED
        expected = f"{path}: WebhookSubscription shop/invoices: spec.suspnd: is not a known field; did you mean suspend?"  # fmt: skip
        assert manifests.problems == (expected,)
        assert [entry["error"] for entry in w.logged("manifest_refused")] == [expected]
        await reload(manifests)
        assert len(w.logged("manifest_refused")) == 1  # said once


async def test_a_bad_file_keeps_its_last_good_state_over_a_restart(tmp_path, folder):
    """Even when the Secret is what cannot be read any more, and its subscription can."""
    write(folder / "subscription.yaml", document())
    write(folder / "keys.yaml", SECRET, secret("dev", labels={"hookgate.dev/api-key": "true"}, **{"api-key": KEY.decode()}))  # fmt: skip
    async with world(tmp_path) as w:
        await w.manifests(folder).load()
        (folder / "keys.yaml").write_text("kind: [Secret")
        again = w.again()
        await again.catalogue.refresh()
        manifests = again.manifests(folder)
        await manifests.load()
        assert subscription(again).signing.keys == (b"signs",)
        assert set(again.catalogue.snapshot.api_keys) == {(SHOP, "dev")}
        assert len(manifests.problems) == 1
        (folder / "keys.yaml").unlink()
        await reload(manifests)
        assert subscription(again).hold.reason is HoldReason.UNRESOLVED
        assert again.catalogue.snapshot.api_keys == {}


async def test_only_bad_files_at_first_is_not_loaded(tmp_path, folder):
    (folder / "one.yaml").write_text("- nothing of ours")
    async with world(tmp_path) as w:
        manifests = w.manifests(folder)
        await manifests.load()
        assert not manifests.loaded
        write(folder / "one.yaml", SECRET)
        await reload(manifests)
        assert manifests.loaded


async def test_an_empty_folder_is_loaded_and_a_missing_one_is_told(tmp_path, folder):
    async with world(tmp_path) as w:
        manifests = w.manifests(folder)
        await manifests.load()
        assert manifests.loaded
        missing = w.manifests(tmp_path / "nowhere")
        await missing.load()
        assert not missing.loaded
        assert missing.problems == (
            f"{tmp_path / 'nowhere'}: cannot be read: No such file or directory; create the folder",
        )
        (tmp_path / "nowhere").mkdir()
        await missing.load()
        assert missing.loaded
        assert missing.problems == ()


async def test_the_later_file_that_says_the_same_is_bad(tmp_path, folder):
    write(folder / "b.yaml", document(), SECRET)
    async with world(tmp_path) as w:
        manifests = w.manifests(folder)
        await manifests.load()
        write(folder / "a.yaml", document(suspend=True), document("fresh"))
        await reload(manifests)
        assert subscription(w).hold is None  # b had it first, though a comes before it
        assert subscription(w, "fresh") is None
        assert manifests.problems == (
            f"{folder / 'a.yaml'}: subscription shop/invoices is in b.yaml, too; keep one",
        )
        write(folder / "b.yaml", SECRET)
        await reload(manifests)
        assert subscription(w).hold.reason is HoldReason.SUSPENDED
        assert subscription(w, "fresh") is not None
        assert manifests.problems == ()


async def test_a_secret_in_two_files(tmp_path, folder):
    write(folder / "a.yaml", document(), SECRET)
    write(folder / "b.yaml", secret(secret="other"), document("third"))
    async with world(tmp_path) as w:
        manifests = w.manifests(folder)
        await manifests.load()
        assert subscription(w).signing.keys == (b"signs",)
        assert subscription(w, "third") is None
        assert manifests.problems == (
            f"{folder / 'b.yaml'}: Secret shop/hook is in a.yaml, too; keep one",
        )


async def test_a_resource_moves_to_another_file(tmp_path, folder):
    write(folder / "a.yaml", document(), SECRET)
    async with world(tmp_path) as w:
        manifests = w.manifests(folder)
        await manifests.load()
        write(folder / "a.yaml", SECRET)
        write(folder / "b.yaml", document())
        await reload(manifests)
        assert subscription(w).hold is None
        assert manifests.problems == ()
        (folder / "b.yaml").rename(folder / "c.yaml")
        await reload(manifests)
        assert subscription(w).hold is None


async def test_another_owners_resource_is_left_alone_and_told(tmp_path, folder):
    path = write(folder / "one.yaml", document(suspend=True), document("third"), SECRET)
    async with world(tmp_path) as w:
        await w.catalogue.put(draft())
        manifests = w.manifests(folder)
        await manifests.load()
        assert subscription(w).hold is None
        assert subscription(w, "third") is not None
        [problem] = manifests.problems
        assert problem.startswith(f"{path}: subscription shop/invoices is owned by 'test'")


async def test_keys_sources_and_config_maps(tmp_path, folder):
    ca = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    endpoint = {
        "url": "https://billing.shop.example/hook",
        "tls": {"caFrom": {"configMapKeyRef": {"name": "roots", "key": "ca.crt"}}},
    }
    write(
        folder / "all.yaml",
        document(endpoint=endpoint),
        SECRET,
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "roots", "namespace": "shop"},
            "data": {"ca.crt": ca},
        },
        secret(
            "dev",
            labels={"hookgate.dev/api-key": "true", "hookgate.dev/source": "skyvern"},
            annotations={
                "hookgate.dev/signing-scheme": "SkyvernHex",
                "kubectl.kubernetes.io/last-applied-configuration": "repeats the values",
            },
            **{"api-key": KEY.decode(), "key": "key-of-a-skyvern-server"},
        ),
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "plain"},
            "data": {"a": base64.b64encode(b"a").decode()},
        },
    )
    async with world(tmp_path) as w:
        manifests = w.manifests(folder)
        await manifests.load()
        assert manifests.problems == ()
        snapshot = w.catalogue.snapshot
        assert subscription(w).endpoint.tls.ca_pem == ca.encode().rstrip()
        assert snapshot.api_keys[SHOP, "dev"].scheme == "SkyvernHex"
        assert snapshot.sources[SHOP, "skyvern"].keys == (b"key-of-a-skyvern-server",)
        stored = w.catalogue.stored[ResourceKey(ResourceKind.API_KEY, SHOP, "dev")]
        assert "repeats the values" not in str(stored.document)


async def test_a_key_in_two_namespaces_of_one_folder_logs_in_nowhere(tmp_path, folder):
    labels = {"hookgate.dev/api-key": "true"}
    entries = {"api-key": KEY.decode()}
    write(folder / "one.yaml", *(secret("dev", n, labels, **entries) for n in ("shop", "mill")))
    async with world(tmp_path) as w:
        await w.manifests(folder).load()
        assert w.catalogue.snapshot.callers == {}
        assert len(w.catalogue.snapshot.problems) == 2


async def test_a_mounted_config_map_is_swapped_by_its_link(tmp_path, folder):
    for name, spec in (("first", {}), ("second", {"suspend": True})):
        (folder / f"..{name}").mkdir()
        write(folder / f"..{name}" / "one.yaml", document(**spec), SECRET)
    (folder / "..data").symlink_to("..first")
    (folder / "one.yaml").symlink_to("..data/one.yaml")
    async with world(tmp_path) as w:
        manifests = w.manifests(folder)
        await manifests.load()
        assert subscription(w).hold is None
        (folder / "..new").symlink_to("..second")
        (folder / "..new").replace(folder / "..data")
        await reload(manifests)
        assert subscription(w).hold.reason is HoldReason.SUSPENDED


async def test_odd_entries_of_the_folder_do_no_harm(tmp_path, folder):
    os.mkfifo(folder / "pipe.yaml")
    (folder / "sub.yaml").mkdir()
    (folder / "dangling.yaml").symlink_to("nothing")
    write(folder / "one.yaml", document(), SECRET)
    async with world(tmp_path) as w:
        manifests = w.manifests(folder)
        async with asyncio.timeout(10):
            await manifests.load()
        assert manifests.problems == ()
        assert subscription(w) is not None


async def test_a_store_that_cannot_now_is_asked_again(tmp_path, folder):
    write(folder / "one.yaml", document(), SECRET)
    async with world(tmp_path) as w:
        put = w.store.put

        async def cannot(made, now):
            raise StoreFull

        w.store.put = cannot  # the disk is full
        manifests = w.manifests(folder)
        with pytest.raises(StoreFull):
            await manifests.load()
        assert not manifests.loaded
        w.store.put = put
        await manifests.load()
        assert manifests.loaded
        assert subscription(w).hold is None


async def test_a_file_that_cannot_be_read(tmp_path, folder):
    path = write(folder / "one.yaml", document(), SECRET)
    looked = Folder(folder)
    assert looked.changed() == {"one.yaml"}
    path.unlink()
    assert looked.take("one.yaml") == (
        "cannot be read: No such file or directory; check its permissions",
    )


async def test_watching_goes_on_after_a_full_disk(tmp_path, folder):
    async with world(tmp_path) as w:
        manifests = w.manifests(folder)
        await manifests.load()
        put, refused, swapped = w.store.put, asyncio.Event(), asyncio.Event()

        async def cannot(made, now):
            refused.set()
            w.store.put = put
            raise StoreFull

        w.store.put = cannot
        w.catalogue.listen(lambda old, new: swapped.set())
        watching = asyncio.create_task(manifests.watch())
        write(folder / "one.yaml", document(), SECRET)
        async with asyncio.timeout(30):
            await refused.wait()
            await swapped.wait()
        assert len(w.logged("manifests_postponed")) == 1
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching


async def test_watching_takes_changes_within_two_seconds(tmp_path, folder):
    """At one of three tries: the machine may stall meanwhile, and that says nothing of the gateway."""
    async with world(tmp_path) as w:
        manifests = w.manifests(folder)
        await manifests.load()
        swapped = asyncio.Event()
        w.catalogue.listen(lambda old, new: swapped.set())
        watching = asyncio.create_task(manifests.watch())
        for _ in range(3):
            swapped.clear()
            write(folder / "one.yaml", document(), SECRET)
            began = time.monotonic()
            async with asyncio.timeout(30):
                await swapped.wait()
            if (took := time.monotonic() - began) < 2:
                break
            (folder / "one.yaml").unlink()
            await manifests.load()
        assert took < 2
        assert subscription(w).namespace == Namespace("shop")
        watching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await watching
