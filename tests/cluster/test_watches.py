"""The operator's watches on a real API server: what they tell, what they survive, what they may ask for."""

import asyncio
import re
import signal
import threading
import time
from dataclasses import replace

import pytest

from hookgate_operator.cluster import watch_names
from hookgate_operator.ports import Found, Key, Kind, NotFound
from tests.cluster.connected import Objects, Stopwatch, connected, until, watching
from tests.cluster.crds import install_crds, remove_crd
from tests.cluster.rbac import operator_rules, rules

API_KEY = {"hookgate.dev/api-key": "true"}
SOURCE = {"hookgate.dev/source": "skyvern"}
WATCH = {"hookgate.dev/watch": "true"}
DISCOVERY = re.compile(r"/api|/api/v1|/apis|/apis/[^/]+/[^/]+")


@pytest.fixture(name="objects")
def _objects(control_plane, namespace, crds_installed):
    return Objects(control_plane.admin, namespace)


@pytest.fixture(name="watched")
async def _watched(control_plane, namespace, crds_installed):
    async with watching(control_plane.kubeconfig, namespaces=(namespace,)) as told:
        await told.ready()
        yield told


@pytest.fixture(name="told_alone")
async def _told_alone(control_plane, namespace, crds_installed):
    """The same beside values that are kept for a minute: what is known of them before was told by a watch."""
    kubeconfig = control_plane.kubeconfig
    async with watching(kubeconfig, namespaces=(namespace,), max_age_seconds=60.0) as told:
        await told.ready()
        yield told


def watch_requests(faults):
    return [each for each in faults.requests if "watch=true" in each.query]


# ---------------------------------------------------------------------------------- what is told


async def test_objects_that_come_change_and_go_wake_their_keys(watched, objects):
    invoices = objects.subscription()
    await watched.woke(invoices, within=2)
    objects.patch(invoices, {"spec": {"suspend": True}})
    await watched.woke(invoices, within=2)
    objects.delete(invoices)
    await watched.woke(invoices, within=2)


async def test_what_was_there_before_is_told_once(control_plane, objects, namespace):
    keys = [objects.subscription(f"invoices-{number}") for number in range(20)]
    async with watching(control_plane.kubeconfig, namespaces=(namespace,)) as told:
        await told.ready()
        await until(lambda: set(keys) <= set(told.woken))
        assert len(told.woken) == len(keys)


@pytest.mark.parametrize("labels", [API_KEY, SOURCE])
async def test_key_secrets_wake_their_keys_also_when_the_label_goes(watched, objects, labels):
    billing = objects.secret(labels=labels, key="value")
    await watched.woke(billing, within=2)
    objects.set("billing", key="another")
    await watched.woke(billing, within=2)
    objects.patch(billing, {"metadata": {"labels": dict.fromkeys(labels)}})
    await watched.woke(billing, within=2)
    objects.set("billing", key="a third")
    objects.delete(objects.secret("later", labels))
    await watched.woke(Key(Kind.KEY_SECRET, objects.namespace, "later"))
    assert billing not in watched.woken


async def test_a_watched_secret_is_current_within_two_seconds(told_alone, objects, namespace):
    objects.secret(labels=WATCH, secret="one")
    assert await told_alone.cluster.values(namespace, ["billing"]) == {
        "billing": Found({"secret": b"one"})
    }
    objects.set("billing", secret="two")
    await until(lambda: (namespace, "billing") in told_alone.values_changed, within=2)
    assert await told_alone.cluster.values(namespace, ["billing"]) == {
        "billing": Found({"secret": b"two"})
    }
    told_alone.values_changed.clear()
    objects.delete(Key(Kind.KEY_SECRET, namespace, "billing"))
    await until(lambda: (namespace, "billing") in told_alone.values_changed, within=2)
    assert await told_alone.cluster.values(namespace, ["billing"]) == {"billing": NotFound()}
    assert not [key for key in told_alone.woken if key.kind is Kind.KEY_SECRET]


