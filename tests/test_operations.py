"""What docs/operations.md says is true: every reason, every command, every setting."""

import re
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

BODIES = {"replays": BulkReplayRequest, "deliveries/cancel": BulkCancelRequest}
TEXT = (Path(__file__).parent.parent / "docs/operations.md").read_text()


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
