"""The real command: what it shows, and that it does not claim what it did not see."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hookgate_gateway.dev.workbench import QUICKSTART
from tests.acceptance.harness import children

pytestmark = pytest.mark.acceptance


def dev(*arguments, cwd):
    return subprocess.run(
        [sys.executable, "-m", "hookgate", "dev", "--once", *arguments],
        cwd=cwd,
        env={**os.environ, "HOOKGATE_LISTEN": "nonsense that must not matter"},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(QUICKSTART, tmp_path / "mine")
    return tmp_path / "mine"


def test_the_whole_story_is_seen_and_leaves_nothing_behind(tmp_path):
    done = dev(cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "the task's own webhook arrived, its signature verified",
        "the workflow run's own webhook arrived, its signature verified",
        "subscription every-run has it",
        "tried until it worked: 503, 503, 200",
        "with the very bytes of the first time",
        "hookgate_webhooks_delivered_total",
        "HOOKGATE_EGRESS_ALLOW=127.0.0.1",
        "All of it was really seen.",
    ):
        assert words in done.stdout
    assert "\x1b" not in done.stdout  # a pipe is no terminal
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_a_broken_example_says_what_to_mend(folder, tmp_path):
    file = folder / "every-run.yaml"
    file.write_text(file.read_text().replace("endpoint:", "endpiont:"))
    done = dev("--manifests", str(folder), cwd=tmp_path)
    assert done.returncode == 1
    assert "every-run.yaml: WebhookSubscription default/every-run" in done.stdout
    assert "endpiont" in done.stdout


def test_what_does_not_arrive_is_told_and_fails(folder, tmp_path):
    file = folder / "flaky.yaml"
    file.write_text(
        file.read_text().replace("retryDelaysSeconds: [1, 1, 2]", "retryDelaysSeconds: []")
    )
    done = dev("--manifests", str(folder), cwd=tmp_path)
    assert done.returncode == 1
    assert "not seen: subscription flaky has it" in done.stdout
    assert "All of it was really seen." not in done.stdout


def test_a_killed_story_leaves_no_gateway_behind(tmp_path):
    with (tmp_path / "said").open("wb") as said:
        story = subprocess.Popen(
            [sys.executable, "-m", "hookgate", "dev"], cwd=tmp_path, stdout=said, stderr=said
        )
    try:
        family = until(lambda: len(found := children(story.pid)) > 1 and found)  # and its writer
    finally:
        story.kill()
        story.wait(10)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family))


def until(question):
    deadline = time.monotonic() + 60
    while not (answer := question()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return answer