async def test_a_secret_that_was_asked_for_in_vain_is_told_when_it_comes(
    told_alone, objects, namespace
):
    assert await told_alone.cluster.values(namespace, ["billing"]) == {"billing": NotFound()}
    objects.secret(labels=WATCH, secret="one")
    await until(lambda: (namespace, "billing") in told_alone.values_changed, within=2)


async def test_watched_values_are_not_read_again(faults, objects, namespace):
    objects.secret(labels=WATCH, secret="one")
    kubeconfig = faults.kubeconfig()
    async with (
        watching(
            kubeconfig,
            namespaces=(namespace,),
            needed={namespace: {"billing"}},
            stale_seconds=60.0,  # a watch of which nothing was heard for a third of it is believed no more
        ) as told
    ):
        await told.ready()
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            await told.cluster.values(namespace, ["billing"])
            await asyncio.sleep(0.1)
    assert len([each for each in faults.requests if each.path.endswith("/secrets/billing")]) <= 1


@pytest.mark.parametrize("mode", ["Watch", "Get"])
async def test_what_is_needed_and_not_watched_is_read_again(
    control_plane, objects, namespace, mode
):
    objects.secret(secret="one")
    objects.config_map("roots", **{"ca.crt": "one"})
    needed = {namespace: {"billing", "configmap/roots"}}
    async with watching(
        control_plane.kubeconfig, namespaces=(namespace,), secrets_mode=mode, needed=needed
    ) as told:
        await told.cluster.values(namespace, needed[namespace])
        objects.set("billing", secret="two")
        await until(lambda: told.values_changed == [(namespace, "billing")], within=3)
        values = await told.cluster.values(namespace, needed[namespace])
        assert values["billing"] == Found({"secret": b"two"})


async def test_in_get_mode_key_secrets_are_listed(control_plane, objects, namespace):
    async with watching(
        control_plane.kubeconfig, namespaces=(namespace,), secrets_mode="Get"
    ) as told:
        await told.ready()
        billing = objects.secret(labels=API_KEY, key="one")
        await told.woke(billing, within=3)
        objects.set("billing", key="two")
        await told.woke(billing, within=3)
        objects.delete(billing)
        await told.woke(billing, within=3)
        assert set(told.watches.last_alive()) == set(watch_names("Get"))
        assert await told.watches.missed(Kind.KEY_SECRET, ()) == []


# ------------------------------------------------------------------------------- what it may ask


@pytest.mark.parametrize("mode", ["Watch", "Get"])
async def test_a_namespaced_operator_asks_for_nothing_of_the_cluster(
    faults, service_account, objects, namespace, mode
):
    account = service_account(rules=operator_rules(secrets_mode=mode))
    kubeconfig = faults.kubeconfig(account.access)
    async with watching(kubeconfig, namespaces=(namespace,), secrets_mode=mode) as told:
        await told.ready()
        await told.woke(objects.subscription())
    inside = f"/namespaces/{namespace}/"
    asked = {each.path for each in faults.requests if inside not in each.path}
    assert [path for path in asked if not DISCOVERY.fullmatch(path)] == []
    assert {each.status for each in faults.requests} <= {200, None}
    assert {each.method for each in faults.requests} == {"GET"}


async def test_an_operator_of_the_whole_cluster_hears_of_every_namespace(
    control_plane, service_account, objects
):
    account = service_account(cluster_rules=rules("cluster-wide"))
    async with watching(account.kubeconfig) as told:
        await told.ready()
        await told.woke(objects.subscription(), within=2)


