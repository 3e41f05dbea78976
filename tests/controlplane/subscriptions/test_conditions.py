"""The closed set of reasons, and how conditions move on."""

import re
from pathlib import Path

import pytest

from hookgate.resources.status import Condition
from hookgate_operator.conditions import (
    Former,
    announcements,
    conditions,
    former_conditions,
    shortened,
)
from hookgate_operator.keys.plan import KeyReason
from hookgate_operator.subscriptions.conditions import (
    DELIVERING,
    READY,
    REASONS,
    SECRETS_RESOLVED,
    Reason,
    State,
)

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "conditions.md"
NOW = "2026-03-01T12:00:00Z"
THEN = "2026-03-01T10:00:00Z"


def rows():
    """(heading, cells) of each row of the page's tables."""
    heading = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("## "):
            heading = line[3:]
        elif line.startswith("| `"):
            yield heading, [cell.strip() for cell in line.strip("|").split("|")]


def test_the_page_has_every_reason_and_no_other():
    told = {
        (heading, cells[0].strip("`"), cells[1], cells[2] or None)
        for heading, cells in rows()
        if heading in REASONS
    }
    assert told == {
        (condition, reason.value, row.status, row.announced)
        for condition, reasons in REASONS.items()
        for reason, row in reasons.items()
    }


def test_the_page_says_of_each_what_it_means_and_what_to_do():
    assert all(cell.endswith(".") for _, cells in rows() for cell in cells[-2:])


def test_the_page_has_every_reason_of_key_secrets():
    told = {c[0].strip("`") for h, c in rows() if h == "Secrets of API keys and sources"}
    assert told == set(KeyReason)


def test_every_reason_is_used_and_is_a_word_that_kubernetes_takes():
    used = {reason for reasons in REASONS.values() for reason in reasons}
    assert used == set(Reason)
    assert all(re.fullmatch("[A-Z][A-Za-z]+", reason) for reason in used)


@pytest.mark.parametrize(
    ("before", "since"),
    [
        (None, NOW),
        (Former("False", "InvalidSpec", "", THEN), NOW),
        (Former("Unknown", "Ready", "", THEN), NOW),
        (Former("True", "Suspended", "", THEN), THEN),
        (Former("True", "Ready", "", THEN), THEN),
        (Former("True", "Ready", "", ""), NOW),
    ],
)
def test_the_time_moves_on_only_with_the_status(before, since):
    former = {READY: before} if before else {}
    (condition,) = conditions([State(READY, Reason.READY, "fine")], former, generation=7, now=NOW)
    assert condition == {
        "type": "Ready",
        "status": "True",
        "observedGeneration": 7,
        "lastTransitionTime": since,
        "reason": "Ready",
        "message": "fine",
    }
    Condition.model_validate(condition)


@pytest.mark.parametrize(
    ("state", "before", "announced"),
    [
        (State(READY, Reason.READY, "m"), None, [("Normal", "Ready")]),
        (State(READY, Reason.READY, "m"), "Ready", []),
        (State(READY, Reason.READY, "m"), "Suspended", [("Normal", "Ready")]),
        (State(READY, Reason.INVALID_SPEC, "m"), "Ready", [("Warning", "InvalidSpec")]),
        (State(READY, Reason.SECRETS_UNRESOLVED, "m"), "Ready", []),
        (State(SECRETS_RESOLVED, Reason.RESOLVED, "m"), None, []),
        (
            State(SECRETS_RESOLVED, Reason.VALUE_REFUSED, "m"),
            "SecretNotFound",
            [("Warning", "ValueRefused")],
        ),
        (State(DELIVERING, Reason.FAILING, "m"), "Delivering", [("Warning", "Failing")]),
        (State(DELIVERING, Reason.HELD, "m"), "Delivering", []),
    ],
)
def test_a_reason_is_announced_when_it_comes_up(state, before, announced):
    former = {state.type: Former("True", before, "", THEN)} if before else {}
    assert [(a.type, a.reason) for a in announcements([state], former)] == announced


def test_what_is_announced_is_short():
    (told,) = announcements([State(READY, Reason.INVALID_SPEC, "x" * 5000)], {})
    assert len(told.message) == 1024
    assert shortened("abc", 3) == "abc"
    assert shortened("abcd", 3) == "ab…"


@pytest.mark.parametrize(
    ("status", "read"),
    [
        ({}, {}),
        ({"conditions": "none"}, {}),
        (
            {"conditions": ["x", {"type": "Ready"}, {"type": "Ready", "status": 1, "reason": "x"}]},
            {},
        ),
        (
            {"conditions": [{"type": "Ready", "status": "True", "reason": "Ready"}]},
            {"Ready": Former("True", "Ready", "", "")},
        ),
        (
            {
                "conditions": [
                    {
                        "type": "Other",
                        "status": "False",
                        "reason": "R",
                        "message": "m",
                        "lastTransitionTime": THEN,
                        "more": 1,
                    }
                ]
            },
            {"Other": Former("False", "R", "m", THEN)},
        ),
    ],
)
def test_an_objects_own_conditions_are_read_whoever_wrote_them(status, read):
    assert former_conditions(status) == read
