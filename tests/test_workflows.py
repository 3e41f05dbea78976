"""The CI of a checkout: what runs is pinned, and the clusters are the versions that are supported."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("action", sorted({step["uses"] for step in STEPS if "uses" in step}))
def test_actions_are_pinned_by_commit(action):
    assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)


def test_clusters_are_pinned_and_of_the_supported_versions():
    matrix = WORKFLOW["jobs"]["kind"]["strategy"]["matrix"]["include"]
    pinned = r"kindest/node:v{}\.\d+@sha256:[0-9a-f]{{64}}"
    for each in matrix:
        assert re.fullmatch(pinned.format(re.escape(each["kubernetes"])), each["image"])
    supported = {folder.name for folder in (ROOT / "tests/cluster/provision/versions").iterdir()}
    assert {each["kubernetes"] for each in matrix} == supported


def test_nothing_may_be_written_and_no_secret_is_used():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert "secrets." not in (ROOT / ".github/workflows/ci.yml").read_text()


def test_the_words_that_are_run_exist():
    words = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    runs = "\n".join(step["run"] for step in STEPS if "run" in step)
    assert set(re.findall(r"^make (\w+)", runs, re.MULTILINE)) <= set(words)
    for program in re.findall(r"^(\.ci/\w+)", runs, re.MULTILINE):
        assert (ROOT / program).stat().st_mode & 0o100