async def test_a_missing_rule_is_told_once_and_its_watch_begins_when_it_is_there(
    control_plane, service_account, objects, namespace
):
    without = [rule for rule in operator_rules() if "secrets" not in rule["resources"]]
    account = service_account(rules=without)
    async with watching(account.kubeconfig, namespaces=(namespace,)) as told:
        await told.woke(objects.subscription())
        await until(lambda: len(told.observer.of("watch_trouble")) == 3)
        begun = {name for (name,) in told.observer.of("watch_begins")}
        assert begun == set(watch_names("Watch"))
        assert "may not list secrets" in "".join(told.watches.unready())
        assert told.watches.stale() == ()
        role = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles/operator"
        control_plane.admin.must(
            "PATCH", role, {"rules": operator_rules()}, content_type="application/merge-patch+json"
        )
        await told.ready()
        assert len(told.observer.of("watch_trouble")) == 3
        assert ("secrets/api-key",) in told.observer.of("watch_recovered")


# ------------------------------------------------------------------------------ what it survives


async def test_an_api_server_that_comes_back_is_watched_again(
    control_plane, watched, objects, namespace
):
    gone, changed = objects.subscription("gone"), objects.subscription("changed")
    await watched.woke(gone)
    await watched.woke(changed)
    control_plane.stop_server()
    await until(watched.watches.unready)
    control_plane.start_server()
    objects.delete(gone)
    objects.patch(changed, {"spec": {"suspend": True}})
    await watched.woke(changed, within=20)
    await watched.woke(gone, within=20)
    await watched.ready(within=20)
    await until(lambda: watched.watches.stale() == ())


async def test_a_crd_that_is_not_there_is_waited_for(control_plane, objects, namespace):
    remove_crd(control_plane, "webhookreplays.hookgate.dev")
    try:
        async with watching(control_plane.kubeconfig, namespaces=(namespace,)) as told:
            await told.woke(objects.subscription())
            await until(lambda: told.observer.of("watch_trouble"))
            assert "webhookreplays.hookgate.dev" in told.watches.unready()[0]
            install_crds(control_plane)
            await told.ready(within=20)
            await until(lambda: told.watches.stale() == ())
            ((watch, why),) = told.observer.of("watch_trouble")
            assert (watch, "install the CRDs" in why) == ("webhookreplays", True)
    finally:
        install_crds(control_plane)


async def test_a_crd_that_goes_and_comes_again_is_survived(control_plane, watched, objects):
    invoices = objects.subscription()
    await watched.woke(invoices)
    remove_crd(control_plane, "webhooksubscriptions.hookgate.dev")
    try:
        await watched.woke(invoices)
        await until(watched.watches.unready)
    finally:
        install_crds(control_plane)
    objects.subscription()
    await watched.woke(invoices, within=20)
    await watched.ready()


async def test_a_watch_that_looks_alive_and_says_nothing_is_found_out(faults, objects, namespace):
    async with watching(faults.kubeconfig(), namespaces=(namespace,)) as told:
        await told.ready()
        mute = faults.mute(r"webhooksubscriptions\?.*watch=true")
        invoices = objects.subscription()
        await told.woke(invoices)
        assert ("webhooksubscriptions", 1) in told.observer.of("watch_missed")
        faults.clear()
        mute.release()
        objects.patch(invoices, {"spec": {"suspend": True}})
        await told.woke(invoices, within=10)


async def test_what_is_missed_while_the_watch_cannot_be_had_is_told_to_the_resync(
    control_plane, watched, objects
):
    invoices = objects.subscription()
    await watched.woke(invoices)
    listed = await watched.cluster.every(Kind.SUBSCRIPTION)
    assert await watched.watches.missed(Kind.SUBSCRIPTION, listed) == []
    (only,) = listed
    await watched.cluster.every(Kind.SUBSCRIPTION)
    differently = replace(only, resource_version="1")
    assert await watched.watches.missed(Kind.SUBSCRIPTION, [differently]) == [invoices]
    assert await watched.watches.missed(Kind.SUBSCRIPTION, []) == [invoices]


