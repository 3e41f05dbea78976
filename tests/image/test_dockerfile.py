"""The Dockerfile: well formed, pinned, and of few rights."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hookgate_gateway.settings import Settings
from tests.image.dockerfile import DOCKERFILE, assignments, stages

STAGES = stages(DOCKERFILE.read_text())
SHIPPED = STAGES[-1]
LABELS = {
    "title",
    "description",
    "source",
    "documentation",
    "licenses",
    "vendor",
    "version",
    "revision",
    "created",
}


def hadolint(text: str) -> subprocess.CompletedProcess[str]:
    """What hadolint says of a Dockerfile; even a matter of style is one."""
    program = Path(sys.executable).with_name("hadolint")
    if not program.exists() and os.environ.get("CI") != "true":
        pytest.skip("no hadolint: `make setup` brings it on Linux and macOS")
    command = [str(program), "--no-color", "--failure-threshold", "style", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def test_a_linter_has_nothing_to_say() -> None:
    said = hadolint(DOCKERFILE.read_text())
    assert (said.returncode, said.stdout) == (0, "")


@pytest.mark.parametrize(
    ("what", "rule"),
    [
        ("FROM python", "DL3006"),
        ("FROM a:1\nRUN pip install x", "DL3013"),
        ("FROM a:1\nENTRYPOINT x", "DL3025"),
    ],
)
def test_which_it_would_have(what: str, rule: str) -> None:
    said = hadolint(what)
    assert said.returncode == 1
    assert rule in said.stdout


def test_all_stages_stand_on_one_python_that_is_pinned_by_digest() -> None:
    (image,) = {each.image for each in STAGES}
    assert re.fullmatch(
        r"docker\.io/library/python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}", image
    )


def test_dependabot_finds_the_image() -> None:
    """It reads FROM, without ARGs: https://github.com/dependabot/dependabot-core/issues/2057."""
    named = re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    assert named.count(SHIPPED.image) == 1
    assert not re.search(r"\$", "".join(named))


def test_only_what_is_locked_or_built_here_is_installed() -> None:
    runs = "\n".join(text for each in STAGES for text in each.all("RUN"))
    installs = re.findall(r"pip (?:--python \S+ )?install (.*?)(?:&&|$)", runs, re.MULTILINE)
    assert len(installs) == 3
    for options in installs:
        assert "--no-deps" in options
        assert "--no-index" in options or "--require-hashes" in options
        assert "--no-index" in options or "--only-binary=:all:" in options
    assert not re.search(r"\b(apt|apt-get|curl|wget|ADD)\b", runs)


def test_what_is_shipped_comes_from_one_folder() -> None:
    assert SHIPPED.all("COPY") == ["--from=environment /opt/hookgate /opt/hookgate"]


def test_it_runs_as_nobody_in_particular() -> None:
    assert SHIPPED.last("USER") == "65532:65532"
    assert [each.word for each in SHIPPED.instructions].index("USER") > [
        each.word for each in SHIPPED.instructions
    ].index("RUN")


def test_the_command_is_a_program_and_not_a_shell() -> None:
    assert json.loads(SHIPPED.last("ENTRYPOINT")) == ["hookgate"]
    assert json.loads(SHIPPED.last("CMD")) == ["--help"]
    assert SHIPPED.last("STOPSIGNAL") == "SIGTERM"


def test_modules_come_from_the_installation_and_nothing_is_written() -> None:
    environment = assignments(" ".join(SHIPPED.all("ENV")))
    assert {name: value for name, value in environment.items() if name != "PATH"} == {
        "HOME": "/nonexistent",
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def test_the_ports_are_those_of_the_settings() -> None:
    defaults = {
        field.default.port
        for name, field in Settings.model_fields.items()
        if name in ("listen", "metrics_listen")
    }
    assert {int(port) for port in SHIPPED.last("EXPOSE").split()} == defaults | {8081}


def test_labels_are_those_of_the_open_container_initiative() -> None:
    labels = assignments(" ".join(SHIPPED.all("LABEL")))
    assert {f"org.opencontainers.image.{name}" for name in LABELS} == labels.keys()
    arguments = assignments(" ".join(SHIPPED.all("ARG")))
    assert arguments.keys() == {"VERSION", "REVISION", "CREATED"}
    assert labels["org.opencontainers.image.version"] == "${VERSION}"
