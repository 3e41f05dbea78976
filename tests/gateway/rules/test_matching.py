"""Which events a subscription gets, with the reasons against."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookgate_gateway.rules.delivery import RunId
from hookgate_gateway.rules.matching import Match, MatchRule, Mismatch, judge, matches
from hookgate_gateway.rules.report import Report


def report(run_type="task_v2", status="completed", *, retry=False, ids=()):
    return Report(
        run_id=RunId("tsk_1"),
        run_type=run_type,
        status=status,
        retry_pending=retry,
        workflow_ids=tuple(ids),
    )


@pytest.mark.parametrize(
    ("rule", "event", "reasons"),
    [
        (MatchRule(), report(), ()),
        (MatchRule(), report("of tomorrow"), ()),
        (MatchRule(), report(status="running"), ("the report is not final (running), and interim is not asked for",)),
        (MatchRule(), report(retry=True), ("the report is not final (completed, to be tried again), and interim is not asked for",)),
        (MatchRule(interim=True), report(status="running"), ()),
        (MatchRule(interim=True), report(), ()),
        (MatchRule(run_types=frozenset({"task_v1", "task_v2"})), report(), ()),
        (MatchRule(run_types=frozenset({"task_v1", "task_v3"})), report(), ("run type task_v2 is not among task_v1, task_v3",)),
        (MatchRule(statuses=frozenset({"completed"})), report(), ()),
        (MatchRule(statuses=frozenset({"failed"})), report(), ("status completed is not among failed",)),
        (MatchRule(workflow_ids=("wpid_*",)), report(ids=["w_1", "wpid_1"]), ()),
        (MatchRule(workflow_ids=("wpid_*",)), report(ids=["w_1"]), ("workflow ids: of w_1 none matches wpid_*",)),
        (MatchRule(workflow_ids=("wpid_*",)), report(), ("workflow ids: nothing matches wpid_*",)),
        (
            MatchRule(run_types=frozenset({"task_v1"}), statuses=frozenset({"failed"})),
            report(),
            ("run type task_v2 is not among task_v1", "status completed is not among failed"),
        ),
    ],
)  # fmt: skip
def test_verdicts(rule, event, reasons):
    assert judge(rule, event) == (Mismatch(reasons) if reasons else Match())
    assert matches(rule, event) is not bool(reasons)


WORDS = st.sampled_from(["completed", "failed", "running", "task_v1", "task_v2", "w1", "w2", "odd"])
RULES = st.builds(
    MatchRule,
    st.frozensets(WORDS, max_size=2),
    st.frozensets(WORDS, max_size=2),
    st.lists(st.sampled_from(["w1", "w2", "w*", "?1", "w?*", "x", "*"]), max_size=2).map(tuple),
    st.booleans(),
)
REPORTS = st.builds(
    report,
    WORDS,
    WORDS,
    retry=st.booleans(),
    ids=st.lists(WORDS | st.sampled_from(["x", "w" * 1025]), max_size=2),
)


@given(RULES, REPORTS)
def test_the_quick_answer_is_the_explained_one(rule, event):
    assert matches(rule, event) is isinstance(judge(rule, event), Match)
