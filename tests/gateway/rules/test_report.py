"""What is read from a payload, what is let through, what is refused and why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate.payloads import RunStatus
from hookgate_gateway.rules.report import MAX_ATTEMPT, Report, Unreadable, read_report

MINIMAL = {"run_id": "tsk_1", "status": "completed"}


def test_a_run_id_and_a_status_are_enough():
    expected = Report(run_id="tsk_1", run_type="task_v1", status="completed")
    assert read_report(MINIMAL) == expected


def test_everything_that_routes_is_read():
    document = {
        "run_id": "wr_1",
        "run_type": "workflow_run",
        "status": "failed",
        "attempt": 2,
        "retry_pending": True,
        "workflow_id": "w_1",
        "workflow_permanent_id": "wpid_1",
        "agent_id": "agt_1",
        "run_request": {"workflow_id": "wpid_9"},
        "output": [1, None],
    }
    assert read_report(document) == Report(
        run_id="wr_1",
        run_type="workflow_run",
        status="failed",
        attempt=2,
        retry_pending=True,
        workflow_ids=("w_1", "wpid_1", "agt_1", "wpid_9"),
    )


@pytest.mark.parametrize(
    ("document", "loc", "kind"),
    [
        (None, (), "dict_type"),
        ([MINIMAL], (), "dict_type"),
        ("completed", (), "dict_type"),
        (1.5, (), "dict_type"),
        ({}, ("run_id",), "missing"),
        ({"status": "completed"}, ("run_id",), "missing"),
        ({"run_id": None, "status": "completed"}, ("run_id",), "missing"),
        ({"run_id": "", "status": "completed"}, ("run_id",), "string_too_short"),
        ({"run_id": 7, "status": "completed"}, ("run_id",), "string_type"),
        ({"run_id": ["a"], "status": "completed"}, ("run_id",), "string_type"),
        ({"run_id": "a" * 513, "status": "completed"}, ("run_id",), "string_too_long"),
        ({"run_id": "a\nb", "status": "completed"}, ("run_id",), "string_characters"),
        ({"run_id": "a\0", "status": "completed"}, ("run_id",), "string_characters"),
        ({"run_id": "a\x7f", "status": "completed"}, ("run_id",), "string_characters"),
        ({"run_id": "a\ud800", "status": "completed"}, ("run_id",), "string_characters"),
        ({"run_id": "a"}, ("status",), "missing"),
        ({"run_id": "a", "status": None}, ("status",), "missing"),
        ({"run_id": "a", "status": True}, ("status",), "string_type"),
        ({"run_id": "a", "status": "s" * 129}, ("status",), "string_too_long"),
        (MINIMAL | {"run_type": 1}, ("run_type",), "string_type"),
        (MINIMAL | {"run_type": ""}, ("run_type",), "string_too_short"),
        (MINIMAL | {"run_type": "t" * 129}, ("run_type",), "string_too_long"),
    ],
)
def test_what_is_no_report_is_told_by_place_and_reason(document, loc, kind):
    refused = read_report(document)
    assert isinstance(refused, Unreadable)
    assert (refused.loc, refused.type) == (loc, kind)
    assert refused.msg


@pytest.mark.parametrize(
    "run_id", ["a" * 512, "a b", "läuft-\u2603", "\U0001f600", "a\u00a0b", "a\u200b", "../../etc"]
)
def test_run_ids_are_anything_that_can_be_stored_and_shown(run_id):
    report = read_report({"run_id": run_id, "status": "completed"})
    assert isinstance(report, Report)
    assert report.run_id == run_id


@pytest.mark.parametrize("run_type", [{}, {"run_type": None}])
def test_a_missing_run_type_is_task_v1(run_type):
    assert read_report(MINIMAL | run_type).run_type == "task_v1"


def test_words_nobody_knows_yet_are_let_through_and_end_nothing():
    report = read_report({"run_id": "a", "status": "dreaming", "run_type": "task_v9"})
    assert (report.status, report.run_type, report.final) == ("dreaming", "task_v9", False)


@pytest.mark.parametrize(
    ("attempt", "read"),
    [
        (0, 0),
        (3, 3),
        (MAX_ATTEMPT, MAX_ATTEMPT),
        (MAX_ATTEMPT + 1, 0),
        (10**400, 0),
        (-1, 0),
        (True, 0),
        (1.0, 0),
        ("1", 0),
        (None, 0),
    ],
)
def test_an_attempt_is_a_whole_number_or_not_there(attempt, read):
    assert read_report(MINIMAL | {"attempt": attempt}).attempt == read


@pytest.mark.parametrize(
    ("value", "pending"), [(True, True), (False, False), (None, False), (1, False), ("true", False)]
)
def test_only_true_says_that_a_run_will_be_tried_again(value, pending):
    report = read_report(MINIMAL | {"retry_pending": value})
    assert report.retry_pending is pending
    assert report.final is not pending


@pytest.mark.parametrize(
    ("fields", "ids"),
    [
        ({}, ()),
        ({"workflow_id": None, "run_request": None}, ()),
        ({"workflow_id": "", "agent_id": 7, "run_request": []}, ()),
        ({"workflow_id": "w", "agent_id": "w"}, ("w",)),
        ({"workflow_permanent_id": "p\n", "run_request": {"workflow_id": "w"}}, ("w",)),
        ({"workflow_id": "w" * 513, "run_request": {"workflow_id": ["w"]}}, ()),
        ({"run_request": {"workflow_id": "z"}, "workflow_permanent_id": "a"}, ("a", "z")),
    ],
)
def test_workflow_ids_as_far_as_present(fields, ids):
    assert read_report(MINIMAL | fields).workflow_ids == ids


@pytest.mark.parametrize("status", RunStatus)
def test_what_ends_a_run(status):
    interim = {RunStatus.CREATED, RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.PAUSED}
    assert read_report({"run_id": "a", "status": status.value}).final is (status not in interim)


words = st.sampled_from(
    ["run_id", "status", "run_type", "attempt", "retry_pending", "workflow_id", "run_request"]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.text(), inner),
    max_leaves=8,
)


@given(json_values | st.dictionaries(words, json_values))
def test_any_document_is_read_or_refused(document):
    read = read_report(document)
    assert isinstance(read, Report | Unreadable)
    if isinstance(read, Report):
        for text in (read.run_id, read.status, read.run_type, *read.workflow_ids):
            assert 0 < len(text) <= 512
            assert text.encode()
            assert "\n" not in text
        assert 0 <= read.attempt <= MAX_ATTEMPT
