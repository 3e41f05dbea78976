"""The workflows of a checkout: what runs is pinned and has few rights, and the clusters are the supported versions."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
TEXTS = {file.name: file.read_text() for file in FILES}
WORKFLOWS = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
JOBS = {
    f"{name}/{job}": content
    for name, workflow in WORKFLOWS.items()
    for job, content in workflow["jobs"].items()
}
STEPS = [step for job in JOBS.values() for step in job.get("steps", ())]
ITSELF = re.compile(r"\./\.github/workflows/[\w-]+\.yml")
"""A workflow of the same commit, which no pin could name."""

texts = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
clusters = pytest.mark.parametrize("job", ["ci.yml/kind", "image.yml/installed"])


def events(name):
    """What starts a workflow. YAML of 1.1 reads the key `on` as true."""
    return set(WORKFLOWS[name][True])


def shell_of(name, step):
    """How GitHub runs a step: only bash that is named minds the whole of a pipe."""
    told = step.get("shell", WORKFLOWS[name].get("defaults", {}).get("run", {}).get("shell"))
    return {
        None: ["bash", "-e"],
        "bash": ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail"],
    }[told]


def program(folder, name, script):
    """A program in the place of one that would reach a registry."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o700)


@pytest.mark.skipif(
    not (shutil.which("go") or os.environ.get("CI")),
    reason="actionlint is built with Go: install it from 1.25 on",
)
def test_actionlint_has_nothing_to_say():
    said = subprocess.run(
        ["go", "tool", "actionlint", "-no-color", "-shellcheck=", "-pyflakes=", *FILES],
        cwd=ROOT / "tests/workflows",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stdout) == (0, ""), said.stderr


@texts
def test_actions_are_pinned_by_commit_and_named_by_version(text):
    used = re.findall(r"uses: (.*)", text)
    assert used
    for action in used:
        if ITSELF.fullmatch(action):
            continue
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_an_action_has_one_version_everywhere():
    used = {action for text in TEXTS.values() for action in re.findall(r"uses: (\S+)", text)}
    names = [action.partition("@")[0] for action in used]
    assert len(names) == len(set(names))


@clusters
def test_clusters_are_pinned_and_of_the_supported_versions(job):
    matrix = JOBS[job]["strategy"]["matrix"]["include"]
    pinned = r"kindest/node:v{}\.\d+@sha256:[0-9a-f]{{64}}"
    for each in matrix:
        assert re.fullmatch(pinned.format(re.escape(each["kubernetes"])), each["image"])
    supported = {folder.name for folder in (ROOT / "tests/cluster/provision/versions").iterdir()}
    assert {each["kubernetes"] for each in matrix} == supported


@pytest.mark.parametrize("name", WORKFLOWS)
def test_by_default_nothing_may_be_written(name):
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    for step in STEPS:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_only_what_publishes_may_write_and_it_does_not_run_for_strangers():
    rights = {name: job["permissions"] for name, job in JOBS.items() if "permissions" in job}
    assert rights == {
        "image.yml/published": {"contents": "read", "packages": "write", "id-token": "write"}
    }
    assert JOBS["image.yml/published"]["if"] == "github.event_name == 'push'"


def test_nothing_is_published_that_the_suite_did_not_pass_on():
    """`needs` waits for success alone: a job that failed, or was cancelled, publishes nothing."""
    published = JOBS["image.yml/published"]
    assert "tested" in published["needs"]
    assert "installed" in published["needs"]
    assert not re.search(r"always|failure|cancelled", published["if"])
    tested = JOBS["image.yml/tested"]
    assert tested["uses"] == "./.github/workflows/ci.yml"
    assert tested["if"] == published["if"]
    assert {"everything", "kind"} <= WORKFLOWS["ci.yml"]["jobs"].keys()


@pytest.mark.parametrize("event", ["push", "pull_request"])
def test_the_suite_runs_once_for_each_event(event):
    """By ci.yml's own events, or by the caller's; both would be a run too many."""
    by_itself = event in events("ci.yml")
    called = event in events("image.yml") and event == "push"
    assert by_itself != called
    assert "workflow_call" in events("ci.yml")


def test_a_called_workflow_does_not_wait_for_its_caller():
    """`github.workflow` is the caller's name there: equal groups would be a deadlock."""
    group = WORKFLOWS["ci.yml"]["concurrency"]["group"]
    assert "github.workflow" not in group
    assert not group.startswith(WORKFLOWS["image.yml"]["name"])


@pytest.mark.parametrize("helm", ["refused", "says nothing"])
def test_a_chart_that_was_not_pushed_ends_the_publication(helm, tmp_path):
    """The step itself, in the shell that runs it, with a helm that fails, or names no digest."""
    (step,) = (each for each in STEPS if each.get("name") == "Publish the chart and sign it")
    push = {"refused": "echo Digest: sha256:0; exit 1", "says nothing": "exit 0"}[helm]
    program(tmp_path, "helm", f'[ "$1" = package ] || {{ {push}; }}')
    program(tmp_path, "cosign", f'touch "{tmp_path}/signed"')
    done = subprocess.run(
        [*shell_of("image.yml", step), "-c", step["run"]],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "RUNNER_TEMP": tmp_path, "CHARTS": "x"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode != 0, done.stdout
    assert not (tmp_path / "signed").exists()


def test_no_secret_is_used_but_the_token_that_publishes():
    assert "secrets." not in TEXTS["ci.yml"]
    assert re.findall(r"secrets\.(\w+)", TEXTS["image.yml"]) == ["GITHUB_TOKEN"]


def test_nothing_that_others_write_is_put_into_a_script():
    """Values come through the environment, where the shell takes them for what they are."""
    for step in STEPS:
        assert "${{" not in step.get("run", "")


def test_both_platforms_are_built_with_what_tells_of_their_making():
    (published,) = (
        step["with"]
        for step in JOBS["image.yml/published"]["steps"]
        if step.get("uses", "").startswith("docker/build-push-action@")
    )
    assert published["platforms"] == "linux/amd64,linux/arm64"
    assert published["provenance"] == "mode=max"
    assert published["sbom"] is True
    given = set(re.findall(r"^(\w+)=", published["build-args"], re.MULTILINE))
    declared = set(re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert given == declared


def test_what_is_pinned_outside_of_locks_is_kept_up_to_date():
    told = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    assert {each["package-ecosystem"] for each in told} == {"docker", "github-actions"}


def test_the_words_that_are_run_exist():
    words = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    runs = "\n".join(step["run"] for step in STEPS if "run" in step)
    assert set(re.findall(r"^make (\w+)", runs, re.MULTILINE)) <= set(words)
    for program in re.findall(r"^(\.ci/\w+)", runs, re.MULTILINE):
        assert (ROOT / program).stat().st_mode & 0o100
    for tests in re.findall(r"\b(tests/\S+\.py)", runs):
        assert (ROOT / tests).exists()
