"""What docs/operations.md says is true: every reason, every command, every setting."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from hookgate.cli import main
from hookgate_gateway.api.bulk_requests import BulkCancelRequest, BulkReplayRequest
from hookgate_gateway.catalogue.key_limits import (
    MAX_BODY_ANNOTATION,
    RATE_ANNOTATION,
    TOLERANCE_ANNOTATION,
)
from hookgate_gateway.observe import RefusedRequest
from hookgate_gateway.settings import SETTINGS
from tests.acceptance.harness import clean_environment
from tests.pages import ROOT, marked
from tests.readme import started, until

BODIES = {"replays": BulkReplayRequest, "deliveries/cancel": BulkCancelRequest}
TEXT = (ROOT / "docs/operations.md").read_text()
PAGE = marked("docs/operations.md", "run")


def test_every_reason_of_a_refusal_is_told():
    assert re.findall(r"^\| `([a-z_]+)` \|", TEXT, re.MULTILINE) == [
        "reason",
        *RefusedRequest,
    ]


def test_every_setting_that_is_named_exists():
    assert set(re.findall(r"HOOKGATE_[A-Z_]+[A-Z]", TEXT)) <= SETTINGS.known()


def test_the_annotations_are_spelt_as_they_are_read():
    named = set(re.findall(r"hookgate\.dev/[a-z-]+", TEXT))
    assert named == {MAX_BODY_ANNOTATION, RATE_ANNOTATION, TOLERANCE_ANNOTATION}


@pytest.mark.parametrize(
    "words", sorted(set(re.findall(r"hookgate ((?:store|gateway) [a-z-]+)", TEXT)))
)
def test_every_command_that_is_named_exists(words, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*words.split(), "--help"])
    assert ended.value.code == 0
    assert words.split()[-1] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("route", "body"), re.findall(r"GATEWAY/v1/([a-z/]+)\" --json '(.*?)'", TEXT, re.DOTALL)
)
def test_every_body_is_one_that_is_understood(route, body):
    assert BODIES[route].model_validate_json(body).filter.subscription == "invoices"


def test_the_backup_of_a_pod_is_the_one_that_is_tried_in_a_pod():
    """tests/install/test_install_page.py runs that block with `kubectl exec`."""
    tried = marked("docs/install.md", "run")["backup"].splitlines()
    shown = PAGE["backup of a pod"].splitlines()
    assert [line for line in tried if line in shown] == shown


def ran(name: str, environment: Mapping[str, str], folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-c", f"set -e\n{PAGE[name]}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.acceptance
def test_the_stores_commands_work_as_they_stand(tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "hookgate").write_text(f'#!/bin/sh\nexec {sys.executable} -m hookgate "$@"\n')
    (programs / "hookgate").chmod(0o755)
    environment = {
        **clean_environment(
            store=f"sqlite:///{tmp_path}/hookgate.db",
            manifests_dir=str(ROOT / "examples/quickstart"),
            listen="127.0.0.1:0",
            metrics_listen="127.0.0.1:0",
            egress_allow="127.0.0.1",
            shutdown_drain_seconds="0",
        ),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    log = tmp_path / "gateway.log"
    with started("exec hookgate gateway", environment, tmp_path, "gateway"):
        until(lambda: "listening" in log.read_text(), "the gateway is up")
        ran("backup", environment, tmp_path)
        checked = ran("check", environment, tmp_path)
        assert re.search(r"[1-9]\d* resources under hookgate\.db\.key", checked)
        assert "all is well" in checked
        assert "are encrypted with the first key" in ran("rotate", environment, tmp_path)
    assert "nothing to do" in ran("upgrade", environment, tmp_path)
    assert len(list((tmp_path / "backups").glob("*.db"))) == 2
