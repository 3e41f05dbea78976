"""The proxy does to exact requests what it is told, and passes on everything else."""

import asyncio
import http.client
import time

import pytest

from tests.cluster.access import Access
from tests.cluster.controlplane import ControlPlane
from tests.cluster.faults_proxy import FaultsProxy
from tests.cluster.kubectl import Kubectl
from tests.cluster.watching import Watch, watching
from tests.cluster.widgets import as_yaml, widget


@pytest.fixture(name="proxied")
def _proxied(faults: FaultsProxy, control_plane: ControlPlane) -> Access:
    return faults.access_of(control_plane.admin)


async def test_kubectl_works_through_it(
    proxied: Access, kubectl: Kubectl, faults: FaultsProxy, widgets: str
) -> None:
    through = kubectl.speaking_as(proxied)
    await through.apply(as_yaml(widget(3)))
    assert (await kubectl.get("widget", "one"))["spec"] == {"size": 3}
    (write,) = faults.writes("/widgets")
    assert (write.method, write.path, write.status) == ("POST", widgets, 201)
    assert write.user_agent.startswith("kubectl/")
    assert b'"size":3' in write.body
    faults.forget()
    assert faults.requests == []


def test_the_next_requests_that_match_get_the_answer(
    proxied: Access, faults: FaultsProxy, widgets: str
) -> None:
    faults.answer(429, method="POST", path="/widgets", times=2, headers={"Retry-After": "1"})
    for _ in range(2):
        assert proxied.request("GET", widgets).ok
        refused = proxied.request("POST", widgets, widget(3))
        assert (refused.status, refused.headers["retry-after"]) == (429, "1")
        assert refused.json()["reason"] == "TooManyRequests"
    assert proxied.request("POST", widgets, widget(3)).status == 201
    assert [it.status for it in faults.writes()] == [429, 429, 201]


def test_a_body_of_the_tests_own_is_answered(proxied: Access, faults: FaultsProxy) -> None:
    faults.answer(200, path="/version$", body={"gitVersion": "v0"}, times=None)
    assert proxied.must("GET", "/version") == {"gitVersion": "v0"}
    assert proxied.must("GET", "/version") == {"gitVersion": "v0"}
    faults.clear()
    assert proxied.must("GET", "/version") != {"gitVersion": "v0"}


def test_an_answer_is_cut_after_the_server_acted(
    proxied: Access, control_plane: ControlPlane, faults: FaultsProxy, widgets: str
) -> None:
    faults.cut(10, method="POST", path="/widgets")
    with pytest.raises((http.client.HTTPException, OSError)):
        proxied.request("POST", widgets, widget(3))
    assert control_plane.admin.request("GET", f"{widgets}/one").ok


def test_a_request_is_cut_before_the_server_sees_it(
    proxied: Access, control_plane: ControlPlane, faults: FaultsProxy, widgets: str
) -> None:
    faults.cut(method="POST", path="/widgets", before_server=True)
    with pytest.raises((http.client.HTTPException, OSError)):
        proxied.request("POST", widgets, widget(3))
    assert control_plane.admin.request("GET", f"{widgets}/one").status == 404
    assert [it.status for it in faults.writes()] == [None]


async def test_a_request_stands_until_it_is_released(
    proxied: Access, kubectl: Kubectl, faults: FaultsProxy, widgets: str
) -> None:
    hold = faults.hold(method="POST", path="/widgets")
    through = kubectl.speaking_as(proxied)
    applying = asyncio.create_task(through.apply(as_yaml(widget(3))))
    await hold.reached()
    assert await kubectl.find("widget", "one") is None
    hold.release()
    await applying
    assert await kubectl.find("widget", "one") is not None


def test_a_delayed_request_arrives(proxied: Access, faults: FaultsProxy) -> None:
    faults.delay(0.3, path="/version")
    before = time.monotonic()
    assert proxied.request("GET", "/version").ok
    assert time.monotonic() - before >= 0.3


async def test_a_watch_passes_at_once_falls_silent_and_speaks_again(
    proxied: Access, faults: FaultsProxy, widgets: str
) -> None:
    start = proxied.must("GET", widgets)["metadata"]["resourceVersion"]
    async with watching(proxied, widgets, start) as watch:
        proxied.must("POST", widgets, widget(1, "one"))
        assert await _name_of_next(watch) == "one"
        mute = faults.mute("watch=true")
        proxied.must("POST", widgets, widget(1, "two"))
        await mute.reached()
        with pytest.raises(TimeoutError):
            await watch.next(within=0.2)
        mute.release()
        assert await _name_of_next(watch) == "two"


async def test_open_watches_are_closed_and_others_stay(
    proxied: Access, faults: FaultsProxy, widgets: str
) -> None:
    start = proxied.must("GET", widgets)["metadata"]["resourceVersion"]
    namespaces = "/api/v1/namespaces"
    async with (
        watching(proxied, widgets, start) as closed,
        watching(proxied, namespaces, start) as staying,
    ):
        faults.close_open("widgets")
        assert await closed.next() is None
        proxied.must("POST", namespaces, {"metadata": {"generateName": "another-"}})
        assert await staying.next() is not None


async def test_an_outage_of_the_server_is_one_through_the_proxy(
    proxied: Access, control_plane: ControlPlane, widgets: str
) -> None:
    start = proxied.must("GET", widgets)["metadata"]["resourceVersion"]
    async with watching(proxied, widgets, start) as watch:
        control_plane.stop_server()
        assert await watch.next() is None
        with pytest.raises((http.client.HTTPException, OSError)):
            proxied.request("GET", "/version")
        control_plane.start_server()
        assert proxied.request("GET", "/version").ok


async def _name_of_next(watch: Watch) -> str:
    event = await watch.next()
    assert event is not None
    return str(event["object"]["metadata"]["name"])
