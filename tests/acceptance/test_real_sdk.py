"""The unmodified client code of Skyvern's SDK, and webhooks that its server's own code signed."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.harness import Gateway, arrivals, at, eventually, report, run_id
from tests.acceptance.manifests import API_KEY, source
from tests.acceptance.real_sdk import NEWEST, OLDER, Sdk, SdkError, sdk
from tests.receivers import Receiver

pytestmark = pytest.mark.timeout(400)  # the first test of a version installs it
KEY = "key-of-the-skyvern-server-012345"


@pytest.fixture(name="skyvern", params=[NEWEST, OLDER])
async def _skyvern(idle: Gateway, request: pytest.FixtureRequest) -> AsyncIterator[Sdk]:
    idle.manifests.write("source", source("upstream", KEY))
    await idle.start()
    async with sdk(request.param, idle.url(""), API_KEY) as it:
        yield it


SEED_FILES = [
    {"file_name": "a.pdf", "file_size": 1, "s3_uri": "s3://b/a.pdf", "presigned_url": "https://s3/a"}
]  # fmt: skip
ODD_PAYLOADS: list[dict[str, Any]] = [
    {"output": {"price": 1299.99}, "downloaded_files": SEED_FILES, "step_count": 12},
    {"output": 7, "run_type": "task_of_the_future", "errors": []},
    {"output": None, "created_at": "2026-03-01T10:00:00", "modified_at": "2026-03-01T10:05:23.123456"},
    {"output": ["a"], "run_request": {"navigation_goal": "buy", "url": None}},
]  # fmt: skip


async def test_a_task_from_its_start_to_its_replay(
    idle: Gateway, receiver: Receiver, skyvern: Sdk
) -> None:
    hook = receiver.url("ok200/own")
    run = await skyvern("run_task", prompt="buy milk", url="https://a.example/", webhook_url=hook)
    assert (run["run_type"], run["status"]) == ("task_v1", "created")
    assert run["run_request"]["webhook_url"] == hook
    await idle.accepted(report(run["run_id"], run_type="task_v1"))
    [first] = await arrivals(receiver, 1, "/ok200/own")
    signature = await skyvern("signature", text=first.body.decode(), key=API_KEY)
    assert first.header("x-skyvern-signature") == f"sha256={signature}"
    shown = await skyvern("get_run", run_id=run["run_id"])
    assert (shown["status"], shown["output"]) == ("completed", {"price": 1299.99})
    replayed = await skyvern("retry_run_webhook", run_id=run["run_id"])
    assert replayed["status_code"] == 200
    assert replayed["payload"].encode() == first.body
    elsewhere = receiver.url("ok200/there")
    moved = await skyvern("retry_run_webhook", run_id=run["run_id"], request={"webhook_url": elsewhere})  # fmt: skip
    assert moved["target_webhook_url"] == elsewhere
    assert at(receiver, "/ok200/there")[0].body == first.body


@pytest.mark.parametrize(
    ("engine", "run_type"), [("skyvern-2.0", "task_v2"), ("openai-cua", "openai_cua"), ("ui-tars", "ui_tars")]
)  # fmt: skip
async def test_every_engine(skyvern: Sdk, engine: str, run_type: str) -> None:
    run = await skyvern("run_task", prompt="a", engine=engine)
    assert run["run_type"] == run_type


async def test_a_workflow_lists_and_cancels(
    idle: Gateway, receiver: Receiver, skyvern: Sdk
) -> None:
    hook = receiver.url("ok200/flow")
    flow = await skyvern("run_workflow", workflow_id="wpid_1", parameters={"q": 1}, webhook_url=hook)  # fmt: skip
    assert (flow["run_type"], flow["run_request"]["parameters"]) == ("workflow_run", {"q": 1})
    tasks = [(await skyvern("run_task", prompt=f"p{n}"))["run_id"] for n in range(3)]
    first = await skyvern("get_runs_v2", page=1, page_size=2)
    second = await skyvern("get_runs_v2", page=2, page_size=2)
    assert [r["run_id"] for r in first + second] == [*tasks[::-1], flow["run_id"]]
    assert second[1]["task_run_type"] == "workflow_run"
    assert await skyvern("get_runs_v2", status="completed") == []
    assert len(await skyvern("get_runs_v2", status=["created", "failed"], search_key="p1")) == 1
    await skyvern("cancel_run", run_id=flow["run_id"])
    [sent] = await arrivals(receiver, 1, "/ok200/flow")
    assert json.loads(sent.body)["status"] == "canceled"
    assert (await skyvern("get_run", run_id=flow["run_id"]))["status"] == "canceled"
    many = await skyvern("bulk_cancel_runs", run_ids=[*tasks, "tsk_unknown"])
    assert (many["cancelled"], many["failed"]) == (tasks, ["tsk_unknown"])


async def test_whatever_was_reported_can_be_parsed(idle: Gateway, skyvern: Sdk) -> None:
    for payload in ODD_PAYLOADS:
        name = run_id()
        await idle.accepted(report(name, **payload))
        assert (await skyvern("get_run", run_id=name))["run_id"] == name
    assert len(await skyvern("get_runs_v2")) == len(ODD_PAYLOADS)


async def test_what_it_raises(idle: Gateway, receiver: Receiver, skyvern: Sdk) -> None:
    for call, arguments, status in (
        ("get_run", {"run_id": "tsk_unknown"}, 404),
        ("cancel_run", {"run_id": "tsk_unknown"}, 404),
        ("run_task", {"prompt": "a", "webhook_url": "nowhere"}, 422),
        ("get_runs_v2", {"page_size": 1000}, 422),
        ("retry_run_webhook", {"run_id": "tsk_unknown"}, 404),
    ):
        with pytest.raises(SdkError) as raised:
            await skyvern(call, **arguments)
        assert raised.value.status == status, call


async def test_a_wrong_key_is_told_as_the_real_server_tells_it(idle: Gateway) -> None:
    await idle.start()
    async with sdk(NEWEST, idle.url(""), "no-key-of-anybody-at-all-0123") as stranger:
        assert await stranger("get_version")  # anybody may know
        with pytest.raises(SdkError, match="Invalid credentials") as raised:
            await stranger("get_run", run_id="tsk_1")
    assert raised.value.status == 403


@pytest.mark.parametrize(
    ("version", "zone"),
    [(NEWEST, "UTC"), (NEWEST, "Asia/Kolkata"), (OLDER, "America/New_York")],
)
async def test_webhooks_that_a_real_server_signed(
    idle: Gateway, receiver: Receiver, tmp_path: Path, version: str, zone: str
) -> None:
    """Its timestamp is wrong by the host's offset, and it repeats with identical headers."""
    idle.manifests.write("source", source("upstream", KEY))
    idle.manifests.subscription("hook", receiver.url("switch/hook"))
    await idle.start()
    async with sdk(version, idle.url(""), API_KEY, TZ=zone) as server:
        payload = report(run_id(), output={"price": 10.0, "name": "Käse"})
        made = await server("sign", payload=payload, key=KEY)
    off = abs(int(made["headers"]["x-skyvern-timestamp"]) - time.time())  # noqa: TID251  # a foreign clock beside ours
    assert (off > 3000) == (zone != "UTC")
    headers = {name.replace("-", "_"): value for name, value in made["headers"].items()}
    path = "/v1/ingest/default/upstream"
    replies = [await idle.post(path, made["body"].encode(), key=None, **headers) for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 200]
    assert [reply.json()["duplicate"] for reply in replies] == [False, True, True]
    [request] = await arrivals(receiver, 1)
    assert request.body == made["body"].encode()

    async def delivered() -> bool:
        [item] = await idle.deliveries()
        return bool(item["state"] == "delivered")

    await eventually(delivered)
    assert len(at(receiver)) == 1