@pytest.mark.parametrize("code", [401, 403, 410, 429, 500])
async def test_a_watch_that_is_refused_once_is_had_soon(faults, objects, namespace, code):
    faults.answer(code, path=r"webhooksubscriptions\?.*watch=true", headers={"Retry-After": "1"})
    async with watching(faults.kubeconfig(), namespaces=(namespace,)) as told:
        await until(lambda: len(watch_requests(faults)) > 5)
        await told.woke(objects.subscription(), within=10)
        await told.ready()


@pytest.mark.parametrize("code", [410, 500])
async def test_a_watch_that_tells_of_an_error_is_begun_anew(faults, objects, namespace, code):
    error = {"type": "ERROR", "object": {"kind": "Status", "code": code}}
    faults.answer(200, path=r"webhooksubscriptions\?.*watch=true", body=error)
    async with watching(faults.kubeconfig(), namespaces=(namespace,)) as told:
        await until(lambda: len(watch_requests(faults)) > 5)
        await told.woke(objects.subscription(), within=10)
        await told.ready()


async def test_a_new_token_is_used_when_the_old_one_is_refused(
    faults, service_account, objects, namespace
):
    account = service_account(rules=operator_rules())
    async with watching(faults.kubeconfig(account.access), namespaces=(namespace,)) as told:
        await told.ready()
        faults.answer(401, path="watch=true", times=None)
        faults.close_open("watch=true")
        await until(lambda: sum(each.status == 401 for each in watch_requests(faults)) >= 5)
        faults.clear()
        await told.woke(objects.subscription(), within=20)


@pytest.mark.parametrize("answer", [{"status": 500}, {"status": 200, "body": ""}])
async def test_failing_watches_are_no_hot_loop(faults, crds_installed, namespace, answer):
    faults.answer(**answer, path="watch=true", times=None)
    async with watching(faults.kubeconfig(), namespaces=(namespace,)):
        await until(lambda: len(watch_requests(faults)) >= 5)
        faults.forget()
        await asyncio.sleep(5)
        assert len(watch_requests(faults)) <= 5 * 6


# ------------------------------------------------------------------------------------- its life


async def test_stopping_is_quick_and_leaves_nothing(control_plane, crds_installed, namespace):
    tasks, threads = set(asyncio.all_tasks()), set(threading.enumerate())
    async with Stopwatch() as stopping:
        async with watching(control_plane.kubeconfig, namespaces=(namespace,)) as told:
            await told.ready()
            assert len(set(threading.enumerate()) - threads) == len(watch_names("Watch"))
            stopping.seconds = 0.0
        assert stopping.seconds < 2
    assert set(asyncio.all_tasks()) == tasks
    assert set(threading.enumerate()) <= threads


async def test_stopping_does_not_wait_for_an_api_server_that_is_away(faults, namespace):
    hold = faults.hold(path="", times=None)
    async with Stopwatch() as stopping:
        async with watching(faults.kubeconfig(), namespaces=(namespace,)):
            await hold.reached()
            stopping.seconds = 0.0
        assert stopping.seconds < 2
    hold.release()


async def test_signals_stay_with_the_process(control_plane, crds_installed, namespace):
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, asked.set)
    before = signal.getsignal(signal.SIGTERM)
    async with watching(control_plane.kubeconfig, namespaces=(namespace,)) as told:
        await told.ready()
        assert signal.getsignal(signal.SIGTERM) is before


async def test_many_objects_are_told_in_reasonable_time(control_plane, objects, namespace):
    keys = {objects.subscription(f"invoices-{number}") for number in range(300)}
    async with (
        Stopwatch() as watch,
        watching(control_plane.kubeconfig, namespaces=(namespace,)) as told,
    ):
        await until(lambda: keys <= set(told.woken))
        assert watch.seconds < 5


async def test_connecting_alone_watches_nothing(control_plane, crds_installed):
    before = set(threading.enumerate())
    async with connected(control_plane.kubeconfig) as cluster:
        await cluster.reachable()
        assert set(threading.enumerate()) <= before
