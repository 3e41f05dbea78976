"""The closed set of a replay's reasons, and how conditions of any kind are read and moved on."""

import re
from pathlib import Path

import pytest

from hookgate_operator.conditions import (
    Former,
    announcements,
    conditions,
    former_conditions,
    is_true,
    shortened,
    timestamp,
)
from hookgate_operator.replays.conditions import COMPLETE, FAILED, REASONS, Reason, ReplayState
from tests.controlplane.replays.given import NOW, at

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "conditions.md"


def rows():
    """(heading, cells) of each row of the page's tables about replays."""
    heading = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            heading = line[3:]
        elif line.startswith("| `") and heading.startswith("WebhookReplay: "):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            yield heading.removeprefix("WebhookReplay: "), cells


def test_the_page_has_every_reason_and_no_other():
    told = {(kind, c[0].strip("`"), c[1], c[2] or None) for kind, c in rows()}
    assert told == {
        (kind, reason.value, row.status, row.announced)
        for kind, reasons in REASONS.items()
        for reason, row in reasons.items()
    }


def test_every_reason_is_used_and_well_formed():
    assert {reason for reasons in REASONS.values() for reason in reasons} == set(Reason)
    assert all(re.fullmatch(r"([A-Z][a-z]+)+", reason) for reason in Reason)


@pytest.mark.parametrize(
    "status",
    [{}, {"conditions": None}, {"conditions": "Complete"}, {"conditions": [None, {"type": "x"}]}],
)
def test_what_cannot_be_read_was_not_said(status):
    assert former_conditions(status) == {}


def test_what_was_said():
    listed = [{"type": "Complete", "status": "True", "reason": "Completed"}]
    former = former_conditions({"conditions": listed})
    assert former == {"Complete": Former("True", "Completed", "", "")}
    assert (is_true(former, COMPLETE), is_true(former, FAILED)) == (True, False)


@pytest.mark.parametrize(
    ("status", "since", "expected"),
    [("False", -60, at(-60)), ("True", -60, at(0)), (None, 0, at(0))],
)
def test_the_time_of_a_condition_moves_on_only_with_its_status(status, since, expected):
    former = {COMPLETE: Former(status, "Suspended", "", at(since))} if status else {}
    state = ReplayState(COMPLETE, Reason.RUNNING, "x" * 9000)
    (made,) = conditions([state], former, generation=4, now=timestamp(NOW))
    assert (made["lastTransitionTime"], made["observedGeneration"]) == (expected, 4)
    assert (made["status"], made["reason"], len(made["message"])) == ("False", "Running", 4096)


def test_a_time_that_was_left_out_is_now():
    former = {COMPLETE: Former("False", "Running", "", "")}
    state = ReplayState(COMPLETE, Reason.RUNNING, "")
    (made,) = conditions([state], former, generation=1, now=at(0))
    assert made["lastTransitionTime"] == at(0)


@pytest.mark.parametrize(
    ("reason", "former", "count"),
    [
        (Reason.RUNNING, {}, 1),
        (Reason.RUNNING, {COMPLETE: Former("False", "Running", "", "")}, 0),
        (Reason.RUNNING, {COMPLETE: Former("False", "Suspended", "", "")}, 1),
        (Reason.SUBSCRIPTION_NOT_READY, {}, 0),
    ],
)
def test_a_reason_is_announced_once(reason, former, count):
    made = announcements([ReplayState(COMPLETE, reason, "y" * 2000)], former)
    assert [len(each.message) for each in made] == [1024] * count


def test_shortened():
    assert (shortened("abcd", 4), shortened("abcde", 4)) == ("abcd", "abc…")
