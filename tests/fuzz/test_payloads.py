"""A report's bytes: read or refused, and what is read can be a row, a label, a lane and a log field."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.intake.parse import read_body
from hookgate_gateway.rules.report import MAX_ATTEMPT, MAX_ID_LENGTH, Report, Unreadable
from tests.fuzz.hostile import MARK, SCALARS, damaged_json, json_values, nested

NAMES = ["run_id", "status", "run_type", "attempt", "retry_pending", "run_request"]
NAMES += ["workflow_id", "workflow_permanent_id", "agent_id"]
SOUND = {
    "run_id": "tsk_1",
    "status": "completed",
    "run_type": "task_v2",
    "attempt": 1,
    "retry_pending": False,
    "workflow_id": "wpid_1",
    "run_request": {"workflow_id": "wpid_2"},
}

reports = st.dictionaries(
    st.sampled_from(NAMES), SCALARS | json_values(st.sampled_from(NAMES))
).map(lambda odd: SOUND | odd)


@given(damaged_json(reports))
def test_any_report_is_read_or_refused(body):
    found = read_body(body)
    if isinstance(found, Unreadable):
        assert MARK not in found.msg
        return
    words = (found.run_id, found.run_type, found.status, *found.workflow_ids)
    assert all(0 < len(word) <= MAX_ID_LENGTH for word in words)
    assert all(word.encode() and not _controls(word) for word in words)
    assert 0 <= found.attempt <= MAX_ATTEMPT
    assert type(found.retry_pending) is bool


def _controls(word):
    return [c for c in word if unicodedata.category(c) in ("Cc", "Cs")]


@pytest.mark.parametrize("depth", [100, 900, 1020, 1030, 5000, 400_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_depth_is_read_or_refused(depth, opening, closing):
    deep = nested(depth, opening, closing)
    for text in (deep, f'{{"run_id": "r", "status": "s", "x": {deep}, "y": NaN}}', opening * depth):
        assert isinstance(read_body(text.encode()), Report | Unreadable)


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "text",
    [
        "9" * 4_000_000,
        '{"run_id": ' + "9" * 4_000_000 + "}",
        "[" + "NaN," * 500_000 + "1]",
        '{"run_id": "' + "x" * 4_000_000 + '"}',
        '{"run_id": "' + "\\u0000" * 500_000 + '"}',
        "{" + ",".join(f'"{n}":NaN' for n in range(200_000)) + "}",
    ],
)
def test_megabytes_take_no_longer_than_their_size(text):
    """A quadratic reader would need minutes."""
    assert isinstance(read_body(text.encode()), Unreadable)
